"""Documents of tables that were judged before their target changed: what it no longer allows is not run."""

import json
from typing import Any

from api.checks.lookup import Configured, InScope
from api.checks.specification import build
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.documents.targets import judge_of, parse_target
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Target
from tests.support.engine import Engine

CATALOGUE = Catalogue.load(ROOT / "stringx")
MADE = """
create table public.t as select 1 as id;
create function public.is_fine(integer) returns boolean language sql as 'select true';
create function public.year(integer) returns boolean language sql as 'select true';
"""


def expression(name: str, sql: str, **changes: Any) -> dict[str, Any]:
    return {"id": name, "type": "expression", "arguments": {"sql": sql}} | changes


def verdict_of(engine: Engine, target: Target, rules: list[dict[str, Any]], judged_by: dict[str, Any]) -> dict[str, Any]:
    """Of rules that were configured when the target was `judged_by`: the table's verdict, and each rule's."""
    document = {"apiVersion": "stringx/v1", "target": "shop", "table": "public.t", "rules": rules}
    parsed = parse_table(document, CATALOGUE, judge_of({"shop": judged_by}))
    connection = parse_target(target.document())
    order = CheckOrder.model_validate({"target": "shop", "table": "public.t"})
    spec = build(order, connection, [InScope(Configured(parsed, connection, 1, ""), parsed.rules)], CATALOGUE, 60)
    answer = engine.answer(target, spec)
    assert answer.outcome is not None, answer.message
    (found,) = json.loads(answer.outcome)["tables"]
    return {"verdict": found["verdict"]} | {each["id"]: (each["status"], each.get("reason") or "") for each in found["rules"]}


def test_a_function_that_the_target_allows_no_longer_is_not_called(engine: Engine, target: Target) -> None:
    target.execute(MADE)
    rules = [
        expression("sql", "public.is_fine(id)"),
        {"id": "where", "type": "not_null", "column": "id", "where": '"public".is_fine(id)'},
        {"id": "query", "type": "sql", "arguments": {"query": "select id from public.t where not public.is_fine(id)"}},
        {"id": "others", "type": "relationship", "column": "id",
         "arguments": {"to_table": "public.t", "to_column": "id", "to_where": "public.is_fine(id)"}},
        expression("built_in", "abs(id) = 1 and id in (1, 2) and cast(id as numeric(2)) = 1"),
    ]  # fmt: skip
    allowing = target.document() | {"allow_functions": ["public.is_fine"]}
    found = verdict_of(engine, target, rules, allowing)
    assert found.pop("verdict") == "error"
    assert found.pop("built_in")[0] == "pass"
    fields = {"sql": "arguments/sql", "where": "where", "query": "arguments/query", "others": "arguments/to_where"}
    words = "calls public.is_fine, which is not allowed; an admin may add it to the target's allow_functions as schema.name"
    assert found == {name: ("error", f"{field} {words}") for name, field in fields.items()}


def test_a_function_of_another_engine_is_not_one_of_the_database_that_has_its_name(engine: Engine, target: Target) -> None:
    target.execute(MADE)
    before = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "adapter": "duckdb", "path": "/data/shop.duckdb"}
    found = verdict_of(engine, target, [expression("year", "year(id)"), expression("plain", "id > 0")], before)
    assert (found["verdict"], found["plain"][0], found["year"][0]) == ("error", "pass", "error")
    assert "calls year, which is not allowed" in found["year"][1]
