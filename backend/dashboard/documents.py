"""How pages show documents: as YAML, the differences of two, and the catalogue of rule types."""

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from stringx_dataops.contract.catalogue.rule_types import Catalogue, RuleType
from stringx_dataops.contract.documents.differences import Difference, RuleChange, difference
from stringx_dataops.contract.documents.yaml_writing import rules_as_yaml, table_as_yaml
from stringx_dataops.contract.json_types import JsonObject, JsonSchema

_SHOWN_LINES = 500
_COMPARED_LINES = 1000  # of a rule, or of what is not a rule; comparing takes their square
_SHOWN_VALUE = 200  # characters
_SHOWN_RULES = 100
_SIGNS: dict[str, Literal["added", "removed", "same"]] = {"+": "added", "-": "removed", " ": "same"}


@dataclass(frozen=True)
class Line:
    """A line of a difference. `gap` stands for lines that are left out, and names what follows."""

    kind: Literal["added", "removed", "same", "gap"]
    text: str


@dataclass(frozen=True)
class Shown:
    """A difference as a page shows it: in words, and the lines of YAML; at most so many of each."""

    words: Difference
    lines: list[Line]
    is_cut: bool

    @property
    def rules(self) -> tuple[RuleChange, ...]:
        """The changed rules that are shown in words."""
        return self.words.rules[:_SHOWN_RULES]

    @property
    def more_rules(self) -> int:
        """How many more rules differ."""
        return max(0, len(self.words.rules) - _SHOWN_RULES)


def shown_difference(
    before: JsonObject | None, now: JsonObject | None, catalogue: Catalogue, defaults: JsonObject | None
) -> Shown:
    """What differs between two documents; None is a table without a document. `defaults`: those of the target."""
    found = difference(before or {}, now or {}, catalogue, (defaults or {}, defaults or {}))
    lines = list(islice(_lines(before or {}, now or {}, found, catalogue), _SHOWN_LINES + 1))
    return Shown(found, lines[:_SHOWN_LINES], len(lines) > _SHOWN_LINES)


def value(given: Any) -> str:
    """A value of a document in one line."""
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    text = " ".join(text.split()) or "''"
    return text if len(text) <= _SHOWN_VALUE else f"{text[:_SHOWN_VALUE]}…"


def _lines(before: JsonObject, now: JsonObject, found: Difference, catalogue: Catalogue) -> Iterator[Line]:
    """First what is not a rule, then each rule that differs."""
    settings = [table_as_yaml({name: each for name, each in of.items() if name != "rules"}, catalogue) for of in (before, now)]
    yield from _compared(settings[0], settings[1], "")
    old, new = _by_id(before), _by_id(now)
    for changed in found.rules:
        texts = [rules_as_yaml([of[changed.id]], catalogue) if changed.id in of else "" for of in (old, new)]
        yield from _compared(texts[0], texts[1], f"rule {changed.id}")
    if found.is_reordered:
        yield Line("gap", "the rules stand in another order")


def _by_id(document: JsonObject) -> dict[str, JsonObject]:
    rules = document.get("rules")
    return {str(rule.get("id")): rule for rule in rules if isinstance(rule, dict)} if isinstance(rules, list) else {}


def _compared(before: str, now: str, what: str) -> Iterator[Line]:
    old, new = before.splitlines(), now.splitlines()
    if old == new:
        return
    if what:
        yield Line("gap", what)
    if max(len(old), len(new)) > _COMPARED_LINES:
        yield from (Line("removed", line) for line in old)
        yield from (Line("added", line) for line in new)
        return
    for line in islice(difflib.unified_diff(old, new, n=2, lineterm=""), 2, None):
        if line.startswith("@@"):
            continue
        yield Line(_SIGNS[line[0]], line[1:])


@dataclass(frozen=True)
class Argument:
    """An argument of a rule type. `note`: words such as `required` or `default 0`."""

    name: str
    description: str
    note: str


@dataclass(frozen=True)
class Entry:
    """A rule type beside the editor; `example` is an item of the list of rules."""

    name: str
    description: str
    arguments: list[Argument]
    example: str


def entries(catalogue: Catalogue) -> list[Entry]:
    """The catalogue, in its order."""
    return [_entry(rule_type, catalogue) for rule_type in catalogue]


def _entry(rule_type: RuleType, catalogue: Catalogue) -> Entry:
    schema = rule_type.arguments
    required = schema.get("required", ())
    arguments = [
        Argument(name, str(part.get("description", "")), _note(name in required, part))
        for name, part in schema.get("properties", {}).items()
    ]
    example = rules_as_yaml([rule_type.example], catalogue) if rule_type.example else ""
    return Entry(rule_type.name, rule_type.description, arguments, example)


def _note(is_required: bool, part: JsonSchema) -> str:
    words = ["required"] if is_required else []
    if "enum" in part:
        words.append(f"one of {', '.join(str(each) for each in part['enum'])}")
    if "default" in part:
        words.append(f"default {value(part['default'])}")
    return "; ".join(words)
