"""Columns of every type: values are read as the column's, the numbers are those of plain SQL."""

from typing import Any

import pytest

from tests.servers.clusters import Server
from tests.servers.conftest import only
from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

# type, rows as SQL, an accepted value, a lower bound (None: the type has no order), with what makes the type
TYPES: dict[str, tuple[str, str, Any, Any]] = {
    "domain over integer": ("positive", "(1), (2), (null)", 1, 2),
    "domain over text": ("code", "('A1'), ('B2'), (null)", "A1", "B"),
    "enum": ("mood", "('sad'), ('happy'), (null)", "sad", "happy"),
    "array": ("integer[]", "('{1,2}'), ('{}'), (null)", "{1,2}", "{1}"),
    "array of text": ("text[]", "('{a,\"b c\",NULL}'), ('{x}'), (null)", '{a,"b c",NULL}', "{b}"),
    "jsonb": ("jsonb", "('{\"a\": 1}'), ('[1, 2]'), (null)", '{ "a" : 1 }', "[]"),
    "range": ("int4range", "('[1,5)'), ('empty'), (null)", "[1,4]", "[1,3)"),
    "multirange": ("int4multirange", "('{[1,5)}'), ('{}'), (null)", "{[1,4]}", "{[1,2)}"),
    "uuid": ("uuid", "('00000000-0000-0000-0000-000000000001'), ('ffffffff-0000-0000-0000-000000000001'), (null)", "00000000000000000000000000000001", "10000000-0000-0000-0000-000000000000"),
    "inet": ("inet", "('10.0.0.1'), ('10.0.0.0/8'), (null)", "10.0.0.1", "10.0.0.1"),
    "bytea": ("bytea", "('\\x00ff'), ('\\x01'), (null)", "\\x00ff", "\\x01"),
    "bit": ("bit(3)", "('101'), ('000'), (null)", "101", "100"),
    "money": ("money", "(1.5), (2), (null)", "1.5", 2),
    "interval": ("interval", "('1 day'), ('2 hours'), (null)", "24:00:00", "3 hours"),
    "time with zone": ("timetz", "('10:00+00'), ('12:00+02'), (null)", "10:00+00", "11:00+00"),
    "timestamp with zone": ("timestamptz", "('2026-01-01 00:00+00'), ('2026-06-01 00:00+00'), (null)", "2026-01-01T01:00:00+01:00", "2026-02-01"),
    "date with infinity": ("date", "('infinity'), ('2026-01-01'), (null)", "2026-01-01", "9999-12-31"),
    "numeric with NaN": ("numeric", "('NaN'), (1.50), (null)", 1.5, 2),
    "double": ("double precision", "('NaN'), (0.1), (null)", 0.1, 1),
    "bigint": ("bigint", "(9223372036854775807), (-1), (null)", 9223372036854775807, 0),
    "boolean": ("boolean", "(true), (false), (null)", True, True),
    "char": ("char(5)", "('a'), ('b'), (null)", "a    ", "b"),
    "internal char": ('"char"', "('a'), ('b'), (null)", "a", "b"),
    "oid": ("oid", "(1), (2), (null)", 1, 2),
    "xid": ("xid", "('1'), ('2'), (null)", "1", None),
    "tsvector": ("tsvector", "('a b'), ('c'), (null)", "b a", "b"),
    "macaddr": ("macaddr", "('08:00:2b:01:02:03'), ('ff:00:2b:01:02:03'), (null)", "08002b010203", "10:00:00:00:00:00"),
    "pg_lsn": ("pg_lsn", "('0/1'), ('0/2'), (null)", "0/1", "0/2"),
}  # fmt: skip
MAKE = """
create domain positive as integer check (value > 0); create domain code as text check (value ~ '^[A-Z][0-9]$');
create type mood as enum ('sad', 'ok', 'happy');
"""


