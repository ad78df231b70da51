"""`verify: constraint`: what the database keeps true of every row is not read again; what it only seems to keep is scanned.

Every table here holds rows, or takes rows, that violate the rule wherever its constraint allows them: a constraint that is taken for a
proof where it is none would pass them.
"""

from typing import Any

import pytest

from tests.servers.conftest import only
from tests.servers.proofs import asked, outcome, verified
from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule
from tests.support.processes import eventually

PROVED = {
    "primary key": ("create table t (id integer primary key)", asked("unique", "id")),
    "primary key, not null": ("create table t (id integer primary key)", asked("not_null", "id")),
    "more columns than the key": ("create table t (id integer unique, b integer)", asked("unique", "b", "id")),
    "unique with nulls": ("create table t (id text unique); insert into t values (null), (null)", asked("unique", "id")),
    "nulls are equal, and there are none": ("create table t (id integer primary key)", asked("unique", "id", nulls="equal")),
    "unique index with include": (
        "create table t (id integer, b integer); create unique index on t (id) include (b)", asked("unique", "id"),
    ),
    "varchar": ("create table t (id varchar(20) unique)", asked("unique", "id")),
    "domain": ("create domain d as integer; create table t (id d unique)", asked("unique", "id")),
    "odd names": ('create table t ("i""d\'\\" integer not null)', asked("not_null", 'i"d\'\\')),
    "partitions": (
        "create table t (id integer primary key) partition by range (id);"
        "create table p partition of t for values from (0) to (100)", asked("unique", "id"),
    ),
    "several columns not null": ("create table t (id integer not null, b text not null)", asked("not_null", "id", "b")),
    "foreign key": (
        "create table o (k integer primary key); insert into o select generate_series(1, 10);"
        "create table t (id integer references o)", asked("relationship", "id", to_table="public.o", to_column="k"),
    ),
    "foreign key of two, in another order": (
        "create table o (k integer, l integer, primary key (k, l)); insert into o select n, n from generate_series(1, 10) n;"
        "create table t (id integer, b integer, foreign key (id, b) references o)",
        asked("relationship", "b", "id", to_table="public.o", to_columns=["l", "k"]),
    ),
}  # fmt: skip

