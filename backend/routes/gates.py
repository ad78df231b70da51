"""The gate of a table, or of a dataset."""

from datetime import datetime

from flask import Blueprint, Response, request

from backend import gates
from backend.routes.configuration import canonical
from contract.problems import FieldError, Invalid, NotFound, Unavailable, invalid
from contract.requests import GateView
from database.pool import Database
from web.bodies import answer
from web.openapi import Operation, describe

_QUERY = {
    "request_id": "answer for the load that this request announced",
    "not_before": "closed unless the snapshot is at least as new as this RFC 3339 time, on the target's clock",
}


def blueprint(database: Database) -> Blueprint:
    routes = Blueprint("gates", __name__)

    @routes.get("/api/v1/gates/<target>/<path:table>")
    @describe(
        Operation(
            "Whether the next step may use the table, and why",
            scope="read",
            query=_QUERY,
            answers={200: GateView},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def show(target: str, table: str) -> Response:
        moment = _moment(request.args.get("not_before"))
        return answer(gates.decide(database, target, canonical(table), request.args.get("request_id"), moment).as_json())

    @routes.get("/api/v1/gates/datasets/<name>")
    @describe(
        Operation(
            "Whether the next step may use all tables of the dataset, and why",
            scope="read",
            query=_QUERY,
            answers={200: GateView},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def show_of_dataset(name: str) -> Response:
        moment = _moment(request.args.get("not_before"))
        return answer(gates.decide_dataset(database, name, request.args.get("request_id"), moment).as_json())

    return routes


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))  # a + that was not escaped arrives as a space
    except ValueError as error:
        raise invalid([FieldError("/not_before", "is no RFC 3339 time, such as 2026-01-31T06:00:00Z")]) from error
    if moment.tzinfo is None:
        raise invalid([FieldError("/not_before", "has no offset; end it with Z or +01:00")])
    return moment
