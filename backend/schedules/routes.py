"""Schedules over HTTP: how they stand, their runs, and what people do with them. Documents are `backend/configuration`'s."""

from flask import Blueprint, Response, url_for

from backend.configuration import watch_store
from backend.schedules import store
from database.pool import Database
from stringx_dataops.contract.documents.fields import TARGET_NAME, parse_model
from stringx_dataops.contract.messages.schedules import PauseOrder, RunPage, SchedulePage, ScheduleRun, ScheduleState
from stringx_dataops.contract.problems import Conflict, Invalid, Malformed, NotFound, TooLarge, Unavailable, UnsupportedMediaType
from web import parameters
from web.bodies import answer, json_body
from web.keys import caller
from web.openapi import Operation, describe

_LIST = parameters.paging(watch_store.LISTS["Schedule"])
_TARGET = parameters.text("target", "only those of this target", TARGET_NAME.check)
_RUNS = parameters.paging(store.RUNS)
_NAMED = {"name": "nightly"}
_READS = (NotFound, Invalid, Unavailable)


def blueprint(database: Database) -> Blueprint:
    routes = Blueprint("schedules", __name__)

    @routes.get("/api/v1/schedules")
    @describe(
        Operation(
            "Schedules by name: the document of each, its next five runs, its last run, and whether it is paused",
            scope="read",
            targets="list",
            query=(_TARGET, *_LIST.parameters),
            answers={200: SchedulePage},
            errors=(Invalid, Unavailable),
        )
    )
    def page() -> Response:
        found = watch_store.documents(database, "Schedule", _LIST.page(), _TARGET.value())
        return answer(store.listed(database, found))

    @routes.get("/api/v1/schedules/<name>/state")
    @describe(
        Operation(
            "How a schedule stands: its next five runs, its last run, and whether it is paused",
            scope="read",
            targets="schedule",
            answers={200: ScheduleState},
            errors=_READS,
            path=_NAMED,
        )
    )
    def state(name: str) -> Response:
        return answer(store.state(database, name).model_dump(mode="json"))

    @routes.get("/api/v1/schedules/<name>/runs")
    @describe(
        Operation(
            "Runs of a schedule, the latest first: those that were skipped, too, and why",
            scope="read",
            targets="schedule",
            query=_RUNS.parameters,
            answers={200: RunPage},
            errors=_READS,
            path=_NAMED,
        )
    )
    def runs(name: str) -> Response:
        return answer(store.runs(database, name, _RUNS.page()))

    @routes.post("/api/v1/schedules/<name>/pause")
    @describe(
        Operation(
            "Pause a schedule, until a time or until it is resumed: from now on it begins no check",
            scope="trigger",
            targets="schedule",
            body=PauseOrder,
            answers={200: ScheduleState},
            errors=(NotFound, Malformed, TooLarge, UnsupportedMediaType, Invalid, Unavailable),
            path=_NAMED,
            example={},
        )
    )
    def pause(name: str) -> Response:
        order = parse_model(PauseOrder, json_body())
        return answer(store.pause(database, caller(), name, order).model_dump(mode="json"))

    @routes.post("/api/v1/schedules/<name>/resume")
    @describe(
        Operation(
            "End the pause of a schedule; what was due meanwhile does not happen",
            scope="trigger",
            targets="schedule",
            answers={200: ScheduleState},
            errors=_READS,
            path=_NAMED,
        )
    )
    def resume(name: str) -> Response:
        return answer(store.resume(database, caller(), name).model_dump(mode="json"))

    @routes.post("/api/v1/schedules/<name>/run")
    @describe(
        Operation(
            "Run a schedule now, also one that is paused or not active; refused while a run of it has not ended",
            scope="trigger",
            targets="schedule",
            answers={202: ScheduleRun},
            errors=(NotFound, Conflict, Invalid, Unavailable),
            path=_NAMED,
        )
    )
    def run(name: str) -> Response:
        made = store.run_now(database, caller(), name)
        return answer(made.model_dump(mode="json"), 202, {"Location": url_for("schedules.runs", name=name)})

    return routes