@pytest.mark.parametrize("kind", TYPES)
def test_a_value_is_read_as_the_columns_type(engine: Engine, target: Target, kind: str) -> None:
    type_name, rows, accepted, low = TYPES[kind]
    target.execute(
        f"{MAKE} create table t (a {type_name}); insert into t values {rows}; insert into t select * from t where a is not null limit 1"
    )
    literal = "'" + str(accepted).replace("'", "''") + "'"
    truth = f"select count(*) filter (where a is null), count(*) filter (where a <> {literal}) from t"
    tests = [rule("filled", "not_null", "a"), rule("known", "accepted_values", "a", values=[accepted])]
    if kind == "xid":
        truth = f"select count(*) filter (where a is null), count(*) filter (where a::text <> {literal}) from t"
    ((nulls, unknown),) = target.query(truth)
    expected = {"filled": nulls, "known": unknown}
    if low is not None:
        tests += [
            rule("from", "between", "a", min=low),
            rule("unique", "unique", "a"),
            rule("self", "relationship", "a", to_table="public.t", to_column="a"),
        ]
        ((expected["from"], expected["unique"]),) = target.query(
            f"select count(*) filter (where a < '{low}' or a::text = 'NaN'), count(a) - count(distinct a) from t"
        )
        expected["self"] = 0
    found = engine.rules(target, gate("t", *tests))
    assert {key: one["failures"] for key, one in found.items()} == expected
    assert expected["filled"] == 1
    assert expected["known"] > 0


@pytest.mark.parametrize("type_name", ["json", "xml", "point", "xid", "aclitem"])
def test_a_type_without_order_or_equality_is_an_error_of_its_rule_alone(engine: Engine, target: Target, type_name: str) -> None:
    target.execute(f"create table t (id integer, a {type_name}); insert into t values (1, null), (1, null)")
    found = engine.rules(
        target,
        gate("t", rule("ordered", "between", "a", min="1"), rule("filled", "not_null", "a"), rule("unique", "unique", "id")),
    )
    assert found["ordered"]["status"] == "error"
    assert (found["filled"]["failures"], found["unique"]["failures"]) == (2, 1)


def test_where_postgresql_itself_cannot_compare_the_type_with_a_text_the_rule_is_an_error(engine: Engine, target: Target) -> None:
    target.execute("create table t (id integer, a regclass); insert into t values (null, null), (1, 'pg_class')")
    tests = [
        rule("known", "accepted_values", "a", values=["pg_class"]),
        rule("filled", "not_null", "id"),
        rule("unique", "unique", "a"),
    ]
    found = engine.rules(target, gate("t", *tests))
    assert found["known"]["status"] == "error"
    assert found["known"]["reason"]
    assert (found["filled"]["failures"], found["unique"]["failures"]) == (1, 0)


def test_a_value_beside_a_composite_column_is_read_as_its_type(engine: Engine, target: Target) -> None:
    target.execute(
        "create type pair as (n integer, t text); create table t (a pair); insert into t values (null), ('(1,x)'), ('(2,)')"
    )
    found = engine.rules(target, gate("t", rule("known", "accepted_values", "a", values=["(1,x)", "(3,y)"])))
    assert (found["known"]["failures"], found["known"]["reason"]) == (1, None)


@pytest.mark.parametrize(
    ("type_name", "value", "reason"),
    [
        ("mood", "angry", "invalid text representation (SQLSTATE 22P02)"),
        ("positive", "many", "invalid text representation (SQLSTATE 22P02)"),
        ("int4range", "[5,1]", "data exception (SQLSTATE 22000)"),
        ("jsonb", "{", "invalid text representation (SQLSTATE 22P02)"),
        ("integer[]", "1,2", "invalid text representation (SQLSTATE 22P02)"),
        ("date", "2026-02-30", "datetime field overflow (SQLSTATE 22008)"),
    ],
)
def test_a_value_that_the_type_cannot_hold_is_an_error_without_the_value(
    engine: Engine, target: Target, type_name: str, value: str, reason: str
) -> None:
    target.execute(f"{MAKE} create table t (id integer, a {type_name}); insert into t values (null, null)")
    found = engine.rules(
        target, gate("t", rule("known", "accepted_values", "a", values=[value]), rule("filled", "not_null", "id"))
    )
    assert (found["known"]["status"], found["known"]["reason"]) == ("error", f"argument values: {reason}")
    assert found["filled"]["failures"] == 1