# What stands there, and violating rows that it lets through; failures as plain SQL counts them.
NOT_PROVED = {
    "nothing": ("create table t (id integer); insert into t values (1), (1)", asked("unique", "id"), 1),
    "an index of more columns": (
        "create table t (id integer, b integer, unique (id, b)); insert into t values (1, 1), (1, 2)", asked("unique", "id"), 1,
    ),
    "partial": (
        "create table t (id integer); create unique index on t (id) where id > 5; insert into t values (1), (1)",
        asked("unique", "id"), 1,
    ),
    "on an expression": (
        "create table t (id text); create unique index on t ((id || 'x'), id); insert into t values ('a')", asked("unique", "id"), 0,
    ),
    "deferrable": (
        "create table t (id integer unique deferrable); insert into t values (1)", asked("unique", "id"), 0,
    ),
    "nulls that are equal": (
        "create table t (id integer unique); insert into t values (null), (null)", asked("unique", "id", nulls="equal"), 1,
    ),
    "parent of an inheritance": (
        "create table t (id integer primary key); create table c () inherits (t); insert into t values (1); insert into c values (1)",
        asked("unique", "id"), 1,
    ),
    "parent of an inheritance, not null": (
        "create table t (id integer primary key); create table c () inherits (t); insert into c values (1)",
        asked("not_null", "id"), 0,
    ),
    "another operator class": (
        "create table t (id text); create unique index on t (id text_pattern_ops); insert into t values ('a')",
        asked("unique", "id"), 0,
    ),
    "another collation": (
        "create table t (id text); create unique index on t (id collate \"C\"); insert into t values ('a')", asked("unique", "id"), 0,
    ),
    "a view": ("create table s (id integer primary key); insert into s values (1); create view t as select * from s",
               asked("unique", "id"), 0),
    "one column may be null": (
        "create table t (id integer not null, b integer); insert into t values (1, null)", asked("not_null", "id", "b"), 1,
    ),
    "a check is no NOT NULL": (
        "create table t (id integer); insert into t values (null);"
        "alter table t add constraint c check (id is not null) not valid", asked("not_null", "id"), 1,
    ),
    "foreign key that is not valid": (
        "create table o (k integer primary key); create table t (id integer); insert into t values (7);"
        "alter table t add foreign key (id) references o not valid",
        asked("relationship", "id", to_table="public.o", to_column="k"), 1,
    ),
    "foreign key to elsewhere": (
        "create table o (k integer primary key); create table q (k integer primary key); insert into q values (7);"
        "create table t (id integer references q); insert into t values (7)",
        asked("relationship", "id", to_table="public.o", to_column="k"), 1,
    ),
    "foreign key that may wait": (
        "create table o (k integer primary key); create table t (id integer references o deferrable); insert into o values (1);"
        "insert into t values (1)", asked("relationship", "id", to_table="public.o", to_column="k"), 0,
    ),
    "only some rows of the other table count": (
        "create table o (k integer primary key, live boolean); create table t (id integer references o);"
        "insert into o values (1, false); insert into t values (1)",
        asked("relationship", "id", to_table="public.o", to_column="k", to_where="live"), 1,
    ),
    "one column twice": (
        "create table o (k integer, l integer, primary key (k, l)); create table t (id integer, b integer,"
        "foreign key (id, b) references o); insert into t values (1, null)",
        asked("relationship", "id", "id", to_table="public.o", to_columns=["k", "k"]), 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PROVED)
def test_a_constraint_is_the_proof(engine: Engine, target: Target, case: str) -> None:
    setup, rule = PROVED[case]
    target.execute(setup)
    assert verified(engine, target, rule, on_empty="pass") == ("constraint", "pass", 0)
    target.execute("alter table t add beside text")
    unproved = asked("unique", "beside") | {"id": "unproved"}
    found = engine.rules(target, gate("t", rule, unproved, on_empty="pass"))
    assert [found[id]["verified_by"] for id in ("r", "unproved")] == ["constraint", "scan"]
    assert found["r"]["proof"] == outcome(engine, target, rule, on_empty="pass")["proof"]


def test_what_is_not_proved_is_scanned_in_the_same_snapshot_as_the_rest(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t (id integer primary key, b integer, c integer not null); insert into t values (1, 5, 1), (2, 5, 1), (3, null, 1)"
    )
    rules = [
        asked("unique", "id") | {"id": "id"},
        asked("unique", "b") | {"id": "b"},
        asked("not_null", "b") | {"id": "b there"},
        asked("not_null", "c") | {"id": "c there"},
        rule("plain", "between", "id", max=2),
    ]
    found = engine.rules(target, gate("t", *rules))
    assert {id: (one["verified_by"], one["failures"], one["total"]) for id, one in found.items()} == {
        "id": ("constraint", 0, 3),
        "b": ("scan", 1, 3),
        "b there": ("scan", 1, 3),
        "c there": ("constraint", 0, 3),
        "plain": ("scan", 1, 3),
    }
    assert found["id"]["proof"] == "the unique index t_pkey"


@pytest.mark.parametrize("case", NOT_PROVED)
def test_what_proves_nothing_is_scanned(engine: Engine, target: Target, case: str) -> None:
    setup, rule, failures = NOT_PROVED[case]
    target.execute(setup)
    assert verified(engine, target, rule) == ("scan", "fail" if failures else "pass", failures)


def test_the_result_has_the_numbers_of_a_scan(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t (id integer primary key, day date not null); insert into t select n, date '2026-01-01' + n % 10 from generate_series(1, 1000) n"
    )
    rules = [
        rule | {"id": f"{kind} {verify}", "verify": verify}
        for verify in ("scan", "constraint")
        for kind, rule in {
            "unique": asked("unique", "id"),
            "some": asked("unique", "id", where="id > 100"),
            "day": asked("not_null", "day", "id"),
        }.items()
    ]
    window = {"column": "day", "from": "2026-01-03", "to": "2026-01-05"}
    for changes in ({}, {"window": window}):
        found = engine.rules(target, gate("t", *rules, **changes))
        for kind in ("unique", "some", "day"):
            one, other = found[f"{kind} scan"], found[f"{kind} constraint"]
            assert (one["verified_by"], other["verified_by"]) == ("scan", "constraint")
            assert {name: one[name] for name in ("status", "failures", "total", "measured")} == {
                name: other[name] for name in ("status", "failures", "total", "measured")
            }
    assert "t_pkey" in found["unique constraint"]["proof"]


@only("18")
def test_constraints_of_the_newest_server_that_are_not_valid_or_not_enforced(engine: Engine, target: Target) -> None:
    target.execute(
        "create table o (k integer primary key); create table t (id integer, b integer); insert into t values (7, null);"
        "alter table t add constraint n not null b not valid; alter table t add foreign key (id) references o not enforced"
    )
    assert verified(engine, target, asked("not_null", "b")) == ("scan", "fail", 1)
    assert verified(engine, target, asked("relationship", "id", to_table="public.o", to_column="k")) == ("scan", "fail", 1)


@only("18")
def test_a_proof_that_is_missing_costs_no_scan(engine: Engine, target: Target) -> None:
    target.execute("create table t (id integer primary key, b integer); insert into t select n, n from generate_series(1, 100) n")
    proved, missing = asked("unique", "id") | {"id": "id"}, asked("unique", "b") | {"id": "b"}

    def scans(*rules: dict[str, Any]) -> int:
        count = "select seq_scan from pg_stat_user_tables where relname = 't'"
        before = target.query(count)[0][0]
        engine.rules(target, gate("t", *rules, rule("plain", "not_null", "b")))
        there = f"select from pg_stat_activity where usename = '{target.user}'"
        eventually(lambda: not target.query(there), 10, "the end of the session, which tells then what it did")
        return target.query(count)[0][0] - before

    assert scans(proved, missing) == scans(missing | {"verify": "scan"}) > 0
