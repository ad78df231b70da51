"""What a text of the editor says of the real data before it is saved: each rule beside the stored one."""

from typing import Any

from flask import Blueprint, Response, g

from backend.dashboard import views
from backend.dashboard.pages import page
from backend.dashboard.running import lines
from backend.dashboard.service import Dashboard
from backend.insights import requests, rules, running
from backend.insights.rules import Slice
from stringx_dataops.contract.documents.tables import MOST_RULES
from stringx_dataops.contract.messages.checks import RuleResult
from stringx_dataops.contract.problems import NotFound
from web.parameters import canonical

_RULES = 200  # on the page
_STORED = Slice(MOST_RULES, points=1)


def add(routes: Blueprint, service: Dashboard) -> None:
    """The route of a trial."""
    database = service.database

    @routes.get("/configuration/<target>/<path:table>/trials/<request_id>")
    def table_trial(target: str, table: str, request_id: str) -> Response:
        name = canonical(table)
        view = requests.find(database, request_id)
        if not view.trial or (view.target, view.table) != (target, name):
            raise NotFound(f"there is no trial {request_id} of table {name}; trials are deleted a day after their end")
        tried = [rule for check in view.checks for rule in check.rules or ()]
        stored = _stored(service, target, name) if tried else {}
        written = requests.tried_rules(database, request_id) if tried else None
        return page(
            "trial.html",
            view=view,
            target=target,
            table=name,
            editor_url=views.editor_url(target, name),
            rows=[_row(rule, stored.get(rule.id)) for rule in tried[:_RULES]],
            more_rules=max(0, len(tried) - _RULES),
            missing=[rule for rule in stored if rule not in written] if written is not None else [],
            running=lines(running.of_request(database, request_id)),
            may_trigger="trigger" in g.caller.scopes,
        )


def _stored(service: Dashboard, target: str, table: str) -> dict[str, rules.RuleNow]:
    """The stored active rules with their last points; none of a table that is not configured yet."""
    try:
        found = rules.of_table(service.database, service.catalogue, target, table, _STORED)
    except NotFound:
        return {}
    return {each.rule.id: each for each in found.rules}


def _row(tried: RuleResult, stored: rules.RuleNow | None) -> dict[str, Any]:
    numbers = views.numbers(tried.failures, tried.total, tried.failure_ratio, tried.measured)
    last = stored.points[-1] if stored is not None and stored.points else None
    return {
        "rule": tried,
        "numbers": "hidden" if tried.measured_hidden else numbers,
        "is_stored": stored is not None,
        "stored_status": last.status if last else None,
        "stored_numbers": views.numbers(last.failures, last.total, last.value, last.measured) if last else "–",
    }
