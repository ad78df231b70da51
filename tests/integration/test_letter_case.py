"""Texts of a check that differ in their letters' case alone are different texts: columns, patterns, relations, arguments."""

import json

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule


def test_columns_keep_their_types(engine: Engine, target: Target) -> None:
    target.execute("create table t (price integer, \"Price\" float8); insert into t values (1, 'NaN'), (2, 5)")
    asked = gate("t", rule("whole", "between", "price", min=0), rule("real", "between", "Price", min=0))
    found = engine.rules(target, asked)
    assert {name: (one["status"], one["failures"]) for name, one in found.items()} == {"whole": ("pass", 0), "real": ("fail", 1)}


def test_columns_of_several_tables_keep_their_types(engine: Engine, target: Target) -> None:
    target.execute(
        "create table a (id integer); insert into a values (1);"
        "create table b (\"Id\" float8, kind text); insert into b values ('NaN', 'x')"
    )
    asked = gate("a", rule("whole", "between", "id", min=0))
    other = gate(
        "b", rule("real", "between", "Id", min=0), rule("text", "aggregate", "Id", function="max", max="1.5", fail_above=None)
    )
    asked["tables"] += other["tables"]
    answer = engine.answer(target, asked)
    assert answer.outcome is not None
    assert '"verdict": "fail"' in answer.outcome
    found = engine.rules(target, other)
    assert (found["real"]["status"], found["real"]["failures"]) == ("fail", 1)
    both = json.loads(answer.outcome)["tables"][1]["rules"]
    assert both == list(found.values())


def test_a_broken_pattern_is_found_beside_a_right_one(engine: Engine, target: Target) -> None:
    target.execute("create table t (code text); insert into t values (null)")
    asked = gate(
        "t", rule("right", "regex", "code", pattern="[[:alpha:]]"), rule("broken", "regex", "code", pattern="[[:ALPHA:]]")
    )
    found = engine.rules(target, asked)
    assert (found["right"]["status"], found["broken"]["status"]) == ("pass", "error")


def test_a_text_that_is_sql_is_not_taken_for_one_in_a_literal(engine: Engine, target: Target) -> None:
    target.execute("create table t (id integer, kind text); insert into t values (1, 'x')")
    arguments = {"values": ["ID IN (SELECT 1)"], "where": "id in (select 1)"}
    found = engine.rules(target, gate("t", rule("r", "dbt", "kind", test="accepted_values", arguments=arguments)))["r"]
    assert found["status"] == "error"
    assert "outside of a string literal" in found["reason"]


def test_tables_whose_names_differ_in_case_are_both_locked(engine: Engine, target: Target) -> None:
    target.execute('create table "Orders" (id integer); insert into "Orders" values (1); create table orders (id integer)')
    query = 'select o.id from public."Orders" o join public.orders p on p.id = o.id'
    found = engine.rules(target, gate("Orders", rule("r", "sql", query=query)))["r"]
    assert (found["status"], found["failures"]) == ("pass", 0)
    target.execute("drop table orders")
    found = engine.rules(target, gate("Orders", rule("r", "sql", query=query)))["r"]
    assert found["status"] == "error"
