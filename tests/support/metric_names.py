"""Which metrics alert rules and dashboards name."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from stringx_dataops.contract.settings import ROOT

RULES = ROOT / "deploy" / "prometheus" / "stringx.rules.yml"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
_NAME = re.compile(r"\b(?:stringx|process)_\w+\b")
_QUOTED = re.compile(r'"[^"]*"')


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels(path: Path) -> Iterator[dict[str, Any]]:
    """Those of a dashboard that show something."""
    found = json.loads(path.read_text(encoding="utf-8"))["panels"]
    yield from (panel for panel in found if panel["type"] != "row")


def expressions(path: Path) -> Iterator[str]:
    for panel in panels(path):
        yield from (query["expr"] for query in panel["targets"])


def named() -> set[str]:
    """All metrics that a rule or a dashboard reads."""
    texts = [alert["expr"] for alert in alerts()] + [text for path in DASHBOARDS for text in expressions(path)]
    return {name for text in texts for name in _NAME.findall(_QUOTED.sub("", text))}
