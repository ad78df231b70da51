"""What pages show of the insights: rows, words and plots, ready for the templates."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from backend.dashboard import judged, plots
from backend.dashboard.plots import Mark, Plot, Value
from backend.dashboard.trends import Column, trends
from backend.insights import rules
from backend.insights.history import Span
from backend.insights.trend import Trend
from stringx_dataops.contract.documents.durations import parse_duration
from web.look import formats


def board_item(item: dict[str, Any]) -> dict[str, Any]:
    """An item of a list of states with its name, address and cause: the first reason that is more than a verdict."""
    is_table = "table" in item
    name = item["table"] if is_table else item["dataset"]
    url = table_url(item["target"], name) if is_table else f"/datasets/{quote(name, safe='')}"
    reasons = [reason for reason in item["reasons"] if not reason.startswith("verdict ")]
    cause = reasons[0] if reasons else None
    shown = reasons or item["reasons"]  # a verdict alone says nothing that its rules do not say
    return item | {
        "name": name,
        "url": url,
        "cause": cause,
        "reasons": shown,
        "editor_url": editor_url(item["target"], name) if is_table else None,
    }


def table_url(target: str, table: str) -> str:
    """The address of a table's page."""
    return f"/tables/{quote(target, safe='')}/{quote(table, safe='')}"


def rule_url(target: str, table: str, rule: str) -> str:
    """The address of a rule's page."""
    return f"{table_url(target, table)}/rules/{quote(rule, safe='')}"


def subject_url(target: str, table: str | None, dataset: str | None) -> str:
    """The address of what a request is about: of one of the two."""
    return table_url(target, table) if table else f"/datasets/{quote(dataset or '', safe='')}"


def editor_url(target: str, table: str) -> str:
    """The address of the editor of a table's document."""
    return f"/configuration/{quote(target, safe='')}/{quote(table, safe='')}"


def trends_of(checks: Sequence[dict[str, Any]]) -> Markup | None:
    """The plot of checks, given the newest first; None without one."""
    columns = [
        Column(
            at=datetime.fromisoformat(check["at"]),
            verdict=check["verdict"],
            counts=check["counts"],
            rows=check["row_count"],
            duration_ms=check["duration_ms"],
            version=check["config_version"],
        )
        for check in reversed(checks)
    ]
    return trends(columns) if columns else None


def docs_page(docs_url: str | None, target: str, table: str) -> str | None:
    """The address at which the docs portal leads on to the table's page; None without a portal."""
    return None if docs_url is None else f"{docs_url}/{quote(target, safe='')}/tables/{quote(table, safe='')}"


def rule_row(target: str, table: str, found: rules.RuleNow) -> dict[str, Any]:
    """A rule as a row of its table's page."""
    last = found.points[-1] if found.points else None
    values = [point.value for point in found.points]
    words = f"{found.rule.id}: last {len(values)} checks"
    return {
        "id": found.rule.id,
        "url": rule_url(target, table, found.rule.id),
        "status": last.status if last else None,
        "shadow": found.rule.is_shadow,
        "message": found.message if last and last.status != "pass" else None,
        "description": found.rule.description,
        "last": _last(last),
        "learning": judged.learning_of({"learning": last.learning}) if last else None,
        "warn_at": found.warn_at,
        "fail_at": found.fail_at,
        "spark": plots.sparkline(values, [point.status for point in found.points], words),
    }


def earlier_check(checks: Sequence[dict[str, Any]], found: Sequence[rules.RuleNow]) -> datetime | None:
    """When what the rules last found was found, if the last check, which is the first here, looked at none of them."""
    if not checks or sum(checks[0]["counts"].values()) > 0:
        return None
    return max((rule.points[-1].at for rule in found if rule.points), default=None)


def _last(point: rules.Point | None) -> str:
    return "–" if point is None else numbers(point.failures, point.total, point.value, point.measured)


def numbers(failures: int | None, total: int | None, ratio: float | None, measured: Any) -> str:
    """What a check found for a rule: its failures, or what was measured."""
    if failures is None:
        return formats.number(measured)
    if total is None:  # counted is something else than rows, such as columns
        return formats.number(failures)
    return f"{formats.number(failures)} of {formats.number(total)} ({formats.share(ratio)})"


def counts_failures(found: list[dict[str, Any]]) -> bool:
    """Whether the rule's values are shares of a total, and neither measured nor counted alone."""
    return any(point["total"] is not None and point["failures"] is not None for point in found)


