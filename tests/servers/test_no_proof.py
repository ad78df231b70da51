"""Constraints that vouch for nothing: another type, triggers that were off, hidden rows, foreign tables, constraints that have gone."""

import secrets
import threading

from tests.servers.clusters import Made, Server
from tests.servers.conftest import only
from tests.servers.proofs import asked, verified
from tests.support.databases import Target
from tests.support.engine import Engine, gate


@only("18")
def test_a_foreign_key_of_periods_means_something_else(engine: Engine, target: Target) -> None:
    target.execute(
        "create table o (k int4range, during int4range, primary key (k, during without overlaps));"
        "create table t (id int4range, during int4range, foreign key (id, period during) references o (k, period during));"
        "insert into o values ('[1,2)', '[1,10)'); insert into t values ('[1,2)', '[2,3)')"
    )
    relationship = asked("relationship", "id", "during", to_table="public.o", to_columns=["k", "during"])
    assert verified(engine, target, relationship) == ("scan", "fail", 1)


@only("debian")
def test_an_index_of_another_type_for_which_the_column_s_values_are_taken(engine: Engine, target: Target, server: Server) -> None:
    """To text_ops 'A' and 'a' are two values, to the column's own type they are one; and so through domains."""
    server.run("create extension citext", target.dbname)
    for type in ("citext", "domain_of_it", "domain_of_that"):
        target.execute(
            "drop table if exists t; drop domain if exists domain_of_that; drop domain if exists domain_of_it;"
            "create domain domain_of_it as citext; create domain domain_of_that as domain_of_it;"
            f"create table t (id {type}); create unique index on t (id text_ops); insert into t values ('A'), ('a')"
        )
        assert verified(engine, target, asked("unique", "id")) == ("scan", "fail", 1)


@only("debian", "18")
def test_nulls_that_an_index_takes_for_equal(engine: Engine, target: Target) -> None:
    target.execute("create table t (id integer unique nulls not distinct); insert into t values (1), (null)")
    assert verified(engine, target, asked("unique", "id", nulls="equal")) == ("constraint", "pass", 0)


def test_a_foreign_key_whose_triggers_were_off(engine: Engine, target: Target, server: Server) -> None:
    target.execute("create table o (k integer primary key); create table t (id integer references o)")
    relationship = asked("relationship", "id", to_table="public.o", to_column="k")
    server.run("alter table t disable trigger all; insert into t values (7)", target.dbname)
    assert verified(engine, target, relationship) == ("scan", "fail", 1)


def test_rows_that_row_security_hides_are_not_vouched_for(engine: Engine, target: Target, server: Server) -> None:
    """A scan sees a parent missing that the reader may not see; so does the rule that asks for a constraint."""
    target.execute(
        "create table o (k integer primary key); create table t (id integer references o); insert into o values (1); insert into t values (1)"
    )
    server.run("alter table o enable row level security", target.dbname)
    assert verified(engine, target, asked("relationship", "id", to_table="public.o", to_column="k")) == ("scan", "fail", 1)


@only("debian")
def test_foreign_tables_vouch_for_nothing(engine: Engine, target: Target, server: Server, made: Made) -> None:
    other = made.target()
    other.execute("create table s (id integer, part integer); insert into s values (null, 2)")
    server.run(
        "create extension postgres_fdw;"
        f"create server other foreign data wrapper postgres_fdw options (host '127.0.0.1', port '{server.port}', dbname '{other.dbname}');"
        f"create user mapping for public server other options (user '{other.user}', password '{other.password}');"
        "create table t (id integer not null, part integer not null) partition by list (part);"
        "create table one partition of t for values in (1); insert into t values (1, 1);"
        "create foreign table two partition of t for values in (2) server other options (table_name 's');"
        f"grant select on all tables in schema public to {target.user}",
        target.dbname,
    )
    assert verified(engine, target, asked("not_null", "id")) == ("scan", "fail", 1)


def test_a_schema_that_may_not_be_used_makes_its_rule_an_error_and_no_other(
    engine: Engine, target: Target, server: Server
) -> None:
    target.execute("create table t (id integer primary key); insert into t values (1)")
    server.run("create schema hidden; create table hidden.o (k integer primary key)", target.dbname)
    found = engine.rules(
        target,
        gate("t", asked("relationship", "id", to_table="hidden.o", to_column="k"), asked("unique", "id") | {"id": "unique"}),
    )
    assert found["r"]["status"] == "error"
    assert (found["unique"]["status"], found["unique"]["failures"]) == ("pass", 0)


def test_a_constraint_that_goes_between_the_look_and_the_snapshot_proves_nothing(engine: Engine, target: Target) -> None:
    """A session drops the key and loads the same rows twice, again and again; a proof counts in the snapshot that it was seen in."""
    target.execute("create table t (id integer); insert into t values (1); alter table t add constraint k unique (id)")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            target.execute("begin; alter table t drop constraint k; insert into t values (1); commit")
            target.execute("begin; truncate t; insert into t values (1); alter table t add constraint k unique (id); commit")

    thread = threading.Thread(target=swap, name=f"swap-{secrets.token_hex(2)}", daemon=True)
    thread.start()
    try:
        seen = set()
        for _ in range(60):
            said = engine.outcome(target, gate("t", asked("unique", "id"), lock_timeout_ms=10_000))
            one = said["rules"][0]
            assert one["failures"] == said["row_count"] - 1, said
            seen.add((one["verified_by"], one["failures"]))
    finally:
        stop.set()
        thread.join()
    assert {("constraint", 0), ("scan", 1)} <= seen
