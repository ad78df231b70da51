"""The route of the audit log."""

from flask import Blueprint, Response

from backend.audit import listing
from database.pool import Database
from stringx_dataops.contract.messages.audit import AUDIT_ACTIONS, AuditPage
from stringx_dataops.contract.messages.requesters import check_name
from stringx_dataops.contract.problems import Invalid, Unavailable
from web import parameters
from web.bodies import answer
from web.keys import caller
from web.openapi import Operation, describe

_LONGEST = 400  # characters of a subject


def _subject(text: str) -> str:
    kind, _, name = text.partition(":")
    if not kind or not name or len(text) > _LONGEST or not text.isprintable():
        raise ValueError(f"must be a kind and a name of at most {_LONGEST} characters, such as table:nyc/public.flights")
    return text


_FILTERS = (
    parameters.text("actor", "name of the key or the person", check_name),
    parameters.word("action", "what was done", AUDIT_ACTIONS, None),
    parameters.text("subject", "what it was done to, such as table:nyc/public.flights", _subject),
    parameters.moment("from", "not before this RFC 3339 time"),
    parameters.moment("to", "before this RFC 3339 time"),
)
_PAGING = parameters.paging(listing.PAGES)


def blueprint(database: Database) -> Blueprint:
    routes = Blueprint("audit", __name__)

    @routes.get("/api/v1/audit")
    @describe(
        Operation(
            "Who did what, newest first",
            scope="admin",
            targets="unlimited",
            query=(*_FILTERS, *_PAGING.parameters),
            answers={200: AuditPage},
            errors=(Invalid, Unavailable),
        )
    )
    def index() -> Response:
        filters = {each.name: each.value() for each in _FILTERS}
        return answer(listing.page(database, caller(), filters, _PAGING.page()))

    return routes
