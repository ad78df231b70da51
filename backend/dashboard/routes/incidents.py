"""Incidents: the list, each with its story, how long they lasted, and what people do with one: acknowledge, assign, note."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from urllib.parse import urlencode

from flask import Blueprint, Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from backend.dashboard import forms, incident_stories, incidents
from backend.dashboard.incidents import IncidentForm
from backend.dashboard.pages import address_of_page, next_page, own, page, wanted
from backend.dashboard.service import Dashboard
from backend.incidents import acting, store
from backend.incidents.story import story
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.incidents import Acknowledgement, Assignment, Incident, NoteOrder, SummaryBy
from stringx_dataops.contract.problems import Conflict, Invalid
from web.parameters import uuid_of

_ON_PAGE = 50
_SPANS = {"7d": 7, "30d": 30, "90d": 90, "1y": 365}  # days


def add(routes: Blueprint, service: Dashboard) -> None:
    """The routes of incidents."""
    database = service.database

    @routes.get("/incidents", endpoint="incidents")
    def show_incidents() -> Response:
        form = incidents.filters(request.args, datetime.now(UTC))
        values = dict(form.values) | ({"me": g.caller.name} if form.is_mine else {})
        found = store.page(database, values, wanted(store.INCIDENTS, _ON_PAGE))
        counts = store.counts(database).values()
        return page(
            "incidents.html",
            422 if form.faults else 200,
            here="incidents",
            form=form,
            open=sum(number for number, _ in counts),
            unacknowledged=sum(number for _, number in counts),
            whose=_whose(form),
            back=address_of_page(),
            rows=[incidents.row(Incident.model_validate(item)) for item in found["items"]],
            next=next_page(found),
            may_trigger="trigger" in g.caller.scopes,
        )

    @routes.get("/incidents/summary")
    def incident_times() -> Response:
        by: SummaryBy = "owner" if request.args.get("by") == "owner" else "target"
        span = request.args.get("range", "") if request.args.get("range") in _SPANS else "30d"
        found = store.summary(database, by, start=datetime.now(UTC) - timedelta(days=_SPANS[span]))

        def address(**chosen: str) -> str:
            return f"{url_for('dashboard.incident_times')}?{urlencode(chosen)}"

        return page(
            "incident_times.html",
            here="incidents",
            by=by,
            groupings=[(address(by=each, range=span), f"by {each}", each == by) for each in get_args(SummaryBy)],
            ranges=[(address(by=by, range=each), each, each == span) for each in _SPANS],
            span=span,
            total=found.total,
            items=found.items,
            more=found.more,
        )

    @routes.get("/incidents/<incident_id>", endpoint="incident")
    def show_incident(incident_id: str, form: IncidentForm | None = None) -> Response:
        found = story(database, _id(incident_id))
        form = form or incidents.form_of({})
        return page(
            "incident.html",
            form.status,
            here="incidents",
            address=url_for("dashboard.incident", incident_id=incident_id),
            row=incidents.row(found),
            runbook=found.runbook,
            reasons=incidents.shown_reasons(found),
            form=form,
            rules=incidents.rules(found),
            steps=incident_stories.steps(found),
            item_has_messages=bool(found.messages),
            may_trigger="trigger" in g.caller.scopes,
        )

    def act(incident_id: str, change: Callable[[str, dict[str, str]], object], which: incidents.Which) -> BaseResponse:
        """Do what the form asks for, and show the incident, or the list that the form stood in."""
        g.caller.require("trigger")
        sent = forms.fields()
        try:
            change(_id(incident_id), sent)
        except (Invalid, Conflict) as error:
            return show_incident(incident_id, incidents.form_of(sent, error, which))
        back = sent.get("back")
        return redirect(own(back) if back else url_for("dashboard.incident", incident_id=incident_id), 303)

    @routes.post("/incidents/<incident_id>/acknowledge")
    def acknowledge_incident(incident_id: str) -> BaseResponse:
        def change(named: str, sent: dict[str, str]) -> None:
            order = parse_model(Acknowledgement, incidents.asked(sent, datetime.now(UTC)))
            acting.acknowledge(database, g.caller, named, order)

        return act(incident_id, change, "acknowledge")

    @routes.post("/incidents/<incident_id>/unacknowledge")
    def unacknowledge_incident(incident_id: str) -> BaseResponse:
        return act(incident_id, lambda named, _: acting.unacknowledge(database, g.caller, named), "none")

    @routes.post("/incidents/<incident_id>/assign")
    def assign_incident(incident_id: str) -> BaseResponse:
        def change(named: str, sent: dict[str, str]) -> None:
            order = parse_model(Assignment, {"assignee": sent.get("assignee", "").strip() or None})
            acting.assign(database, g.caller, named, order)

        return act(incident_id, change, "assign")

    @routes.post("/incidents/<incident_id>/note")
    def note_incident(incident_id: str) -> BaseResponse:
        def change(named: str, sent: dict[str, str]) -> None:
            order: dict[str, Any] = {"text": sent.get("text", "").replace("\r\n", "\n")}
            acting.note(database, g.caller, named, parse_model(NoteOrder, order))

        return act(incident_id, change, "note")


def _whose(form: incidents.Filters) -> list[tuple[str, str, bool]]:
    """The links to everybody's incidents and one's own: address, words, whether it is shown."""
    here, others = url_for("dashboard.incidents"), {field.name: field.value for field in form.fields if field.value}
    everybody = f"{here}?{urlencode(others)}" if others else here
    mine = f"{here}?{urlencode(others | {'mine': 'true'})}"
    return [(everybody, "Everybody's", not form.is_mine), (mine, "Mine: I own it, or it is assigned to me", form.is_mine)]


def _id(text: str) -> str:
    return uuid_of(text, f"there is no incident {text[:100]!r}")
