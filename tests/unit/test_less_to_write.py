"""Defaults and rule sets as pure functions of documents; names by patterns; messages of rules."""

import random
from typing import Any

import pytest

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.defaults import parse_defaults
from stringx_dataops.contract.documents.effective import rules_hash
from stringx_dataops.contract.documents.globs import check_glob, is_column_glob, is_glob, matches
from stringx_dataops.contract.documents.merging import Layers, as_said, faults_of_merging, merged, origins
from stringx_dataops.contract.documents.rule_messages import check_message, filled_in
from stringx_dataops.contract.documents.rule_sets import parse_rule_set
from stringx_dataops.contract.documents.tables import MOST_RULES, TableDocument, parse_table
from stringx_dataops.contract.documents.targets import judge_of
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import ROOT

CATALOGUE = Catalogue.load(ROOT / "stringx")
JUDGES = judge_of({})
HEAD = {"apiVersion": "stringx/v1", "target": "shop"}
IDS = {"id": "ids", "type": "not_null", "columns": ["*_id"], "fail_above": 3}


def table(**fields: Any) -> dict[str, Any]:
    return HEAD | {"kind": "Table", "table": "public.orders"} | fields


def rule_set(name: str = "keys", **fields: Any) -> dict[str, Any]:
    return HEAD | {"kind": "RuleSet", "name": name, "tables": ["public.*"], "rules": [IDS]} | fields


