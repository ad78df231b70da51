"""Routes of keys: only for keys that administer and have no limits."""

from flask import Blueprint, Response

from backend.keys import management
from database.pool import Database
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.keys import DEFAULT_OVERLAP, KeyPage, MadeKey, NewKey, overlap_s
from stringx_dataops.contract.problems import Conflict, Invalid, Malformed, NotFound, TooLarge, Unavailable, UnsupportedMediaType
from web import parameters
from web.bodies import answer, json_body
from web.keys import caller
from web.openapi import Operation, describe
from web.parameters import Parameter

_PAGING = parameters.paging(management.PAGES)
_OVERLAP = Parameter(
    "overlap",
    "how long the secret before stays valid, at most 30d; 0s ends it at once",
    overlap_s,
    overlap_s(DEFAULT_OVERLAP),
    {"type": "string", "default": DEFAULT_OVERLAP},
)
_SECRET = {"Cache-Control": "no-store"}  # of answers with a key


def blueprint(database: Database) -> Blueprint:
    routes = Blueprint("keys", __name__)

    @routes.post("/api/v1/keys")
    @describe(
        Operation(
            "Make a key: the answer shows it, this once",
            scope="admin",
            targets="unlimited",
            body=NewKey,
            example={"name": "airflow", "scopes": ["trigger", "read"], "targets": ["nyc"], "expires_in": "90d"},
            answers={201: MadeKey},
            errors=(Malformed, Conflict, TooLarge, UnsupportedMediaType, Invalid, Unavailable),
        )
    )
    def create() -> Response:
        made = management.create(database, caller(), parse_model(NewKey, json_body()))
        return answer(made.model_dump(mode="json"), 201, _SECRET)

    @routes.get("/api/v1/keys")
    @describe(
        Operation(
            "Every key by name, ended and revoked ones included",
            scope="admin",
            targets="unlimited",
            query=_PAGING.parameters,
            answers={200: KeyPage},
            errors=(Invalid, Unavailable),
        )
    )
    def index() -> Response:
        return answer(management.page(database, caller(), _PAGING.page()))

    @routes.post("/api/v1/keys/<name>/rotate")
    @describe(
        Operation(
            "Give a key a new secret, which the answer shows this once",
            scope="admin",
            targets="unlimited",
            query=(_OVERLAP,),
            path={"name": "airflow"},
            answers={200: MadeKey},
            errors=(NotFound, Conflict, Invalid, Unavailable),
        )
    )
    def rotate(name: str) -> Response:
        made = management.rotate(database, caller(), name, _OVERLAP.value())
        return answer(made.model_dump(mode="json"), 200, _SECRET)

    @routes.delete("/api/v1/keys/<name>")
    @describe(
        Operation(
            "Revoke a key: it ends with the next request",
            scope="admin",
            targets="unlimited",
            path={"name": "airflow"},
            answers={204: None},
            errors=(NotFound, Conflict, Invalid, Unavailable),
        )
    )
    def revoke(name: str) -> Response:
        management.revoke(database, caller(), name)
        return Response(status=204)

    return routes
