"""What a document holds beyond a bound is refused in one line, before it takes time: by counts, whatever the machine."""

from pathlib import Path
from typing import Any

import pytest

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.postgres import conditions
from stringx_dataops.contract.custom_sql.postgres.comparisons import types_of_casts
from stringx_dataops.contract.custom_sql.postgres.conditions import MAX_SQL, fault_of_condition
from stringx_dataops.contract.custom_sql.postgres.dialect import PostgresDialect
from stringx_dataops.contract.custom_sql.postgres.patterns import fault_of_pattern
from stringx_dataops.contract.custom_sql.postgres.queries import fault_of_query, relations_of_query
from stringx_dataops.contract.documents import tables
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.documents.reading import MAX_NODES
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.problems import MAX_FAULTS, Invalid
from tests.support.documents import plain_judge

CATALOGUE = Catalogue.load(Path(__file__).parents[2] / "stringx")
HEAD = {"apiVersion": "stringx/v1", "target": "nyc", "table": "public.t"}
TARGET = {"apiVersion": "stringx/v1", "kind": "Target", "name": "a", "host": "h", "dbname": "d", "user": "u"}
LONG = "a" * (MAX_SQL + 1)


def rule(number: int, kind: str, **arguments: Any) -> dict[str, Any]:
    return {"id": f"r{number}", "type": kind, "column": "c", "arguments": arguments}


def refused(*rules: dict[str, Any], **fields: Any) -> Invalid:
    with pytest.raises(Invalid) as raised:
        parse_table(HEAD | fields | {"rules": list(rules)}, CATALOGUE, plain_judge)
    assert len(raised.value.detail) < 500
    return raised.value


def test_one_custom_sql_pattern_or_name_has_a_length() -> None:
    sql = {"id": "r", "type": "expression", "arguments": {"sql": "a > 0" + " and a > 0" * MAX_SQL}}
    query = {"id": "q", "type": "sql", "arguments": {"query": "select a" + ", a" * MAX_SQL}}
    fault = refused(
        sql,
        query,
        rule(1, "regex", pattern="[[:" * MAX_SQL),
        rule(2, "column_type", type="a" + "[]" * MAX_SQL),
        rule(3, "not_null") | {"where": LONG},
    )
    assert {error.pointer: error.message for error in fault.errors} == {
        "/rules/0/arguments/sql": f"has {len(sql['arguments']['sql']):,} characters; it takes at most 65,536",
        "/rules/1/arguments/query": f"has {len(query['arguments']['query']):,} characters; it takes at most 65,536",
        "/rules/2/arguments/pattern": f"has {3 * MAX_SQL:,} characters; it takes at most 65,536",
        "/rules/3/arguments/type": f"has {2 * MAX_SQL + 1:,} characters; it takes at most 200",
        "/rules/4/where": "must have at most 65,536 characters",
    }
    for judge in (fault_of_condition, fault_of_query):
        assert "longer than 65,536 characters" in str(judge(LONG))


def test_the_lengths_are_declared() -> None:
    for name, argument in (("expression", "sql"), ("sql", "query"), ("regex", "pattern"), ("relationship", "to_where")):
        found = CATALOGUE.get(name)
        assert found is not None
        assert found.arguments["properties"][argument]["maxLength"] == MAX_SQL


def test_all_custom_sql_of_a_document_has_a_bound_and_what_is_repeated_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    condition = "a > 0" + " and a > 0" * 1000
    assert (
        "words and signs of custom SQL"
        in refused(*(rule(i, "not_null") | {"where": f"{condition} or b = {i}"} for i in range(20))).detail
    )
    arguments = {f"a{i}": f"{condition} or b = {i}" for i in range(20)}
    dbt = {"id": "r", "type": "dbt", "arguments": {"test": "mine", "arguments": arguments}}
    assert "words and signs of custom SQL" in refused(dbt).detail
    judged: list[str] = []
    monkeypatch.setattr(conditions, "_fault_of_condition", lambda sql, _: judged.append(sql))
    same = [rule(i, "not_null") | {"where": "a > 0 and test_of_repeats"} for i in range(5000)]
    parse_table(HEAD | {"rules": same}, CATALOGUE, plain_judge)
    assert len(judged) == 1
    monkeypatch.setattr(PostgresDialect, "fault_of_query", staticmethod(lambda sql, _: judged.append(sql)))
    long = [rule(i, "not_null") | {"where": condition} for i in range(30)]
    query = {"type": "sql", "arguments": {"query": f"select a from b where {condition}"}}
    parse_table(HEAD | {"rules": [*long, *({"id": f"q{i}"} | query for i in range(30))]}, CATALOGUE, plain_judge)
    assert len(judged) == 3, "of any length, and queries too"


