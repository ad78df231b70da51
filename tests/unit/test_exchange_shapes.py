"""What is not as another tool has it is a loss, whatever it is: an import never drops a check in silence."""

import copy
import json
import random
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from stringx_dataops.cli.main import cli
from stringx_dataops.client import Refused
from stringx_dataops.contract.documents.yaml_writing import document_as_yaml
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.model import Taken, Unreadable
from stringx_dataops.exchange.offline import own_catalogue

CATALOGUE = own_catalogue()
GX = {
    "name": "orders",
    "meta": {"great_expectations_version": "1.3.0"},
    "expectations": [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a", "mostly": 0.9}},
        {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "a", "value_set": ["x", "y"]}, "severity": "critical"},
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "b", "min_value": 1, "max_value": 5}},
        {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1, "strict_min": True}},
        {"type": "expect_column_pair_values_a_to_be_greater_than_b", "kwargs": {"column_A": "a", "column_B": "b"}},
        {"type": "expect_column_distinct_values_to_equal_set", "kwargs": {"column": "a", "value_set": ["x", 1]}},
        {"type": "expect_table_columns_to_match_set", "kwargs": {"column_set": ["a", "b"], "exact_match": False}},
    ],
}
ODCS = {
    "apiVersion": "v3.1.0", "kind": "DataContract", "id": "x", "version": "1.0.0", "status": "active",
    "servers": [{"server": "s", "type": "postgres", "schema": "public"}],
    "schema": [{
        "name": "orders",
        "quality": [{"metric": "rowCount", "mustBeGreaterThan": 5}, {"type": "sql", "query": "select 1", "mustBe": 1}],
        "properties": [
            {"name": "a", "required": True, "unique": True, "quality": [{"metric": "nullValues", "mustBe": 0}]},
            {"name": "b", "primaryKey": True, "enum": [{"value": "x"}],
             "logicalType": "string", "logicalTypeOptions": {"minLength": 3, "pattern": "^a"}},
        ],
    }],
    "slaProperties": [{"property": "freshness", "value": 1, "unit": "d", "element": "orders.a"}],
}  # fmt: skip
DBT = {
    "version": 2,
    "models": [
        {"name": "orders", "columns": [{"name": "a", "tests": ["not_null", "unique"]}, {"name": "b", "data_tests": ["unique"]}]},
        {"name": "items", "tests": [{"dbt_utils.unique_combination_of_columns": {"combination_of_columns": ["a", "b"]}}]},
    ],
    "sources": [{
        "name": "raw",
        "tables": [{"name": "t", "columns": [
            {"name": "a", "tests": [{"accepted_values": {"values": ["x"], "config": {"severity": "warn"}}}]},
        ]}],
    }],
}  # fmt: skip
SODA: JsonObject = {
    "filter orders [daily]": {"where": "a = 1"},
    "checks for orders": [
        "row_count > 0",
        "missing_count(a) = 0",
        {"invalid_count(a) = 0": {"valid values": ["x", "y"], "name": "N"}},
        {"missing_count(b)": {"fail": "when > 10", "warn": "when > 5"}},
        {"schema": {"fail": {"when required column missing": ["a", "b"]}}},
    ],
    "checks for orders [daily]": ["row_count > 5"],
}
CONTRACT: JsonObject = {
    "dataset": "s/d/public/orders",
    "columns": [
        {"name": "a", "data_type": "text", "checks": [{"missing": None}, {"invalid": {"valid_values": ["x"]}}]},
        {"name": "b", "checks": [{"duplicate": {"threshold": {"must_be": 0}}}]},
    ],
    "checks": [
        {"row_count": {"threshold": {"must_be_greater_than": 5}}},
        {"schema": {"allow_extra_columns": True, "allow_other_column_order": True}},
    ],
}
SOURCES: dict[str, tuple[str, JsonObject]] = {
    "gx": ("gx", GX), "odcs": ("odcs", ODCS), "dbt": ("dbt", DBT), "soda": ("soda", SODA), "soda4": ("soda", CONTRACT),
}  # fmt: skip


def take(folder: Path, source: str, value: Any) -> Taken:
    kind = SOURCES[source][0]
    file = folder / ("s.json" if kind == "gx" else "s.yml")
    file.write_text(json.dumps(value) if kind == "gx" else yaml.safe_dump(value, sort_keys=False))
    more: JsonObject = {"table": "public.orders"} if kind == "gx" else {}
    read = import_module(f"stringx_dataops.exchange.{kind}.reading").read
    taken = read([file], "nyc", CATALOGUE, "public", **more)
    assert isinstance(taken, Taken)
    return taken