def points_of_days(days: list[dict[str, Any]], is_share: bool) -> list[dict[str, Any]]:
    """A point per day for the plot: its last value in the shape of the worst status of the day; of a day that ended without a
    value a band."""
    order = ("fail", "error", "warn", "pass")
    found = [(day, next(status for status in order if day["counts"][status])) for day in days]
    return [
        {
            "at": day["last_at"],
            "day": day["day"],
            "worst": worst,
            "status": "error" if day["last"] is None else worst,
            "failures": None,
            "total": None,
            "failure_ratio": day["last"] if is_share else None,
            "measured": None if is_share else day["last"],
            "fail_at": day["fail_at"],
            "warn_at": day["warn_at"],
        }
        for day, worst in found
    ]


def plot_of(rule: str, found: list[dict[str, Any]], span: Span, marks: list[Mark], is_share: bool) -> Markup:
    """The plot of a rule's points, the newest first."""
    values = [_value(point, is_share) for point in reversed(found)]
    start, end = span.start or values[0].at, span.end or values[-1].at
    title = f"{rule}: {'share of failures' if is_share else 'value'}"
    return Plot(title, values, start, end, marks, is_share).svg()


def _value(point: dict[str, Any], is_share: bool) -> Value:
    """A point of the plot. Thresholds are as it had them, as shares where the plot shows shares."""
    value = point["failure_ratio"] if is_share else point["measured"] if point["failures"] is None else point["failures"]
    if is_share and value is None and point["failures"] == 0:
        value = 0.0
    shown = formats.share(value) if is_share else formats.number(value)
    if "day" in point:
        last = "without a value at its end" if value is None else f"last {shown}"
        label = f"worst of {point['day']}: {point['worst']}; {last}"
    else:
        label = f"{point['status']} at {formats.exact(point['at'])}: {shown}{judged.label_of(point)}"
        value = None if point["status"] == "error" else value
    usual = judged.usual_of(point)  # the bounds, if they were made of earlier points
    low, high = _bounds(None if usual else point["fail_at"], point["total"], is_share)
    warn_low, warn_high = _bounds(None if usual else point["warn_at"], point["total"], is_share)
    return Value(
        at=datetime.fromisoformat(point["at"]),
        value=value,
        status=point["status"],
        low=low,
        high=high,
        label=label,
        warn_low=warn_low,
        warn_high=warn_high,
        usual=usual,
        kind=judged.kind_of(point),
    )


def _bounds(threshold: Any, total: int | None, is_share: bool) -> tuple[float | None, float | None]:
    """A threshold as the numbers of the plot below and above which it trips."""
    if isinstance(threshold, dict):  # bounds of what was measured; in a plot of shares the rule's type has changed
        return (None, None) if is_share else (_float(threshold.get("min")), _float(threshold.get("max")))
    if isinstance(threshold, str):
        return None, float(threshold.removesuffix("%")) / 100
    if threshold == 0 or (threshold is not None and not is_share):
        return None, float(threshold)
    return None, threshold / total if threshold is not None and total else None


def _float(value: Any) -> float | None:
    """A bound as the number that is measured, a duration in seconds; None for what no plot can show."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        try:
            number = parse_duration(str(value))
        except ValueError:
            return None
    return number if math.isfinite(number) else None


def caption(found: list[dict[str, Any]], marks: list[Mark], more: str) -> str:
    """What the plot's lines mean; `more` says what is left out."""
    words = more
    if not (is_judged := judged.is_judged(found)):
        words += "Dashed: the threshold above (or below) which it fails, as it was then."
    if not is_judged and any(point["warn_at"] is not None for point in found):
        words += " Dotted across: that of warnings."
    words += _bands(found)
    words += judged.caption(found)
    if marks:
        changes = "a change" if len(marks) == 1 else f"{len(marks)} changes"
        words += f" Dotted upright: {changes} of this rule, the last in {marks[-1].label}."
    return words.strip()


def _bands(found: list[dict[str, Any]]) -> str:
    days = sum("day" in point and point["failure_ratio"] is None and point["measured"] is None for point in found)
    if days:
        return f" Bands: {days} {'day' if days == 1 else 'days'} that ended without a value."
    errors = sum("day" not in point and point["status"] == "error" for point in found)
    return f" Bands: {errors} {'check' if errors == 1 else 'checks'} in which the rule was in error." if errors else ""


def trend_facts(found: Trend) -> list[tuple[str, str]]:
    """The rule's last value, and those of a day and a week before it, with the difference."""
    now = found.now
    if now is None:
        return []
    facts = [("Last", _last(now))]
    for name, before in (("A day before", found.day_ago), ("A week before", found.week_ago)):
        facts.append((name, "no value" if before is None else f"{_last(before)}{_difference(now, before)}"))
    return facts


def _difference(now: rules.Point, before: rules.Point) -> str:
    """Since that point; nothing where one of the two has no value, or was counted otherwise."""
    is_share = now.total is not None and now.failures is not None
    if now.value is None or before.value is None or is_share != (before.total is not None and before.failures is not None):
        return ""
    return f"; now {formats.change(now.value, before.value, is_share=is_share)}"
