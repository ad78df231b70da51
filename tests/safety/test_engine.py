"""Every hostile text in every field of rules, tables and windows: refused with a pointer, or taken literally by the real engine.

By default the contract judges every text in one field of each form (column, relation, condition, …) that takes free text, a quarter
of them in each later one, another one each time, and some of each family in the others; the engine runs every text in one field of
each form that dbt gets, and in each of the others some that the last field did not have. SAFETY_ALL=1 puts every text into every
field and runs all that is accepted: minutes.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stringx_dataops.contract.documents.datasets import DatasetDocument
from stringx_dataops.contract.documents.engines.postgres import PostgresTarget
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.documents.names import fault_of_literal_name
from stringx_dataops.contract.messages.checks import CheckRequest
from tests.safety.canaries import Canaries, files
from tests.safety.conftest import Gate
from tests.safety.judging import (
    AT_ONCE,
    CATALOGUE,
    CORPUS,
    EVERYTHING,
    FEW,
    NAMES,
    SOME,
    Tally,
    accepted_rules,
    document,
    outcome_of,
    outcome_of_tables,
    parse,
    print_past_capture,
    quoted,
    reaches_dbt,
    refusal,
    run_rules,
    to_judge,
    to_run,
)
from tests.safety.payloads import Payload
from tests.support.fields import (
    KEY,
    REQUEST,
    TABLE,
    Field,
    fields_of_dataset,
    fields_of_request,
    fields_of_rule,
    fields_of_table,
    fields_of_target,
    good_rule,
)

FIRST = next(iter(CATALOGUE))  # the type whose fields that all types have take every text
KINDS = {
    "numbers": "integer",
    "texts": "text",
    "moments": "timestamptz",
    "documents": "jsonb",
}  # a table of each, with a column named as each text
ASKED = CheckRequest.model_validate(REQUEST)


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """Told at the end."""
    counted = Tally()
    yield counted
    print_past_capture(request, f"hostile texts in {counted}")


@pytest.fixture(scope="module")
def seen() -> Counter[str]:
    """How often a form of field was run."""
    return Counter()


@pytest.fixture(scope="module")
def gate(canaries: Canaries, make_gate: Callable[..., Gate]) -> Gate:
    """The real project, on a target in which names of every sort are taken."""
    for table, kind in KINDS.items():
        columns = ", ".join(f"{quoted(name)} {kind}" for name in NAMES)
        value = {"integer": "n", "text": "n::text", "timestamptz": "now() - n * interval '1 hour'", "jsonb": "'{}'::jsonb"}[kind]
        canaries.target.execute(f"create table {table} (id integer, c {kind}, {columns})")
        canaries.target.execute(f"insert into {table} (id, c) select n, {value} from generate_series(1, 3) n")
    return make_gate()


@pytest.fixture(autouse=True)
def untouched(canaries: Canaries, gate: Gate) -> Iterator[None]:
    """After each test the canaries are what they were, and no secret was told or written."""
    yield
    canaries.require_unchanged()
    canaries.require_unsaid([*gate.answers, *files(gate.folder), *files(gate.home)])
    gate.answers.clear()


@pytest.fixture(scope="module")
def good_rules(gate: Gate) -> dict[str, tuple[str, dict[str, Any]]]:
    """By type a table and a rule of the type that can be decided there, so that a hostile text reaches the database."""
    tables = []
    for rule_type in CATALOGUE:
        for name in KINDS:
            tables.append((name, [good_rule(rule_type, "c", f"public.{name}") | {"id": "rule"}]))
    outcome = outcome_of(gate, [document(rules, name) for name, rules in tables])
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for (name, rules), table in zip(tables, outcome, strict=True):
        if table["rules"][0]["status"] != "error":
            found.setdefault(rules[0]["type"], (name, rules[0]))
    assert found.keys() == {rule_type.name for rule_type in CATALOGUE}, (
        "the example of every type can be run on one of the tables"
    )
    return found


@pytest.mark.parametrize("name", [rule_type.name for rule_type in CATALOGUE])
def test_every_field_of_a_rule(
    gate: Gate, good_rules: dict[str, tuple[str, dict[str, Any]]], name: str, tally: Tally, seen: Counter[str]
) -> None:
    rule_type = CATALOGUE.get(name)
    assert rule_type is not None
    table, good = good_rules[name]
    to_be_run: list[tuple[Field, Payload, dict[str, Any]]] = []
    for item in fields_of_rule(rule_type, good):
        own = item.path[0] == "arguments"
        some = accepted_rules(item, SOME if own else FEW, table)
        judged_already = (
            item.format in ("sql-condition", "test-argument") and seen[item.format] > 0
        )  # by the same parser, which takes long
        every = EVERYTHING or (own and some and item.path[-1] != KEY and not judged_already) or (not own and rule_type is FIRST)
        wanted = to_judge(item, seen) if every else SOME if own else FEW
        rules = accepted_rules(item, wanted, table) if every else some
        run = to_run(item, rules, seen) if reaches_dbt(item, rules, table) else []
        to_be_run += [(item, payload, rule) for payload, rule in run]
        tally.count(item.name, len(wanted), len(rules), len(run))
    run_rules(gate, to_be_run, table)


def test_every_field_of_a_table(gate: Gate, canaries: Canaries, tally: Tally) -> None:
    """Names of tables are names of tables that exist; columns of key and sample those of a table that has them."""
    for item in fields_of_table():
        wanted = CORPUS if item.path[0] in ("table", "description", "owner", "key", "sample_columns", "timezone") else SOME
        errors = [refusal(parse, item.holding(payload.text)) for payload in wanted]
        assert all(error.errors for error in errors if error is not None), item.name
        accepted = errors.count(None)
        tally.count(item.name, len(wanted), accepted, 0)


def test_tables_of_hostile_names_are_found(gate: Gate, canaries: Canaries, tally: Tally) -> None:
    """A table of each name is there; what is counted are the rows of that very table. Names that look like a pattern are refused."""
    chosen = NAMES[:: 1 if EVERYTHING else 8]
    some = [name for name in chosen if fault_of_literal_name(name) is None]
    for name in set(chosen) - set(some):
        fault = refusal(parse, TABLE | {"table": f"public.{name}"})
        assert [error.pointer for error in (fault.errors if fault else ())] == ["/table"], name
    numbered = list(enumerate(some))
    for start in range(0, len(numbered), 100):
        canaries.target.execute(
            ";".join(
                f"create table {quoted(name)} as select generate_series(1, {number % 7 + 1}) as c"
                for number, name in numbered[start : start + 100]
            )
        )
    documents, expected = [], []
    for number, name in numbered:
        value = TABLE | {"table": f"public.{name}", "key": ["c"], "rules": [{"id": "rows", "type": "not_null", "column": "c"}]}
        documents.append(value)
        expected.append(number % 7 + 1)
    found = []
    for start in range(0, len(documents), 100):
        found += outcome_of(gate, documents[start : start + 100])
    assert [table["row_count"] for table in found] == expected
    assert {table["verdict"] for table in found} == {"pass"}
    tally.count("table:/table (one that exists)", len(found), len(found), len(found))


def test_columns_of_hostile_names_are_shown(gate: Gate, canaries: Canaries, tally: Tally) -> None:
    """Key and sample columns of every name, in samples of the rows that fail."""
    some = NAMES[:: 1 if EVERYTHING else 5]
    rules = [{"id": "none", "type": "is_null", "column": "c"}]
    documents = [document(rules, "texts", key=[name, "id"], sample_columns=["c", name], sample_rows=2) for name in some]
    found = []
    for start in range(0, len(documents), 100):
        found += outcome_of(gate, documents[start : start + 100])
    for name, table in zip(some, found, strict=True):
        assert table["rules"][0]["sample"] == {
            "columns": list(dict.fromkeys([name, "id", "c"])),
            "rows": [[None, 1, "1"], [None, 2, "2"]],
        }, name
    tally.count("table:/key and /sample_columns (that exist)", len(found), len(found), len(found))


def test_windows(gate: Gate, canaries: Canaries, tally: Tally) -> None:
    """Bounds are texts of the column's type; a column is one of this name."""
    rules = [{"id": "rows", "type": "row_count", "arguments": {"min": 0}}]
    parsed = parse(document(rules, "texts"))
    tables = [(parsed, {"column": name, "from": "a", "to": None}) for name in NAMES[:: 1 if EVERYTHING else 8]]
    tables += [
        (parsed, {"column": "c", "from": payload.text, "to": payload.text}) for payload in CORPUS[:: 1 if EVERYTHING else 5]
    ]
    tables += [(parsed, {"column": "id", "from": payload.text, "to": None}) for payload in SOME]
    found = []
    for start in range(0, len(tables), 100):
        found += outcome_of_tables(gate, tables[start : start + 100])
    for (_, window), table in zip(tables, found, strict=True):
        assert window is not None
        if window["column"] != "id":
            assert table["row_count"] == 0, window
    tally.count("request:/window (of columns that exist)", len(found), len(found), len(found))


