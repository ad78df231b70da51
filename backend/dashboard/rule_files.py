"""CSV files of rules: the points of one, and all rules of a table with their last numbers. They hold values as they are, with a
column per bound."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from backend.insights import history
from backend.insights.history import RuleName, Span
from backend.insights.rules import RuleNow
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.messages.scores import quotient

MOST_POINTS = 100_000  # in a file: the newest
_AT_ONCE = 1000
_BOUNDS = ("warns_below", "warns_above", "fails_below", "fails_above")
_USUAL = ("usual", "usual_from", "usual_to")
_NUMBERS = ("failures", "total", "failure_ratio", "measured")

Rows = Iterator[Sequence[Any]]


def points(database: Database, catalogue: Catalogue, of: RuleName, span: Span) -> Rows:
    """A header and a row per point, the newest first, MOST_POINTS at most. They are read a page at a time."""
    yield ("at", "check_id", "status", *_NUMBERS, *_BOUNDS, "config_version", *_USUAL, "mark", "marked_by")
    wanted, left = Page(_AT_ONCE), MOST_POINTS
    while left > 0:
        found = history.points(database, catalogue, of, span, wanted)
        for point in found["items"][:left]:
            named = (point[name] for name in ("at", "check_id", "status", *_NUMBERS))
            bounds = (*_bounds(point["warn_at"]), *_bounds(point["fail_at"]))
            usual = point.get("baseline") or {}
            marked = (usual.get("center"), usual.get("low"), usual.get("high"), point.get("mark"), point.get("marked_by"))
            yield (*named, *bounds, point["config_version"], *marked)
        left -= len(found["items"])
        if found["next_cursor"] is None:
            return
        wanted = Page(_AT_ONCE, history.RULES.position(found["next_cursor"]))


def rules_now(rules: Iterable[RuleNow]) -> Rows:
    """A header and a row per rule with its last point, if it has one."""
    yield ("rule", "type", "status", "at", *_NUMBERS, *_BOUNDS)
    for each in rules:
        last = each.points[-1] if each.points else None
        ratio = quotient(last.failures, last.total) if last and last.failures is not None and last.total else None
        numbers = (last.failures, last.total, ratio, last.measured) if last else (None,) * 4
        when = (last.status, rfc3339(last.at)) if last else (None, None)
        yield (each.rule.id, each.rule.type, *when, *numbers, *_bounds(each.warn_at), *_bounds(each.fail_at))


def _bounds(threshold: int | str | dict[str, Any] | None) -> tuple[Any, Any]:
    """Below and above which it trips: failures above a count or share, or values beyond bounds."""
    return (threshold.get("min"), threshold.get("max")) if isinstance(threshold, dict) else (None, threshold)
