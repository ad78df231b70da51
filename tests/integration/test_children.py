"""Warm dbt children: forked off one process that has loaded dbt, replaced without anyone waiting for dbt to be loaded again."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from api.engine.pool import Slot
from api.engine.processes import ChildDied
from tests.support.databases import Admin, Target
from tests.support.engine import Engine, Project, a_project, gate, rule
from tests.support.processes import eventually, is_alive


@pytest.fixture(scope="module")
def unchanged_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """For tests that change nothing in it: dbt is loaded once."""
    with a_project(tmp_path_factory.mktemp("unchanged")) as made:
        yield made


SPECIFICATION = gate("orders", rule("id_there", "not_null", "id"), rule("own", "always", "id"))


def status(child: Slot, target: Target, folder: Path) -> tuple[int, str | None]:
    """The process that ran the specification, and what dbt says of its test."""
    child.ensure_warm()
    assert child._process is not None
    answer = child.run(SPECIFICATION, folder, target.environment(), 60)
    assert answer.outcome is not None, answer.message
    return child._process.pid, "fail" if '"status": "fail"' in answer.outcome else "pass"


def loader(child: Slot) -> psutil.Process | None:
    assert child._process is not None
    return psutil.Process(child._process.pid).parent()


def test_a_child_that_has_served_its_number_is_replaced_and_its_successor_is_of_the_same_loaded_dbt(
    unchanged_project: Project, orders: Target, tmp_path: Path
) -> None:
    child = Slot(unchanged_project.child_factory, max_checks=2)
    first = psutil.Process(status(child, orders, tmp_path / "run")[0])
    second, third = (status(child, orders, tmp_path / "run")[0] for _ in range(2))
    assert first.pid == second
    assert third != second
    assert loader(child).pid == psutil.Process(third).ppid()
    eventually(lambda: not is_alive(first), 10, "the end of the first")
    child.kill()


def test_children_of_one_factory_share_the_memory_of_what_dbt_has_loaded(
    unchanged_project: Project, orders: Target, tmp_path: Path
) -> None:
    children = [Slot(unchanged_project.child_factory, max_checks=100) for _ in range(2)]
    pids = [status(child, orders, tmp_path / "run")[0] for child in children]
    assert len(set(pids)) == 2
    for pid in pids:
        memory = psutil.Process(pid).memory_full_info()
        assert memory.uss < memory.rss / 2
    for child in children:
        child.kill()


def test_children_serve_on_where_the_process_that_forks_them_has_died_and_the_next_one_comes_of_another(
    unchanged_project: Project, orders: Target, tmp_path: Path
) -> None:
    child = Slot(unchanged_project.child_factory, max_checks=100)
    pid, _ = status(child, orders, tmp_path / "run")
    killed = loader(child)
    killed.kill()
    killed.wait(60)
    assert status(child, orders, tmp_path / "run")[0] == pid
    child.kill()
    assert status(child, orders, tmp_path / "run")[0] != pid
    assert loader(child).pid != killed.pid
    child.kill()


def test_a_changed_project_replaces_idle_children_and_one_that_cannot_be_loaded_does_not(
    project: Project, orders: Target, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    child = Slot(project.child_factory, max_checks=100)
    assert status(child, orders, tmp_path / "run")[1] == "pass"
    project.says("'true'")
    assert status(child, orders, tmp_path / "run")[1] == "pass", "a child keeps what it has loaded"
    project.child_factory._look_at = 0.0  # it looks every few seconds only
    eventually(lambda: status(child, orders, tmp_path / "run")[1] == "fail", 120, "the successor of the idle child")
    (project.folder / "macros" / "broken.sql").write_text("{% macro broken( %}")
    child.kill()
    assert status(child, orders, tmp_path / "run")[1] == "fail"
    assert "the dbt project has changed, and is used as it was before" in caplog.text
    child.kill()


def test_a_child_that_is_killed_while_it_works_is_told_from_one_that_answers(
    unchanged_project: Project, orders: Target, tmp_path: Path
) -> None:
    child = Slot(unchanged_project.child_factory, max_checks=100)
    child.ensure_warm()
    child.terminate()
    with pytest.raises(ChildDied, match="ended during the check"):
        child.run(SPECIFICATION, tmp_path / "run", orders.environment(), 60)
    assert not child.warm
    assert status(child, orders, tmp_path / "run")[1] == "pass"
    child.kill()


NAMES = ["plain", "a b", "{{ 7 }}", 'it\'s "x" \\', "ünï☃", "0123", "true", "1e3", "null", "#x: y", "%s", "{% raw %}"]


@pytest.mark.parametrize("name", NAMES)
def test_a_database_and_a_user_of_any_name_are_reached(engine: Engine, admin: Admin, target: Target, name: str) -> None:
    quoted, literal = '"' + name.replace('"', '""') + '"', "'" + name.replace("'", "''") + "'"
    admin.run(f"create role {quoted} superuser login password 'secret'")
    admin.run(f"create database {quoted} owner {quoted}")
    try:
        admin.run("create table orders as select 1 as id", quote(name, safe=""))
        wanted = f"current_database() = {literal} and session_user = {literal}"
        spec = gate("orders", rule("there", "expression", sql=wanted, null_passes=False))
        named = {"STRINGX_TARGET_DBNAME": name, "STRINGX_TARGET_USER": name, "DBT_ENV_SECRET_TARGET_PASSWORD": "secret"}
        engine.child.ensure_warm()
        answer = engine.child.run(spec, engine.folder, target.environment() | named, 60)
        assert answer.outcome is not None, answer.message
        assert '"verdict": "pass"' in answer.outcome
    finally:
        admin.run(f"drop database {quoted} with (force)")
        admin.run(f"drop role {quoted}")