def test_values_are_compared_letter_by_letter(gate: Gate, canaries: Canaries, tally: Tally) -> None:
    """A table holds each text once, so that the rule that allows this text alone is violated by all others."""
    target = canaries.target
    target.execute("create table letters (c text)")
    target.execute("insert into letters select unnest(%s)", ([payload.text for payload in CORPUS],))
    every = CORPUS[:: 1 if EVERYTHING else 3]
    for kind, failures in (("accepted_values", len(CORPUS) - 1), ("rejected_values", 1)):
        rules = [
            {"id": f"r{n}", "type": kind, "column": "c", "arguments": {"values": [payload.text]}}
            for n, payload in enumerate(every)
        ]
        for start in range(0, len(rules), AT_ONCE):
            (found,) = outcome_of(gate, [document(rules[start : start + AT_ONCE], "letters")])
            assert {rule["failures"] for rule in found["rules"]} == {failures}, kind
        tally.count(f"{kind}:/arguments/values (that exist)", len(every), len(every), len(every))


def test_every_field_of_a_request_and_of_a_target(gate: Gate, tally: Tally) -> None:
    """What the contract says; the service is asked in test_service.py."""
    for model, fields in (
        (CheckRequest, fields_of_request()),
        (PostgresTarget, fields_of_target()),
        (DatasetDocument, fields_of_dataset()),
    ):
        for item in fields:
            errors = [refusal(parse_model, model, item.holding(payload.text)) for payload in CORPUS]
            assert all(error.errors for error in errors if error is not None), item.name
            tally.count(item.name, len(CORPUS), errors.count(None), 0)


LEAKY = [(kind, "private") for kind in ("regclass", "regproc", "regtype", "regrole", "regnamespace")]
LEAKY += [("tsquery", "! private words :"), ("tsvector", "private:x")]


@pytest.mark.parametrize(("kind", "value"), LEAKY)
def test_a_reason_holds_no_value_of_a_row(gate: Gate, canaries: Canaries, kind: str, value: str) -> None:
    canaries.target.execute("drop table if exists told; create table told as select %s as c", (value,))
    (found,) = outcome_of(
        gate, [document([{"id": "a", "type": "expression", "arguments": {"sql": f"c::{kind} is null"}}], "told")]
    )
    assert found["rules"][0]["status"] == "error"
    assert "private" not in found["rules"][0]["reason"]


def test_a_reason_is_one_line(gate: Gate) -> None:
    arguments = {"test": "relationships", "arguments": {"to": {"ref": "no\nsuch\nmodel"}, "field": "c"}}
    (found,) = outcome_of(gate, [document([{"id": "a", "type": "dbt", "column": "c", "arguments": arguments}], "texts")])
    assert "\n" not in found["rules"][0]["reason"]