@only("debian")
def test_citext_compares_without_case(engine: Engine, server: Server, target: Target) -> None:
    server.run("create extension citext", target.dbname)
    target.execute("create table t (a citext); insert into t values ('Open'), ('open'), ('CLOSED'), (null)")
    tests = [
        rule("known", "accepted_values", "a", values=["OPEN"]),
        rule("from", "between", "a", min="D"),
        rule("unique", "unique", "a"),
        rule("self", "relationship", "a", to_table="public.t", to_column="a", to_where="a = 'OPEN'"),
    ]
    ((unknown, below, repeated),) = target.query(
        "select count(*) filter (where a <> 'OPEN'), count(*) filter (where a < 'D'), count(a) - count(distinct a) from t"
    )
    found = engine.rules(target, gate("t", *tests))
    assert {key: one["failures"] for key, one in found.items()} == {
        "known": unknown,
        "from": below,
        "unique": repeated,
        "self": 1,
    }
    assert (unknown, below, repeated) == (1, 1, 1)


@only("debian")
def test_hstore_ltree_and_cube_are_compared(engine: Engine, server: Server, target: Target) -> None:
    server.run("create extension hstore; create extension ltree; create extension cube", target.dbname)
    target.execute(
        "create table t (h hstore, l ltree, c cube); insert into t values ('a=>1, b=>2', 'a.b', '(1,2)'), ('a=>2', 'a.c', '(1,3)'), (null, null, null)"
    )
    tests = [
        rule("h", "accepted_values", "h", values=["b=>2,a=>1"]),
        rule("l", "accepted_values", "l", values=["a.b"]),
        rule("c", "accepted_values", "c", values=["(1, 2)"]),
        rule("unique", "unique", "h", "l", "c"),
    ]
    found = engine.rules(target, gate("t", *tests))
    assert {key: (one["failures"], one["reason"]) for key, one in found.items()} == {
        "h": (1, None), "l": (1, None), "c": (1, None), "unique": (0, None),
    }  # fmt: skip


@only("debian")
@pytest.mark.parametrize("workers", [0, 2])
def test_texts_that_a_collation_takes_for_equal_are_one_key(engine: Engine, target: Target, workers: int) -> None:
    """In whichever half a text is counted, its equals are counted there too."""
    target.execute(
        "create collation ignores_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        " create table t (a text collate ignores_case);"
        " insert into t select 'word ' || n from generate_series(1, 50) n; insert into t select 'WORD ' || n from generate_series(1, 20) n"
    )
    found = engine.rules(target, gate("t", rule("key", "unique", "a")) | {"max_parallel_workers_per_gather": workers})["key"]
    assert (found["failures"], found["measured"]) == (20, 20)


@only("debian")
def test_rules_that_share_a_statement_compare_as_the_type_or_collation_does(engine: Engine, target: Target) -> None:
    target.execute(
        "create extension citext; create collation blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        'create table t (c citext, k text collate "blind", d text);'
        "insert into t select v, v, v from unnest(array['Red', 'red', 'RED', 'blue', 'Blue', 'green', null]) as v"
    )
    values = {"values": ["rEd", "BLUE"]}
    asked = [
        made | {"id": f"{column}_{made['id']}"}
        for column in ("c", "k", "d")
        for made in (
            rule("in", "distinct_values", column, **values),
            rule("equal", "distinct_values", column, mode="equal", **values),
            rule("common", "most_common_value", column, ties="fail", **values),
            rule("rare", "most_common_value", column, values=["green"]),
        )
    ]
    found = engine.rules(target, gate("t", *asked))
    same = {"in": ("fail", 1, 3), "equal": ("fail", 1, 3), "common": ("pass", None, None), "rare": ("fail", None, None)}
    exact = {"in": ("fail", 6, 6), "equal": ("fail", 8, 6), "common": ("fail", None, None), "rare": ("pass", None, None)}
    assert {name: (one["status"], one["failures"], one["measured"]) for name, one in found.items()} == {
        f"{column}_{name}": expected
        for column, by_name in {"c": same, "k": same, "d": exact}.items()
        for name, expected in by_name.items()
    }
