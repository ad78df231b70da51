"""Suites of Great Expectations, 0.18 and 1.x, and what says which table a suite is of."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.collecting import Collector
from stringx_dataops.exchange.foreign import files_below, read_json_file, read_text, read_yaml_file
from stringx_dataops.exchange.gx.conditions import NoRule
from stringx_dataops.exchange.gx.expectation import Expectation
from stringx_dataops.exchange.gx.expectations import add_rule
from stringx_dataops.exchange.making import Check, Maker
from stringx_dataops.exchange.model import Taken, Unreadable

_ENDS = (".json", ".yml", ".yaml")
_SKIPPED = ("uncommitted", "plugins")
_FIELDS = frozenset(("type", "expectation_type", "kwargs", "meta", "description", "id", "ge_cloud_id", "severity", "notes"))
_FIELDS |= {"rendered_content", "success_on_last_run", "expectation_context"}
_OF_SUITE = frozenset(("name", "expectation_suite_name", "expectations", "meta", "id", "ge_cloud_id", "data_asset_type", "notes"))
_OLD_NAMES = {"expect_column_pair_values_A_to_be_greater_than_B": "expect_column_pair_values_a_to_be_greater_than_b"}


@dataclass(frozen=True)
class _Suite:
    file: Path
    name: str
    expectations: list[tuple[int, Any]]  # each with its line
    unknown: list[str]  # fields that are not taken up
    meta: JsonObject


@dataclass
class _Found:
    """What files say: suites, the assets of suites (by checkpoints and validation definitions), and the tables of assets."""

    suites: list[_Suite] = field(default_factory=list)
    assets: dict[str, dict[str, None]] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)


def read(paths: Sequence[Path], target: str, catalogue: Catalogue, schema: str | None = None, table: str | None = None) -> Taken:
    """The suites among files, or in folders of such. `table` is the table of suites, whatever files say. Raises Unreadable."""
    collector = Collector(target, catalogue)
    found = _Found()
    for file in files_below(paths, _ENDS, _SKIPPED):
        values = [read_json_file(file)] if file.suffix == ".json" else read_yaml_file(file, core=True)
        for value in values:
            _take(found, file, value)
    if not found.suites:
        named = ", ".join(map(str, paths))
        raise Unreadable(f"{named}: holds no suite (a JSON file with a list `expectations`); give suites, or a folder of them")
    for suite in found.suites:
        _add(collector, suite, _tables_of(suite, found, table), schema or "public")
    return collector.taken()


def _take(found: _Found, file: Path, value: Any) -> None:
    if not isinstance(value, dict):
        if file.suffix == ".json":
            raise Unreadable(f"{file}:1: is no mapping; give a suite with `expectations`")
        return
    if "expectations" in value and not isinstance(value["expectations"], list):
        raise Unreadable(f"{file}:{getattr(value, 'line', 1)}: `expectations` must be a list")
    if isinstance(value.get("expectations"), list):
        name = value.get("name", value.get("expectation_suite_name"))
        meta = value.get("meta")
        lines = _lines_of(file, value["expectations"])
        items = list(zip(lines, value["expectations"], strict=True))
        unknown = [key for key in value if key not in _OF_SUITE]
        called = name if isinstance(name, str) else file.stem
        found.suites.append(_Suite(file, called, items, unknown, meta if isinstance(meta, dict) else {}))
        return
    for suite, asset in _pairs(value):
        found.assets.setdefault(suite, {})[asset] = None
    for source in _values_of(value.get("fluent_datasources")):
        assets = source.get("assets")
        for name, asset in assets.items() if isinstance(assets, dict) else ():
            if isinstance(asset, dict) and isinstance(asset.get("table_name"), str):
                schema = asset.get("schema_name")
                found.tables[str(name)] = f"{schema}.{asset['table_name']}" if isinstance(schema, str) else asset["table_name"]


def _pairs(value: JsonObject) -> Iterator[tuple[str, str]]:
    """The suite and the asset of a checkpoint's validations (0.18), or of a validation definition (1.x)."""
    own = value.get("expectation_suite_name")
    validations = value.get("validations")
    for item in (value, *(validations if isinstance(validations, list) else ())):
        if not isinstance(item, dict):
            continue
        suite, request = item.get("expectation_suite_name", own), item.get("batch_request")
        if isinstance(suite, str) and isinstance(request, dict) and isinstance(request.get("data_asset_name"), str):
            yield suite, request["data_asset_name"]
    data, suite = value.get("data"), value.get("suite")
    asset = data.get("asset") if isinstance(data, dict) else None
    if (
        isinstance(asset, dict)
        and isinstance(suite, dict)
        and isinstance(asset.get("name"), str)
        and isinstance(suite.get("name"), str)
    ):
        yield suite["name"], asset["name"]