def changed(value: Any, path: str, new: Any) -> Any:
    """A copy with another value at a path such as `schema/0/name`; a last part `=x` renames the field to x."""
    found = copy.deepcopy(value)
    *parents, last = path.split("/")
    at = found
    for part in parents if not last.startswith("=") else parents[:-1]:
        at = at[int(part)] if isinstance(at, list) else at[part]
    if last.startswith("="):
        at[last[1:]] = at.pop(parents[-1])
    elif isinstance(at, list):
        at[int(last)] = new
    else:
        at[last] = new
    return found


@pytest.mark.parametrize(
    ("source", "path", "new"),
    [
        ("odcs", "schema/0/properties", {"a": {"required": True}}),
        ("odcs", "schema/0/properties/0", "a"),
        ("odcs", "schema/0/properties/0/required", "yes"),
        ("odcs", "schema/0/properties/0/uniqe", True),
        ("odcs", "schema/0/properties/0/name", None),
        ("odcs", "schema/0/properties/0/quality", {"metric": "nullValues", "mustBe": 0}),
        ("odcs", "schema/0/properties/0/quality/0/filter", "a > 1"),
        ("odcs", "schema/0/properties/0/quality/0/arguments", {"filter": "a > 1"}),
        ("odcs", "schema/0/properties/1/primaryKey", 1),
        ("odcs", "schema/0/properties/1/enum", ["x"]),
        ("odcs", "schema/0/properties/1/enum", 5),
        ("odcs", "schema/0/properties/1/logicalTypeOptions", ["minLength"]),
        ("odcs", "schema/0/properties/1/logicalTypeOptions/minLenght", 3),
        ("odcs", "schema/0/quality", {"metric": "rowCount", "mustBe": 5}),
        ("odcs", "schema/0/quality/0", "nope"),
        ("odcs", "schema/0", "orders"),
        ("odcs", "schema/0/name", None),
        ("odcs", "slaProperties", {"property": "freshness"}),
        ("odcs", "quality", [{"metric": "rowCount", "mustBe": 5}]),
        ("dbt", "models/0/columns", {"a": {"tests": ["not_null"]}}),
        ("dbt", "models/0/columns/0/test", ["not_null"]),
        ("dbt", "models/0/columns/0", "a"),
        ("dbt", "models/0/test", ["x"]),
        ("dbt", "models/0", "orders"),
        ("dbt", "models", {"orders": {"tests": ["x"]}}),
        ("dbt", "models/0/versions", [{"columns": []}]),
        ("dbt", "models/0/config", ["enabled"]),
        ("dbt", "sources/0/tables", {"t": {}}),
        ("dbt", "sources/0/tests", ["x"]),
        ("soda", "checks for orders/1", "missing_count(a, b) = 0"),
        ("soda", "checks for orders/1", {"missing_count(a) = 0": {"fail": "when > 10"}}),
        ("soda", "checks for orders/0", {"row_count > 0": {"valid min": 3}}),
        ("soda", "checks for orders/2", {"missing_count(a) = 0": {"include null": "yes", "missing values": ["x"]}}),
        ("soda", "checks for orders/4", {"schema": {}}),
        ("soda", "checks for orders/4", {"schema": {"fail": {"with optional columns": ["a"]}}}),
        ("soda", "filter orders [daily]", {"where": "a = 1", "limit": 5}),
        ("soda4", "columns/0/check", [{"missing": None}]),
        ("soda4", "check", [{"missing": None}]),
        ("soda4", "checks/1/schema/allow_extra_columns", "yes"),
        ("gx", "expectations/1/kwargs/value_set", ["x", float("inf")]),
        ("gx", "expectations/2/kwargs/max_value", float("nan")),
        ("gx", "expectations/2/kwargs/max_value", float("inf")),
        ("gx", "expectations/5/kwargs/value_set", ["x", float("inf")]),
        ("gx", "expectations/5/kwargs/value_set", ["x", float("nan")]),
        ("gx", "expectations/3/kwargs/strict_min", 1),
        ("gx", "expectations/6/kwargs/exact_match", 0),
        ("gx", "expectations/0/row_condition", "a > 1"),
        ("gx", "expectation", []),
    ],
)
def test_what_is_not_as_the_tool_has_it_is_a_loss(source: str, path: str, new: Any, tmp_path: Path) -> None:
    value = SOURCES[source][1]
    assert not take(tmp_path, source, value).losses
    assert take(tmp_path, source, changed(value, path, new)).losses, path


@pytest.mark.parametrize("source", ["dbt", "odcs", "soda", "gx"])
@pytest.mark.parametrize("value", [None, {}, {"foo": "bar"}])
def test_a_file_of_nothing_of_the_tool_is_refused(source: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"holds no|is no mapping"):
        take(tmp_path, source, value)


