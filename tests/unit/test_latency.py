"""The benchmark of one check alone: how time stamps become steps, and that processes leave them."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.latency import marks, path
from stringx_dataops.contract.settings import ROOT

ENCODED = """
from api.engine import protocol
protocol.encode(protocol.Loaded(fault=None))
"""


def stamps(*given: tuple[int, int, int, str]) -> str:
    """(millisecond, processor's millisecond, process, name), one thread per process."""
    return "".join(
        f"{at * 10**6} {used * 10**6} {5 * 10**5 if name == 'claim>' else 0} {pid} 1 {name}\n" for at, used, pid, name in given
    )


def test_steps_lead_from_the_client_over_all_processes_and_back(tmp_path: Path) -> None:
    file = tmp_path / "marks"
    file.write_text(
        stamps((9, 0, 1, "wake<"), (11, 1, 1, "receive<"), (12, 2, 1, "thread<"), (13, 2, 1, "flask<"), (14, 0, 3, "claim<"), (15, 1, 3, "claim>"),
               (17, 0, 2, "wake<"), (18, 0, 2, "claim<"), (21, 2, 2, "claim>"), (22, 2, 2, "child<"), (24, 0, 4, "request>"), (25, 1, 4, "run<"), (30, 5, 4, "run>"),
               (31, 2, 2, "child>"), (33, 3, 1, "send>"), (99, 0, 1, "send>"))
    )  # fmt: skip
    known = path.read(file)
    found = path.steps(known, began=10 * 10**6, ended=34 * 10**6)
    assert [(step.label, step.wall) for step in found] == [
        ("the request reaches the service", 1), ("request read, handed to a thread", 1), ("head parsed", 1),
        ("check stored: insert and commit; notification to the worker", 4), ("a thread of the worker wakes", 1), ("claim: update and commit", 3),
        ("specification built, watchdog started", 1), ("pipe to the child", 2), ("dbt's run ends", 6), ("pipe back to the worker", 1),
        ("answer sent", 2), ("the answer reaches the client", 1),
    ]  # fmt: skip
    assert sum(step.wall for step in found) == 24  # nothing is lost between two steps
    claimed = next(step for step in found if step.label.startswith("claim"))
    assert (claimed.processor, claimed.served) == (2, 0.5)
    assert next(step for step in found if step.label.startswith("pipe to")).processor is None  # another process
    assert path.medians([found, found]) == found


def test_a_process_with_the_hook_leaves_marks_and_one_without_does_not(tmp_path: Path) -> None:
    file = tmp_path / "marks"
    hook = marks.hook(tmp_path / "hook", file)
    for folders in ([str(ROOT)], [str(hook), str(ROOT)]):
        assert not file.exists()
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(folders), "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run([sys.executable, "-P", "-c", ENCODED], env=environment, check=True, timeout=300)
    assert [line.split()[-1] for line in file.read_text().splitlines()] == ["encode<", "encode>"]
