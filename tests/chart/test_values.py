"""The page of the chart names every value with its default; releases and versions agree."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from stringx_dataops import __version__
from stringx_dataops.contract.settings import ROOT
from tests.support.chart import CHART, default_values

ROLES = ("backend", "api", "worker", "docs", "trigger")
WHOLE = ("resources", "generatorResources")
PAGE = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")


def flat(values: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    name = path.rpartition(".")[2]
    if not isinstance(values, dict) or not values or name in WHOLE or "to" in values:
        yield path, values
        return
    for key, value in values.items():
        yield from flat(value, f"{path}.{key}" if path else key)


def rows() -> Iterator[tuple[list[str], str, str]]:
    section = PAGE.split("## Values")[1].split("\n## ")[0]
    for line in section.splitlines():
        if line.startswith("| `"):
            names, default, meaning = (cell.strip() for cell in line.strip("|").split(" | ", 2))
            yield re.findall(r"`([\w.]+)`", names), default, meaning


def test_every_value_stands_in_the_table_with_its_default() -> None:
    values = dict(flat(default_values()))
    described: dict[str, str] = {}
    for names, default, _ in rows():
        for name in names:
            each = [name.replace("ROLE", role) for role in ROLES] if "ROLE" in name else [name]
            for path in each:
                assert path not in described, path
                described[path] = default
    assert set(described) == set(values)
    for path, default in described.items():
        if default != "[measured](#sizes)":
            assert json.loads(default.strip("`")) == values[path], path


def test_the_chart_is_of_this_release() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_the_schema_has_every_value_and_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())

    def compare(values: Any, part: dict[str, Any], path: str) -> None:
        if "properties" not in part:
            return
        assert part["additionalProperties"] is False, path
        names = set(part["properties"]) - {"global"}
        if path in ("config",):
            return
        assert names == set(values), path
        for name in names:
            compare(values[name], part["properties"][name], f"{path}.{name}".strip("."))

    compare(default_values(), schema, "")
