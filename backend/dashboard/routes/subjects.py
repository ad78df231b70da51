"""What is checked: the page of a table, and that of a dataset."""

from typing import Any

from flask import Blueprint, Response, g

from backend.dashboard import views
from backend.dashboard.pages import next_page, page, wanted
from backend.dashboard.service import Dashboard
from backend.insights import board, history, rules, trend
from database.pool import Database
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.problems import NotFound
from web import hosts

_CHECKS, _RULES = 20, 200  # of a table, on its page
_COLUMNS = Page(60)  # checks in the plot of trends
_TROUBLE = ("fail", "warn", "error")


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes of tables and datasets."""
    database, catalogue = service.database, service.catalogue

    @routes.get("/tables/<target>/<path:table>")
    def table(target: str, table: str) -> Response:
        item = state_of(database, "table", target, table)
        _, found = rules.of_table(database, catalogue, target, table, item["check_id"])
        checks = history.checks_of_table(database, target, table, page=wanted(history.CHECKS, _CHECKS))
        shown = views.rule_rows(target, table, found, _RULES)
        return page(
            "table.html",
            item=views.board_item(item),
            rules=shown,
            since=trend.since_of_rules(database, target, table, [each["id"] for each in shown if each["status"] in _TROUBLE]),
            more_rules=max(0, len(found) - _RULES),
            trends=views.trends_of(history.checks_of_table(database, target, table, page=_COLUMNS)["items"]),
            checks=checks["items"],
            next=next_page(checks),
            may_trigger="trigger" in g.caller.scopes,
            docs=views.docs_page(hosts.for_viewer(service.docs_url), target, table),
            parts=views.parts,
        )

    @routes.get("/datasets/<name>")
    def dataset(name: str) -> Response:
        item = state_of(database, "dataset", None, name)
        checks = history.checks_of_dataset(database, name, page=wanted(history.CHECKS, _CHECKS))
        tables = board.of_names(database, item["target"], item["tables"])
        return page(
            "dataset.html",
            item=views.board_item(item),
            tables=[views.board_item(each) for each in tables],
            trends=views.trends_of(history.checks_of_dataset(database, name, page=_COLUMNS)["items"]),
            checks=checks["items"],
            next=next_page(checks),
            may_trigger="trigger" in g.caller.scopes,
        )


def state_of(database: Database, kind: str, target: str | None, name: str) -> dict[str, Any]:
    """The present state, as in lists of states. NotFound if nothing of this name is configured."""
    filters = {"name": name} | ({"target": target} if target is not None else {})
    items: list[dict[str, Any]] = board.page(database, kind, filters, Page(1))["items"]
    if not items:
        raise NotFound(f"{kind} {name} is not configured")
    return items[0]
