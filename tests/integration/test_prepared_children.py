"""What a child does in advance: dbt's own preparations, for the target that it has served last, and nothing of any check."""

import math
import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from api.engine import protocol
from api.engine.pool import Slot
from api.engine.protocol import RunGateTest
from api.engine.run_result import DbtRunResult
from tests.support.databases import Admin, Target, make_target
from tests.support.engine import Project, a_project, gate, rule
from tests.support.processes import eventually, is_alive

# A violation where dbt's run began before the moment that the rule says; not so written that the child would see it.
BEGAN_BEFORE = "\"'\" ~ context['run_started' ~ '_at'] ~ \"' < '\" ~ rule.arguments.moment ~ \"'\""
PLAINLY = BEGAN_BEFORE.replace("context['run_started' ~ '_at']", "run_started_at")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with a_project(tmp_path_factory.mktemp("shared"), BEGAN_BEFORE) as made:
        yield made


@pytest.fixture
def child(shared: Project) -> Iterator[Slot]:
    made = Slot(shared.child_factory, max_checks=100)
    yield made
    made.close()


class WorkedSlot:
    """A child as a worker uses it."""

    def __init__(self, child: Slot, folder: Path) -> None:
        self.child = child
        self._folder = folder

    @property
    def process(self) -> psutil.Process:
        assert self.child._process is not None
        return psutil.Process(self.child._process.pid)

    def run(self, target: Target, *rules: dict[str, Any], **variables: str) -> DbtRunResult:
        self.child.ensure_warm()
        return self.child.run(gate("orders", *rules), self._folder, target.environment() | variables, 60)

    def prepare(self, target: Target) -> str:
        """For a target, after two checks of it; a moment after that was done."""
        for _ in range(2):
            answer = self.run(target, rule("known", "not_null", "id"))
            assert answer.outcome is not None, answer.message
        threads = self.process.num_threads()
        self.child.prepare()
        eventually(lambda: self.process.num_threads() > threads, 10, "dbt's own thread for the gate test")
        return in_a_while(target)


@pytest.fixture
def slot(child: Slot, tmp_path: Path) -> WorkedSlot:
    return WorkedSlot(child, tmp_path / "run")


@pytest.fixture
def other(admin: Admin, tmp_path: Path) -> Iterator[Target]:
    made = make_target(admin, tmp_path / "other")
    made.execute("create table orders as select n as id from generate_series(1, 5) n")
    yield made
    admin.run(f"drop database {made.dbname} with (force)")


def in_a_while(target: Target) -> str:
    """A moment by which a child that prepares has begun, as dbt writes one."""
    [(moment,)] = target.query("select clock_timestamp() at time zone 'UTC' from pg_sleep(1)")
    return f"{moment} UTC"


def began_before(moment: str) -> dict[str, Any]:
    return rule("began", "always", "id", moment=moment)


def status(answer: DbtRunResult) -> str:
    assert answer.outcome is not None, answer.message
    return "fail" if '"status": "fail"' in answer.outcome else "pass"


def test_the_next_check_of_the_same_target_goes_on_where_dbt_has_come_to(slot: WorkedSlot, orders: Target) -> None:
    moment = slot.prepare(orders)
    process = slot.process
    assert status(slot.run(orders, began_before(moment))) == "fail", "it began before"
    assert status(slot.run(orders, began_before(moment))) == "pass", "once"
    assert slot.process == process


def test_it_is_the_rules_of_the_check_that_run_in_a_session_of_its_name_on_the_table_as_it_is_then(
    slot: WorkedSlot, orders: Target
) -> None:
    slot.prepare(orders)
    orders.execute("insert into orders values (null)")
    named = rule("named", "expression", sql="current_setting('application_name') = 'stringx third'")
    answer = slot.run(orders, rule("known", "not_null", "id"), named, STRINGX_TARGET_APPLICATION_NAME="stringx third")
    assert answer.outcome is not None, answer.message
    assert '"failures": 1' in answer.outcome
    assert answer.outcome.count('"status": "fail"') == 1


def test_nothing_of_it_reaches_the_target(slot: WorkedSlot, orders: Target) -> None:
    slot.prepare(orders)
    assert orders.query(f"select count(*) from pg_stat_activity where usename = '{orders.user}'") == [(0,)]


def test_a_check_of_another_target_gives_it_up(slot: WorkedSlot, orders: Target, other: Target) -> None:
    moment = slot.prepare(orders)
    process = slot.process
    there = rule("there", "expression", sql=f"current_database() = '{other.dbname}'")
    answer = slot.run(other, there, began_before(moment))
    assert status(answer) == "pass"
    assert slot.process == process
    here = rule("here", "expression", sql=f"current_database() = '{orders.dbname}'")
    assert status(slot.run(orders, here, began_before(moment))) == "pass"


def test_a_password_that_has_changed_meanwhile_is_the_one_that_is_used(slot: WorkedSlot, orders: Target) -> None:
    slot.prepare(orders)
    answer = slot.run(orders, rule("known", "not_null", "id"), DBT_ENV_SECRET_TARGET_PASSWORD="another")
    assert answer.outcome is None
    assert "password authentication failed" in (answer.message or "")


def test_a_run_that_cannot_be_prepared_fails_with_the_check_and_says_why(slot: WorkedSlot, orders: Target) -> None:
    for _ in range(2):
        answer = slot.run(orders, STRINGX_TARGET_PORT="none")
        assert answer.outcome is None
        slot.child.prepare()
    assert "port" in (answer.message or "").lower()
    assert status(slot.run(orders, rule("known", "not_null", "id"))) == "pass"


