"""Waivers over HTTP."""

from typing import get_args

from flask import Blueprint, Response, url_for

from backend.waivers import store
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.fields import RULE_OF_TABLE, TARGET_NAME, parse_model
from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.messages.waivers import CreatedWaiver, Waiver, WaiverOrder, WaiverPage, WaiverState
from stringx_dataops.contract.problems import Conflict, Invalid, Malformed, NotFound, TooLarge, Unavailable, UnsupportedMediaType
from web import parameters
from web.bodies import answer, json_body
from web.keys import caller
from web.openapi import Operation, describe
from web.parameters import uuid_of

_PAGES = parameters.paging(store.WAIVERS)
_FILTERS = (
    parameters.text("target", "name of a target", TARGET_NAME.check),
    parameters.text("table", "schema.table", lambda text: str(TableName.parse(text))),
    parameters.text("rule", "id of a rule", RULE_OF_TABLE.check),
    parameters.word("state", "active, or ended for whatever reason", get_args(WaiverState), None),
)
_EXAMPLE = {
    "target": "nyc",
    "table": "public.flights",
    "rule": "dep_time_not_null",
    "reason": "cancelled flights, fixed with the next release of the loader",
    "until": "2027-01-31T00:00:00Z",
    "at_most": "3%",
}


def blueprint(database: Database, catalogue: Catalogue) -> Blueprint:
    routes = Blueprint("waivers", __name__)

    @routes.post("/api/v1/waivers")
    @describe(
        Operation(
            "Have a failing rule warn for a while, within limits; from the next check on",
            scope="configure",
            targets="body",
            body=WaiverOrder,
            answers={201: CreatedWaiver},
            errors=(NotFound, Conflict, Malformed, TooLarge, UnsupportedMediaType, Invalid, Unavailable),
            example=_EXAMPLE,
        )
    )
    def create() -> Response:
        made = store.create(database, catalogue, caller(), parse_model(WaiverOrder, json_body()))
        return answer(made.model_dump(mode="json"), 201, {"Location": url_for("waivers.show", waiver_id=made.id)})

    @routes.get("/api/v1/waivers")
    @describe(
        Operation(
            "Waivers, the newest first",
            scope="read",
            targets="list",
            query=(*_FILTERS, *_PAGES.parameters),
            answers={200: WaiverPage},
            errors=(Invalid, Unavailable),
        )
    )
    def page() -> Response:
        return answer(store.page(database, {each.name: each.value() for each in _FILTERS}, _PAGES.page()))

    @routes.get("/api/v1/waivers/<waiver_id>")
    @describe(
        Operation("A waiver", scope="read", targets="waiver", answers={200: Waiver}, errors=(NotFound, Invalid, Unavailable))
    )
    def show(waiver_id: str) -> Response:
        return answer(store.find(database, _id(waiver_id)).model_dump(mode="json"))

    @routes.delete("/api/v1/waivers/<waiver_id>")
    @describe(
        Operation(
            "End a waiver; gates that lean on it close at once",
            scope="configure",
            targets="waiver",
            answers={204: None},
            errors=(NotFound, Conflict, Invalid, Unavailable),
        )
    )
    def delete(waiver_id: str) -> Response:
        store.delete(database, caller(), _id(waiver_id))
        return Response(status=204)

    return routes


def _id(text: str) -> str:
    return uuid_of(text, f"there is no waiver {text[:100]!r}")