def _tables_of(suite: _Suite, found: _Found, table: str | None) -> list[str]:
    """The tables of a suite: the one that is given, else those of its assets, else those that it cites. Raises Unreadable."""
    if table is not None:
        return [table]
    assets = list(found.assets.get(suite.name, {})) or list(_cited(suite.meta))
    if not assets:
        raise Unreadable(
            f"{suite.file}:1: nothing says which table the suite {suite.name!r} is of; "
            "give --table, or its checkpoint or validation definition too"
        )
    return [found.tables.get(asset, asset) for asset in assets]


def _cited(meta: JsonObject) -> dict[str, None]:
    assets: dict[str, None] = {}
    citations = meta.get("citations")
    for citation in (meta, *(citations if isinstance(citations, list) else ())):
        request = citation.get("batch_request") if isinstance(citation, dict) else None
        if isinstance(request, dict) and isinstance(request.get("data_asset_name"), str):
            assets[request["data_asset_name"]] = None
    return assets


def _add(collector: Collector, suite: _Suite, tables: list[str], schema: str) -> None:
    for key in suite.unknown:
        if key not in ("evaluation_parameters", "suite_parameters"):  # a check that uses one is lost by itself
            collector.lose(f"{suite.file}:1", f"the field {key} is not known here, and is not taken up")
    for name in tables:
        try:
            table = TableName.parse(name if "." in name else str(TableName(schema, name)))
        except ValueError as error:
            collector.lose(f"{suite.file}:1", f"the table {name} {error}; give --table schema.table")
            continue
        collector.describe(table, on_empty="pass")
        for line, expectation in suite.expectations:
            place = f"{suite.file}:{line}"
            try:
                _add_one(collector, table, place, expectation)
            except NoRule as error:
                collector.lose(place, f"{_kind(expectation) or 'an expectation'}: {error}")


def _add_one(collector: Collector, table: TableName, place: str, expectation: Any) -> None:
    kind = _kind(expectation)
    kwargs = expectation.get("kwargs", {}) if isinstance(expectation, dict) else None
    if kind is None or not isinstance(kwargs, dict):
        raise NoRule("must be a mapping with `type` (or `expectation_type`) and `kwargs`")
    meta = expectation.get("meta")
    words = expectation.get("description") or (meta.get("notes") if isinstance(meta, dict) else None)
    if unknown := next((key for key in expectation if key not in _FIELDS and expectation[key] is not None), None):
        raise NoRule(f"the field {unknown!r} is not taken up")
    described = words if isinstance(words, str) else kind
    old = "type" not in expectation
    add_rule(Expectation(Maker(collector), Check(table, place, "", described), _OLD_NAMES.get(kind, kind), kwargs, old))
    severity = expectation.get("severity", "critical")
    if severity != "critical":
        words = f"its severity {severity!r}; it fails, as in Great Expectations; write `severity: warn` to have it warn"
        collector.lose(place, f"{kind}: {words}")


def _kind(expectation: Any) -> str | None:
    kind = expectation.get("type", expectation.get("expectation_type")) if isinstance(expectation, dict) else None
    return kind if isinstance(kind, str) else None


def _values_of(value: Any) -> list[JsonObject]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, dict)]


def _lines_of(file: Path, expectations: list[Any]) -> list[int]:
    """The line of each expectation of a JSON file; 1 where it cannot be told."""
    unknown = [1] * len(expectations)
    if file.suffix != ".json":
        return [getattr(expectation, "line", 1) for expectation in expectations]
    text, decoder = read_text(file), json.JSONDecoder()
    begin = re.search(r'"expectations"\s*:\s*\[', text)
    if begin is None:
        return unknown
    lines, position, line, counted = [], begin.end(), 1, 0
    for expectation in expectations:
        try:
            while text[position] in " \t\r\n,":
                position += 1
            value, end = decoder.raw_decode(text, position)
        except (IndexError, ValueError):  # another list of this name, deeper within
            return unknown
        line, counted = line + text.count("\n", counted, position), position
        lines.append(line)
        if value != expectation:
            return unknown
        position = end
    return lines
