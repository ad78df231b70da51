"""What generating a portal may take from others: one that is not there yet is waited for, so it gets time on a busy machine, too."""

import os
import sys
from pathlib import Path

import pytest

from portal import generation
from portal.generation import Generator
from stringx_dataops.contract.settings import read_settings

# Stands where dbt would, and ends well if it has the priority that it is told: its niceness and, once that is given, its policy.
PROGRAM = f"""#!{sys.executable} -P
import os, time
nice, policy = (int(word) for word in os.environ["EXPECTED"].split())
until = time.monotonic() + 60
while os.sched_getscheduler(0) != policy and time.monotonic() < until:
    time.sleep(0.01)
raise SystemExit((os.nice(0), os.sched_getscheduler(0)) != (nice, policy))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have niceness alone")
@pytest.mark.parametrize(("is_new", "nice", "policy"), [(True, 10, os.SCHED_OTHER), (False, 19, os.SCHED_IDLE)])
def test_only_a_new_portal_takes_time_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_new: bool, nice: int, policy: int
) -> None:
    program = tmp_path / "program"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setattr(generation, "dbt_executable", lambda: str(program))
    generator = Generator(read_settings({"STRINGX_HOME": str(tmp_path)}))
    expected = {"EXPECTED": f"{min(19, os.nice(0) + nice)} {policy}"}
    assert generator._dbt(tmp_path, tmp_path, expected, is_new=is_new)
    assert not generator._dbt(tmp_path, tmp_path, {"EXPECTED": f"-5 {policy}"}, is_new=is_new), "the program does look"
