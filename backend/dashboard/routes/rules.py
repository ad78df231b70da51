"""The page of a rule: its points over time, as a plot, a table and a CSV file."""

import math
from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, g, request

from backend.dashboard import rule_files, views
from backend.dashboard.pages import csv_file, page
from backend.dashboard.plots import Mark
from backend.dashboard.service import Dashboard
from backend.insights import history, rules, trend
from backend.insights.history import RuleName, Span
from backend.waivers import store as waivers
from stringx_dataops.contract.messages.pages import Page

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
        return page(
            "rule.html",
            target=target,
            table=table,
            table_url=views.table_url(target, table),
            rule=rule,
            configured=rules.configured(database, catalogue, name),
            points=found[:_LISTED],
            requests=rules.requests_of_points(database, name, found[:_LISTED]),
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


def rounded_up(moment: datetime, step: timedelta) -> datetime:
    """The next whole step since 1970, or the moment itself if it is one."""
    steps = math.ceil(moment.timestamp() / step.total_seconds())
    return datetime.fromtimestamp(steps * step.total_seconds(), UTC)
