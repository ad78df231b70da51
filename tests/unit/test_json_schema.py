"""The JSON Schema of all documents: current, useful, and never stricter than the Backend."""

import copy
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from stringx_dataops.contract.documents import json_schema
from stringx_dataops.contract.documents.plain import Plain, decimal_of, integer_of
from stringx_dataops.contract.documents.streams import parse_datasets, parse_stream
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import ROOT
from tests.support.documents import CATALOGUE, plain_judge

SCHEMA = json_schema.schema(CATALOGUE)
VALIDATOR = Draft7Validator(SCHEMA)
TABLE: dict[str, Any] = {"apiVersion": "stringx/v1", "target": "shop", "table": "public.a"}
TARGET: dict[str, Any] = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "h", "dbname": "d", "user": "u"}
FILES = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "adapter": "duckdb", "path": "/data/shop.duckdb"}
WATCHES: list[dict[str, Any]] = [
    {"apiVersion": "stringx/v1", "kind": "Schedule", "name": "a", "target": "shop", "table": "public.a", "cron": "0 6 * * *"},
    {"apiVersion": "stringx/v1", "kind": "Channel", "name": "a", "type": "webhook", "url_env": "NOTIFY_A", "digest": "weekly"},
    {"apiVersion": "stringx/v1", "kind": "Route", "name": "a", "channel": "a", "quiet": {"from": "22:00", "to": "07:00"}},
]
DATASET: dict[str, Any] = {"apiVersion": "stringx/v1", "kind": "Dataset", "name": "d", "target": "shop", "tables": ["public.a"]}
EXAMPLES = [rule_type.example for rule_type in CATALOGUE if rule_type.example]
VALUES = [
    None, True, False, 0, 1, 2, 5, -1, 1.0, 2.5, "", "a", "5m", "1%", "10", "public.b", "warn", "2020-01-01", "off", "closed",
    [], ["a"], ["a", "b"], [1, 1.0, "1"], ["a", "a"], {}, {"min": 1}, {"max": 3}, {"max_age": "1h"}, {"on_warn": "closed"},
    integer_of("007"), decimal_of("1.10"), decimal_of("1e3"), Plain("~", None), Plain("True", True),
]  # fmt: skip


def as_editors_read(value: Any) -> Any:
    """Numbers, booleans and nulls by their value; the Backend keeps the text of some."""
    if isinstance(value, dict):
        return {name: as_editors_read(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_editors_read(item) for item in value]
    return value.core if isinstance(value, Plain) else value


def takes(document: Any) -> bool:
    """Whether the Backend takes the document, where whatever it names is configured."""
    try:
        stream = parse_stream({}, CATALOGUE, [document], plain_judge)
        _, faults = parse_datasets([document], lambda dataset, pointer: [])
    except Invalid:
        return False
    return not stream.errors and not faults


def faults(document: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in VALIDATOR.iter_errors(as_editors_read(document))]


def test_the_file_is_current() -> None:
    assert json_schema.FILE.read_text() == json_schema.as_text(CATALOGUE), f"run: {json_schema.COMMAND}"


def test_it_is_a_schema_and_knows_the_kinds_of_the_backend() -> None:
    Draft7Validator.check_schema(SCHEMA)
    (fault,) = parse_stream({}, CATALOGUE, [{"kind": "Nothing"}]).errors
    kinds = set(re.findall(r"\w+", fault.message.partition("known kinds: ")[2]))
    assert set(json_schema.models()) == kinds


def test_documents_that_are_in_use_are_taken() -> None:
    documents = [document for file in sorted((ROOT / "rules").rglob("*.yml")) for document in read_yaml(file.read_bytes())]
    documents += read_yaml((ROOT / "examples" / "watching" / "watching.yml").read_bytes())
    documents += [
        document for file in sorted((ROOT / "examples").rglob("rules/**/*.yml")) for document in read_yaml(file.read_bytes())
    ]
    for document in [
        *documents,
        TARGET,
        FILES | {"attach": {"ref": "/data/r.duckdb"}},
        DATASET,
        *WATCHES,
        *({**TABLE, "rules": [example]} for example in EXAMPLES),
    ]:
        assert faults(document) == [], document


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (TABLE | {"ownr": "me"}, "$"),
        (TABLE | {"kind": "Tabel"}, "$.kind"),
        (TABLE | {"on_empty": "error"}, "$.on_empty"),
        (TABLE | {"gate": {"on_warn": "shut"}}, "$.gate.on_warn"),
        (TABLE | {"rules": [{"id": "r", "type": "not_nul", "column": "c"}]}, "$.rules[0].type"),
        (TABLE | {"rules": [{"id": "r", "type": "not_null"}]}, "$.rules[0]"),
        (TABLE | {"rules": [{"id": "r", "type": "between", "column": "c", "arguments": {"mn": 1}}]}, "$.rules[0].arguments"),
        (TABLE | {"rules": [{"id": "r", "type": "accepted_values", "column": "c"}]}, "$.rules[0]"),
        (TABLE | {"rules": [{"id": "R", "type": "not_null", "column": "c"}]}, "$.rules[0].id"),
        (TARGET | {"port": "x"}, "$.port"),
        (FILES | {"attach": {"Ref": "/data/reference.duckdb"}}, "$.attach"),
        ({name: value for name, value in TARGET.items() if name != "host"}, "$"),
        (DATASET | {"rules": []}, "$"),
        (TABLE | {"expected_by": {"tme": "06:30"}}, "$.expected_by"),
        (WATCHES[0] | {"window": {"column": "a"}}, "$.window"),
        (WATCHES[1] | {"url": "https://hooks.example.com"}, "$"),
        (WATCHES[2] | {"on": ["close"]}, "$.on[0]"),
        ({"table": "public.a"}, "$"),
    ],
)  # fmt: skip
def test_what_an_editor_can_know_is_refused_at_its_place(document: dict[str, Any], path: str) -> None:
    assert not takes(document)
    assert path in {fault.partition(": ")[0] for fault in faults(document)}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_the_backend_takes_is_never_refused(data: st.DataObject) -> None:
    document = copy.deepcopy(data.draw(st.sampled_from([TABLE, TABLE, TABLE, TARGET, DATASET, *WATCHES])))
    places: list[dict[str, Any]] = [document]
    kind = document.get("kind", "Table")
    names = list(json_schema.models()[kind].model_fields)
    if kind == "Table":
        rule = copy.deepcopy(data.draw(st.sampled_from(EXAMPLES)))
        document["rules"] = [rule]
        places += [rule, rule.setdefault("arguments", {})]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places))
        own = [*place, *(names if place is document else [])]
        if kind == "Table" and place is not document:
            rule_type = (
                CATALOGUE.get(str(document["rules"][0].get("type")))
                if place is places[2] and document.get("rules") == [rule]
                else None
            )
            own += (
                list(rule_type.arguments.get("properties", {}))
                if rule_type and place is places[2]
                else ["column", "columns", "warn_above", "fail_above", "severity", "where", "active"]
            )
        name = data.draw(st.sampled_from(own or ["x"]))
        if data.draw(st.booleans()):
            place.pop(name, None)
        else:
            place[name] = data.draw(st.sampled_from(VALUES))
    if takes(document):
        assert faults(document) == [], document


def test_every_field_has_a_description() -> None:
    described = {name: part for name, part in SCHEMA["definitions"].items() if name in json_schema.DESCRIPTIONS}
    assert set(described) == set(json_schema.DESCRIPTIONS)
    for name, words in json_schema.DESCRIPTIONS.items():
        assert set(words) <= set(described[name]["properties"]), name
