"""The rule catalogue, as the dbt project defines it."""

from flask import Blueprint, Response

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.messages.pages import MOST, Pages
from stringx_dataops.contract.problems import FieldError, Invalid, invalid
from web import parameters
from web.bodies import answer
from web.openapi import Operation, describe

_PAGES = Pages("rule types", default=MOST)  # positions: the name of a type
_PAGING = parameters.paging(_PAGES)


def blueprint(catalogue: Catalogue) -> Blueprint:
    routes = Blueprint("rule_types", __name__)

    @routes.get("/api/v1/rule-types")
    @describe(
        Operation(
            "Every rule type with the JSON Schema of its arguments",
            scope="read",
            targets="none",
            query=_PAGING.parameters,
            errors=(Invalid,),
        )
    )
    def index() -> Response:
        page, types = _PAGING.page(), list(catalogue)
        names = [rule_type.name for rule_type in types]
        if page.after and page.after[0] not in names:
            raise invalid([FieldError("/query/cursor", f"there is no rule type {page.after[0]} any more; begin anew")])
        first = names.index(page.after[0]) + 1 if page.after else 0
        return answer(_PAGES.answer(page, [((each.name,), each.as_json()) for each in types[first : first + page.limit + 1]]))

    return routes
