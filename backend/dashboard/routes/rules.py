"""The page of a rule: its points over time, as a plot, a table and a CSV file; and marking a point."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from backend.dashboard import forms, groups, judged, rule_files, views
from backend.dashboard.groups import Groups
from backend.dashboard.pages import csv_file, own, page
from backend.dashboard.plots import Mark
from backend.dashboard.service import Dashboard
from backend.dashboard.stories import window_in_short
from backend.insights import history, rules, trend
from backend.insights.history import RuleName, Span
from backend.insights.rules import RuleNow
from backend.marks import store as mark_store
from backend.waivers import store as waivers
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.marks import MarkOrder
from stringx_dataops.contract.messages.pages import Page
from web.parameters import uuid_of

_LISTED = 100  # points on the page
_PLOTTED = 1000  # points; of more, a plot shows days
_RANGES = {"24h": ("24 hours", 1), "7d": ("7 days", 7), "30d": ("30 days", 30), "1y": ("1 year", 365)}
_STEPS = 1440  # of a range: its end moves by one of them, so that a page without a new point stays the same


def add(routes: Blueprint, service: Dashboard) -> None:
    """The route of a rule."""
    database, catalogue = service.database, service.catalogue

    @routes.get("/tables/<target>/<path:table>/rules/<rule>")
    def rule(target: str, table: str, rule: str) -> Response:
        chosen = request.args.get("range", "30d")
        chosen = chosen if chosen in _RANGES else "30d"
        length = timedelta(days=_RANGES[chosen][1])
        end = rounded_up(datetime.now(UTC), length / _STEPS)
        span = Span(end - length, end)
        name = RuleName(target, table, rule)
        if request.args.get("format") == "csv":
            return csv_file(f"{rule}.csv", rule_files.points(database, catalogue, name, span))
        answer = history.points(database, catalogue, name, span, Page(_PLOTTED))
        found, more = answer["items"], ""
        found_trend = trend.of_rule(database, name)
        now = rules.configured(database, catalogue, name)
        last = judged.of_last(found, *_compared(found, name), as_they_are=now is not None and now.rule.type == "change")
        is_share, plotted = views.counts_failures(found), found
        if answer["next_cursor"] is not None and chosen in ("30d", "1y"):
            with_today = Span(span.start, end + timedelta(days=1))  # a span of days is without the day in which it ends
            days = history.days(database, catalogue, name, with_today, Page(_PLOTTED))["items"]
            plotted = views.points_of_days(days, is_share)
            more = "One point per day: its last value, in the shape of its worst status. "
        elif answer["next_cursor"] is not None:
            more = f"The newest {_PLOTTED:,} points. "
        versions = rules.changes(database, name, span.start or end, end)
        marks = [Mark(row["changed_at"], f"version {row['version']} by {row['changed_by']}") for row in versions]
        requests = rules.requests_of_points(database, name, found[:_LISTED])
        return page(
            "rule.html",
            target=target,
            table=table,
            table_url=views.table_url(target, table),
            rule=rule,
            url=views.rule_url(target, table, rule),
            configured=now,
            points=found[:_LISTED],
            judged=last,
            groups=_groups(found, name, now),
            measures=judged.measures(now.rule) if now is not None else None,
            requests={check_id: row["request_id"] for check_id, row in requests.items()},
            windows={check_id: window_in_short(row["window"]) for check_id, row in requests.items() if row["window"]},
            has_more=len(found) > _LISTED,
            trend=found_trend,
            facts=views.trend_facts(found_trend),
            ranges=[(name, words) for name, (words, _) in _RANGES.items()],
            range=chosen,
            plot=views.plot_of(rule, plotted, span, marks, is_share),
            marks=versions[::-1],
            editor_url=views.editor_url(target, table),
            waiver=waivers.of_table(database, target, table).get(rule),
            may_configure="configure" in g.caller.scopes,
            caption=views.caption(plotted, marks, more),
        )

    @routes.post("/tables/<target>/<path:table>/rules/<rule>/points/<check_id>")
    def mark_point(target: str, table: str, rule: str, check_id: str) -> BaseResponse:
        g.caller.require("configure")
        sent = forms.fields()
        order = parse_model(MarkOrder, {"mark": sent.get("mark", "")})
        named = uuid_of(check_id, f"there is no check {check_id[:100]!r}")
        mark_store.mark(database, g.caller, RuleName(target, table, rule), named, order)
        return redirect(own(sent.get("back") or views.rule_url(target, table, rule)), 303)

    def _groups(found: list[dict[str, Any]], name: RuleName, now: RuleNow | None) -> Groups | None:
        """Of the last point, if the rule has groups."""
        last = found[0]["check_id"] if found else None
        return (
            groups.of_check(database, name.table, [now.rule], last, with_keys="samples" in g.caller.scopes).get(name.rule)
            if now is not None
            else None
        )

    def _compared(found: list[dict[str, Any]], name: RuleName) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """What the last judged point was compared with."""
        last = next((point for point in found if point.get("baseline")), None)
        is_known = last is not None and last["baseline"].get("center") is not None
        return rules.compared_with(database, name, last["check_id"]) if last is not None and is_known else ([], {})


def rounded_up(moment: datetime, step: timedelta) -> datetime:
    """The next whole step since 1970, or the moment itself if it is one."""
    steps = math.ceil(moment.timestamp() / step.total_seconds())
    return datetime.fromtimestamp(steps * step.total_seconds(), UTC)
