"""The gate of a table, or of a dataset."""

from datetime import datetime

from flask import Blueprint, Response

from backend.gates import gate
from backend.gates.gate import Signer
from database.pool import Database
from stringx_dataops.contract.messages.checks import check_request_id
from stringx_dataops.contract.messages.requests import GateView
from stringx_dataops.contract.problems import Invalid, NotFound, Unavailable
from web import parameters
from web.bodies import answer
from web.openapi import Operation, describe
from web.parameters import canonical

_REQUEST_ID = parameters.text("request_id", "answer for the load that this request announced", check_request_id)
_NOT_BEFORE = parameters.moment(
    "not_before", "closed unless the snapshot is at least as new as this RFC 3339 time, on the target's clock"
)
_SIGNED = parameters.flag("signed", "also as a signed verdict (`token`): /.well-known/jwks.json has the keys that verify it")
_QUERY = (_REQUEST_ID, _NOT_BEFORE, _SIGNED)


def blueprint(database: Database, signer: Signer) -> Blueprint:
    routes = Blueprint("gates", __name__)

    def wanted() -> tuple[str | None, datetime | None, Signer | None]:
        return _REQUEST_ID.value(), _NOT_BEFORE.value(), signer if _SIGNED.value() else None

    @routes.get("/api/v1/gates/<target>/<path:table>")
    @describe(
        Operation(
            "Whether the next step may use the table, and why",
            scope="read",
            targets="path",
            query=_QUERY,
            answers={200: GateView},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def show(target: str, table: str) -> Response:
        return answer(gate.of_table(database, target, canonical(table), *wanted()).as_json())

    @routes.get("/api/v1/gates/datasets/<name>")
    @describe(
        Operation(
            "Whether the next step may use all tables of the dataset, and why",
            scope="read",
            targets="dataset",
            query=_QUERY,
            path={"name": "departures"},
            answers={200: GateView},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def show_of_dataset(name: str) -> Response:
        return answer(gate.of_dataset(database, name, *wanted()).as_json())

    return routes
