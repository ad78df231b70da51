"""The internal database behind PgBouncer: its settings hold in each transaction, and what needs a session goes past it."""

import threading
from collections.abc import Iterator

import pytest

from database.loops import Loops
from database.migrate import migrate
from database.notifications import Listener, notify
from database.pool import Database
from stringx_dataops.contract.problems import Unavailable
from stringx_dataops.contract.variables import SettingsError
from tests.integration import test_pool
from tests.support.databases import Admin
from tests.support.pooler import Pooler, pooler
from tests.support.processes import eventually

SETTINGS = """
select current_setting('timezone') as timezone, current_setting('lock_timeout') as lock_timeout,
       current_setting('statement_timeout') as statement_timeout,
       current_setting('idle_in_transaction_session_timeout') as idle_in_transaction
"""
OURS = {"timezone": "UTC", "lock_timeout": "10s", "statement_timeout": "25s", "idle_in_transaction": "6s"}
CHANNEL = "stringx_test"


@pytest.fixture(params=["session", "transaction"])
def pooled(request: pytest.FixtureRequest, admin: Admin, internal_url: str) -> Iterator[Pooler]:
    """Its server's own settings are others than ours."""
    name = internal_url.rpartition("/")[2]
    admin.run(f"alter database {name} set timezone = 'Asia/Tokyo'; alter database {name} set statement_timeout = 0")
    with pooler(internal_url, request.param) as made:
        yield made


def test_each_transaction_has_the_settings_of_a_session(pooled: Pooler) -> None:
    database = Database(pooled.url, size=3)
    for _ in range(3):
        with database.transaction() as cursor, database.statements() as other:
            for one in (cursor, other, cursor, other):
                assert one.one(SETTINGS) == OURS
            with cursor.savepoint():
                assert cursor.one(SETTINGS) == OURS
    assert database.is_pooled()
    database.close()


def test_errors_savepoints_and_lost_connections_are_as_without_a_pooler(pooled: Pooler) -> None:
    database = Database(pooled.url, size=3)
    test_pool.test_a_part_of_a_transaction_that_fails_leaves_the_rest(database)
    for way in ("transaction", "statements"):
        test_pool.test_whatever_the_server_refuses_is_an_error_of_ours(database, way)
    pooled.stop()
    with pytest.raises(Unavailable), database.transaction() as cursor:
        cursor.run("select 1")
    pooled.start()
    with database.statements() as cursor:
        assert cursor.one(SETTINGS) == OURS
    database.close()


def test_a_pooler_that_ignores_the_settings_of_a_login_changes_nothing(internal_url: str) -> None:
    with pooler(internal_url, "transaction", ignore_startup_parameters="options") as made:
        database = Database(made.url, size=1)
        with database.statements() as cursor:
            assert cursor.one(SETTINGS) == OURS
        database.close()


def test_notifications_arrive_on_the_direct_address(pooled: Pooler, internal_url: str) -> None:
    """Also in session mode without one. In transaction mode nobody is notified then, and waiters look more often."""
    direct, alone = Database(pooled.url, size=2, direct_url=internal_url), Database(pooled.url, size=3)
    loops = Loops()
    told = [Listener(database, CHANNEL) for database in (direct, alone)]
    for listener in told:
        listener.start(loops)
    if pooled.mode == "transaction":
        eventually(lambda: not told[1].is_notified, 30)
    arrived = [threading.Event(), threading.Event()]

    def look(which: int) -> bool | None:
        return True if arrived[which].is_set() else None

    found: list[object] = [None, None]

    def wait(which: int) -> None:
        found[which] = told[which].wait_for("it", lambda: look(which), 60, look_again_s=60)

    threads = [threading.Thread(target=wait, args=(which,), daemon=True) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for event in arrived:
        event.set()
    with alone.statements() as cursor:
        notify(cursor, CHANNEL, "it")
    for thread in threads:
        thread.join(60)
    assert found == [True, True]
    assert [listener.is_notified for listener in told] == [True, pooled.mode == "session"]
    for listener in told:
        listener.stop()
    direct.close(), alone.close()


def test_migrations_do_not_run_through_a_pooler(pooled: Pooler, internal_url: str) -> None:
    with pytest.raises(SettingsError, match="set STRINGX_DATABASE_DIRECT_URL"):
        migrate(Database(pooled.url, size=1))
    assert migrate(Database(internal_url, size=1)) == []


def test_of_several_servers_the_first_that_answers_is_used(internal_url: str) -> None:
    _, _, place = internal_url.partition("@")
    several = internal_url.replace(f"@{place}", f"@127.0.0.1:1,{place}")
    for database in (Database(several, size=2), Database(several, size=1, direct_url=several)):
        with database.transaction() as cursor:
            assert cursor.one(SETTINGS) == OURS
        database.connect().close()
        database.close()
    with pytest.raises(Unavailable, match="refused"), Database(several.replace(place, "127.0.0.1:2/x")).transaction():
        pass
