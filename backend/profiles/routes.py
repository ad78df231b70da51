"""Profiles over HTTP: asked for, followed, listed, compared, deleted."""

from uuid import UUID

from flask import Blueprint, Response

from backend.profiles import comparison, store, suggesting
from backend.requests import tracking
from backend.requests.routes import Requests, source
from stringx_dataops.contract.documents.fields import TARGET_NAME, parse_model
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import ProfilePage, ProfileRequest, ProfileView, without_values
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.messages.verdicts import TERMINAL
from stringx_dataops.contract.problems import (
    Busy,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
    invalid,
)
from web import bodies, parameters, waiting
from web.bodies import answer, json_body
from web.keys import caller
from web.openapi import Operation, describe
from web.parameters import WAIT, idempotency_key, uuid_of
from web.service import log_ids
from web.waiting import Work

_PAGES = parameters.paging(store.PAGES)
_FILTERS = (
    parameters.text("target", "name of a target", TARGET_NAME.check),
    parameters.text("table", "schema.table", lambda text: str(TableName.parse(text))),
)


_LIKE = "an id looks like 01890000-0000-7000-8000-000000000000"


def _id(text: str) -> str:
    return uuid_of(text, f"there is no profile {text[:100]!r}; {_LIKE}")


def _other_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise ValueError(f"is no id of a profile; {_LIKE}") from error


_COMPARED = parameters.text("compare", "id of another profile of the table: what differs since then", _other_id)


def blueprint(service: Requests) -> Blueprint:
    routes = Blueprint("profiles", __name__)

    @routes.post("/api/v1/profiles")
    @describe(
        Operation(
            "Measure the columns of a table, which need not be configured; naming sample_columns takes the scope configure",
            scope="trigger",
            targets="body",
            body=ProfileRequest,
            example={"target": "nyc", "table": "public.airports"},
            answers={200: ProfileView, 202: ProfileView},
            errors=(Malformed, Forbidden, NotFound, Conflict, TooLarge, UnsupportedMediaType, Invalid, Busy, Unavailable),
        )
    )
    def create() -> Response:
        asked = parse_model(ProfileRequest, json_body())
        if asked.sample_columns is not None:
            caller().require("configure")
        named = asked.model_dump(include={"request_id", "target", "table", "mode", "timeout_s", "wait_s"}, exclude_none=True)
        order = idempotency_key(CheckOrder(**named, profile=asked.settings))
        tracked, goes_on = service.asking.ask(order, source(), caller().name)
        log_ids(request_id=tracked.view.request_id)
        view = store.of_request(service.database, tracked.view.request_id)
        is_sync = asked.mode == "sync" and goes_on
        view = _wait(service, view, asked.wait_s if is_sync else 0)
        location = f"/api/v1/profiles/{view.profile_id}"
        has_ended = is_sync and view.status in TERMINAL
        return bodies.accepted(_shown(service, view), location, has_ended=has_ended, replayed=tracked.replayed)

    @routes.get("/api/v1/profiles")
    @describe(
        Operation(
            "Profiles, newest first, without what was measured",
            scope="read",
            targets="list",
            query=(*_FILTERS, *_PAGES.parameters),
            answers={200: ProfilePage},
            errors=(Invalid, Unavailable),
        )
    )
    def page() -> Response:
        return answer(store.page(service.database, {each.name: each.value() for each in _FILTERS}, _PAGES.page()))

    @routes.get("/api/v1/profiles/<profile_id>")
    @describe(
        Operation(
            "A profile, or its state so far",
            scope="read",
            targets="profile",
            query=(WAIT, _COMPARED),
            answers={200: ProfileView},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def show(profile_id: str) -> Response:
        view = _wait(service, store.find(service.database, _id(profile_id)), WAIT.value())
        if (other := _COMPARED.value()) is not None:
            view = compared(view, store.find(service.database, other))
        return answer(_shown(service, view))

    @routes.delete("/api/v1/profiles/<profile_id>")
    @describe(
        Operation(
            "Delete a profile",
            scope="configure",
            targets="profile",
            answers={204: None},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def delete(profile_id: str) -> Response:
        store.delete(service.database, _id(profile_id))
        return Response(status=204)

    return routes


def compared(view: ProfileView, earlier: ProfileView) -> ProfileView:
    """The view with what differs since another one. Invalid if they are not of one table, or one has measured nothing."""
    if (view.target, view.table) != (earlier.target, earlier.table):
        raise invalid([FieldError("/query/compare", f"is a profile of {earlier.table}, and this one is of {view.table}")])
    if view.profile is None or earlier.profile is None:
        nothing = earlier if earlier.profile is None else view
        raise invalid(
            [FieldError("/query/compare", f"profile {nothing.profile_id} has measured nothing: it is {nothing.status}")]
        )
    return view.model_copy(update={"comparison": comparison.differences(earlier.profile, view.profile)})


def _wait(service: Requests, view: ProfileView, seconds: float) -> ProfileView:
    payload, profile_id = tracking.payload(view.request_id), view.profile_id
    work = Work(payload, lambda: store.find(service.database, profile_id), lambda latest: latest.status in TERMINAL)
    return waiting.until_ended(service.listener, work, view, seconds)


def _shown(service: Requests, view: ProfileView) -> JsonObject:
    """The profile as its caller may see it. Without the scope `samples`, nothing that could hold a row's value."""
    sees_values = "samples" in caller().scopes
    body = view.model_dump(mode="json")
    found = suggesting.suggestions(service.database, service.asking.catalogue, view, with_values=sees_values)
    body |= {"suggestions": [each.model_dump(mode="json") for each in found.rules], "suggestions_fault": found.fault}
    if sees_values or body["profile"] is None:
        return body
    return body | {"profile": without_values(body["profile"]), "comparison": _without_values(body["comparison"])}


def _without_values(compared: list[JsonObject] | None) -> list[JsonObject] | None:
    hidden = ("min", "max", "quantiles")
    kept = [
        entry | {"measures": [measure for measure in entry["measures"] if measure["name"] not in hidden]}
        for entry in compared or ()
    ]
    return [entry for entry in kept if entry["measures"]] if compared is not None else None