def test_no_more_faults_are_looked_for_than_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("stringx_dataops.contract.documents.fields.did_you_mean", lambda name, _: asked.append(name) or "")
    assert len(refused(**{f"k{i}": 1 for i in range(20_000)}).errors) == MAX_FAULTS
    assert len(asked) <= MAX_FAULTS + 1
    judged: list[int] = []
    judge = tables.faults_of_rule
    monkeypatch.setattr(tables, "faults_of_rule", lambda *given: judged.append(1) or judge(*given))
    assert len(refused(*(rule(i, "not_nul") for i in range(9000))).errors) == MAX_FAULTS
    assert len(judged) <= MAX_FAULTS + 1


def test_of_a_list_that_is_too_long_only_that_is_told() -> None:
    mixed = [1, "a"] * (MAX_NODES // 2 - 10)
    for kind, argument, most in (("accepted_values", "values", "20,000"), ("column_type", "types", "100")):
        fault = refused(rule(1, kind, **{argument: mixed}))
        assert [error.message for error in fault.errors] == [f"has {len(mixed):,} items; it takes at most {most}"]
    names = {"id": "r", "type": "columns", "arguments": {"names": mixed}}
    assert [error.message for error in refused(names).errors] == [f"has {len(mixed):,} items; it takes at most 1,600"]
    assert "names one twice" in refused({"id": "r", "type": "columns", "arguments": {"names": ["a", "b", "a"]}}).detail
    many = [f"c{i}" for i in range(2000)]
    for field in ("key", "sample_columns"):
        assert "at most 1,600 items" in refused(**{field: many}).detail
    with pytest.raises(Invalid, match="at most 1,000 items"):
        parse_target(TARGET | {"allow_functions": ["a.b"] * 1001})
    with pytest.raises(Invalid, match="at most 5,000 items"):
        parse_model(CheckRequest, {"target": "a", "table": "a.b", "rule_ids": ["r"] * 5001})
    with pytest.raises(Invalid) as raised:
        parse_target(TARGET | {"allow_functions": ["${"] * 5000})
    assert len(raised.value.errors) <= MAX_FAULTS


def test_what_long_custom_sql_names_is_found_once() -> None:
    assert types_of_casts("a" + "::my.kind" * 5000) == [["my", "kind"]]
    tables = ", ".join(f"t{i}" for i in range(3000))
    assert len(relations_of_query(f"select 1 from {tables}")) == 3000
    names = range(1500)
    parts = ", ".join(f"c{i} as (select 1 from x{i})" for i in names)
    found = relations_of_query(f"with {parts} select 1 from {', '.join(f'c{i}' for i in names)}")
    assert found == [[f"x{i}"] for i in names]
    assert relations_of_query("with a as (select 1 from b), b as (select 1 from a) select 1 from a, b") == [["b"]]


def test_a_pattern_is_judged_wherever_its_call_began() -> None:
    assert fault_of_pattern("[[:" * 20_000) is None
    assert "word boundary" in str(fault_of_pattern("[[:alpha:]]" * 100 + r"\bx"))
    many = ", ".join(["'x'"] * 300)
    assert fault_of_condition(rf"regexp_like(coalesce(a, {many}), '\bx')") is not None
    assert fault_of_condition(rf"a in ({many}, '\bx')") is None
