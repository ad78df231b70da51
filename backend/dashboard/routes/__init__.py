"""The pages of the dashboard: a signed-in person sees what a key of the same scopes may read. Views look up, render, and change
nothing with GET."""

import shlex

from flask import Blueprint

from backend.dashboard import documents, judged, stories, views
from backend.dashboard import schedules as schedule_rows
from backend.dashboard.routes import (
    audit,
    badges,
    board,
    channels,
    checks,
    configuration,
    guard,
    incidents,
    keys,
    openid,
    profiles,
    requests,
    rules,
    schedules,
    signing_in,
    subjects,
    trials,
    waivers,
    watch_pages,
)
from backend.dashboard.service import Dashboard
from web.look import formats

_FORMATS = {
    "relative": formats.relative,
    "clock": formats.clock,
    "exact": formats.exact,
    "number": formats.number,
    "share": formats.share,
    "duration": formats.duration,
    "seconds": lambda seconds: formats.duration(None if seconds is None else round(seconds * 1000)),
    "threshold": formats.threshold,
    "gap": stories.gap,
    "in_zone": schedule_rows.in_zone,
    "usual": judged.words_of,
    "shell": shlex.quote,
    "document_value": documents.value,
}


def blueprint(service: Dashboard) -> Blueprint:
    routes = Blueprint(
        "dashboard", "backend.dashboard", template_folder="templates", static_folder="static", static_url_path="/dashboard"
    )
    routes.add_app_template_global(views.subject_url)
    for name, function in _FORMATS.items():
        routes.add_app_template_filter(function, name)  # type: ignore[arg-type]
    for pages in (
        guard,
        signing_in,
        openid,
        board,
        subjects,
        rules,
        requests,
        checks,
        incidents,
        configuration,
        trials,
        profiles,
        keys,
        audit,
        waivers,
        badges,
        channels,
        schedules,
        watch_pages,
    ):
        pages.add(routes, service)
    return routes
