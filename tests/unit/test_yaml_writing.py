"""Documents are written as YAML that people read, and that is read back as the same values."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.plain import Plain
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.documents.yaml_writing import rules_as_yaml, table_as_yaml
from stringx_dataops.contract.settings import ROOT

CATALOGUE = Catalogue.load(ROOT / "stringx")
DEMO = read_yaml(Path(ROOT / "rules" / "nyc.yml").read_bytes())
SCALARS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.booleans() | st.none() | st.integers()
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS | NUMBERS, lambda inner: st.lists(inner) | st.dictionaries(st.text("ab~é: \n'"), inner), max_leaves=8
)


def core(value: Any) -> Any:
    """The values that JSON would have."""
    if isinstance(value, dict):
        return {name: core(item) for name, item in value.items()}
    if isinstance(value, list):
        return [core(item) for item in value]
    return value.core if isinstance(value, Plain) else value


@pytest.mark.parametrize("document", DEMO, ids=lambda each: each["table"])
def test_a_document_is_read_back_as_it_was(document: dict[str, Any]) -> None:
    assert read_yaml(table_as_yaml(document, CATALOGUE).encode()) == [document]


@given(VALUES)
def test_any_value_is_read_back_as_it_was(value: Any) -> None:
    document = {"table": "t", "owner": value, "rules": [{"id": "a", "arguments": {"values": value}}, {"id": "b", "where": value}]}
    assert core(read_yaml(table_as_yaml(document, CATALOGUE).encode())) == [document]


def test_fields_stand_in_the_order_of_the_documentation_and_short_values_in_one_line() -> None:
    arguments = {"max": 9, "warn": {"min": 2}, "min": "1.10"}
    rule = {"type": "row_count", "arguments": arguments, "id": "enough", "description": "One.\nTwo."}
    document = {"rules": [rule], "kind": "Table", "key": ["a", "b"], "table": "public.a", "owner": "no", "target": "shop"}
    document["gate"] = {"max_age": "1d", "on_error": "open"}
    assert table_as_yaml(document, CATALOGUE) == (
        "target: shop\ntable: public.a\nowner: 'no'\nkey: [a, b]\ngate: {on_error: open, max_age: 1d}\nrules:\n  - id: enough\n    type: row_count\n"
        "    arguments: {min: '1.10', max: 9, warn: {min: 2}}\n    description: |-\n      One.\n      Two.\n"
    )


@pytest.mark.parametrize("rules", [[], None, "none", [{}], [3]])
def test_rules_that_are_none_are_written_too(rules: Any) -> None:
    assert read_yaml(table_as_yaml({"table": "t", "rules": rules}, CATALOGUE).encode()) == [{"table": "t", "rules": rules}]


def test_examples_of_the_catalogue_are_written_as_items_of_a_list() -> None:
    for rule_type in CATALOGUE:
        text = rules_as_yaml([rule_type.example], CATALOGUE)
        assert text.startswith("  - id: ")
        assert core(read_yaml(f"rules:\n{text}".encode())) == [{"rules": [rule_type.example]}]
