"""The rule catalogue, as the dbt project defines it."""

from flask import Blueprint, Response

from contract.catalogue import Catalogue
from web.bodies import answer
from web.openapi import Operation, describe


def blueprint(catalogue: Catalogue) -> Blueprint:
    routes = Blueprint("rule_types", __name__)

    @routes.get("/api/v1/rule-types")
    @describe(Operation("Every rule type with the JSON Schema of its arguments", scope="read"))
    def index() -> Response:
        return answer({"items": [rule_type.as_json() for rule_type in catalogue], "next_cursor": None})

    return routes
