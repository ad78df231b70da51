"""Whether a changed rule or setting became tighter or looser.

Tighter: whatever the data, its outcome is as it was or worse (pass, warn, fail). Looser: as it was or better. All else, and
what depends on the data or on a column's type, has neither effect. Bounds that look like numbers are compared as numbers.
"""

import json
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

from stringx_dataops.contract.catalogue.rule_types import Catalogue, RuleType
from stringx_dataops.contract.documents.values import number_of, order, share_of
from stringx_dataops.contract.json_types import JsonObject, JsonSchema

Effect = Literal["tightened", "loosened", ""]
_WORDS = {"id", "description", "owner", "tags", "runbook", "message", "kind", "dimension", "verify"}  # which decide no outcome
_THRESHOLDS = ("severity", "warn_above", "fail_above")
_GATE = {("open", "closed"), ("keep", "closed")}  # (looser, tighter)
_ON_EMPTY = ("pass", "warn", "fail")
_OF_GROUPS = ("new_groups", "missing_groups")
_Step = int | None  # 1 tighter, -1 looser, 0 the same, None neither
_EFFECTS: dict[int, Effect] = {1: "tightened", -1: "loosened"}
_DEFAULTS: dict[str, Any] = {"on_error": "closed", "on_warn": "open", "on_changed_rules": "closed", "on_empty": "fail"}


def effect_of_rule(before: JsonObject, now: JsonObject, catalogue: Catalogue | None) -> Effect:
    """Of a rule that both documents have, as it is written."""
    was_active, is_active = (rule.get("active", True) is True for rule in (before, now))
    if was_active != is_active:
        return "tightened" if is_active else "loosened"
    if not was_active:
        return ""
    return _together(_steps(before, now, catalogue))


def effect_of_setting(path: tuple[str, ...], before: Any, now: Any) -> Effect:
    """Of a setting of a table or dataset, such as ("gate", "on_warn"). None stands for a setting that is left out."""
    name = path[-1]
    old, new = (_DEFAULTS.get(name) if value is None else value for value in (before, now))
    if path[0] == "gate" and name == "max_age":
        return _EFFECTS.get(_compared(old, new, lower_is_tighter=True) or 0, "")
    if path[0] == "gate" and (old, new) in _GATE:
        return "tightened"
    if path[0] == "gate" and (new, old) in _GATE:
        return "loosened"
    if path == ("on_empty",) and old in _ON_EMPTY and new in _ON_EMPTY and old != new:
        return "tightened" if _ON_EMPTY.index(new) > _ON_EMPTY.index(old) else "loosened"
    if path[0] == "expected_by":
        return _effect_of_expectation(path, old, new)
    if path == ("tables",) and isinstance(old, list) and isinstance(new, list):
        return _EFFECTS.get(_set_step(old, new) or 0, "")
    return ""


def _effect_of_expectation(path: tuple[str, ...], old: Any, new: Any) -> Effect:
    """To expect a check is tighter than to expect none, and so is less grace. Another time or zone is neither."""
    if path[-1] == "grace":
        return _EFFECTS.get(_compared(old, new, lower_is_tighter=True) or 0, "") if old is not None and new is not None else ""
    if path[-1] not in ("time", "expected_by") or (old is None) == (new is None):
        return ""
    return "tightened" if old is None else "loosened"


def _together(steps: Iterator[_Step]) -> Effect:
    """The effect of all steps: none if one is neither, or some are tighter and some looser."""
    found = set(steps) - {0}
    (only,) = found if len(found) == 1 else (None,)
    return "" if only is None else _EFFECTS[only]


def _steps(before: JsonObject, now: JsonObject, catalogue: Catalogue | None) -> Iterator[_Step]:
    rule_type = catalogue.get(str(now.get("type"))) if catalogue is not None else None
    decided = _WORDS | {"active", "arguments", "column", "columns", *_THRESHOLDS, *_OF_GROUPS}
    if any(not _same(before.get(name), now.get(name)) for name in {*before, *now} - decided) or _columns(before) != _columns(now):
        yield None
        return
    severity = (None, "warn", "fail")
    yield from (_compared_places(before.get(name), now.get(name), severity) for name in _OF_GROUPS)
    yield from _steps_of_thresholds(before, now, rule_type)
    yield from _steps_of_arguments(_arguments(before, rule_type), _arguments(now, rule_type), rule_type)


def _compared_places(old: Any, new: Any, order_of: tuple[Any, ...]) -> _Step:
    if old not in order_of or new not in order_of:
        return None
    return (order_of.index(new) > order_of.index(old)) - (order_of.index(new) < order_of.index(old))


def _columns(rule: JsonObject) -> Any:
    return rule.get("columns") or [rule.get("column")]


def _steps_of_thresholds(before: JsonObject, now: JsonObject, rule_type: RuleType | None) -> Iterator[_Step]:
    if all(_same(before.get(name), now.get(name)) for name in _THRESHOLDS):
        return
    if rule_type is not None and rule_type.severity is not None:
        could, may = (rule_type.severity_of(rule.get("severity")) == "error" for rule in (before, now))
        yield may - could
        return
    if rule_type is None or rule_type.takes_test_arguments or rule_type.measured:  # those that are left out are the dbt test's
        yield None
        return
    (old_warn, old_fail), (new_warn, new_fail) = _thresholds(before), _thresholds(now)
    yield _threshold_step(old_fail, new_fail)
    old, new = _first(old_warn, old_fail), _first(new_warn, new_fail)
    yield _threshold_step(old_warn, new_warn) if old is None or new is None else _threshold_step(old[0], new[0])


