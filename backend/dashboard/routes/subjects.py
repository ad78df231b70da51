"""What is checked: the page of a table, and that of a dataset."""

from typing import Any

from flask import Blueprint, Response, g, request

from backend.dashboard import rule_files, views
from backend.dashboard.pages import Numbered, csv_file, next_page, page, wanted
from backend.dashboard.service import Dashboard
from backend.insights import board, history, rules, trend
from backend.insights.rules import Slice
from database.pool import Database
from stringx_dataops.contract.documents.tables import MOST_RULES
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.problems import NotFound

_CHECKS, _RULES = 20, 50  # of a table, on its page
_COLUMNS = Page(60)  # checks in the plot of trends
_TROUBLE = ("fail", "warn", "error")


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes of tables and datasets."""
    database, catalogue = service.database, service.catalogue

    @routes.get("/tables/<target>/<path:table>")
    def table(target: str, table: str) -> Response:
        item = state_of(database, "table", target, table)
        if request.args.get("format") == "csv":
            whole = rules.of_table(database, catalogue, target, table, Slice(MOST_RULES, points=1))
            return csv_file("rules.csv", rule_files.texts(rule_files.rules_now(whole.rules)))
        place = Numbered("rules", _RULES)
        found = rules.of_table(database, catalogue, target, table, Slice(_RULES, place.skip, check_id=item["check_id"]))
        checks = history.checks_of_table(database, target, table, page=wanted(history.CHECKS, _CHECKS))
        shown = [views.rule_row(target, table, each) for each in found.rules]
        return page(
            "table.html",
            item=views.board_item(item),
            rules=shown,
            since=trend.since_of_rules(database, target, table, [each["id"] for each in shown if each["status"] in _TROUBLE]),
            total=found.total,
            place=place,
            trends=views.trends_of(history.checks_of_table(database, target, table, page=_COLUMNS, deciding=True)["items"]),
            checks=checks["items"],
            next=next_page(checks),
            may_trigger="trigger" in g.caller.scopes,
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
            trends=views.trends_of(history.checks_of_dataset(database, name, page=_COLUMNS, deciding=True)["items"]),
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
