"""What differs between two versions of a table's document, rule by rule, and whether a rule became tighter or looser."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from stringx_dataops.contract.documents.effective import same
from stringx_dataops.contract.documents.values import order
from stringx_dataops.contract.json_types import JsonObject

Change = Literal["added", "removed", "changed"]
Effect = Literal["tightened", "loosened", ""]
_MISSING = object()
_SPLIT = ("gate", "arguments", "warn")  # fields whose own fields are compared one by one
_LOWER_IS_TIGHTER = {"max", "max_age", "at_most", "tolerance", "warn_above", "fail_above"}
_HIGHER_IS_TIGHTER = {"min"}


@dataclass(frozen=True)
class FieldChange:
    """A field that differs; `is_new` or `is_gone` if only one document has it. The name may have dots: `arguments.min`."""

    name: str
    before: Any
    now: Any
    is_new: bool = False
    is_gone: bool = False
    effect: Effect = ""


@dataclass(frozen=True)
class RuleChange:
    """A rule that only one of the documents has, or with the fields that differ."""

    id: str
    change: Change
    fields: tuple[FieldChange, ...] = ()


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


def difference(before: JsonObject, now: JsonObject) -> Difference:
    """The difference of two documents, each as it was stored: a default that is written out differs from one that is left out."""
    old, new = _rules(before), _rules(now)
    rules = [RuleChange(rule, "added") for rule in new if rule not in old]
    rules += [RuleChange(rule, "removed") for rule in old if rule not in new]
    for rule in new:
        if rule in old and (fields := tuple(_fields(old[rule], new[rule]))):
            rules.append(RuleChange(rule, "changed", fields))
    kept = [rule for rule in old if rule in new]
    is_reordered = kept != [rule for rule in new if rule in old]
    return Difference(tuple(_fields(_settings(before), _settings(now))), tuple(rules), is_reordered)


def _settings(document: JsonObject) -> JsonObject:
    """The fields except the rules and `kind`, which is always the same."""
    return {name: value for name, value in document.items() if name not in ("rules", "kind")}


def _rules(document: JsonObject) -> dict[str, JsonObject]:
    found = document.get("rules")
    rules = found if isinstance(found, list) else []
    return {str(rule.get("id")): rule for rule in rules if isinstance(rule, dict)}


def _fields(before: JsonObject, now: JsonObject, prefix: str = "") -> Iterator[FieldChange]:
    for name in (*now, *(each for each in before if each not in now)):
        old, new = before.get(name, _MISSING), now.get(name, _MISSING)
        if old is not _MISSING and new is not _MISSING and same(old, new):
            continue
        if name in _SPLIT and all(value is _MISSING or isinstance(value, dict) for value in (old, new)):
            parts = [{} if value is _MISSING else value for value in (old, new)]
            yield from _fields(parts[0], parts[1], f"{prefix}{name}.")
        elif old is _MISSING:
            yield FieldChange(prefix + name, None, new, is_new=True, effect=_effect_of_presence(name, new, is_there=True))
        elif new is _MISSING:
            yield FieldChange(prefix + name, old, None, is_gone=True, effect=_effect_of_presence(name, old, is_there=False))
        else:
            yield FieldChange(prefix + name, old, new, effect=_effect(name, old, new))


def _effect_of_presence(name: str, value: Any, *, is_there: bool) -> Effect:
    """Of a bound that comes or goes, and of a rule that is switched off or only warns."""
    if name in ("min", "max"):
        return "tightened" if is_there else "loosened"
    if (name, value) in (("active", False), ("severity", "warn")):
        return "loosened" if is_there else "tightened"
    return ""


def _effect(name: str, old: Any, new: Any) -> Effect:
    """Of a value that both have: a count, a share, a number or a duration."""
    if name == "active":
        return "tightened" if new else "loosened"
    tighter = {-1: name in _LOWER_IS_TIGHTER, 1: name in _HIGHER_IS_TIGHTER}
    step = order(new, old)
    if not step or not (tighter[step] or tighter[-step]):
        return ""
    return "tightened" if tighter[step] else "loosened"
