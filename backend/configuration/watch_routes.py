"""Routes of the documents of schedules, channels and routes."""

from flask import Blueprint, Response, request

from backend.configuration import watch_store
from backend.configuration.routes import TYPES, WRITES, stored_answer
from database.pool import Database
from stringx_dataops.contract.documents.channels import ChannelDocument
from stringx_dataops.contract.documents.routes import RouteDocument
from stringx_dataops.contract.documents.schedules import ScheduleDocument
from stringx_dataops.contract.documents.watches import WATCH_KINDS, WatchKind
from stringx_dataops.contract.problems import Conflict, Invalid, NotFound, PreconditionFailed, Unavailable
from web import parameters
from web.bodies import answer, document_body
from web.keys import caller
from web.openapi import Operation, describe

_READS = (NotFound, Invalid, Unavailable)
_DELETES = (NotFound, Conflict, PreconditionFailed, Invalid, Unavailable)
_LISTS = {kind: parameters.paging(watch_store.LISTS[kind]) for kind in WATCH_KINDS}
_VERSIONS = {kind: parameters.paging(watch_store.VERSIONS[kind]) for kind in WATCH_KINDS}
_SCHEDULE, _CHANNEL, _ROUTE = {"name": "nightly"}, {"name": "team"}, {"name": "everything"}
_EXAMPLE_OF_SCHEDULE = {"target": "nyc", "tables": ["public.*"], "cron": "0 6 * * *", "active": False}
_EXAMPLE_OF_CHANNEL = {"type": "webhook", "url_env": "NOTIFY_TEAM", "active": False}
_EXAMPLE_OF_ROUTE = {"channel": "team", "target": "nyc", "active": False}


def blueprint(database: Database) -> Blueprint:
    """The routes of all three kinds."""
    routes = Blueprint("watching", __name__)
    documents = _Documents(database)
    _schedules(routes, documents)
    _channels(routes, documents)
    _routes(routes, documents)
    return routes


