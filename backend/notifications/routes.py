"""Messages to people over HTTP: the delivery log, sending again, trying a channel."""

from typing import get_args

from flask import Blueprint, Response

from backend.notifications import log
from backend.notifications.log import Log
from stringx_dataops.contract.documents.channels import CHANNEL_NAME
from stringx_dataops.contract.messages.notifications import (
    ChannelTest,
    NotificationDetails,
    NotificationKind,
    NotificationPage,
    NotificationState,
)
from stringx_dataops.contract.problems import Busy, Conflict, Invalid, NotFound, Unavailable
from web import parameters
from web.bodies import answer
from web.keys import caller
from web.openapi import Operation, describe
from web.parameters import uuid_of

_PAGES = parameters.paging(log.NOTIFICATIONS)


def _incident(text: str) -> str:
    try:
        return uuid_of(text, "")
    except NotFound as error:
        raise ValueError("is no id of an incident, such as 01890000-0000-7000-8000-000000000000") from error


_FILTERS = (
    parameters.text("channel", "name of a channel", CHANNEL_NAME.check),
    parameters.word("kind", "what the message is about", get_args(NotificationKind), None),
    parameters.word("state", "what became of the message", get_args(NotificationState), None),
    parameters.text("incident", "id of an incident that the message tells of", _incident),
    parameters.moment("from", "planned not before this RFC 3339 time"),
    parameters.moment("to", "planned before this RFC 3339 time"),
)


def blueprint(messages: Log) -> Blueprint:
    routes = Blueprint("notifications", __name__)

    @routes.get("/api/v1/notifications")
    @describe(
        Operation(
            "Messages to people, the newest first, and what became of them",
            scope="admin",
            targets="unlimited",
            query=(*_FILTERS, *_PAGES.parameters),
            answers={200: NotificationPage},
            errors=(Invalid, Unavailable),
        )
    )
    def page() -> Response:
        return answer(messages.page({each.name: each.value() for each in _FILTERS}, _PAGES.page()))

    @routes.get("/api/v1/notifications/<notification_id>")
    @describe(
        Operation(
            "A message, with what it says",
            scope="admin",
            targets="unlimited",
            answers={200: NotificationDetails},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def show(notification_id: str) -> Response:
        return answer(messages.find(_id(notification_id)).model_dump(mode="json"))

    @routes.post("/api/v1/notifications/<notification_id>/send-again")
    @describe(
        Operation(
            "Send a message again, under the same id; one that waits is tried at once",
            scope="admin",
            targets="unlimited",
            answers={202: NotificationDetails},
            errors=(NotFound, Conflict, Invalid, Unavailable),
        )
    )
    def send_again(notification_id: str) -> Response:
        return answer(messages.send_again(caller(), _id(notification_id)).model_dump(mode="json"), 202)

    @routes.post("/api/v1/channels/<name>/test")
    @describe(
        Operation(
            "Send a test message to a channel now, and say what became of it",
            scope="admin",
            targets="unlimited",
            answers={200: ChannelTest},
            errors=(NotFound, Conflict, Busy, Invalid, Unavailable),
        )
    )
    def test(name: str) -> Response:
        return answer(messages.test(caller(), name).model_dump(mode="json"))

    return routes


def _id(text: str) -> str:
    return uuid_of(text, f"there is no message {text[:100]!r}")
