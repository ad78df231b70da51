"""Incidents over HTTP."""

from typing import Any, get_args

from flask import Blueprint, Response

from backend.incidents import acting, store
from backend.incidents.story import story
from database.pool import Database
from stringx_dataops.contract.documents.fields import DATASET_NAME, TARGET_NAME, parse_model
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.messages.incidents import (
    Acknowledgement,
    Assignment,
    Incident,
    IncidentKind,
    IncidentPage,
    IncidentState,
    IncidentStory,
    IncidentSummary,
    NoteOrder,
    SummaryBy,
)
from stringx_dataops.contract.messages.requesters import check_name
from stringx_dataops.contract.problems import Conflict, Invalid, Malformed, NotFound, TooLarge, Unavailable, UnsupportedMediaType
from web import parameters
from web.bodies import answer, json_body
from web.keys import caller
from web.openapi import Operation, describe
from web.parameters import uuid_of

_PAGES = parameters.paging(store.INCIDENTS)
_TARGET = parameters.text("target", "name of a target", TARGET_NAME.check)
_OWNER = parameters.text("owner", "owner as in the document", check_name)
_FROM = parameters.moment("from", "opened not before this RFC 3339 time")
_TO = parameters.moment("to", "opened before this RFC 3339 time")
_MINE = parameters.flag("mine", "only those whose owner or assignee has the name of the key")
_FILTERS = (
    _TARGET,
    parameters.text("table", "schema.table", lambda text: str(TableName.parse(text))),
    parameters.text("dataset", "name of a dataset", DATASET_NAME.check),
    _OWNER,
    parameters.text("assignee", "whom it is assigned to", check_name),
    parameters.word("state", "open or closed", get_args(IncidentState), None),
    parameters.word("kind", "closed: a gate closed; missed: a check did not come in time", get_args(IncidentKind), None),
    parameters.choice("acknowledged", "whether somebody's acknowledgement holds"),
    _FROM,
    _TO,
)
_BYS: tuple[SummaryBy, ...] = get_args(SummaryBy)
_BY: parameters.Parameter[SummaryBy] = parameters.word("by", "what to sum up by", _BYS, _BYS[0])
_ACTED = (NotFound, Conflict, Malformed, TooLarge, UnsupportedMediaType, Invalid, Unavailable)


def blueprint(database: Database) -> Blueprint:
    routes = Blueprint("incidents", __name__)

    @routes.get("/api/v1/incidents")
    @describe(
        Operation(
            "Incidents: open ones first, then the newest first",
            scope="read",
            targets="list",
            query=(*_FILTERS, _MINE, *_PAGES.parameters),
            answers={200: IncidentPage},
            errors=(Invalid, Unavailable),
        )
    )
    def page() -> Response:
        filters: dict[str, Any] = {each.name: each.value() for each in _FILTERS}
        filters["me"] = caller().name if _MINE.value() else None
        return answer(store.page(database, filters, _PAGES.page()))

    @routes.get("/api/v1/incidents/summary")
    @describe(
        Operation(
            "How long incidents lasted, and how soon somebody acknowledged them, by target or owner",
            scope="read",
            targets="list",
            query=(_BY, _TARGET, _OWNER, _FROM, _TO),
            answers={200: IncidentSummary},
            errors=(Invalid, Unavailable),
        )
    )
    def summary() -> Response:
        found = store.summary(database, _BY.value(), _FROM.value(), _TO.value(), _TARGET.value(), _OWNER.value())
        return answer(found.model_dump(mode="json"))

    @routes.get("/api/v1/incidents/<incident_id>")
    @describe(
        Operation(
            "An incident with its story: rules, checks, events, changes, waivers, messages",
            scope="read",
            targets="incident",
            answers={200: IncidentStory},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def show(incident_id: str) -> Response:
        return answer(story(database, _id(incident_id)).model_dump(mode="json"))

    @routes.post("/api/v1/incidents/<incident_id>/acknowledge")
    @describe(
        Operation(
            "Say that somebody is at it: repeated messages stop; the gate stays as it is",
            scope="trigger",
            targets="incident",
            body=Acknowledgement,
            answers={200: Incident},
            errors=_ACTED,
            example={"note": "the loader is being repaired", "assignee": "data-platform"},
        )
    )
    def acknowledge(incident_id: str) -> Response:
        order = parse_model(Acknowledgement, json_body())
        return _shown(acting.acknowledge(database, caller(), _id(incident_id), order))

    @routes.post("/api/v1/incidents/<incident_id>/unacknowledge")
    @describe(
        Operation(
            "Take an acknowledgement back: messages are repeated again",
            scope="trigger",
            targets="incident",
            answers={200: Incident},
            errors=(NotFound, Conflict, Invalid, Unavailable),
        )
    )
    def unacknowledge(incident_id: str) -> Response:
        return _shown(acting.unacknowledge(database, caller(), _id(incident_id)))

    @routes.post("/api/v1/incidents/<incident_id>/assign")
    @describe(
        Operation(
            "Say whose an incident is; null: nobody's",
            scope="trigger",
            targets="incident",
            body=Assignment,
            answers={200: Incident},
            errors=_ACTED,
            example={"assignee": "data-platform"},
        )
    )
    def assign(incident_id: str) -> Response:
        order = parse_model(Assignment, json_body())
        return _shown(acting.assign(database, caller(), _id(incident_id), order))

    @routes.post("/api/v1/incidents/<incident_id>/note")
    @describe(
        Operation(
            "Write something down about an incident, also after it is over",
            scope="trigger",
            targets="incident",
            body=NoteOrder,
            answers={200: Incident},
            errors=_ACTED,
            example={"text": "the source sent the day before yesterday twice"},
        )
    )
    def note(incident_id: str) -> Response:
        order = parse_model(NoteOrder, json_body())
        return _shown(acting.note(database, caller(), _id(incident_id), order))

    return routes


def _id(text: str) -> str:
    return uuid_of(text, f"there is no incident {text[:100]!r}")


def _shown(found: Incident) -> Response:
    return answer(found.model_dump(mode="json"))
