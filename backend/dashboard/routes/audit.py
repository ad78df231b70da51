"""The audit log: who did what, by filters."""

from datetime import UTC, datetime

from flask import Blueprint, Response, g, request, url_for

from backend.audit import listing
from backend.dashboard import audit_filters
from backend.dashboard.pages import next_page, page, wanted
from backend.dashboard.service import Dashboard

_ON_PAGE = 50


def add(routes: Blueprint, service: Dashboard) -> None:
    """The route of the audit log. `listing.page` refuses who does not administer."""

    @routes.get("/audit", endpoint="audit")
    def show_audit() -> Response:
        form = audit_filters.read(request.args, datetime.now(UTC))
        found = listing.page(service.database, g.caller, form.values, wanted(listing.PAGES, _ON_PAGE))
        here = url_for("dashboard.audit")
        return page(
            "audit.html",
            422 if form.faults else 200,
            here="audit",
            form=form,
            rows=[audit_filters.row(entry, here) for entry in found["items"]],
            next=next_page(found),
        )