@pytest.mark.parametrize("end", ["recycled", "terminated"])
def test_a_child_that_has_prepared_ends_as_any_other(slot: WorkedSlot, orders: Target, end: str) -> None:
    moment = slot.prepare(orders)
    process = slot.process
    if end == "recycled":
        slot.child._max_checks = 1
    else:
        slot.child.terminate()
        eventually(lambda: not slot.child.alive, 10, "its end")
    eventually(lambda: status(slot.run(orders, began_before(moment))) == "pass" and slot.process != process, 20, "its successor")
    eventually(lambda: not is_alive(process), 10, "the end of the first")


def test_one_check_of_a_target_is_not_taken_for_more_of_it(slot: WorkedSlot, orders: Target, other: Target) -> None:
    for target in (orders, other, orders):
        assert status(slot.run(target, rule("known", "not_null", "id"))) == "pass"
    slot.child.prepare()
    assert status(slot.run(orders, began_before(in_a_while(orders)))) == "pass"


def test_a_profile_that_has_changed_meanwhile_is_the_one_that_is_used(shared: Project, slot: WorkedSlot, orders: Target) -> None:
    moment = slot.prepare(orders)
    with changed(shared, "profiles.yml", lambda text: text + "      search_path: pg_catalog\n"):
        path = rule("path", "expression", sql="current_setting('stringx.schemas') = '{pg_catalog}'")
        assert status(slot.run(orders, path, began_before(moment))) == "pass"


def test_control_c_of_a_terminal_ends_no_child_that_waits(slot: WorkedSlot, orders: Target) -> None:
    moment = slot.prepare(orders)
    process = slot.process
    process.send_signal(signal.SIGINT)
    assert status(slot.run(orders, began_before(moment))) == "fail", "it is the run that was prepared"
    assert slot.process == process


def test_a_child_whose_parent_is_killed_before_it_has_read_the_answer_ends(slot: WorkedSlot, orders: Target) -> None:
    slot.prepare(orders)
    process, connection = slot.process, slot.child._process.socket
    request = RunGateTest(slot.child._expected, "stringx test", gate("orders", rule("known", "not_null", "id")))
    connection.sendall(protocol.encode(request))
    eventually(lambda: select.select([connection], [], [], 0)[0], 20, "an answer")
    slot.child.close()
    eventually(lambda: not is_alive(process), 10, "its end")


@contextmanager
def changed(project: Project, name: str, change: Callable[[str], str]) -> Iterator[None]:
    """A file that each check reads again, for a block; nobody looks meanwhile whether the project is to be loaded again."""
    file = project.folder / name
    text, modified = file.read_text(), file.stat().st_mtime_ns
    project.child_factory._look_at = math.inf
    file.write_text(change(text))
    try:
        yield
    finally:
        file.write_text(text)
        os.utime(file, ns=(modified, modified))
        project.child_factory._look_at = 0.0


def require_unprepared(slot: WorkedSlot, target: Target, session: str = "stringx third") -> None:
    """Of the third check, nothing begins before it is known; its session has this name."""
    for _ in range(2):
        assert status(slot.run(target, rule("known", "not_null", "id"))) == "pass"
    slot.child.prepare()
    moment = in_a_while(target)
    named = rule("named", "expression", sql=f"current_setting('application_name') = '{session}'")
    answer = slot.run(target, named, began_before(moment), STRINGX_TARGET_APPLICATION_NAME="stringx third")
    assert status(answer) == "pass"


SETTINGS: dict[str, tuple[str, Callable[[str], str]]] = {
    "vars": ("dbt_project.yml", lambda text: text + "vars: {began: '{{ run_started_at }}'}\n"),
    "flag": ("dbt_project.yml", lambda text: text.replace("statements: true", "statements: false")),
    "session's name": ("profiles.yml", lambda text: text.replace('application_name: "{{', 'application_name: "as {{')),
    "transactions": ("profiles.yml", lambda text: text.replace("autocommit: true", "autocommit: false")),
}


@pytest.mark.parametrize("where", SETTINGS)
def test_settings_that_read_on_the_way_what_each_check_has_anew_or_write_to_the_target_are_never_prepared(
    shared: Project, slot: WorkedSlot, orders: Target, where: str
) -> None:
    slot.prepare(orders)
    assert status(slot.run(orders, rule("known", "not_null", "id"))) == "pass"
    with changed(shared, *SETTINGS[where]):
        require_unprepared(slot, orders, "as stringx third" if where == "session's name" else "stringx third")


@pytest.mark.parametrize(
    "where",
    ["macro", "hook", pytest.param("test", marks=pytest.mark.long), pytest.param("session's name", marks=pytest.mark.long)],
)
def test_a_project_that_does_so_is_never_prepared(project: Project, orders: Target, tmp_path: Path, where: str) -> None:
    project.says(PLAINLY if where == "macro" else BEGAN_BEFORE)
    match where:
        case "hook":
            settings = project.folder / "dbt_project.yml"
            settings.write_text(settings.read_text() + "on-run-start: [select 1]\n")
        case "test":
            (project.folder / "tests" / "late.sql").write_text("select '{{ run_started_at }}' as found where false")
        case "session's name":
            named = "{% macro named() %}{{ env_var('STRINGX_TARGET_APPLICATION_NAME') }}{% endmacro %}"
            (project.folder / "macros" / "named.sql").write_text(named)
    slot = WorkedSlot(Slot(project.child_factory, max_checks=100), tmp_path / "run")
    require_unprepared(slot, orders)
    slot.child.close()
