"""A check that keeps a loader waiting gives way, where the target says so."""

import threading
import time

import psycopg2

from tests.faults.accounting import accounting
from tests.support.installation import Installation
from tests.support.processes import eventually
from tests.support.tables import CheckedTable


class Loader(threading.Thread):
    """Takes the table for itself once, as TRUNCATE and ALTER TABLE do; `had` when it was had."""

    def __init__(self, installation: Installation, table: CheckedTable) -> None:
        super().__init__(daemon=True)
        self._url, self._base = installation.target.loader_url, table.base
        self.had = threading.Event()
        self.start()

    def run(self) -> None:
        connection = psycopg2.connect(self._url)
        try:
            connection.cursor().execute(f"lock table {self._base} in access exclusive mode")
            self.had.set()
        finally:
            connection.close()


def reads(installation: Installation, request_id: str, attempt: int = 1) -> str:
    """The check of a request, once this attempt has its lock on the table: it sleeps in `pass_gate`, which reads the table's rows."""
    check_id = installation.executing(request_id, attempt=attempt)
    statement = "select 1 from pg_stat_activity where application_name = %s and wait_event = 'PgSleep'"
    name = f"stringx {check_id} {attempt}"
    eventually(lambda: installation.checked.rows("shop", statement, [name]), 30, "a check that reads its table")
    return check_id


def waits(installation: Installation) -> bool:
    return bool(installation.checked.rows("shop", "select 1 from pg_locks where not granted and mode = 'AccessExclusiveLock'"))


def test_a_check_gives_way_to_a_loader_and_runs_again_after_it(installation: Installation) -> None:
    installation.configure_target("polite", yield_after="1s")
    table = installation.table("dirty", held=True, target="polite")
    with table.held(1):
        request = installation.ask(table)
        check_id = reads(installation, request)
        assert Loader(installation, table).had.wait(30), "the check did not give way"
        assert installation.result(request)["verdict"] == "fail"
    row = installation.check(check_id)
    assert (row["attempt"], row["yields"], row["crashes"]) == (2, 1, 0)
    accounting(installation)


def test_a_check_that_would_give_way_a_fourth_time_is_an_error(installation: Installation) -> None:
    installation.configure_target("polite", yield_after="1s")
    table = installation.table(held=True, target="polite")
    with table.held():
        request = installation.ask(table)
        for attempt in range(1, 5):
            reads(installation, request, attempt)
            assert Loader(installation, table).had.wait(30), "the check did not give way"
        result = installation.result(request)
    assert (result["status"], result["verdict"], result["attempt"]) == ("errored", "error", 4)
    assert "gave way 3 times" in result["reason"]
    accounting(installation, otherwise={request: {"errored"}})


def test_without_yield_after_a_loader_waits_for_the_check(installation: Installation) -> None:
    table = installation.table(held=True)
    with table.held():
        request = installation.ask(table)
        reads(installation, request)
        loader = Loader(installation, table)
        eventually(lambda: waits(installation), 30, "a loader that waits for the check")
        time.sleep(2)
        assert not loader.had.is_set()
    assert installation.result(request)["verdict"] == "pass"
    assert loader.had.wait(30)
    accounting(installation)
