"""Badges over HTTP: made, listed and revoked with a key, shown without one."""

import hashlib

from flask import Blueprint, Response

from backend.badges import drawing, store
from database.pool import Database
from stringx_dataops.contract.documents.fields import DATASET_NAME, TARGET_NAME, parse_model
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.messages.badges import Badge, BadgePage, NewBadge
from stringx_dataops.contract.problems import Conflict, Invalid, Malformed, NotFound, TooLarge, Unavailable, UnsupportedMediaType
from web import parameters
from web.bodies import answer, json_body, unless_known
from web.keys import caller
from web.openapi import Operation, describe
from web.parameters import uuid_of

_PAGES = parameters.paging(store.PAGES)
_FILTERS = (
    parameters.text("target", "name of a target", TARGET_NAME.check),
    parameters.text("table", "schema.table", lambda text: str(TableName.parse(text))),
    parameters.text("dataset", "name of a dataset", DATASET_NAME.check),
)
# Pages of others may show it; it loads nothing. Caches ask again after a minute, with the ETag of what they have.
_HEADERS = {
    "Cache-Control": "public, max-age=60",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


def blueprint(database: Database, public_url: str | None) -> Blueprint:
    routes = Blueprint("badges", __name__)

    @routes.post("/api/v1/badges")
    @describe(
        Operation(
            "A new badge: an image of how a gate is, for anybody who knows its address",
            scope="configure",
            targets="body",
            body=NewBadge,
            answers={201: Badge},
            errors=(NotFound, Conflict, Malformed, TooLarge, UnsupportedMediaType, Invalid, Unavailable),
            example={"target": "nyc", "table": "public.flights", "label": "flights"},
        )
    )
    def create() -> Response:
        made = store.create(database, caller(), parse_model(NewBadge, json_body()), public_url)
        return answer(made.model_dump(mode="json"), 201)

    @routes.get("/api/v1/badges")
    @describe(
        Operation(
            "Badges with their addresses, the newest first",
            scope="configure",
            targets="list",
            query=(*_FILTERS, *_PAGES.parameters),
            answers={200: BadgePage},
            errors=(Invalid, Unavailable),
        )
    )
    def page() -> Response:
        return answer(store.page(database, {each.name: each.value() for each in _FILTERS}, public_url, _PAGES.page()))

    @routes.delete("/api/v1/badges/<badge_id>")
    @describe(
        Operation(
            "Revoke a badge; from now on its address shows nothing",
            scope="configure",
            targets="badge",
            answers={204: None},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def delete(badge_id: str) -> Response:
        store.delete(database, caller(), uuid_of(badge_id, f"there is no badge {badge_id[:100]!r}"))
        return Response(status=204)

    @routes.get("/badges/<token>.svg")
    @describe(
        Operation("The image of a badge; needs no key", answers={200: None, 304: None, 404: None}, errors=(Invalid, Unavailable))
    )
    def image(token: str) -> Response:
        shown = store.shown(database, token)
        drawn = drawing.image(shown)
        response = Response(drawn, 200 if shown is not None else 404, _HEADERS, content_type="image/svg+xml; charset=utf-8")
        return response if shown is None else unless_known(response, hashlib.sha256(drawn.encode()).hexdigest()[:16])

    return routes
