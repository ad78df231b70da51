"""dbt projects that cannot be used: what is wrong is said in one line, at once; and what a project may have."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import pytest
import yaml

from api.engine import faulty_rules
from api.engine.command import DbtProject, Executable
from api.engine.outcome import outcome_of
from api.engine.pool import ChildFactory
from api.engine.processes import ProjectFault, environment_of_program
from stringx_dataops.contract.catalogue.dbt_project import fault_of_project
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule
from tests.support.projects import STRINGX, copy_with, write

ORDERS = "create table orders (order_id integer); insert into orders values (1), (2)"


def copy(
    folder: Path, files: dict[str, str] | None = None, types: Collection[str] | None = ("not_null", "dbt"), **settings: object
) -> DbtProject:
    """Ours with these rule types (None: all), and other files and settings of dbt_project.yml."""
    copy_with(types, folder)
    path = folder / "dbt_project.yml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | settings))
    write(folder, files or {})
    return DbtProject(folder, folder)


FAULTS = {
    "a macro that is no Jinja": ({"macros/bad.sql": "{% macro bad() %}{% if %}{% endmacro %}"}, {}, "Compilation Error"),
    "a variable that nobody sets": ({}, {"models": {"+enabled": "{{ var('days_back') }}"}}, "days_back"),
    "another dbt": ({}, {"require-dbt-version": ">=99.0.0"}, "version of dbt"),
    "no gate test": ({"tests/gate.sql": "{{ config(enabled=false) }} select 1"}, {}, "no test named gate"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_keeps_a_project_from_being_loaded_is_one_line(tmp_path: Path, name: str) -> None:
    files, settings, words = FAULTS[name]
    project = copy(tmp_path / "project", files, **settings)
    with (
        ChildFactory(project, tmp_path / "child").slot(max_checks=1) as child,
        pytest.raises(ProjectFault) as fault,
    ):
        child.ensure_warm()
    require_one_line(fault.value, project, words)


def require_one_line(fault: ProjectFault, project: DbtProject, words: str) -> None:
    said = str(fault)
    assert words in said
    assert str(project.project_dir) in said
    assert "\n" not in said


def test_what_a_worker_begins_to_load_is_told_to_the_first_child_without_another_try(tmp_path: Path) -> None:
    project = copy(tmp_path / "project", {"macros/gate/materialization.sql": "{% macro stringx_test() %}{% endmacro %}"})
    factory = ChildFactory(project, tmp_path / "child")
    factory.begin()
    assert factory._begun is not None
    assert factory._begun[1].exception(120) is not None
    first = factory._starting
    with factory.slot(max_checks=1) as child:
        with pytest.raises(ProjectFault) as fault:
            child.ensure_warm()
        require_one_line(fault.value, project, "{% materialization test, default %}")
        assert factory._starting is first


def test_packages_that_are_not_installed_are_told_without_dbt(tmp_path: Path) -> None:
    project = copy(tmp_path / "project", {"packages.yml": "packages: [{local: ../other}]\n"})
    fault = fault_of_project(project.project_dir, project.profiles_dir)
    assert fault is not None
    assert "run `dbt deps --project-dir" in fault
    with pytest.raises(ValueError, match="dbt deps"):
        Catalogue.load(project.project_dir)
    write(project.project_dir, {"dbt_packages/other/dbt_project.yml": ""})
    assert fault_of_project(project.project_dir, project.profiles_dir) is None


def test_what_a_macro_misses_is_the_reason_of_its_rule_alone(tmp_path: Path, target: Target) -> None:
    """dbt compiles a macro when it is called, so that one which nobody calls may be anything that can be parsed. Of ours there is
    nothing to warn of, which would be an error in a project with such a flag."""
    target.execute(ORDERS)
    macros = {
        "macros/late.sql": "{% test late(model) %}select 1 where {{ var('days_back') }} > 0{% endtest %}",
        "macros/odd.sql": "{% test odd(model) %}select 1 from {{ model | of_another_dbt }}{% endtest %}",
        "macros/unused.sql": "{% macro unused(x, x) %}{{ x is of_another_dbt }}{% endmacro %}",
    }
    flags = yaml.safe_load((STRINGX / "dbt_project.yml").read_text())["flags"]
    project = copy(tmp_path / "project", macros, None, flags=flags | {"warn_error": True})
    rules = [
        rule("late", "dbt", test="late"),
        rule("odd", "dbt", test="odd"),
        rule("listed", "accepted_values", "order_id", values=[1, 2, 987654321]),
    ]
    with ChildFactory(project, tmp_path / "child").slot(max_checks=100) as child:
        engine = Engine(child, tmp_path / "runs")
        outcome = outcome_of(faulty_rules.run_compilable(partial(engine.answer, target), gate("orders", *rules)))
    assert outcome is not None
    late, odd, listed = outcome["tables"][0]["rules"]
    assert (late["status"], odd["status"], listed["status"]) == ("error", "error", "pass")
    assert "Required var 'days_back' not found" in late["reason"]
    assert "No filter named 'of_another_dbt'" in odd["reason"]
    assert "987654321" not in late["reason"] + odd["reason"]


HOOK = "create table not_for_readers (a integer)"


def by_executable(project: DbtProject, target: Target, folder: Path) -> object:
    return Executable(project).run(gate("orders", rule("a", "not_null", "order_id")), folder, target.environment(), 90)


def by_child(project: DbtProject, target: Target, folder: Path) -> object:
    with ChildFactory(project, folder / "child").slot(max_checks=1) as child:
        return Engine(child, folder / "runs").answer(target, gate("orders", rule("a", "not_null", "order_id")))


@pytest.mark.parametrize("run", [pytest.param(by_executable, marks=pytest.mark.long), by_child])
def test_a_hook_that_fails_before_the_check_is_its_error(tmp_path: Path, target: Target, run: Callable) -> None:
    target.execute(ORDERS)
    project = copy(tmp_path / "project", {}, **{"on-run-start": HOOK})
    answer = run(project, target, tmp_path / "run")
    assert outcome_of(answer) is None
    assert "on-run-start failed" in answer.message
    assert "permission denied" in answer.message


def test_a_changed_catalogue_is_read_again(tmp_path: Path) -> None:
    project = copy(tmp_path / "project")
    catalogue = Catalogue.load(project.project_dir)
    path = project.project_dir / "macros" / "rules" / "rules.yml"
    text = path.read_text()
    path.write_text(text + text[text.index("  dbt:\n") :].replace("  dbt:", "  dbt_again:", 1))
    os.utime(path, ns=(1, 1))
    catalogue._looked_at = 0.0
    assert catalogue.get("dbt_again") is not None
    path.write_text("types: {broken")
    os.utime(path, ns=(2, 2))
    catalogue._looked_at = 0.0
    assert catalogue.get("dbt_again") is not None


def test_models_lie_in_the_schema_of_the_target(tmp_path: Path, target: Target) -> None:
    target.execute(f"{ORDERS}; create schema marts; create table marts.m as select 1 as a; create schema marts_fine")
    target.execute(
        f"create table marts_fine.f as select 1 as a union all select 2; grant usage on schema marts, marts_fine to {target.user}"
    )
    target.execute(f"grant select on all tables in schema marts, marts_fine to {target.user}")
    files = {
        "models/m.sql": "select 1 as a",
        "models/f.sql": "{{ config(schema='fine') }} select 1 as a",
        "models/s.yml": "sources: [{name: raw, schema: '{{ target.schema }}', tables: [{name: m}]}]",
        "tests/of_model.sql": "select * from {{ ref('m') }}",
        "tests/of_custom.sql": "select * from {{ ref('f') }}",
        "tests/of_source.sql": "select * from {{ source('raw', 'm') }}",
    }
    project = copy(tmp_path / "project", files)
    spec = gate("orders", *(rule(name, "dbt", test=name) for name in ("of_model", "of_custom", "of_source")))
    environment = target.environment() | {"STRINGX_TARGET_SCHEMA": "marts"}
    with ChildFactory(project, tmp_path / "child").slot(max_checks=1) as child:
        child.ensure_warm()
        warm = outcome_of(child.run(spec, tmp_path / "runs", environment, 90))
    cold = outcome_of(Executable(project).run(spec, tmp_path / "cold", environment, 90))
    for outcome in (warm, cold):
        assert outcome is not None
        assert {one["id"]: one["failures"] for one in outcome["tables"][0]["rules"]} == {
            "of_model": 1,
            "of_custom": 2,
            "of_source": 1,
        }


def test_a_process_that_loads_ends_with_its_parent(tmp_path: Path) -> None:
    near, far = socket.socketpair()
    folders = [str(STRINGX), str(STRINGX), str(STRINGX), str(tmp_path)]
    command = [sys.executable, "-P", str(ROOT / "api" / "engine" / "child.py"), str(far.fileno()), *folders]
    process = subprocess.Popen(command, cwd=ROOT, env=environment_of_program("postgres"), pass_fds=[far.fileno()])
    far.close()
    near.close()
    assert process.wait(120) == 0
