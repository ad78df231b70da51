"""Data contracts become rules, rules become data contracts, and come back as they were."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stringx_dataops.cli.exchange import export_as
from stringx_dataops.client import Refused
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.model import Taken, Unreadable
from stringx_dataops.exchange.names import file_name
from stringx_dataops.exchange.odcs.operators import Comparison, Lost
from stringx_dataops.exchange.odcs.reading import read
from stringx_dataops.exchange.odcs.writing import write
from stringx_dataops.exchange.offline import own_catalogue
from tests.support.documents import plain_judge

CATALOGUE = own_catalogue()


def contract(entry: JsonObject | list[JsonObject], **more: Any) -> JsonObject:
    entries = entry if isinstance(entry, list) else [entry]
    server = {"server": "s", "type": "postgres", "host": "h", "port": 5432, "database": "d", "schema": "public"}
    head = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1.0.0", "status": "active"}
    return head | {"servers": [server], "schema": entries} | more


def column(**fields: Any) -> JsonObject:
    return {"name": "orders", "properties": [{"name": "a", **fields}]}


def taken_from(folder: Path, value: Any, schema: str | None = None) -> Taken:
    file = folder / "contract.yaml"
    file.write_text(value if isinstance(value, str) else yaml.safe_dump(value, sort_keys=False))
    return read([file], "nyc", CATALOGUE, schema)


def without_id(taken: Taken) -> list[JsonObject]:
    return [{name: value for name, value in rule.items() if name != "id"} for each in taken.documents for rule in each["rules"]]


@pytest.mark.parametrize(
    ("name", "value", "percent", "most"),
    [
        ("mustBe", 0, False, 0),
        ("mustBe", 0, True, 0),
        ("mustBeLessThan", 5, False, 4),
        ("mustBeLessThan", 1, False, 0),
        ("mustBeLessThan", 2.5, False, 2),
        ("mustBeLessOrEqualTo", 5, False, 5),
        ("mustBeLessOrEqualTo", 2.5, False, 2),
        ("mustBeLessOrEqualTo", 2.5, True, "2.5%"),
        ("mustBeLessOrEqualTo", 10, True, "10%"),
        ("mustBeBetween", [0, 3], False, 3),
        ("mustBe", 3, False, None),
        ("mustBeBetween", [1, 3], False, None),
        ("mustBeLessThan", 5, True, None),
        ("mustBeLessThan", 0, False, None),
        ("mustBeLessOrEqualTo", -1, False, None),
        ("mustBeLessOrEqualTo", 101, True, None),
        ("mustBeGreaterThan", 0, False, None),
        ("mustNotBe", 0, False, None),
        ("mustNotBeBetween", [1, 2], False, None),
    ],
)
def test_how_many_bad_rows_there_may_be(name: str, value: Any, percent: bool, most: int | str | None) -> None:
    if most is None:
        with pytest.raises(Lost):
            Comparison(name, value).most(percent)
    else:
        assert Comparison(name, value).most(percent) == most


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"required": True}, [{"type": "not_null", "column": "a"}]),
        ({"unique": True}, [{"type": "unique", "column": "a"}]),
        ({"primaryKey": True}, [{"type": "not_null", "column": "a"}, {"type": "unique", "column": "a"}]),
        (
            {"primaryKey": True, "required": True, "physicalName": "A b"},
            [{"type": "unique", "column": "A b"}, {"type": "not_null", "column": "A b"}],
        ),
        ({"physicalType": "varchar(3)"}, [{"type": "column_type", "column": "a", "arguments": {"type": "varchar(3)"}}]),
        (
            {"logicalType": "string", "logicalTypeOptions": {"minLength": 1, "maxLength": 3, "pattern": "^x"}},
            [
                {"type": "length", "column": "a", "arguments": {"min": 1, "max": 3}},
                {"type": "regex", "column": "a", "arguments": {"pattern": "^x"}},
            ],
        ),
        (
            {"logicalType": "number", "logicalTypeOptions": {"exclusiveMinimum": 0, "maximum": 1.5, "multipleOf": 5}},
            [
                {"type": "between", "column": "a", "arguments": {"min": 0, "exclusive_min": True, "max": 1.5}},
                {"type": "expression", "arguments": {"sql": 'mod("a", 5) = 0'}},
            ],
        ),
        (
            {"logicalType": "date", "logicalTypeOptions": {"minimum": "2020-01-01"}},
            [{"type": "between", "column": "a", "arguments": {"min": "2020-01-01"}}],
        ),
        (
            {"logicalType": "string", "logicalTypeOptions": {"format": "uuid"}},
            [{"type": "format", "column": "a", "arguments": {"format": "uuid"}}],
        ),
        (
            {"enum": [{"value": "A"}, {"value": 2}]},
            [{"type": "accepted_values", "column": "a", "arguments": {"values": ["A", 2]}}],
        ),
        ({"logicalType": "timestamp", "logicalTypeOptions": {"timezone": True}}, []),
    ],
)
def test_a_property_becomes_rules(tmp_path: Path, fields: JsonObject, wanted: list[JsonObject]) -> None:
    taken = taken_from(tmp_path, contract(column(**fields)))
    assert (without_id(taken), taken.losses) == (wanted, [])


@pytest.mark.parametrize(
    ("check", "wanted"),
    [
        ({"metric": "nullValues", "mustBe": 0}, {"type": "not_null", "column": "a"}),
        (
            {"type": "library", "rule": "nullValues", "mustBeLessThan": 3, "severity": "Warning", "description": "Few."},
            {"type": "not_null", "column": "a", "warn_above": 2, "description": "Few."},
        ),
        (
            {"metric": "nullValues", "mustBeLessOrEqualTo": 5, "unit": "percent", "dimension": "conformity"},
            {"type": "not_null", "column": "a", "fail_above": "5%", "dimension": "validity"},
        ),
        ({"metric": "missingValues", "mustBe": 0}, {"type": "not_null", "column": "a"}),
        (
            {"metric": "missingValues", "arguments": {"missingValues": [None, "", "n'a"]}, "mustBe": 0},
            {"type": "expression", "arguments": {"sql": "\"a\" not in ('', 'n''a')", "null_passes": False}},
        ),
        (
            {"metric": "missingValues", "arguments": {"missingValues": ["x"]}, "mustBe": 0},
            {"type": "rejected_values", "column": "a", "arguments": {"values": ["x"]}},
        ),
        (
            {"metric": "invalidValues", "arguments": {"validValues": ["A", 1]}, "mustBeLessThan": 10},
            {"type": "accepted_values", "column": "a", "arguments": {"values": ["A", 1]}, "fail_above": 9},
        ),
        (
            {"metric": "invalidValues", "arguments": {"pattern": "^x"}, "mustBe": 0},
            {"type": "regex", "column": "a", "arguments": {"pattern": "^x"}},
        ),
        ({"metric": "duplicateValues", "mustBe": 0, "severity": "info"}, {"type": "unique", "column": "a", "severity": "warn"}),
        (
            {"type": "sql", "query": "SELECT max({column}) FROM ${object};", "mustBeGreaterThan": 3, "severity": "warning"},
            {
                "type": "sql",
                "arguments": {
                    "query": 'select found from (select (SELECT max("a") FROM "public"."orders") as found) as measured'
                    " where (found > 3) is not true"
                },
                "severity": "warn",
            },
        ),
        (
            {"type": "custom", "engine": "stringx", "implementation": "{type: not_null, column: b, fail_above: 3%}"},
            {"type": "not_null", "column": "b", "fail_above": "3%"},
        ),
    ],
)
def test_a_check_of_a_column_becomes_a_rule(tmp_path: Path, check: JsonObject, wanted: JsonObject) -> None:
    taken = taken_from(tmp_path, contract(column(quality=[check])))
    assert (without_id(taken), taken.losses) == ([wanted], [])


@pytest.mark.parametrize(
    ("check", "wanted"),
    [
        ({"metric": "rowCount", "mustBe": 5}, {"min": 5, "max": 5}),
        ({"metric": "rowCount", "mustBeGreaterThan": 5}, {"min": 5, "exclusive_min": True}),
        ({"metric": "rowCount", "mustBeBetween": [1, 9], "severity": "warn"}, {"warn": {"min": 1, "max": 9}}),
    ],
)
def test_the_number_of_rows(tmp_path: Path, check: JsonObject, wanted: JsonObject) -> None:
    taken = taken_from(tmp_path, contract({"name": "orders", "quality": [check]}))
    assert without_id(taken) == [{"type": "row_count", "arguments": wanted}]
    assert taken.remarks == (["mustBeBetween is read with both ends, as tools do; ODCS's own text leaves them out"] if "mustBeBetween" in check else [])  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"quality": [{"type": "text", "description": "x"}]}, "type text is no check that a machine decides"),
        ({"quality": [{"type": "custom", "engine": "soda", "implementation": "x"}]}, "engine soda runs its own checks"),
        ({"quality": [{"type": "custom", "engine": "stringx", "implementation": "3"}]}, "implementation is no rule"),
        ({"quality": [{"type": "custom", "engine": "stringx", "implementation": {"type": "nothing"}}]}, "is no rule type"),
        ({"quality": [{"metric": "nullValues"}]}, "has 0 comparisons"),
        ({"quality": [{"metric": "nullValues", "mustBe": 0, "mustNotBe": 1}]}, "has 2 comparisons"),
        ({"quality": [{"metric": "nullValues", "mustBe": "none"}]}, "mustBe none is no number"),
        ({"quality": [{"metric": "nullValues", "mustBeLessOrEqualTo": float("nan")}]}, "is no number"),
        ({"logicalType": "string", "logicalTypeOptions": {"format": ["email"]}}, "is none of"),
        ({"quality": [{"metric": "nullValues", "mustBe": 0, "unit": "bytes"}]}, "unit bytes"),
        ({"quality": [{"metric": "duplicateValues", "mustBeLessThan": 3}]}, "only 0 means the same"),
        ({"quality": [{"metric": "invalidValues", "mustBe": 0}]}, "takes validValues or pattern"),
        ({"quality": [{"metric": "freshness", "mustBe": 0}]}, "freshness is no metric of ODCS"),
        ({"quality": [{"metric": "rowCount", "mustBe": 0}]}, "is about a table, not a column"),
        ({"quality": [{"type": "sql", "query": "drop table x", "mustBe": 0}]}, "arguments/query"),
        ({"quality": [{"type": "sql", "mustBe": 0}]}, "has no query"),
        ({"logicalType": "string", "logicalTypeOptions": {"pattern": r"\bx"}}, "means something else in PostgreSQL"),
        ({"logicalType": "string", "logicalTypeOptions": {"format": "hostname"}}, "the format hostname is none of"),
        ({"logicalType": "integer", "logicalTypeOptions": {"format": "i32"}}, "logicalTypeOptions.format i32 has no rule"),
        ({"relationships": [{"to": "other.id"}]}, "names no columns of this contract"),
        ({"properties": [{"name": "inner"}]}, "what is inside of a column"),
    ],
)
def test_what_no_rule_says_is_a_loss_with_its_line(tmp_path: Path, fields: JsonObject, words: str) -> None:
    taken = taken_from(tmp_path, contract(column(required=True, **fields)))
    assert without_id(taken) == [{"type": "not_null", "column": "a"}]
    (loss,) = taken.losses
    assert words in loss.words
    assert int(loss.place.rpartition(":")[2]) > 10


def test_keys_relationships_and_service_levels(tmp_path: Path) -> None:
    orders = {
        "name": "orders",
        "physicalName": "sales.Orders",
        "properties": [
            {"name": "b", "primaryKey": True, "primaryKeyPosition": 2, "relationships": [{"to": "/schema/people/properties/id"}]},
            {"name": "a", "primaryKey": True, "primaryKeyPosition": 1},
        ],
        "relationships": [{"from": ["orders.a", "orders.b"], "to": ["people.id", "people.name"]}],
    }
    people = {"name": "people", "properties": [{"name": "id", "physicalName": "ID"}, {"name": "name"}]}
    levels = [
        {"property": "latency", "value": 4, "unit": "d", "element": "orders.a"},
        {"property": "latency", "value": 4, "unit": "y", "element": "orders.a"},
        {"property": "latency", "value": 4, "element": "orders"},
        {"property": "retention", "value": 4},
    ]
    taken = taken_from(tmp_path, contract([orders, people], slaProperties=levels))
    (document,) = taken.documents
    assert (document["table"], document["on_empty"]) == ("sales.Orders", "fail")  # nothing is not fresh
    assert without_id(taken) == [
        {"type": "not_null", "columns": ["a", "b"]},
        {"type": "unique", "columns": ["a", "b"]},
        {"type": "relationship", "columns": ["a", "b"], "arguments": {"to_table": "public.people", "to_columns": ["ID", "name"]}},
        {"type": "relationship", "column": "b", "arguments": {"to_table": "public.people", "to_column": "ID"}},
        {"type": "freshness", "column": "a", "arguments": {"max_age": "4d"}},
    ]
    assert len(taken.losses) == 3


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a: 1", "holds no data contract"),
        ("a: [", "contract.yaml:2: not YAML"),
        ({"kind": "DataContract", "apiVersion": "v2.2.2"}, "apiVersion v2.2.2 is not of ODCS 3"),
        (contract({"name": "a"}, servers=[]), "name it with --schema"),
    ],
)
def test_what_is_no_contract_is_one_line(tmp_path: Path, value: Any, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        taken_from(tmp_path, value)


def examples() -> TableDocument:
    """A document with the example of every type of the catalogue, in every way of deciding, and with every setting."""
    rules: list[JsonObject] = [rule_type.example for rule_type in CATALOGUE]
    for number, fields in enumerate(
        [{"fail_above": 3}, {"warn_above": "1.5%"}, {"severity": "warn"}, {"warn_above": 1, "fail_above": 2}, {"where": "b > 1"},
         {"severity": "error"}, {"fail_above": 0}, {"active": False}, {"kind": "business"}, {"verify": "constraint"},
         {"dimension": "validity", "description": "So."}, {"dimension": "completeness"}]
    ):  # fmt: skip
        rules.append({"id": f"n{number}", "type": "not_null", "column": "a", **fields})
        rules.append({"id": f"u{number}", "type": "unique", "columns": ["a", "b"], **fields})
    rules += [
        {"id": "v1", "type": "accepted_values", "column": "a", "arguments": {"values": ["0123", 5, "true", "2020-01-01"]}},
        {"id": "v2", "type": "rejected_values", "column": "a", "arguments": {"values": ["", "N/A"]}, "warn_above": 3},
        {"id": "c1", "type": "row_count", "arguments": {"min": 3}},
        {"id": "c2", "type": "not_null", "columns": ["a"]},
        {"id": "c3", "type": "not_null", "column": "*_id"},
        {"id": "g1", "type": "not_null", "column": "a", "per": "b", "new_groups": "warn"},
        {"id": "g2", "type": "row_count", "arguments": {"min": 3}, "per": ["b", "c"]},
    ]
    document = {
        "apiVersion": "stringx/v1", "target": "nyc", "table": "public.Orders", "description": "All.", "timezone": "Europe/Berlin",
        "on_empty": "warn", "key": ["a"], "gate": {"max_age": "1d"}, "timeout": "2m", "rules": rules,
    }  # fmt: skip
    return parse_table(document, CATALOGUE, plain_judge)


def test_an_exported_document_comes_back_as_it_was(tmp_path: Path) -> None:
    document = examples()
    written = write([document], CATALOGUE)
    ((name, text),) = written.files.items()
    assert (name, written.losses) == (f"{file_name('public.Orders')}.odcs.yaml", [])
    taken = taken_from(tmp_path, text)
    assert taken.losses == []
    (back,) = taken.documents
    wanted = document.model_dump(mode="json", exclude_unset=True)
    by_id = [{rule["id"]: rule for rule in each.pop("rules")} for each in (back, wanted)]
    assert by_id[0] == by_id[1]
    assert back == wanted
    metrics = [check.get("metric") for check in _checks(yaml.safe_load(text))]
    assert {"nullValues", "duplicateValues", "invalidValues", "missingValues", "rowCount", None} <= set(metrics)


def _checks(value: JsonObject) -> list[JsonObject]:
    (entry,) = value["schema"]
    return [*entry["quality"], *(check for each in entry["properties"] for check in each["quality"])]


def test_exports_are_files_that_no_other_file_gives_way_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = examples().model_dump(mode="json", exclude_unset=True)
    assert export_as("odcs", tmp_path / "out", [document]) == 0
    assert "1 table(s) in 1 file(s)" in capsys.readouterr().err
    file = tmp_path / "out" / f"{file_name('public.Orders')}.odcs.yaml"
    assert read([tmp_path / "out"], "nyc", CATALOGUE).documents[0]["table"] == "public.Orders"
    assert export_as("dbt", tmp_path / "out", [document]) == 0
    assert "loss: public.Orders: gate has no counterpart in dbt" in capsys.readouterr().err
    file.write_text(json.dumps({"mine": True}))
    with pytest.raises(Refused, match="this command has not made it"):
        export_as("odcs", tmp_path / "out", [document])
    for documents, words in (
        ([], "no target"),
        ([document, document | {"target": "other"}], "tables of nyc, other; choose one by --target"),
    ):
        with pytest.raises(Refused, match=words):
            export_as("odcs", tmp_path / "out", documents)
