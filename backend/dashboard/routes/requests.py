"""Requests: a list of them by filters, and one with its story and its result."""

from datetime import UTC, datetime
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request, url_for

from backend.dashboard import request_filters, results, stories
from backend.dashboard.pages import Numbered, address_of_page, csv_file, next_page, page, text_file, wanted
from backend.dashboard.request_filters import RequestFilters
from backend.dashboard.running import lines
from backend.dashboard.service import Dashboard
from backend.insights import requests, running
from backend.insights import stories as insights
from backend.profiles import store as profiles
from stringx_dataops.contract.messages.requests import RequestView
from stringx_dataops.contract.problems import Conflict, NotFound

_ON_PAGE = 25  # names and ids may be long


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes of requests."""
    database, catalogue = service.database, service.catalogue

    @routes.get("/requests", endpoint="requests")
    def show_requests() -> Response:
        form = request_filters.read(database, request.args, datetime.now(UTC))
        found = requests.page(database, form.values, wanted(requests.PAGES, _ON_PAGE))
        return page(
            "requests.html",
            status=422 if form.faults else 200,
            here="requests",
            form=form,
            since=_since(form),
            items=found["items"],
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
        check, is_profile = view.checks[0] if view.checks else None, "profile" in facts.body
        sees_samples = "samples" in g.caller.scopes
        place = Numbered("rules", results.RULES)
        result = None
        if check is not None:
            tried = facts.body.get("document") if view.trial else None
            result = results.page_of(database, catalogue, check, place.skip, with_samples=sees_samples, tried=tried)
        leader = insights.request_of_check(database, check.joined) if check is not None and check.joined else None
        return page(
            "request.html",
            here="requests",
            view=view.model_copy(update={"checks": []}),  # `result` has what the page shows of it
            running=lines(running.of_request(database, request_id)),
            may_trigger="trigger" in g.caller.scopes,
            place=place,
            headline=stories.headline(view, is_profile=is_profile),
            steps=stories.steps(view, facts),
            asked_for=stories.asked_for(facts.body),
            profile_url=_profile_url(service, request_id) if is_profile else None,
            is_profile=is_profile,
            leader_url=url_for("dashboard.request_page", request_id=leader) if leader is not None else None,
            result=result,
            sample_tables=result.samples if result is not None else [],
            has_failing=result is not None and result.has_failing,
            sees_samples=sees_samples,
            may_configure="configure" in g.caller.scopes,
            back=address_of_page(),
        )


def _profile_url(service: Dashboard, request_id: str) -> str | None:
    """Of the profile that the request asked for; None if it was deleted."""
    try:
        return url_for("dashboard.profile", profile_id=profiles.of_request(service.database, request_id).profile_id)
    except Conflict:
        return None


def _since(form: RequestFilters) -> list[tuple[str, str, bool]]:
    """Links to the same list since these times: address, words, and whether it is shown."""
    given = {field.name: field.value for field in form.fields if field.value and field.name != "to"}
    here = url_for("dashboard.requests")
    return [
        (f"{here}?{urlencode(given | {'from': value})}", words, given.get("from") == value)
        for value, words in request_filters.SINCE
    ]


def _sample_file(view: RequestView) -> Response:
    """The sample of a rule, whole, as it stands in the result."""
    g.caller.require("samples")
    rule, table = request.args.get("rule", ""), request.args.get("table")
    found = results.rule_of(view.checks[0], rule, table) if view.checks else None
    if found is None or found.sample is None:
        raise NotFound(f"the result has no sample of a rule {rule!r}")
    return csv_file(f"{rule}-sample.csv", [found.sample.columns, *found.sample.rows])


def _command_file(view: RequestView) -> Response:
    """The command that runs the same test by hand, where it is too long for the page."""
    dbt = view.checks[0].dbt if view.checks else None
    if dbt is None:
        raise NotFound("dbt has not run for this request")
    return text_file("dbt-test.sh", f"{dbt.command}\n")
