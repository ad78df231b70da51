"""Badges: made and revoked on the page of what they show."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from backend.badges import store
from backend.dashboard import forms, views
from backend.dashboard.pages import next_page, own, page, wanted
from backend.dashboard.service import Dashboard
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.badges import MOST_OF_ONE, Badge, NewBadge
from stringx_dataops.contract.messages.pages import Page
from web.parameters import uuid_of

_ON_PAGE = 50


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes of badges."""

    @routes.get("/badges", endpoint="badges")
    def show_badges() -> Response:
        g.caller.require("configure")
        found = store.page(service.database, {}, service.public_url, wanted(store.PAGES, _ON_PAGE))
        return page("all_badges.html", here="board", badges=_with_addresses(found["items"]), next=next_page(found))

    @routes.post("/badges")
    def create_badge() -> BaseResponse:
        g.caller.require("configure")
        sent = forms.fields()
        asked = {name: sent[name] for name in ("target", "table", "dataset", "label") if sent.get(name)}
        g.again = own(sent.get("back", "/"))
        made = store.create(service.database, g.caller, parse_model(NewBadge, asked), service.public_url)
        return redirect(_page_of(made), 303)

    @routes.post("/badges/<badge_id>/revoke")
    def revoke_badge(badge_id: str) -> BaseResponse:
        g.caller.require("configure")
        named = uuid_of(badge_id, f"there is no badge {badge_id[:100]!r}")
        store.delete(service.database, g.caller, named)
        return redirect(own(forms.fields().get("back", "/")), 303)


def of_subject(service: Dashboard, target: str, *, table: str | None = None, dataset: str | None = None) -> list[dict[str, Any]]:
    """The badges of a table or dataset, each with its whole address; none for those who may not make any."""
    if "configure" not in g.caller.scopes:
        return []
    wanted = {"target": target, "table": table, "dataset": dataset}
    found = store.page(service.database, wanted, service.public_url, Page(MOST_OF_ONE))
    return _with_addresses(found["items"])


def _with_addresses(badges: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with its whole address; without PUBLIC_URL, that of the host that this page was asked of."""
    here = request.host_url.rstrip("/")
    return [badge | {"address": badge["url"] or f"{here}{badge['path']}"} for badge in badges]


def _page_of(badge: Badge) -> str:
    return views.subject_url(badge.target, badge.table, badge.dataset) + "#badges"
