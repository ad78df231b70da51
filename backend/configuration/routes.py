"""Routes of targets and tables (datasets: `dataset_routes.py`), and of YAML streams, which are applied whole or not at all."""

import hashlib

from flask import Blueprint, Response, request

from backend.configuration import exporting, store
from backend.configuration.sources import Origin, source_name
from backend.configuration.versions import Stored
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents import json_schema
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.documents.targets import described
from stringx_dataops.contract.problems import (
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    PreconditionFailed,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from web import parameters
from web.bodies import answer, document_body, document_stream, unless_known
from web.keys import caller
from web.openapi import Operation, describe
from web.parameters import canonical

WRITES = (Malformed, Forbidden, Conflict, PreconditionFailed, TooLarge, UnsupportedMediaType, Invalid, Unavailable)
TYPES = ("application/json", "application/yaml")
_DRY_RUN = parameters.flag("dry_run", "true: say what would change, change nothing")
_SOURCE = parameters.text("source", "where the documents come from, such as github.com/acme/rules", source_name)
_PRUNE = parameters.flag("prune", "true: delete documents that were last applied from `source` and are not in the stream")
_EFFECTIVE = parameters.flag(
    "effective", "true: every field, with the target's defaults and the rules of its sets; `origins` says where each comes from"
)
_PAGING = parameters.paging(exporting.PAGES)
_VERSIONS = parameters.paging(store.VERSIONS)
_TARGETS = parameters.paging(store.TARGETS)
_TARGET_VERSIONS = parameters.paging(store.TARGET_VERSIONS)
_TARGET = {"name": "nyc"}
_AIRLINES = {  # the same as in rules/nyc.yml, so that sending it changes nothing
    "apiVersion": "stringx/v1",
    "target": "nyc",
    "table": "public.airlines",
    "description": "Two-letter codes of the airlines and their names.",
    "owner": "data-platform",
    "key": ["carrier"],
    "rules": [
        {"id": "carrier_unique", "type": "unique", "column": "carrier"},
        {
            "id": "carrier_is_a_code",
            "type": "expression",
            "arguments": {"sql": "carrier ~ '^[0-9A-Z]{2}$'"},
            "dimension": "validity",
        },
        {
            "id": "name_not_blank",
            "type": "expression",
            "arguments": {"sql": "trim(name) <> ''", "null_passes": False},
            "dimension": "completeness",
        },
    ],
}


def blueprint(database: Database, catalogue: Catalogue) -> Blueprint:
    """The routes of targets, tables and whole streams; those of datasets are in `dataset_routes`."""
    routes = Blueprint("configuration", __name__)
    _targets(routes, database)
    _tables(routes, database, catalogue)
    _schema(routes, catalogue)

    @routes.get("/api/v1/configuration")
    @describe(
        Operation(
            "Every document, page by page; `sources`: where each was applied from. Channels and routes for admins only",
            scope="read",
            targets="list",
            query=_PAGING.parameters,
            errors=(Invalid, Unavailable),
        )
    )
    def export() -> Response:
        return answer(exporting.export(database, _PAGING.page()))

    @routes.post("/api/v1/configuration")
    @describe(
        Operation(
            "Apply a stream of documents of any kind, all or nothing; what is not in it is left alone",
            scope="configure",
            targets="body",
            body=TableDocument,
            body_types=("application/yaml", "application/json"),
            query=(_DRY_RUN, _SOURCE, _PRUNE),
            example=_AIRLINES,
            errors=WRITES,
        )
    )
    def apply() -> Response:
        origin = Origin(_SOURCE.value(), _PRUNE.value())
        return answer(store.apply(database, catalogue, caller(), document_stream(), _DRY_RUN.value(), origin))

    return routes


def _targets(routes: Blueprint, database: Database) -> None:
    document = described()

    @routes.get("/api/v1/targets")
    @describe(
        Operation(
            "Every target's document, by name",
            scope="read",
            targets="list",
            query=_TARGETS.parameters,
            errors=(Invalid, Unavailable),
        )
    )
    def list_targets() -> Response:
        return answer(store.targets(database, _TARGETS.page()))

    @routes.get("/api/v1/targets/<name>")
    @describe(
        Operation(
            "A target",
            scope="read",
            targets="name",
            answers={200: document},
            errors=(NotFound, Invalid, Unavailable),
            path=_TARGET,
        )
    )
    def show_target(name: str) -> Response:
        return stored_answer(store.find_target(database, name))

    @routes.get("/api/v1/targets/<name>/versions")
    @describe(
        Operation(
            "A target's document through time, newest first",
            scope="read",
            targets="name",
            query=_TARGET_VERSIONS.parameters,
            errors=(NotFound, Invalid, Unavailable),
            path=_TARGET,
        )
    )
    def show_target_versions(name: str) -> Response:
        return answer(store.target_versions(database, name, _TARGET_VERSIONS.page()))

    @routes.put("/api/v1/targets/<name>")
    @describe(
        Operation(
            "Create or replace a target; its password stays where password_env or password_file says",
            scope="admin",
            targets="name",
            body=document,
            body_types=TYPES,
            answers={200: document, 201: document},
            errors=WRITES,
            path={"name": "shop"},
            example={
                "host": "db.example.com",
                "dbname": "shop",
                "user": "stringx_reader",
                "password_env": "TARGET_SHOP_PASSWORD",
            },
        )
    )
    def put_target(name: str) -> Response:
        return stored_answer(store.put_target(database, caller(), name, document_body(), request.headers.get("If-Match")))

    @routes.delete("/api/v1/targets/<name>")
    @describe(
        Operation(
            "Forget a target",
            scope="admin",
            targets="name",
            answers={204: None},
            errors=(NotFound, Conflict, PreconditionFailed, Invalid, Unavailable),
            path=_TARGET,
        )
    )
    def delete_target(name: str) -> Response:
        store.delete_target(database, caller(), name, request.headers.get("If-Match"))
        return Response(status=204)


def _tables(routes: Blueprint, database: Database, catalogue: Catalogue) -> None:
    @routes.get("/api/v1/tables/<target>/<path:table>")
    @describe(
        Operation(
            "A table's document as it was written, or its effective one",
            scope="read",
            targets="path",
            query=(_EFFECTIVE,),
            answers={200: TableDocument},
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def show_table(target: str, table: str) -> Response:
        find = store.find_effective if _EFFECTIVE.value() else store.find_table
        return stored_answer(find(database, target, canonical(table)))

    @routes.get("/api/v1/tables/<target>/<path:table>/versions")
    @describe(
        Operation(
            "A table's document through time, newest first",
            scope="read",
            targets="path",
            query=_VERSIONS.parameters,
            errors=(NotFound, Invalid, Unavailable),
        )
    )
    def show_versions(target: str, table: str) -> Response:
        return answer(store.versions(database, target, canonical(table), _VERSIONS.page()))

    @routes.put("/api/v1/tables/<target>/<path:table>")
    @describe(
        Operation(
            "Create or replace a table's document",
            scope="configure",
            targets="path",
            body=TableDocument,
            body_types=TYPES,
            answers={200: TableDocument, 201: TableDocument},
            errors=WRITES,
            path={"table": "public.airlines"},
            example=_AIRLINES,
        )
    )
    def put_table(target: str, table: str) -> Response:
        path = (target, canonical(table))
        if_match = request.headers.get("If-Match")
        return stored_answer(store.put_table(database, catalogue, caller(), path, document_body(), if_match))

    @routes.delete("/api/v1/tables/<target>/<path:table>")
    @describe(
        Operation(
            "Forget a table's document; its results stay",
            scope="configure",
            targets="path",
            answers={204: None},
            errors=(NotFound, Conflict, PreconditionFailed, Invalid, Unavailable),
        )
    )
    def delete_table(target: str, table: str) -> Response:
        store.delete_table(database, caller(), target, canonical(table), request.headers.get("If-Match"))
        return Response(status=204)


def _schema(routes: Blueprint, catalogue: Catalogue) -> None:
    @routes.get("/api/v1/schema")
    @describe(
        Operation(
            "The JSON Schema of all documents (application/schema+json), with the rule types of this installation",
            scope="read",
            targets="none",
            errors=(Unavailable,),
        )
    )
    def show_schema() -> Response:
        body = json_schema.as_text(catalogue)
        response = Response(body, content_type="application/schema+json")
        return unless_known(response, hashlib.sha256(body.encode()).hexdigest()[:32])


def stored_answer(stored: Stored) -> Response:
    """The document, with its version as ETag; 201 if it was created."""
    return answer(stored.document, 201 if stored.created else 200, {"ETag": stored.etag})
