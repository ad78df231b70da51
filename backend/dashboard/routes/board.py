"""The board: every table or dataset, those that need somebody first."""

from flask import Blueprint, Response, g, request

from backend.configuration import editing
from backend.dashboard import views
from backend.dashboard.pages import next_page, page, wanted
from backend.dashboard.service import Dashboard
from backend.insights import board


def add(routes: Blueprint, service: Dashboard) -> None:
    """The route of the board."""
    database = service.database

    @routes.get("/", endpoint="board")
    def show_board() -> Response:
        kind = "dataset" if request.args.get("kind") == "dataset" else "table"
        filters = {
            name: value for name in ("q", "target", "owner", "tag", "gate") if (value := request.args.get(name, "")[:200]) != ""
        }
        if filters.get("gate") not in (None, "open", "closed"):
            del filters["gate"]
        found = board.page(database, kind, filters, wanted(board.TABLES if kind == "table" else board.DATASETS))
        counts = board.counts(database, kind)
        return page(
            "board.html",
            here="board",
            kind=kind,
            filters=filters,
            filtered=bool(filters),
            counts=counts,
            items=[views.board_item(item) for item in found["items"]],
            next=next_page(found),
            may_configure="configure" in g.caller.scopes,
            may_trigger="trigger" in g.caller.scopes,
            has_targets=not found["items"] and bool(editing.targets(database)),
        )
