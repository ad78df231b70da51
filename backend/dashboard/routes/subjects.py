"""What is checked: the page of a table, and that of a dataset, and asking for a check there."""

from typing import Any

from flask import Blueprint, Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from backend.configuration import editing
from backend.dashboard import groups, rule_files, samples, views
from backend.dashboard.asking import ask_form, typed
from backend.dashboard.pages import Numbered, address_to_renew, csv_file, next_page, page, wanted
from backend.dashboard.routes.badges import of_subject
from backend.dashboard.running import lines
from backend.dashboard.service import Dashboard
from backend.insights import board, history, rules, running, trend
from backend.insights.rules import Slice
from backend.waivers import store as waivers
from database.keys import Caller
from database.pool import Database
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.documents.tables import MOST_RULES
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.problems import Busy, Invalid, NotFound, StringXError
from web import hosts

_CHECKS, _RULES = 20, 50  # of a table, on its page
_COLUMNS = Page(60)  # checks in the plot of trends
_TROUBLE = ("fail", "warn", "error")


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes of tables and datasets."""
    database, catalogue = service.database, service.catalogue

    @routes.get("/tables/<target>/<path:table>", endpoint="table")
    def show_table(target: str, table: str, error: StringXError | None = None) -> Response:
        item = state_of(database, "table", target, table)
        if request.args.get("format") == "csv":
            whole = rules.of_table(database, catalogue, target, table, Slice(MOST_RULES, points=1))
            return csv_file("rules.csv", rule_files.rules_now(whole.rules))
        place = Numbered("rules", _RULES)
        found = rules.of_table(database, catalogue, target, table, Slice(_RULES, place.skip, check_id=item["check_id"]))
        checks = history.checks_of_table(database, target, table, page=wanted(history.CHECKS, _CHECKS))
        shown = [views.rule_row(target, table, each) for each in found.rules]
        deciding = history.checks_of_table(database, target, table, page=_COLUMNS, deciding=True)["items"]
        asking = ask_form(url_for("dashboard.check", target=target, table=table), found.window_column, request.values, error)
        return page(
            "table.html",
            asking.status,
            address=address_to_renew(),
            asking=asking,
            running=lines(running.of_table(database, target, table)),
            item=views.board_item(item),
            rules=[each for each in shown if each["status"] != "error"],
            in_error=[each for each in shown if each["status"] == "error"],
            **samples.of_table(database, item, found.rules, g.caller.scopes),
            groups=groups.of_check(
                database, table, [each.rule for each in found.rules], item["check_id"], with_keys="samples" in g.caller.scopes
            ),
            since=trend.since_of_rules(database, target, table, [each["id"] for each in shown if each["status"] in _TROUBLE]),
            waivers=waivers.of_table(database, target, table),
            total=found.total,
            place=place,
            trends=views.trends_of(deciding),
            rules_of=views.earlier_check(deciding, found.rules),
            checks=checks["items"],
            next=next_page(checks),
            may_trigger="trigger" in g.caller.scopes,
            runbook=found.runbook,
            expected_by=found.expected_by,
            docs=views.docs_page(hosts.for_viewer(service.docs_url), target, table),
            change=next(iter(editing.changes(database, (target, table), 1)), None),
            editor_url=views.editor_url(target, table),
            may_configure="configure" in g.caller.scopes,
            badges=of_subject(service, target, table=table),
        )

    @routes.get("/datasets/<name>", endpoint="dataset")
    def show_dataset(name: str, error: StringXError | None = None) -> Response:
        item = state_of(database, "dataset", None, name)
        checks = history.checks_of_dataset(database, name, page=wanted(history.CHECKS, _CHECKS))
        tables = board.of_names(database, item["target"], item["tables"])
        asking = ask_form(url_for("dashboard.check_dataset", name=name), None, request.values, error)
        return page(
            "dataset.html",
            asking.status,
            address=address_to_renew(),
            asking=asking,
            running=lines(running.of_dataset(database, item["target"], name)),
            item=views.board_item(item),
            tables=[views.board_item(each) for each in tables],
            trends=views.trends_of(history.checks_of_dataset(database, name, page=_COLUMNS, deciding=True)["items"]),
            checks=checks["items"],
            next=next_page(checks),
            may_trigger="trigger" in g.caller.scopes,
            may_configure="configure" in g.caller.scopes,
            badges=of_subject(service, item["target"], dataset=name),
        )

    @routes.post("/tables/<target>/<path:table>/check")
    def check(target: str, table: str) -> BaseResponse:
        try:
            return _ask(service, {"target": target, "table": table}, views.table_url(target, table))
        except (Invalid, Busy) as error:
            return show_table(target, table, error)

    @routes.post("/datasets/<name>/check")
    def check_dataset(name: str) -> BaseResponse:
        target = state_of(database, "dataset", None, name)["target"]
        try:
            return _ask(service, {"target": target, "dataset": name}, url_for("dashboard.dataset", name=name))
        except (Invalid, Busy) as error:
            return show_dataset(name, error)


def _ask(service: Dashboard, subject: dict[str, str], page_of_subject: str) -> BaseResponse:
    """Ask for the check of the form, and show where it is seen: what it is about, or the request if DataOps refused it. Raises
    Invalid and Busy with what the form has to say."""
    person: Caller = g.caller
    person.require("trigger")
    window = {"window": typed(request.form)} if request.form.get("rows") == "window" else {}
    asked = parse_model(CheckRequest, subject | {"mode": "async"} | window)
    tracked, is_promised = service.asking.ask(asked, "dashboard", person.name)
    request_page = url_for("dashboard.request_page", request_id=tracked.view.request_id)
    return redirect(page_of_subject if is_promised else request_page, 303)


def state_of(database: Database, kind: str, target: str | None, name: str) -> dict[str, Any]:
    """The present state, as in lists of states. NotFound if nothing of this name is configured."""
    filters = {"name": name} | ({"target": target} if target is not None else {})
    items: list[dict[str, Any]] = board.page(database, kind, filters, Page(1))["items"]
    if not items:
        raise NotFound(f"{kind} {name} is not configured")
    return items[0]
