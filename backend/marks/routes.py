"""Marks of points over HTTP."""

from flask import Blueprint, Response

from backend.insights.history import RuleName
from backend.marks import store
from database.pool import Database
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.marks import MarkedPoint, MarkOrder
from stringx_dataops.contract.problems import Invalid, Malformed, NotFound, TooLarge, Unavailable, UnsupportedMediaType
from web.bodies import answer, json_body
from web.keys import caller
from web.openapi import Operation, describe
from web.parameters import canonical, uuid_of


def blueprint(database: Database) -> Blueprint:
    routes = Blueprint("marks", __name__)

    @routes.post("/api/v1/tables/<target>/<path:table>/rules/<rule>/points/<check_id>")
    @describe(
        Operation(
            "Say that a point of a change or unusual rule is normal, or does not count; from the next check on",
            scope="configure",
            targets="path",
            path={"rule": "rows_as_usual"},
            body=MarkOrder,
            answers={200: MarkedPoint},
            errors=(NotFound, Malformed, TooLarge, UnsupportedMediaType, Invalid, Unavailable),
            example={"mark": "exclude", "note": "the source was down"},
        )
    )
    def mark(target: str, table: str, rule: str, check_id: str) -> Response:
        order = parse_model(MarkOrder, json_body())
        name = RuleName(target, canonical(table), rule)
        found = store.mark(database, caller(), name, uuid_of(check_id, f"there is no check {check_id[:100]!r}"), order)
        return answer(found.model_dump(mode="json"))

    return routes
