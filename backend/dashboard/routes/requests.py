"""Requests: a list of them, and one with its result."""

from flask import Blueprint, Response, g

from backend.dashboard import views
from backend.dashboard.pages import next_page, page, wanted
from backend.dashboard.running import lines
from backend.dashboard.service import Dashboard
from backend.insights import requests, running


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes of requests."""
    database = service.database

    @routes.get("/requests", endpoint="requests")
    def show_requests() -> Response:
        found = requests.page(database, dict.fromkeys(("table", "dataset", "verdict", "status")), wanted(requests.PAGES))
        return page("requests.html", here="requests", items=found["items"], next=next_page(found))

    @routes.get("/requests/<path:request_id>")
    def request_page(request_id: str) -> Response:
        view = requests.find(database, request_id)
        return page(
            "request.html",
            here="requests",
            view=view,
            parts=views.parts,
            running=lines(running.of_request(database, request_id)),
            may_trigger="trigger" in g.caller.scopes,
        )