@pytest.mark.parametrize(
    ("path", "new"),
    [("t/config", ["where"]), ("t/test_metadata/kwargs", "a"), ("t/resource_type/=type", None), ("t", ["test"])],
)
def test_a_node_of_a_manifest_that_is_not_as_dbt_writes_it_is_a_loss(path: str, new: Any, tmp_path: Path) -> None:
    model = {"resource_type": "model", "name": "orders", "schema": "public", "database": "d"}
    test = {
        "resource_type": "test", "name": "n", "attached_node": "m", "depends_on": {"nodes": ["m"]}, "config": {},
        "test_metadata": {"name": "not_null", "kwargs": {"column_name": "a"}},
    }  # fmt: skip
    nodes = {"m": model, "t": test}
    read = import_module("stringx_dataops.exchange.dbt.reading").read
    for value, taken, losses in ((nodes, 1, 0), (changed(nodes, path, new), 0, 1)):
        (tmp_path / "manifest.json").write_text(json.dumps({"metadata": {}, "nodes": value, "sources": {}}))
        found = read([tmp_path / "manifest.json"], "nyc", CATALOGUE)
        assert (found.taken, len(found.losses)) == (taken, losses)


@pytest.mark.parametrize("source", ["dbt", "odcs", "soda"])
def test_each_path_must_hold_something_of_the_tool(source: str, tmp_path: Path) -> None:
    take(tmp_path, source, SOURCES[source][1])
    (tmp_path / "empty.yml").write_text("")
    read = import_module(f"stringx_dataops.exchange.{source}.reading").read
    with pytest.raises(Unreadable, match=r"empty\.yml: holds no"):
        read([tmp_path / "s.yml", tmp_path / "empty.yml"], "nyc", CATALOGUE, "public")


@pytest.mark.parametrize(("source", "path"), [("odcs", "schema"), ("gx", "expectations")])
@pytest.mark.parametrize("new", [5, {"orders": {}}, None, "x"])
def test_a_root_of_another_kind_is_refused(source: str, path: str, new: Any, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="must be a list"):
        take(tmp_path, source, changed(SOURCES[source][1], path, new))


def _paths(value: Any, path: str = "") -> Iterator[str]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield f"{path}/{key}".lstrip("/")
        yield from _paths(item, f"{path}/{key}")


ODD = (
    5,
    -1,
    True,
    {},
    "x",
    [[]],
    {"a": {}},
    1e400,
    float("nan"),
    10**30,
    ["a", None],
    0,
)  # not [], which is right, and says nothing


@pytest.mark.parametrize("source", SOURCES)
def test_no_rule_vanishes_in_silence(source: str, tmp_path: Path) -> None:
    """Each node is renamed, and given a value of another type: no fewer rules, or a loss; and never another error."""
    value, chosen = SOURCES[source][1], random.Random(source)
    before = take(tmp_path, source, value)
    for path in _paths(value):
        changes = [(path, new) for new in chosen.sample(ODD, 2)]
        if not path.rpartition("/")[2].isdigit() and not path.startswith(("filter", "checks for")):
            changes.append((f"{path}/=zz", None))
        for where, new in changes:
            try:
                taken = take(tmp_path, source, changed(value, where, new))
            except Unreadable:
                continue
            assert taken.taken >= before.taken or taken.losses, (where, new)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--target", "n y"], "is no name of a target"),
        (["--schema", ""], "is empty"),
        (["--schema", "s" * 64], "longer than the 63 bytes"),
        (["--schema", "pub*"], "no pattern is meant here"),
        (["--table", ".orders"], "is no table name"),
        (["--table", f"public.{'t' * 64}"], "longer than the 63 bytes"),
    ],
)
def test_an_option_that_is_no_name_is_refused(options: list[str], words: str, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps(GX))
    given = ["rules", "import", "gx", str(tmp_path / "s.json"), *(() if "--target" in options else ("--target", "nyc")), *options]
    ended = CliRunner().invoke(cli, given)
    assert (ended.exit_code, words in ended.output) == (2, True), ended.output


def test_a_fault_of_an_import_is_not_blamed_on_a_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Taken:
        raise OverflowError("cannot convert")

    monkeypatch.setattr("stringx_dataops.exchange.gx.reading.read", broken)
    ended = CliRunner().invoke(cli, ["rules", "import", "gx", str(tmp_path), "--target", "nyc"])
    assert isinstance(ended.exception, Refused)
    assert "dataops rules import has a fault of its own (OverflowError: cannot convert)" in str(ended.exception)


def test_yaml_ends_with_the_end_of_a_line() -> None:
    rule = {"id": "a", "type": "sql", "arguments": {"query": "select 1\nfrom a"}}
    for document in ({"target": "nyc", "rules": [rule]}, {"kind": "Defaults", "description": "one\ntwo"}):
        assert document_as_yaml(document, CATALOGUE).endswith("\n")