def faults(read: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as raised:
        read()
    return [(error.pointer, error.message) for error in raised.value.errors]


def test_a_field_of_the_table_replaces_the_default_and_a_gate_is_merged_field_by_field() -> None:
    defaults = HEAD | {
        "kind": "Defaults",
        "owner": "data",
        "tags": ["a"],
        "sample_rows": 1,
        "gate": {"max_age": "1h", "on_warn": "closed"},
    }
    found = merged(table(tags=["b"], gate={"on_warn": "open"}), Layers(defaults))
    assert found == table(owner="data", tags=["b"], sample_rows=1, gate={"max_age": "1h", "on_warn": "open"})
    assert origins(table(tags=["b"], gate={"on_warn": "open"}), Layers(defaults))["fields"] == {
        "description": "built_in",
        "owner": "defaults",
        "tags": "table",
        "runbook": "built_in",
        "expected_by": "built_in",
        "timezone": "built_in",
        "mode": "built_in",
        "timeout": "built_in",
        "on_empty": "built_in",
        "window_column": "built_in",
        "key": "built_in",
        "sample_rows": "defaults",
        "sample_columns": "built_in",
        "gate.on_error": "built_in",
        "gate.on_warn": "table",
        "gate.max_age": "defaults",
        "gate.decided_by": "built_in",
    } | {name: "built_in" for name in origins(table(), Layers())["fields"] if name == "gate.on_changed_rules"}


def test_nothing_is_added_without_layers_and_merging_twice_changes_nothing() -> None:
    random.seed(19)
    layers = Layers(HEAD | {"kind": "Defaults", "owner": "data", "gate": {"max_age": "1h"}})
    for _ in range(200):
        fields = {
            name: value
            for name, value in (("owner", "x"), ("tags", []), ("gate", {}), ("timezone", "UTC"))
            if random.random() < 0.5
        }
        document = table(rules=[], **fields)
        assert merged(document, Layers()) == document
        once = merged(document, layers)
        assert merged(once, layers) == once
        assert {name: once[name] for name in fields if name != "gate"} == {
            name: fields[name] for name in fields if name != "gate"
        }


def test_sets_give_their_rules_to_tables_that_match_in_the_order_of_their_names() -> None:
    layers = Layers(None, [rule_set("z"), rule_set("keys"), rule_set("no", tables=["public.o*"], **{"except": ["*.orders"]})])
    found = merged(table(rules=[{"id": "own", "type": "row_count", "arguments": {"min": 1}}]), layers)
    assert [rule["id"] for rule in found["rules"]] == ["own", "keys.ids", "z.ids"]
    assert found["rules"][1] == IDS | {"id": "keys.ids"}
    assert TableDocument.model_validate(found).rules[1].id == "keys.ids"
    assert origins(table(), layers)["rules"]["z.ids"] == {"from": "rule_set", "rule_set": "z", "overridden": []}


def test_an_override_gives_what_differs() -> None:
    between = {"id": "b", "type": "between", "column": "a", "arguments": {"min": 0, "max": 9}, "severity": "warn"}
    layers = Layers(None, [rule_set(rules=[IDS, between])])
    changed = [
        {"id": "keys.ids", "active": False, "column": "a_id"},
        {"id": "keys.b", "arguments": {"max": 5}, "fail_above": "1%"},
    ]
    found = merged(table(overrides=changed), layers)
    assert found["rules"] == [
        {"id": "keys.ids", "type": "not_null", "column": "a_id", "fail_above": 3, "active": False},
        {"id": "keys.b", "type": "between", "column": "a", "arguments": {"min": 0, "max": 5}, "fail_above": "1%"},
    ]
    assert "overrides" not in found
    assert origins(table(overrides=changed), layers)["rules"]["keys.b"]["overridden"] == ["arguments", "fail_above"]


def test_what_does_not_fit_is_named() -> None:
    layers = Layers(None, [rule_set(rules=[IDS | {"id": f"r{n}"} for n in range(MOST_RULES)])])
    found = list(faults_of_merging(table(rules=[IDS], overrides=[{"id": "keys.ids", "active": False}]), layers))
    assert [fault.pointer for fault in found] == ["/overrides/0/id", "/rules"]
    assert "5,001" in found[1].message


def test_only_what_decides_changes_the_hash() -> None:
    def hash_of(*sets: dict[str, Any], **fields: Any) -> str:
        return rules_hash(TableDocument.model_validate(merged(table(**fields), Layers(None, sets))), CATALOGUE)

    words = {"owner": "me", "tags": ["x"], "runbook": "https://wiki.example.com", "message": "{failures} bad", "description": "d"}
    assert hash_of(rule_set()) == hash_of(rule_set(rules=[IDS | words])) != hash_of(rule_set(rules=[IDS | {"fail_above": 4}]))
    assert hash_of() == hash_of(rule_set(rules=[IDS | {"active": False}]))
    assert hash_of(rule_set(), overrides=[{"id": "keys.ids", "active": False}]) == hash_of()


def test_a_document_of_an_earlier_release_has_not_said_its_defaults() -> None:
    old = TableDocument.model_validate(table(owner="me", gate={"max_age": "1h"})).model_dump(mode="json")
    assert as_said(old, as_written=False) == table(owner="me", gate={"max_age": "1h"}, rules=[], overrides=[])
    assert as_said(old, as_written=True) == old


@pytest.mark.parametrize(
    ("read", "places"),
    [
        (lambda: parse_table(table(rules=[IDS | {"id": "keys.ids"}]), CATALOGUE, JUDGES), ["/rules/0/id"]),
        (lambda: parse_table(table(overrides=[{"id": "ids"}, {"id": "k.a"}, {"id": "k.a"}]), CATALOGUE, JUDGES),
         ["/overrides/0/id", "/overrides/2/id"]),
        (lambda: parse_table(table(overrides=[{"id": "k.a", "type": "not_null"}]), CATALOGUE, JUDGES), ["/overrides/0/type"]),
        (lambda: parse_table(table(runbook="ftp://x", tags=["a", "a"], owner="x" * 201), CATALOGUE, JUDGES),
         ["/owner", "/tags", "/runbook"]),
        (lambda: parse_table(table(runbook="https://me:secret@wiki.example.com"), CATALOGUE, JUDGES), ["/runbook"]),
        (lambda: parse_table(table(rules=[IDS | {"message": "{0.__class__}"}]), CATALOGUE, JUDGES), ["/rules/0/message"]),
        (lambda: parse_table(table(rules=[{"id": "r", "type": "between", "column": "*", "arguments": {"min": 1}}]), CATALOGUE, JUDGES),
         ["/rules/0/column"]),
        (lambda: parse_table(table(rules=[IDS | {"columns": ["a[*"]}]), CATALOGUE, JUDGES), ["/rules/0/columns/0"]),
        (lambda: parse_rule_set(rule_set(name="a.b", tables=[]), CATALOGUE, JUDGES), ["/name", "/tables"]),
        (lambda: parse_rule_set(rule_set(rules=[IDS | {"type": "not_nul"}, IDS]), CATALOGUE, JUDGES), ["/rules/0/type", "/rules/1/id"]),
        (lambda: parse_rule_set(rule_set(**{"except": ["[b-a]"]}), CATALOGUE, JUDGES), ["/except/0"]),
        (lambda: parse_defaults(HEAD | {"kind": "Defaults", "key": ["a"], "timezone": "Mars", "gate": {"on_wrn": "open"}}),
         ["/timezone", "/gate/on_wrn", "/key"]),
        (lambda: parse_defaults(HEAD | {"kind": "Defaults", "gate": {"max_age": "0s"}}), ["/gate/max_age"]),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_place(read: Any, places: list[str]) -> None:
    assert [pointer for pointer, _ in faults(read)] == places


@pytest.mark.parametrize(
    ("glob", "names", "others"),
    [
        ("public.*", ["public.a", "public.a.b", "public.*"], ["other.public.a", "Public.a"]),
        ("*_id", ["_id", "a_id", "é_id\n"[:-1]], ["id", "a_id2"]),
        ("a[*]b", ["a*b"], ["axb"]),
        ("[!a-c]?", ["dx", "D."], ["ax", "d"]),
        ("[[]x[]]*", ["[x]", "[x]y"], ["x"]),
    ],
)
def test_a_pattern_matches_whole_names(glob: str, names: list[str], others: list[str]) -> None:
    assert check_glob(glob) == glob
    assert [name for name in (*names, *others) if matches(name, [glob])] == names
    assert matches(names[0], ["nothing", glob])
    assert not matches(names[0], [])


def test_names_of_earlier_releases_are_no_patterns() -> None:
    assert [is_glob(name) for name in ("public.orders[1]", "a.b*", "a.b?", "a./*x*/")] == [False, True, True, False]
    assert [is_column_glob(name) for name in ("price[usd]", "a*", "?", "[*]")] == [False, True, True, True]


def test_many_stars_take_no_time() -> None:
    assert not matches("a" * 120, ["a*" * 90 + "b"])


@pytest.mark.parametrize(
    "text",
    ["{0}", "{}", "{failures.real}", "{failures!r}", "{failures:>9}", "{name}", "{failures", "a } b", " ", "{measured[0]}"],
)
def test_a_message_has_known_placeholders_alone(text: str) -> None:
    with pytest.raises(ValueError, match=r"placeholder|is empty"):
        check_message(text)


def test_numbers_are_put_into_a_message_as_they_are() -> None:
    text = check_message("{failures} of {total} ({ratio}) {{x}} {measured}")
    numbers = {"failures": "8,255", "total": "{ratio}", "ratio": "2%", "measured": "unknown"}
    assert filled_in(text, numbers) == "8,255 of {ratio} (2%) {x} unknown"


@pytest.mark.parametrize(
    ("fields", "pointer", "words"),
    [
        (
            {"overrides": [{"id": "keys.a", "type": "unique"}]},
            "/overrides/0/type",
            "cannot be changed: it is as the rule set says",
        ),
        ({"overrides": [{"id": "keys.a", "colunm": "x"}]}, "/overrides/0/colunm", "unknown field; did you mean column?"),
        ({"on_warn": "open"}, "/on_warn", "unknown field here; it has another place in the document"),
        ({"rules": [{"id": "a", "type": "unique", "columns": []}]}, "/rules/0/columns", "must not be empty"),
        ({"description": "x" * 300_000}, "/description", "must have at most"),
    ],
)
def test_what_a_field_must_not_be_is_said_in_words(fields: dict[str, Any], pointer: str, words: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_table(table(**fields), CATALOGUE, judge_of({}))
    found = {error.pointer: error.message for error in raised.value.errors}
    assert found.get(pointer, "").startswith(words), found
