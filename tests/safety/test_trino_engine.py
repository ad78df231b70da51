"""Hostile texts in the fields of rules on Trino: refused with a pointer, or taken literally by the real engine. What is not there is
read by nobody, and what is there stays. SAFETY_ALL=1 takes more of the texts: about twenty minutes.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from api.checks import specification
from api.checks.lookup import Configured, InScope
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.messages.trials import CheckOrder
from tests.safety.judging import CATALOGUE, CORPUS, EVERYTHING, FEW, STATUSES, quoted, refusal
from tests.safety.payloads import Payload
from tests.support.fields import REQUEST, TABLE, Field, fields_of_rule, good_rule
from tests.support.trino_server import Trino
from tests.support.trino_tables import TrinoTables, trino_tables

TYPES = [rule_type for rule_type in CATALOGUE if "trino" in rule_type.engines]
SECRET = "what nobody may read"
AT_ONCE = 100
FORMS: set[str] = set()  # of fields that were run with more than a few texts


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def judge(_: str = "") -> Judge:
    return Judge(dialect_of("trino"))


def parse(value: Any) -> TableDocument:
    return parse_table(value, CATALOGUE, judge)


@pytest.fixture(scope="module")
def tables(trino: Trino, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrinoTables]:
    folder = tmp_path_factory.mktemp("trino")
    with trino.a_schema() as schema, trino_tables(folder, trino, "lake", schema) as made:
        made.execute(
            f"create table gold as select {literal(SECRET)} as secret",
            "create table texts as select n as id, cast(n as varchar) as c, n as m, current_date as d from (values 1, 2, 3) as t (n)",
        )
        before = trino.rows('select snapshot_id from "gold$snapshots"', "lake", schema)
        yield made
        assert trino.rows("select secret from gold", "lake", schema) == [(SECRET,)]
        assert trino.rows('select snapshot_id from "gold$snapshots"', "lake", schema) == before


def outcome_of(tables: TrinoTables, documents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The outcome of each table, of documents that the contract accepts."""
    target = parse_target(
        {
            "apiVersion": "stringx/v1",
            "kind": "Target",
            "name": "shop",
            "adapter": "trino",
            "host": "h",
            "user": "u",
            "catalog": "lake",
        }
    )
    asked = parse_model(CheckOrder, REQUEST)
    spec: Any = None
    for value in documents:
        parsed = parse(value)
        one = specification.build(asked, target, [InScope(Configured(parsed, target, 1, "x"), list(parsed.rules))], CATALOGUE, 60)
        spec = one if spec is None else spec | {"tables": spec["tables"] + one["tables"]}
    answer = tables.answer(json.loads(json.dumps(spec)))
    assert answer.outcome is not None, answer.message
    assert SECRET not in answer.outcome
    found: list[dict[str, Any]] = json.loads(answer.outcome)["tables"]
    return found


def document(tables: TrinoTables, table: str, rules: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return TABLE | {"table": f"{tables.schema}.{table}", "rules": list(rules)} | more


@pytest.mark.parametrize("kind", ["accepted_values", "rejected_values"])
def test_values_are_compared_letter_by_letter(tables: TrinoTables, kind: str) -> None:
    """A table holds each text once, so that the rule that allows this text alone is violated by all others."""
    texts = [payload.text for payload in CORPUS if len(payload.text) < 1000]
    tables.execute("drop table if exists letters", "create table letters (c varchar)")
    for start in range(0, len(texts), 200):
        tables.execute(f"insert into letters values {', '.join(map(literal, texts[start : start + 200]))}")
    rules = [
        {"id": f"r{n}", "type": kind, "column": "c", "arguments": {"values": [text]}}
        for n, text in enumerate(texts[:: 1 if EVERYTHING else 9])
    ]
    for start in range(0, len(rules), AT_ONCE):
        (found,) = outcome_of(tables, [document(tables, "letters", rules[start : start + AT_ONCE], key=[], sample_columns=[])])
        expected = len(texts) - 1 if kind == "accepted_values" else 1
        assert {rule["failures"] for rule in found["rules"]} == {expected}


def test_columns_and_tables_of_hostile_names_are_found(tables: TrinoTables) -> None:
    """Those that Trino and Iceberg can have, in lower case."""
    names = [
        'a"b', "a'b", "a;b", "a--b", "a b", "/*a*/", "{{ a }}", "select", "a\\b", "$$", "ü", "a.b", "'; drop table gold; --", '")',
    ]  # fmt: skip
    columns = ", ".join(f"{quoted(name)} integer" for name in names)
    tables.execute(f"create table named (id integer, {columns})", "insert into named (id) values 1, 2")
    rules = [{"id": f"r{n}", "type": "not_null", "column": name} for n, name in enumerate(names)]
    (found,) = outcome_of(tables, [document(tables, "named", rules, key=["id"], sample_columns=["id"])])
    assert {rule["failures"] for rule in found["rules"]} == {2}


@pytest.mark.parametrize("name", [rule_type.name for rule_type in TYPES])
def test_a_text_in_any_field_of_a_rule_is_refused_or_taken_literally(tables: TrinoTables, name: str) -> None:
    """It never hides the rule beside it."""
    rule_type = CATALOGUE.get(name)
    assert rule_type is not None
    good = next(
        rule
        for column in ("c", "m", "d")
        if refusal(
            parse, document(tables, "texts", [rule := good_rule(rule_type, column, f"{tables.schema}.texts") | {"id": "rule"}])
        )
        is None
    )
    rules: list[tuple[Field, Payload, dict[str, Any]]] = []
    for item in fields_of_rule(rule_type, good):
        if item.path == ("id",) or (item.path[0] != "arguments" and rule_type is not TYPES[0]):
            continue
        form = item.format or item.path[-1]
        texts = CORPUS[:: 6 if EVERYTHING else 60] if form not in FORMS else FEW[:: 2 if EVERYTHING else 9]
        accepted = []
        for payload in texts:
            rule = item.holding(payload.text) | {"id": f"rule_{len(rules) + len(accepted)}"}
            if refusal(parse, document(tables, "texts", [rule])) is None:
                accepted.append((item, payload, rule))
        if accepted:
            FORMS.add(str(form))
        rules += accepted
    for start in range(0, len(rules), AT_ONCE):
        some = rules[start : start + AT_ONCE]
        beside = {"id": "beside", "type": "row_count", "arguments": {"min": 3, "max": 3}}
        (found,) = outcome_of(tables, [document(tables, "texts", [*(rule for _, _, rule in some), beside])])
        assert (found["rules"][-1]["status"], found["row_count"]) == ("pass", 3)
        assert {outcome["status"] for outcome in found["rules"]} <= STATUSES
