"""What differs between two versions of a document, rule by rule, and whether each became tighter or looser."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.effective import same
from stringx_dataops.contract.documents.effects import Effect, effect_of_rule, effect_of_setting
from stringx_dataops.contract.documents.watches import WATCH_KINDS
from stringx_dataops.contract.json_types import JsonObject

Change = Literal["added", "removed", "changed"]
_MISSING: Any = object()
_SPLIT = (
    "gate",
    "arguments",
    "warn",
    "expected_by",
    "window",
    "quiet",
    "digest",
)  # fields whose own fields are compared one by one
_Path = tuple[str, ...]
Defaults = tuple[JsonObject, JsonObject]  # documents of defaults; empty where there are none


@dataclass(frozen=True)
class FieldChange:
    """A field that differs; `is_new` or `is_gone` if only one document has it. The name may have dots: `arguments.min`. `effect`
    is that of this field alone."""

    name: str
    before: Any
    now: Any
    is_new: bool = False
    is_gone: bool = False
    effect: Effect = ""


@dataclass(frozen=True)
class RuleChange:
    """A rule that only one of the documents has, or with the fields that differ and what they do together."""

    id: str
    change: Change
    fields: tuple[FieldChange, ...] = ()
    effect: Effect = ""


@dataclass(frozen=True)
class Difference:
    """What differs: fields of the table, rules, and whether the rules that both have stand in another order."""

    fields: tuple[FieldChange, ...]
    rules: tuple[RuleChange, ...]
    is_reordered: bool = False

    @property
    def is_none(self) -> bool:
        """Whether the documents are the same."""
        return not (self.fields or self.rules or self.is_reordered)

    def ids(self, change: Change) -> list[str]:
        """The ids of the rules with this change."""
        return [rule.id for rule in self.rules if rule.change == change]


def difference(
    before: JsonObject, now: JsonObject, catalogue: Catalogue | None = None, defaults: Defaults = ({}, {})
) -> Difference:
    """The difference of two documents, each as it was stored: a default that is written out differs from one that is left out.

    Without the catalogue, rules have no effect. `defaults`: the target's for each of the two, which hold for a table where it
    leaves a setting out.
    """

    def effect_of(path: _Path, old: Any, new: Any) -> Effect:
        if now.get("kind", before.get("kind")) in WATCH_KINDS:
            return ""  # these decide no gate
        old, new = (_at(of, path) if value is _MISSING else value for of, value in zip(defaults, (old, new), strict=True))
        return effect_of_setting(path, old, new)

    old, new = _rules(before), _rules(now)
    rules = [RuleChange(rule, "added") for rule in new if rule not in old]
    rules += [RuleChange(rule, "removed") for rule in old if rule not in new]
    for rule in new:
        if rule in old and (fields := tuple(_fields_of_rule(old[rule], new[rule], catalogue))):
            effect: Effect = effect_of_rule(old[rule], new[rule], catalogue) if catalogue is not None else ""
            rules.append(RuleChange(rule, "changed", fields, effect))
    kept = [rule for rule in old if rule in new]
    is_reordered = kept != [rule for rule in new if rule in old]
    fields = tuple(_fields(_settings(before), _settings(now), effect_of))
    return Difference(fields, tuple(rules), is_reordered)


def _fields_of_rule(before: JsonObject, now: JsonObject, catalogue: Catalogue | None) -> Iterator[FieldChange]:
    def effect(path: _Path, _: Any, new: Any) -> Effect:
        changed = _with(before, path, None if new is _MISSING else new)
        return effect_of_rule(before, changed, catalogue) if catalogue is not None else ""

    return _fields(before, now, effect)


def _with(fields: JsonObject, path: _Path, value: Any) -> JsonObject:
    """The fields with another value at one place; None takes it away."""
    name, *rest = path
    inner = fields.get(name)
    if rest:
        value = _with(inner if isinstance(inner, dict) else {}, tuple(rest), value)
    others = {each: old for each, old in fields.items() if each != name}
    return others if value is None else others | {name: value}


def _at(defaults: JsonObject, path: _Path) -> Any:
    """What the defaults say of a setting; None if they say nothing."""
    value: Any = defaults
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _settings(document: JsonObject) -> JsonObject:
    """The fields except the rules and `kind`, which is always the same."""
    return {name: value for name, value in document.items() if name not in ("rules", "kind")}


def _rules(document: JsonObject) -> dict[str, JsonObject]:
    found = document.get("rules")
    rules = found if isinstance(found, list) else []
    return {str(rule.get("id")): rule for rule in rules if isinstance(rule, dict)}


def _fields(
    before: JsonObject, now: JsonObject, effect_of: Callable[[_Path, Any, Any], Effect], above: _Path = ()
) -> Iterator[FieldChange]:
    for name in (*now, *(each for each in before if each not in now)):
        old, new, path = before.get(name, _MISSING), now.get(name, _MISSING), (*above, name)
        if old is not _MISSING and new is not _MISSING and same(old, new):
            continue
        if name in _SPLIT and all(value is _MISSING or isinstance(value, dict) for value in (old, new)):
            parts = [{} if value is _MISSING else value for value in (old, new)]
            yield from _fields(parts[0], parts[1], effect_of, path)
            continue
        is_new, is_gone, effect = old is _MISSING, new is _MISSING, effect_of(path, old, new)
        yield FieldChange(".".join(path), None if is_new else old, None if is_gone else new, is_new, is_gone, effect)
