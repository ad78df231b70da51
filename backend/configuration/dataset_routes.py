"""Routes of datasets, that is, tables of one target that are checked together."""

from flask import Blueprint, Response, request

from backend.configuration import datasets
from backend.configuration.routes import TYPES, WRITES, stored_answer
from database.pool import Database
from stringx_dataops.contract.documents.datasets import DatasetDocument
from stringx_dataops.contract.problems import Conflict, Invalid, NotFound, PreconditionFailed, Unavailable
from web import parameters
from web.bodies import answer, document_body
from web.keys import caller
from web.openapi import Operation, describe

_NAMED = {"name": "departures"}  # an example for Swagger UI; the demo has no dataset until PUT creates this one
_VERSIONS = parameters.paging(datasets.VERSIONS)


def blueprint(database: Database) -> Blueprint:
    """The routes of datasets."""
    routes = Blueprint("datasets", __name__)

    @routes.get("/api/v1/datasets/<name>")
    @describe(
        Operation(
            "A dataset",
            scope="read",
            targets="dataset",
            answers={200: DatasetDocument},
            errors=(NotFound, Invalid, Unavailable),
            path=_NAMED,
        )
    )
    def show(name: str) -> Response:
        return stored_answer(datasets.find(database, name))

    @routes.get("/api/v1/datasets/<name>/versions")
    @describe(
        Operation(
            "A dataset's document through time, newest first",
            scope="read",
            targets="dataset",
            query=_VERSIONS.parameters,
            errors=(NotFound, Invalid, Unavailable),
            path=_NAMED,
        )
    )
    def show_versions(name: str) -> Response:
        return answer(datasets.versions(database, name, _VERSIONS.page()))

    @routes.put("/api/v1/datasets/<name>")
    @describe(
        Operation(
            "Create or replace a dataset: configured tables of one target that are checked together, on one snapshot",
            scope="configure",
            targets="body",
            body=DatasetDocument,
            body_types=TYPES,
            answers={200: DatasetDocument, 201: DatasetDocument},
            errors=WRITES,
            path=_NAMED,
            example={"target": "nyc", "tables": ["public.flights", "public.weather"]},
        )
    )
    def put(name: str) -> Response:
        return stored_answer(datasets.put(database, caller(), name, document_body(), request.headers.get("If-Match")))

    @routes.delete("/api/v1/datasets/<name>")
    @describe(
        Operation(
            "Forget a dataset; its tables and results stay",
            scope="configure",
            targets="dataset",
            answers={204: None},
            errors=(NotFound, Conflict, PreconditionFailed, Invalid, Unavailable),
            path=_NAMED,
        )
    )
    def delete(name: str) -> Response:
        datasets.delete(database, caller(), name, request.headers.get("If-Match"))
        return Response(status=204)

    return routes
