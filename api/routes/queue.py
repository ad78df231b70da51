"""The queue: what waits, how long, and who works at it."""

from flask import Blueprint, Response

from api import insights
from database.pool import Database
from stringx_dataops.contract.problems import Invalid, Unavailable
from web.bodies import answer
from web.openapi import Operation, describe


def blueprint(database: Database) -> Blueprint:
    routes = Blueprint("queue", __name__)

    @routes.get("/api/v1/queue")
    @describe(
        Operation(
            "What waits and runs, of each target, and who works at it",
            scope="read",
            targets="list",
            errors=(Invalid, Unavailable),
        )
    )
    def show() -> Response:
        return answer(insights.queue(database).as_json())

    return routes
