"""The gate test as a command: by hand, and as the executable of dbt."""

import json
import subprocess
from pathlib import Path

from api.engine import command
from api.engine.outcome import outcome_of
from tests.support.databases import Target
from tests.support.engine import PROJECT, SHOP, Engine, gate, rule
from tests.support.projects import copy_with


def test_the_same_check_by_hand_has_the_same_outcome(engine: Engine, target: Target, tmp_path: Path) -> None:
    target.execute(SHOP)
    spec = gate("orders", rule("a", "not_null", "price"), rule("q", "accepted_values", "status", values=["it's", '{{ 1 }}"']))
    line = command.by_hand(PROJECT, spec, tmp_path / "hand", target.environment())
    assert target.password not in line
    done = subprocess.run(
        ["/usr/bin/env", "-i", f"DBT_ENV_SECRET_TARGET_PASSWORD={target.password}", "/bin/bash", "-c", line],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr  # the verdict is fail
    by_hand = json.loads((tmp_path / "hand" / "run_results.json").read_text())["results"][0]["adapter_response"]["_message"]
    assert json.loads(by_hand)["tables"] == [engine.outcome(target, spec)]


def test_a_project_without_the_materialization_never_passes(target: Target, tmp_path: Path) -> None:
    target.execute("create table t (a integer); insert into t values (1)")
    folder = copy_with(["not_null"], tmp_path / "project")
    (folder / "macros" / "gate" / "materialization.sql").unlink()
    project = command.DbtProject(folder, folder)
    answer = command.Executable(project).run(gate("t", rule("a", "not_null", "a")), tmp_path / "run", target.environment(), 90)
    assert outcome_of(answer) is None
    assert answer.message == "Got 1 result, configured to fail if != 0", "the test fails by itself, too"
