"""Asking for a check from the page of a table or dataset."""

from flask import Blueprint, g, redirect, url_for
from werkzeug.wrappers import Response as BaseResponse

from backend.dashboard import views
from backend.dashboard.routes.subjects import state_of
from backend.dashboard.service import Dashboard
from database.keys import Caller
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.checks import CheckRequest


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes that ask."""
    database = service.database

    @routes.post("/tables/<target>/<path:table>/check")
    def check(target: str, table: str) -> BaseResponse:
        person: Caller = g.caller
        person.require("trigger")
        asked = parse_model(CheckRequest, {"target": target, "table": table, "mode": "async"})
        return _asked(service, asked, views.table_url(target, table))

    @routes.post("/datasets/<name>/check")
    def check_dataset(name: str) -> BaseResponse:
        g.caller.require("trigger")
        target = state_of(database, "dataset", None, name)["target"]
        asked = parse_model(CheckRequest, {"target": target, "dataset": name, "mode": "async"})
        return _asked(service, asked, url_for("dashboard.dataset", name=name))


def _asked(service: Dashboard, asked: CheckRequest, page_of_subject: str) -> BaseResponse:
    """Ask for the check, and show where it is seen: what it is about, or the request if DataOps refused it."""
    tracked, is_promised = service.asking.ask(asked, "dashboard", g.caller.name)
    request_page = url_for("dashboard.request_page", request_id=tracked.view.request_id)
    return redirect(page_of_subject if is_promised else request_page, 303)
