"""Deliveries: what was posted to the Backend, what still waits, what was given up; and sending it again."""

from typing import get_args
from uuid import UUID

from flask import Blueprint, Response, request

from api import outbox
from api.outbox import State
from contract.problems import FieldError, Invalid, NotFound, Unavailable, invalid
from database.pool import Database
from web.bodies import answer
from web.openapi import Operation, describe

STATES: tuple[State, ...] = get_args(State)


def blueprint(database: Database) -> Blueprint:
    routes = Blueprint("deliveries", __name__)

    @routes.get("/api/v1/deliveries")
    @describe(
        Operation(
            "Deliveries of results in one state, the oldest first",
            scope="read",
            query={"state": f"{', '.join(STATES)} (default: failed)", "cursor": "next_cursor of the page before"},
            errors=(Invalid, Unavailable),
        )
    )
    def index() -> Response:
        return answer(outbox.page(database, _state(), _cursor()))

    @routes.post("/api/v1/deliveries/redeliver")
    @describe(Operation("Send everything again that was given up", scope="trigger", answers={202: None}, errors=(Unavailable,)))
    def redeliver_failed() -> Response:
        return answer({"redelivered": outbox.redeliver(database)}, 202)

    @routes.post("/api/v1/deliveries/<message_id>/redeliver")
    @describe(Operation("Send one again, under its id", scope="trigger", answers={202: None}, errors=(NotFound, Unavailable)))
    def redeliver(message_id: str) -> Response:
        return answer({"redelivered": outbox.redeliver(database, _uuid(message_id))}, 202)

    return routes


def _state() -> State:
    text = request.args.get("state", "failed")
    for state in STATES:
        if text == state:
            return state
    raise invalid([FieldError("/state", f"is {text!r}; one of {', '.join(STATES)}")])


def _cursor() -> str | None:
    text = request.args.get("cursor")
    if text is None:
        return None
    try:
        return str(UUID(text))
    except ValueError as error:
        raise invalid([FieldError("/cursor", "is no cursor; give next_cursor of the page before")]) from error


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise NotFound(f"there is no delivery {text}; GET /api/v1/deliveries lists them") from error
