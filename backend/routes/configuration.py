"""Configuration: targets and tables one by one (datasets: `datasets.py`), or a whole YAML stream, all or nothing."""

from flask import Blueprint, Response, request

from backend import configuration
from backend.stored import Stored
from contract.catalogue import Catalogue
from contract.configuration import TableDocument, TargetDocument
from contract.names import TableName
from contract.problems import (
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    PreconditionFailed,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
    invalid,
)
from database.pool import Database
from web.bodies import answer, document_body, document_stream
from web.openapi import Operation, describe
from web.service import caller

WRITES = (Malformed, Forbidden, Conflict, PreconditionFailed, TooLarge, UnsupportedMediaType, Invalid, Unavailable)
TYPES = ("application/json", "application/yaml")


def blueprint(database: Database, catalogue: Catalogue) -> Blueprint:
    routes = Blueprint("configuration", __name__)
    _targets(routes, database)
    _tables(routes, database, catalogue)

    @routes.get("/api/v1/configuration")
    @describe(
        Operation(
            f"Every target, table and dataset as documents, {configuration.PAGE} a page",
            scope="read",
            query={"cursor": "next_cursor of the page before"},
            errors=(Invalid, Unavailable),
        )
    )
    def export() -> Response:
        return answer(configuration.export(database, request.args.get("cursor")))

    @routes.post("/api/v1/configuration")
    @describe(
        Operation(
            "Apply a stream of documents (targets, tables, datasets), all or nothing; what is not in it is left alone",
            scope="configure",
            body=TableDocument,
            body_types=("application/yaml", "application/json"),
            query={"dry_run": "true: say what would change, change nothing"},
            errors=WRITES,
        )
    )
    def apply() -> Response:
        dry_run = request.args.get("dry_run", "false")
        if dry_run not in ("true", "false", "1", "0"):
            raise invalid([FieldError("/dry_run", "must be true or false")])
        return answer(configuration.apply(database, catalogue, caller(), document_stream(), dry_run in ("true", "1")))

    return routes


def _targets(routes: Blueprint, database: Database) -> None:
    @routes.get("/api/v1/targets/<name>")
    @describe(Operation("A target", scope="read", answers={200: TargetDocument}, errors=(NotFound, Unavailable)))
    def show_target(name: str) -> Response:
        return stored_answer(configuration.find_target(database, name))

    @routes.put("/api/v1/targets/<name>")
    @describe(
        Operation(
            "Create or replace a target; its password stays where password_env or password_file says",
            scope="admin",
            body=TargetDocument,
            body_types=TYPES,
            answers={200: TargetDocument, 201: TargetDocument},
            errors=WRITES,
        )
    )
    def put_target(name: str) -> Response:
        return stored_answer(configuration.put_target(database, name, document_body(), request.headers.get("If-Match")))

    @routes.delete("/api/v1/targets/<name>")
    @describe(Operation("Forget a target", scope="admin", answers={204: None}, errors=(NotFound, Conflict, Unavailable)))
    def delete_target(name: str) -> Response:
        configuration.delete_target(database, name, request.headers.get("If-Match"))
        return Response(status=204)


def _tables(routes: Blueprint, database: Database, catalogue: Catalogue) -> None:
    @routes.get("/api/v1/tables/<target>/<path:table>")
    @describe(Operation("A table's document", scope="read", answers={200: TableDocument}, errors=(NotFound, Unavailable)))
    def show_table(target: str, table: str) -> Response:
        return stored_answer(configuration.find_table(database, target, canonical(table)))

    @routes.get("/api/v1/tables/<target>/<path:table>/versions")
    @describe(Operation("A table's document through time, newest first", scope="read", errors=(NotFound, Unavailable)))
    def show_versions(target: str, table: str) -> Response:
        return answer({"items": configuration.versions(database, target, canonical(table)), "next_cursor": None})

    @routes.put("/api/v1/tables/<target>/<path:table>")
    @describe(
        Operation(
            "Create or replace a table's document",
            scope="configure",
            body=TableDocument,
            body_types=TYPES,
            answers={200: TableDocument, 201: TableDocument},
            errors=WRITES,
        )
    )
    def put_table(target: str, table: str) -> Response:
        path = (target, canonical(table))
        if_match = request.headers.get("If-Match")
        return stored_answer(configuration.put_table(database, catalogue, caller(), path, document_body(), if_match))

    @routes.delete("/api/v1/tables/<target>/<path:table>")
    @describe(
        Operation(
            "Forget a table's document; its results stay",
            scope="configure",
            answers={204: None},
            errors=(NotFound, Conflict, PreconditionFailed, Unavailable),
        )
    )
    def delete_table(target: str, table: str) -> Response:
        configuration.delete_table(database, caller(), target, canonical(table), request.headers.get("If-Match"))
        return Response(status=204)


def canonical(table: str) -> str:
    """The one spelling of a table's name that is stored; Invalid where the path holds none."""
    try:
        return str(TableName.parse(table))
    except ValueError as error:
        raise invalid([FieldError("/table", f"{table!r} {error}")]) from error


def stored_answer(stored: Stored) -> Response:
    """The document with its version."""
    return answer(stored.document, 201 if stored.created else 200, {"ETag": stored.etag})