class _Documents:
    """What all kinds do the same way."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, kind: WatchKind) -> Response:
        return answer(watch_store.documents(self._database, kind, _LISTS[kind].page()))

    def find(self, kind: WatchKind, name: str) -> Response:
        return stored_answer(watch_store.find(self._database, kind, name))

    def versions(self, kind: WatchKind, name: str) -> Response:
        return answer(watch_store.versions(self._database, kind, name, _VERSIONS[kind].page()))

    def put(self, kind: WatchKind, name: str) -> Response:
        if_match = request.headers.get("If-Match")
        return stored_answer(watch_store.put(self._database, caller(), kind, name, document_body(), if_match))

    def delete(self, kind: WatchKind, name: str) -> Response:
        watch_store.delete(self._database, caller(), kind, name, request.headers.get("If-Match"))
        return Response(status=204)


def _schedules(routes: Blueprint, documents: _Documents) -> None:
    """All but their list: `backend/schedules/routes.py` has it, with how they stand."""

    @routes.get("/api/v1/schedules/<name>")
    @describe(
        Operation("A schedule", scope="read", targets="schedule", answers={200: ScheduleDocument}, errors=_READS, path=_SCHEDULE)
    )
    def show_schedule(name: str) -> Response:
        return documents.find("Schedule", name)

    @routes.get("/api/v1/schedules/<name>/versions")
    @describe(
        Operation(
            "A schedule's document through time, newest first",
            scope="read",
            targets="schedule",
            query=_VERSIONS["Schedule"].parameters,
            errors=_READS,
            path=_SCHEDULE,
        )
    )
    def show_versions_of_schedule(name: str) -> Response:
        return documents.versions("Schedule", name)

    @routes.put("/api/v1/schedules/<name>")
    @describe(
        Operation(
            "Create or replace a schedule: when a table, the tables that match, or a dataset are checked by themselves",
            scope="configure",
            targets="body",
            body=ScheduleDocument,
            body_types=TYPES,
            answers={200: ScheduleDocument, 201: ScheduleDocument},
            errors=WRITES,
            path=_SCHEDULE,
            example=_EXAMPLE_OF_SCHEDULE,
        )
    )
    def put_schedule(name: str) -> Response:
        return documents.put("Schedule", name)

    @routes.delete("/api/v1/schedules/<name>")
    @describe(
        Operation(
            "Forget a schedule; its results stay",
            scope="configure",
            targets="schedule",
            answers={204: None},
            errors=_DELETES,
            path=_SCHEDULE,
        )
    )
    def delete_schedule(name: str) -> Response:
        return documents.delete("Schedule", name)


def _channels(routes: Blueprint, documents: _Documents) -> None:
    @routes.get("/api/v1/channels")
    @describe(
        Operation(
            "Every channel's document, by name; where its address is stored, never the address",
            scope="admin",
            targets="unlimited",
            query=_LISTS["Channel"].parameters,
            errors=(Invalid, Unavailable),
        )
    )
    def list_channels() -> Response:
        return documents.list("Channel")

    @routes.get("/api/v1/channels/<name>")
    @describe(
        Operation("A channel", scope="admin", targets="unlimited", answers={200: ChannelDocument}, errors=_READS, path=_CHANNEL)
    )
    def show_channel(name: str) -> Response:
        return documents.find("Channel", name)

    @routes.get("/api/v1/channels/<name>/versions")
    @describe(
        Operation(
            "A channel's document through time, newest first",
            scope="admin",
            targets="unlimited",
            query=_VERSIONS["Channel"].parameters,
            errors=_READS,
            path=_CHANNEL,
        )
    )
    def show_versions_of_channel(name: str) -> Response:
        return documents.versions("Channel", name)

    @routes.put("/api/v1/channels/<name>")
    @describe(
        Operation(
            "Create or replace a channel: where messages to people go; its address stays where url_env or url_file says",
            scope="admin",
            targets="unlimited",
            body=ChannelDocument,
            body_types=TYPES,
            answers={200: ChannelDocument, 201: ChannelDocument},
            errors=WRITES,
            path=_CHANNEL,
            example=_EXAMPLE_OF_CHANNEL,
        )
    )
    def put_channel(name: str) -> Response:
        return documents.put("Channel", name)

    @routes.delete("/api/v1/channels/<name>")
    @describe(
        Operation(
            "Forget a channel that no route names",
            scope="admin",
            targets="unlimited",
            answers={204: None},
            errors=_DELETES,
            path=_CHANNEL,
        )
    )
    def delete_channel(name: str) -> Response:
        return documents.delete("Channel", name)


def _routes(routes: Blueprint, documents: _Documents) -> None:
    @routes.get("/api/v1/routes")
    @describe(
        Operation(
            "Every route's document, by name",
            scope="admin",
            targets="unlimited",
            query=_LISTS["Route"].parameters,
            errors=(Invalid, Unavailable),
        )
    )
    def list_routes() -> Response:
        return documents.list("Route")

    @routes.get("/api/v1/routes/<name>")
    @describe(Operation("A route", scope="admin", targets="unlimited", answers={200: RouteDocument}, errors=_READS, path=_ROUTE))
    def show_route(name: str) -> Response:
        return documents.find("Route", name)

    @routes.get("/api/v1/routes/<name>/versions")
    @describe(
        Operation(
            "A route's document through time, newest first",
            scope="admin",
            targets="unlimited",
            query=_VERSIONS["Route"].parameters,
            errors=_READS,
            path=_ROUTE,
        )
    )
    def show_versions_of_route(name: str) -> Response:
        return documents.versions("Route", name)

    @routes.put("/api/v1/routes/<name>")
    @describe(
        Operation(
            "Create or replace a route: which changes of which tables and datasets a channel is told of",
            scope="admin",
            targets="unlimited",
            body=RouteDocument,
            body_types=TYPES,
            answers={200: RouteDocument, 201: RouteDocument},
            errors=WRITES,
            path=_ROUTE,
            example=_EXAMPLE_OF_ROUTE,
        )
    )
    def put_route(name: str) -> Response:
        return documents.put("Route", name)

    @routes.delete("/api/v1/routes/<name>")
    @describe(Operation("Forget a route", scope="admin", targets="unlimited", answers={204: None}, errors=_DELETES, path=_ROUTE))
    def delete_route(name: str) -> Response:
        return documents.delete("Route", name)
