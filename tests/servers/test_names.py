"""Names that PostgreSQL takes, wherever a name may stand: schema, table, column, and the table of a relationship."""

import psycopg2.extensions
import pytest

from tests.servers.conftest import only
from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

NAMES = {
    "63 bytes": "n" * 63,
    "63 bytes of two each": "é" * 31 + "x",
    "mixed case": "MixedCase",
    "reserved": "select",
    "spaces": " two  words ",
    "emoji": "🚀📦",
    "percent": "100%s %(a)s %",
    "double quote": 'say "hi"',
    "double quotes alone": '""',
    "single quote": "it's",
    "backslash": "back\\slash\\'",
    "dollars": "$$ $stringx$",
    "jinja": "{{ 1 + 1 }}{% raw %}{# #}",
    "comment": "a -- b /* c",
    "semicolon": 'x"; select 1; --',
    "dot": "a.b",
    "new line": "a\nb\tc",
    "colon": ":name ::text",
    "question mark": "? ?| ?&",
    "star": "*",
    "ctid": "xmin2",
    "unicode escape": "\\0061 \\u0061",
}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("kind", NAMES)
def test_a_name_is_taken_literally(engine: Engine, target: Target, kind: str) -> None:
    name = NAMES[kind]
    q = quoted(name)
    target.execute(
        f"create schema {q}; create table {q}.{q} ({q} integer, other text, day date);"
        f"insert into {q}.{q} values (1, 'x', '2026-01-01'), (1, null, '2026-01-02'), (2, 'y', '2026-01-03'), (null, 'z', null);"
        f"grant usage on schema {q} to {target.user}"
    )
    tests = [
        rule("filled", "not_null", name),
        rule("known", "accepted_values", name, values=[1, 3]),
        rule("between", "between", name, min=2),
        rule("unique", "unique", name),
        rule("pair", "unique", name, "other", nulls="equal"),
        rule("parent", "relationship", name, to_table=f"{q}.{q}", to_column=name, to_where=f"{q} > 1"),
        rule("expression", "expression", sql=f"{q} > 1"),
        rule("narrowed", "not_null", "other", where=f"{q} = 1"),
        rule("rows", "row_count", fail_above=None, min=3, max=3),
    ]
    found = engine.outcome(target, gate(name, *tests, schema=name))
    assert {one["id"]: (one["failures"], one["reason"]) for one in found["rules"]} == {
        "filled": (1, None), "known": (1, None), "between": (2, None), "unique": (1, None), "pair": (0, None), "parent": (2, None),
        "expression": (2, None), "narrowed": (1, None), "rows": (None, None),
    }  # fmt: skip
    assert (found["schema"], found["name"], found["row_count"]) == (name, name, 4)


@only("18")
@pytest.mark.parametrize("kind", NAMES)
def test_a_window_is_on_a_column_of_any_name(engine: Engine, target: Target, kind: str) -> None:
    name = NAMES[kind]
    target.execute(
        f"create table t (id integer, {quoted(name)} date); insert into t values (1, '2026-01-01'), (null, '2026-01-02'), (null, '2026-01-03'), (4, null)"
    )
    window = {"column": name, "from": "2026-01-01", "to": "2026-01-03"}
    found = engine.outcome(target, gate("t", rule("filled", "not_null", "id"), window=window))
    assert (found["row_count"], found["window_nulls"], found["rules"][0]["failures"]) == (2, 1, 1)


@only("18")
@pytest.mark.parametrize("kind", NAMES)
def test_a_missing_relation_and_a_missing_column_are_named(engine: Engine, target: Target, kind: str) -> None:
    name = NAMES[kind]
    target.execute("create table t (id integer); insert into t values (1)")
    missing = engine.outcome(target, gate(name, rule("filled", "not_null", "id"), schema=name))
    assert missing["verdict"] == "error"
    assert "does not exist" in missing["rules"][0]["reason"]
    found = engine.rules(target, gate("t", rule("missing", "not_null", name), rule("filled", "not_null", "id")))
    assert "does not exist" in found["missing"]["reason"]
    assert found["filled"]["status"] == "pass"


@only("18")
@pytest.mark.parametrize("kind", NAMES)
def test_a_value_is_taken_literally(engine: Engine, target: Target, kind: str) -> None:
    value = NAMES[kind]
    literal = psycopg2.extensions.QuotedString(value)
    literal.encoding = "utf8"
    target.execute(f"create table t (a text); insert into t values ({literal.getquoted().decode()}), ('other'), (null)")
    tests = [
        rule("one", "accepted_values", "a", values=[value]),
        rule("both", "accepted_values", "a", values=[value, "other"]),
        rule(
            "folded", "accepted_values", "a", values=[value.upper() if value.isascii() else value, "OTHER"], case_sensitive=False
        ),
        rule("from", "between", "a", min=value, max=value),
    ]
    found = engine.rules(target, gate("t", *tests))
    assert {key: (one["failures"], one["reason"]) for key, one in found.items()} == {
        "one": (1, None), "both": (0, None), "folded": (0, None), "from": (1, None),
    }  # fmt: skip
