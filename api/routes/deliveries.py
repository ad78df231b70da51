"""Deliveries: what was posted to the Backend, what still waits, what was given up; and sending it again."""

from typing import get_args

from flask import Blueprint, Response

from api.delivery import outbox
from api.delivery.outbox import State
from database.pool import Database
from stringx_dataops.contract.problems import Invalid, NotFound, Unavailable
from web import parameters
from web.bodies import answer
from web.openapi import Operation, describe

_STATES: tuple[State, ...] = get_args(State)
_FAILED: State = "failed"
_STATE = parameters.word("state", "how far they are", _STATES, _FAILED)
_PAGING = parameters.paging(outbox.PAGES)


def blueprint(database: Database) -> Blueprint:
    routes = Blueprint("deliveries", __name__)

    @routes.get("/api/v1/deliveries")
    @describe(
        Operation(
            "Deliveries of results in one state, the oldest first",
            scope="read",
            targets="list",
            query=(_STATE, *_PAGING.parameters),
            errors=(Invalid, Unavailable),
        )
    )
    def index() -> Response:
        return answer(outbox.page(database, _STATE.value(), _PAGING.page()))

    @routes.post("/api/v1/deliveries/redeliver")
    @describe(
        Operation(
            "Send everything again that was given up",
            scope="trigger",
            targets="list",
            answers={202: None},
            errors=(Invalid, Unavailable),
        )
    )
    def redeliver_failed() -> Response:
        return answer({"redelivered": outbox.redeliver(database)}, 202)

    @routes.post("/api/v1/deliveries/<message_id>/redeliver")
    @describe(
        Operation(
            "Send one again, under its id",
            scope="trigger",
            targets="delivery",
            answers={202: None},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def redeliver(message_id: str) -> Response:
        message = parameters.uuid_of(message_id, f"there is no delivery {message_id[:100]!r}; GET /api/v1/deliveries lists them")
        return answer({"redelivered": outbox.redeliver(database, message)}, 202)

    return routes
