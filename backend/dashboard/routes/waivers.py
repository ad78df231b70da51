"""Waivers: the list, the form of a new one, and the page that ends one."""

from datetime import UTC, datetime, timedelta
from typing import get_args

from flask import Blueprint, Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from backend.dashboard import views
from backend.dashboard.pages import next_page, page, wanted
from backend.dashboard.service import Dashboard
from backend.dashboard.waiving import form_of, order_of
from backend.waivers import store
from stringx_dataops.contract.messages.waivers import FROM_NEXT_CHECK, WaiverState
from stringx_dataops.contract.problems import Conflict, Invalid, NotFound, StringXError
from web.parameters import uuid_of

_DAYS = 14  # that a new waiver lasts, unless another day is chosen
_FILTERS = ("target", "table", "rule", "state")


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes of waivers."""
    database = service.database

    @routes.get("/waivers")
    def waivers() -> Response:
        filters = {name: value for name in _FILTERS if (value := request.args.get(name, "").strip()[:200])}
        if filters.get("state") not in get_args(WaiverState):
            filters.pop("state", None)
        found = store.page(database, filters, wanted(store.WAIVERS))
        return page(
            "waivers.html",
            here="waivers",
            filters=filters,
            items=[item | {"url": views.table_url(item["target"], item["table"])} for item in found["items"]],
            next=next_page(found),
            note=FROM_NEXT_CHECK,
            may_configure="configure" in g.caller.scopes,
        )

    @routes.get("/waivers/new")
    def new_waiver(error: StringXError | None = None) -> Response:
        g.caller.require("configure")
        ahead = (datetime.now(UTC) + timedelta(days=_DAYS)).date().isoformat()
        form = form_of(request.values, ahead, error)
        about = {field.name: field.value for field in form.fields}
        back = views.table_url(about["target"], about["table"]) if about["target"] and about["table"] else None
        return page(
            "new_waiver.html", form.status, here="waivers", form=form, back=back, table=about["table"], note=FROM_NEXT_CHECK
        )

    @routes.post("/waivers")
    def create_waiver() -> BaseResponse:
        g.caller.require("configure")
        try:
            made = store.create(database, service.catalogue, g.caller, order_of(request.form))
        except (Invalid, NotFound, Conflict) as error:
            return new_waiver(error)
        return redirect(url_for("dashboard.waivers", target=made.target, table=made.table, rule=made.rule), 303)

    @routes.get("/waivers/<waiver_id>")
    def waiver(waiver_id: str) -> Response:
        found = store.find(database, _id(waiver_id))
        return page(
            "waiver.html",
            here="waivers",
            item=found,
            table_url=views.table_url(found.target, found.table),
            may_configure="configure" in g.caller.scopes,
        )

    @routes.post("/waivers/<waiver_id>/delete")
    def end_waiver(waiver_id: str) -> BaseResponse:
        g.caller.require("configure")
        ended = store.delete(database, g.caller, _id(waiver_id))
        return redirect(url_for("dashboard.waiver", waiver_id=ended.id), 303)


def _id(text: str) -> str:
    return uuid_of(text, f"there is no waiver {text[:100]!r}")
