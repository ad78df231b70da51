"""Events of gates over HTTP, for programs that do not read Kafka."""

from typing import get_args
from uuid import UUID

from flask import Blueprint, Response

from backend.events import listing
from database.pool import Database
from stringx_dataops.contract.documents.fields import DATASET_NAME, TARGET_NAME
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.messages.events import EventPage
from stringx_dataops.contract.messages.verdicts import Gate
from stringx_dataops.contract.problems import Invalid, Unavailable
from web import parameters
from web.bodies import answer
from web.openapi import Operation, describe

_LONGEST_OWNER = 200  # characters


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise ValueError("is no id, such as 01890000-0000-7000-8000-000000000000") from error


def _owner(text: str) -> str:
    if len(text) > _LONGEST_OWNER or not text.isprintable():
        raise ValueError(f"must have 1 to {_LONGEST_OWNER} printable characters")
    return text


_PAGES = parameters.paging(listing.PAGES)
_AFTER = parameters.text("after", "id of an event: those after it, the oldest first", _uuid)
_FILTERS = (
    parameters.text("target", "name of a target", TARGET_NAME.check),
    parameters.text("table", "schema.table", lambda text: str(TableName.parse(text))),
    parameters.text("dataset", "name of a dataset", DATASET_NAME.check),
    parameters.text("owner", "owner as it was in the document", _owner),
    parameters.word("gate", "closed: gates that closed; open: that opened", get_args(Gate), None),
    parameters.text("incident", "id of an incident", _uuid),
    parameters.moment("from", "not before this RFC 3339 time"),
    parameters.moment("to", "before this RFC 3339 time"),
)


def blueprint(database: Database, public_url: str | None) -> Blueprint:
    routes = Blueprint("events", __name__)

    @routes.get("/api/v1/events")
    @describe(
        Operation(
            "Gates that changed, as CloudEvents: the newest first, or those after an event that is known",
            scope="read",
            targets="list",
            query=(*_FILTERS, _AFTER, *_PAGES.parameters),
            answers={200: EventPage},
            errors=(Invalid, Unavailable),
        )
    )
    def page() -> Response:
        filters = {each.name: each.value() for each in _FILTERS}
        return answer(listing.page(database, filters, _AFTER.value(), public_url, _PAGES.page()))

    return routes