def _thresholds(rule: JsonObject) -> tuple[Any, Any]:
    """(warn_above, fail_above), where None never trips."""
    if rule.get("severity") == "warn":
        return 0, None
    warn, fail = rule.get("warn_above"), rule.get("fail_above")
    return (None, 0) if warn is None and fail is None else (warn, fail)


def _first(warn: Any, fail: Any) -> tuple[Any] | None:
    """The threshold that trips first, whatever the data; None if that depends on the data."""
    step = _threshold_step(fail, warn)
    return None if step is None else (warn if step == 1 else fail,)


def _threshold_step(old: Any, new: Any) -> _Step:
    kinds = {isinstance(share_of(value), Decimal) for value in (old, new) if value is not None and not _is_zero(value)}
    if len(kinds) > 1:  # a count and a share
        return None
    numbers = [math.inf if value is None else share_of(value) if isinstance(value, str) else value for value in (old, new)]
    if numbers[0] is None or numbers[1] is None:
        return None
    return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1])


def _is_zero(value: Any) -> bool:
    return value == 0 or share_of(value) == 0


def _arguments(rule: JsonObject, rule_type: RuleType | None) -> JsonObject:
    """The arguments with the defaults of their type."""
    found = rule.get("arguments")
    given = found if isinstance(found, dict) else {}
    parts = rule_type.arguments.get("properties", {}) if rule_type is not None else {}
    return {name: part["default"] for name, part in parts.items() if "default" in part} | given


def _steps_of_arguments(before: JsonObject, now: JsonObject, rule_type: RuleType | None) -> Iterator[_Step]:
    if _same(before, now):
        return
    if rule_type is None:
        yield None
        return
    parts, bounds = rule_type.arguments.get("properties", {}), rule_type.bounds
    yield from _steps_of_bounds(before, now, bounds)
    handled = _names_of_bounds(bounds)
    if rule_type.measured:
        if _by_default(before, rule_type) != _by_default(now, rule_type):
            yield None
        old, new = (value if isinstance(value := each.get("warn"), dict) else {} for each in (before, now))
        yield from _steps_of_bounds(old, new, bounds)
        yield from (0 if _same(old.get(name), new.get(name)) else None for name in {*old, *new} - handled)
        handled.add("warn")
    for name in {*before, *now} - handled:
        yield _step_of_argument(before.get(name), now.get(name), parts.get(name, {}))


def _by_default(arguments: JsonObject, rule_type: RuleType) -> bool:
    """Whether there is neither a bound nor a warning, and the type has a bound of its own for that."""
    names = set(rule_type.bounds.values())
    forms = [form for form in rule_type.arguments.get("anyOf", ()) if isinstance(form, dict)]
    needs_one = any(names & set(form.get("required", ())) for form in forms)
    return not needs_one and not arguments.get("warn") and all(arguments.get(name) is None for name in names)


def _names_of_bounds(bounds: Mapping[str, str]) -> set[str]:
    return {*bounds.values(), *(f"exclusive_{side}" for side in bounds)}


def _steps_of_bounds(before: JsonObject, now: JsonObject, bounds: Mapping[str, str]) -> Iterator[_Step]:
    for side, name in bounds.items():
        yield _compared(before.get(name), now.get(name), lower_is_tighter=side != "min")
        old, new = (each.get(f"exclusive_{side}", False) is True for each in (before, now))
        yield new - old if name in before and name in now else 0


def _compared(old: Any, new: Any, *, lower_is_tighter: bool) -> _Step:
    """Of a bound; one that is left out bounds nothing."""
    if _same(old, new):
        return 0
    if old is None or new is None:
        return 1 if old is None else -1
    step = order(old, new)
    return step if step is None or lower_is_tighter else -step


def _step_of_argument(old: Any, new: Any, schema: JsonSchema) -> _Step:
    """By `x-tighter` of the argument's schema: which of two values is tighter."""
    if _same(old, new):
        return 0
    match schema.get("x-tighter"):
        case "lower" if old is not None and new is not None:
            return order(old, new)
        case bool(tighter) if isinstance(old, bool) and isinstance(new, bool):
            return 1 if new is tighter else -1
        case "more" | "fewer" as direction if isinstance(old, list) and isinstance(new, list):
            step = _set_step(old, new)
            return step if step is None or direction == "more" else -step
        case "bounds" if isinstance(old, list) and isinstance(new, list):
            return _step_of_listed_bounds(old, new)
    return None


def _step_of_listed_bounds(old: list[Any], new: list[Any]) -> _Step:
    """Of objects with bounds, each for another `p`: tighter if one is added, or has tighter bounds."""
    before, now = ({number_of(item.get("p")): item for item in items if isinstance(item, dict)} for items in (old, new))
    if len(before) < len(old) or len(now) < len(new):
        return None
    sides = {"min": "min", "max": "max"}
    steps: set[_Step] = set()
    for p in before.keys() | now.keys():
        if p not in before or p not in now:
            steps.add(1 if p in now else -1)
            continue
        steps |= set(_steps_of_bounds(before[p], now[p], sides))
        steps |= set(_steps_of_bounds(before[p].get("warn") or {}, now[p].get("warn") or {}, sides))
    steps.discard(0)
    return steps.pop() if len(steps) == 1 else None if steps else 0


def _set_step(old: list[Any], new: list[Any]) -> _Step:
    """1 if items were added, -1 if some were taken away, None if both."""
    before, now = ({json.dumps(item, sort_keys=True) for item in items} for items in (old, new))
    return 0 if before == now else 1 if before < now else -1 if now < before else None


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
