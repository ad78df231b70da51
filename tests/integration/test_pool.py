"""Every error of the database's driver becomes one of ours, and none costs the pool a connection."""

import psycopg2
import pytest

from database.pool import Database
from stringx_dataops.contract.problems import DatabaseFault, Invalid, StringXError, Unavailable
from tests.support.databases import Admin

REFUSED = (
    "select * from nowhere", "select 1 / nothing", "this is no SQL", "select 1 / 0", "set role nobody_at_all",
    "do $$ begin raise exception 'odd' using errcode = 'ZZ123'; end $$", "do $$ begin assert false; end $$",
    "do $$ begin raise exception 'odd' using errcode = 'XX000'; end $$", "create table stringx.totals ()",
    "insert into stringx.publications (request_id) values ('none')", "insert into stringx.totals default values",
)  # fmt: skip
UNHOLDABLE = ("\0", "\ud800")


@pytest.mark.parametrize("way", ["transaction", "statements"])
def test_whatever_the_server_refuses_is_an_error_of_ours(database: Database, way: str) -> None:
    for statement in REFUSED:
        with pytest.raises((DatabaseFault, Invalid, Unavailable)), getattr(database, way)() as cursor:
            cursor.run(statement)
    with pytest.raises(DatabaseFault, match="UndefinedTable"), getattr(database, way)() as cursor:
        cursor.run(REFUSED[0])
    for value in UNHOLDABLE:
        with pytest.raises(Invalid), getattr(database, way)() as cursor:
            cursor.run("select %(value)s", {"value": value})
    with pytest.raises(DatabaseFault), getattr(database, way)() as cursor:
        cursor.one("select '20000-01-01'::timestamptz as moment")
    for _ in range(20):  # more than the pool has
        with getattr(database, way)() as cursor:
            assert cursor.one("select 1 as one") == {"one": 1}


def test_a_part_of_a_transaction_that_fails_leaves_the_rest(database: Database) -> None:
    with database.transaction() as cursor:
        with pytest.raises(Invalid), cursor.savepoint():
            cursor.run("select %(value)s", {"value": UNHOLDABLE[0]})
        with pytest.raises(KeyError), cursor.savepoint():
            raise KeyError("before any statement")
        for name in ("before", "meanwhile"):
            cursor.run(f"create temporary table {name} (at integer) on commit drop")
            for statement in REFUSED:
                with pytest.raises((psycopg2.Error, StringXError)), cursor.savepoint():
                    cursor.run(statement)
                with pytest.raises((psycopg2.Error, StringXError)), cursor.savepoint():
                    _ = cursor.run("insert into before values (1)"), cursor.run(statement)
        with cursor.savepoint():
            pass
        with cursor.savepoint():
            cursor.run("insert into before values (2)")
        assert cursor.all("select at from before") == [{"at": 2}]
        assert cursor.all("select at from meanwhile") == []


def test_a_connection_that_dies_in_use_costs_the_pool_nothing(admin: Admin, internal_url: str) -> None:
    database = Database(internal_url, size=2)

    def use(*, refuse: bool) -> None:
        with database.transaction() as cursor:
            row = cursor.one("select pg_backend_pid() as pid")
            assert row is not None
            admin.run(f"select pg_terminate_backend({row['pid']}, 10000)")
            if refuse:
                raise Invalid("of the caller, before anybody has seen that it died")

    for refuse in (True, False) * 3:
        with pytest.raises(StringXError):
            use(refuse=refuse)
    with database.transaction(), database.transaction() as cursor:
        assert cursor.one("select 1 as one") == {"one": 1}
    database.close()


def test_a_pool_that_is_closed_meanwhile_says_so(internal_url: str) -> None:
    database = Database(internal_url, size=1)
    with pytest.raises(Unavailable), database.transaction():
        database.close()
    with database.transaction() as cursor:
        assert cursor.one("select 1 as one") == {"one": 1}
    database.close()


def test_an_address_that_is_none_or_leads_nowhere_is_an_error_of_ours(internal_url: str) -> None:
    for url in ("postgresql://[::1", "x", internal_url.rsplit("/", 1)[0] + "/nowhere", "postgresql://127.0.0.1:1/x"):
        database = Database(url, size=1)
        with pytest.raises(StringXError), database.transaction():
            pass
        with pytest.raises(StringXError):
            database.connect()
