"""Requests: a list of them by filters, and one with its story and its result."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, g, request, url_for

from backend.dashboard import csv_files, results, stories, views
from backend.dashboard.pages import Numbered, download, next_page, page, wanted
from backend.dashboard.running import lines
from backend.dashboard.service import Dashboard
from backend.insights import requests, running
from backend.insights import stories as insights
from backend.requests import filters
from stringx_dataops.contract.messages.requests import RequestView
from stringx_dataops.contract.problems import NotFound
from web.parameters import Parameter

_ON_PAGE = 25  # names and ids may be long


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes of requests."""
    database, catalogue = service.database, service.catalogue

    @routes.get("/requests", endpoint="requests")
    def show_requests() -> Response:
        given, faults = filters.of_form(request.args)
        found = {"items": [], "next_cursor": None} if faults else requests.page(database, given, wanted(requests.PAGES, _ON_PAGE))
        return page(
            "requests.html",
            status=422 if faults else 200,
            here="requests",
            filters=[(each.name, _choices(each), each.schema.get("format")) for each in filters.FILTERS],
            given={name: request.args.get(name, "") for name in filters.NAMES},
            filtered=bool(given or faults),
            faults=faults,
            items=found["items"],
            subject_url=views.subject_url,
            next=next_page(found),
        )

    @routes.get("/requests/<path:request_id>")
    def request_page(request_id: str) -> Response:
        view = requests.find(database, request_id)
        wanted_format = request.args.get("format")
        if wanted_format == "csv":
            return _sample_file(view)
        if wanted_format == "command":
            return _command_file(view)
        facts = insights.facts(database, request_id)
        if facts is None:
            raise NotFound(f"there is no request {request_id}")
        check = view.checks[0] if view.checks else None
        sees_samples = "samples" in g.caller.scopes
        place = Numbered("rules", results.RULES)
        result = results.page_of(database, catalogue, check, place.skip, with_samples=sees_samples) if check is not None else None
        leader = insights.request_of_check(database, check.joined) if check is not None and check.joined else None
        return page(
            "request.html",
            here="requests",
            view=view.model_copy(update={"checks": []}),  # `result` has what the page shows of it
            running=lines(running.of_request(database, request_id)),
            may_trigger="trigger" in g.caller.scopes,
            place=place,
            subject_url=views.subject_url,
            headline=stories.headline(view),
            steps=stories.steps(view, facts),
            asked_for=stories.asked_for(facts.body),
            leader_url=url_for("dashboard.request_page", request_id=leader) if leader is not None else None,
            result=result,
            sample_tables=result.samples if result is not None else [],
            has_failing=result is not None and result.has_failing,
            sees_samples=sees_samples,
        )


def _choices(filter_: Parameter[Any]) -> Sequence[str] | None:
    """What a field of the form can be; None if it is typed."""
    return ("true", "false") if filter_.schema["type"] == "boolean" else filter_.schema.get("enum")


def _sample_file(view: RequestView) -> Response:
    """The sample of a rule, whole, as it stands in the result."""
    g.caller.require("samples")
    rule, table = request.args.get("rule", ""), request.args.get("table")
    found = results.rule_of(view.checks[0], rule, table) if view.checks else None
    if found is None or found.sample is None:
        raise NotFound(f"the result has no sample of a rule {rule!r}")
    return download(csv_files.text_of(found.sample.columns, found.sample.rows), "text/csv", f"{rule}-sample.csv")


def _command_file(view: RequestView) -> Response:
    """The command that runs the same test by hand, where it is too long for the page."""
    dbt = view.checks[0].dbt if view.checks else None
    if dbt is None:
        raise NotFound("dbt has not run for this request")
    return download(f"{dbt.command}\n", "text/plain", "dbt-test.sh")
