"""The gate test as a command: by hand, and as the executable of dbt."""

import json
import shutil
import subprocess
from pathlib import Path

from api.engine import command
from api.engine.outcome import outcome_of
from tests.support.databases import Target
from tests.support.engine import PROJECT, SHOP, Engine, gate, rule


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


def test_vars_that_are_too_long_for_a_shell_are_carried_by_a_project(engine: Engine, target: Target, tmp_path: Path) -> None:
    target.execute(SHOP)
    values = [f"value {number:06}" for number in range(10_000)]
    spec = gate("orders", rule("a", "accepted_values", "status", values=values))
    answer = command.Executable(PROJECT).run(spec, tmp_path / "run", target.environment(), 90)
    assert answer.outcome is not None, answer.message
    assert json.loads(answer.outcome)["tables"] == [engine.outcome(target, spec)]


def test_a_project_without_the_materialization_never_passes(target: Target, tmp_path: Path) -> None:
    target.execute("create table t (a integer); insert into t values (1)")
    shutil.copytree(PROJECT.project_dir, tmp_path / "project")
    (tmp_path / "project" / "macros" / "gate" / "materialization.sql").unlink()
    project = command.DbtProject(tmp_path / "project", tmp_path / "project")
    answer = command.Executable(project).run(gate("t", rule("a", "not_null", "a")), tmp_path / "run", target.environment(), 90)
    assert outcome_of(answer) is None
    assert answer.message == "Got 1 result, configured to fail if != 0", "the test fails by itself, too"
