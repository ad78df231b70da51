"""Canceling a request from the pages that show it."""

from flask import Blueprint, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from backend.dashboard.pages import own
from backend.dashboard.service import Dashboard
from backend.requests import tracking


def add(routes: Blueprint, service: Dashboard) -> None:
    """The route that cancels."""

    @routes.post("/requests/<path:request_id>/cancel")
    def cancel(request_id: str) -> BaseResponse:
        g.caller.require("trigger")
        tracking.cancel(service.database, request_id, g.caller.name)
        return redirect(own(request.form.get("next") or url_for("dashboard.request_page", request_id=request_id)), 303)
