"""Routes of the defaults and the rule sets of targets."""

from flask import Blueprint, Response, request

from backend.configuration import layers
from backend.configuration.routes import TYPES, WRITES, stored_answer
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.defaults import DefaultsDocument
from stringx_dataops.contract.documents.layers import KINDS, Kind
from stringx_dataops.contract.documents.rule_sets import RuleSetDocument
from stringx_dataops.contract.problems import Invalid, NotFound, PreconditionFailed, Unavailable
from web import parameters
from web.bodies import answer, document_body
from web.keys import caller
from web.openapi import Operation, describe

_READS = (NotFound, Invalid, Unavailable)
_DELETES = (NotFound, PreconditionFailed, Invalid, Unavailable)
_OF_DEFAULTS, _OF_RULE_SETS = (parameters.paging(layers.VERSIONS[kind]) for kind in KINDS)
_TARGET, _NAME = {"target": "nyc"}, {"name": "keys"}
_EXAMPLE = {
    "target": "nyc",
    "tables": ["public.none_of_the_demo_*"],
    "rules": [{"id": "ids_not_null", "type": "not_null", "columns": ["*_id"]}],
}


def blueprint(database: Database, catalogue: Catalogue) -> Blueprint:
    """The routes of both kinds."""
    routes = Blueprint("layers", __name__)
    documents = _Documents(database, catalogue)
    _defaults(routes, documents)
    _rule_sets(routes, documents)
    return routes


class _Documents:
    """What both kinds do the same way."""

    def __init__(self, database: Database, catalogue: Catalogue) -> None:
        self._database, self._catalogue = database, catalogue

    def find(self, kind: Kind, name: str) -> Response:
        return stored_answer(layers.find(self._database, kind, name))

    def versions(self, kind: Kind, name: str) -> Response:
        paging = _OF_DEFAULTS if kind == "Defaults" else _OF_RULE_SETS
        return answer(layers.versions(self._database, kind, name, paging.page()))

    def put(self, kind: Kind, name: str) -> Response:
        if_match = request.headers.get("If-Match")
        return stored_answer(layers.put(self._database, self._catalogue, caller(), kind, name, document_body(), if_match))

    def delete(self, kind: Kind, name: str) -> Response:
        layers.delete(self._database, self._catalogue, caller(), kind, name, request.headers.get("If-Match"))
        return Response(status=204)


def _defaults(routes: Blueprint, documents: _Documents) -> None:
    @routes.get("/api/v1/defaults/<target>")
    @describe(
        Operation(
            "The defaults of a target", scope="read", targets="path", answers={200: DefaultsDocument}, errors=_READS, path=_TARGET
        )
    )
    def show_defaults(target: str) -> Response:
        return documents.find("Defaults", target)

    @routes.get("/api/v1/defaults/<target>/versions")
    @describe(
        Operation(
            "The defaults of a target through time, newest first",
            targets="path",
            scope="read",
            query=_OF_DEFAULTS.parameters,
            errors=_READS,
            path=_TARGET,
        )
    )
    def show_versions_of_defaults(target: str) -> Response:
        return documents.versions("Defaults", target)

    @routes.put("/api/v1/defaults/<target>")
    @describe(
        Operation(
            "Create or replace the defaults of a target: what its tables have that do not say otherwise",
            scope="configure",
            targets="path",
            body=DefaultsDocument,
            body_types=TYPES,
            answers={200: DefaultsDocument, 201: DefaultsDocument},
            errors=WRITES,
            path=_TARGET,
            example={"owner": "data-platform"},
        )
    )
    def put_defaults(target: str) -> Response:
        return documents.put("Defaults", target)

    @routes.delete("/api/v1/defaults/<target>")
    @describe(
        Operation(
            "Forget the defaults of a target",
            scope="configure",
            targets="path",
            answers={204: None},
            errors=_DELETES,
            path=_TARGET,
        )
    )
    def delete_defaults(target: str) -> Response:
        return documents.delete("Defaults", target)


def _rule_sets(routes: Blueprint, documents: _Documents) -> None:
    @routes.get("/api/v1/rule-sets/<name>")
    @describe(Operation("A rule set", scope="read", targets="ruleset", answers={200: RuleSetDocument}, errors=_READS, path=_NAME))
    def show_rule_sets(name: str) -> Response:
        return documents.find("RuleSet", name)

    @routes.get("/api/v1/rule-sets/<name>/versions")
    @describe(
        Operation(
            "A rule set through time, newest first",
            targets="ruleset",
            scope="read",
            query=_OF_RULE_SETS.parameters,
            errors=_READS,
            path=_NAME,
        )
    )
    def show_versions_of_rule_sets(name: str) -> Response:
        return documents.versions("RuleSet", name)

    @routes.put("/api/v1/rule-sets/<name>")
    @describe(
        Operation(
            "Create or replace a rule set: rules that hold for every configured table of its target that matches",
            scope="configure",
            targets="body",
            body=RuleSetDocument,
            body_types=TYPES,
            answers={200: RuleSetDocument, 201: RuleSetDocument},
            errors=WRITES,
            path=_NAME,
            example=_EXAMPLE,
        )
    )
    def put_rule_sets(name: str) -> Response:
        return documents.put("RuleSet", name)

    @routes.delete("/api/v1/rule-sets/<name>")
    @describe(
        Operation("Forget a rule set", scope="configure", targets="ruleset", answers={204: None}, errors=_DELETES, path=_NAME)
    )
    def delete_rule_sets(name: str) -> Response:
        return documents.delete("RuleSet", name)
