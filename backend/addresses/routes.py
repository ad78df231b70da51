"""The route of the addresses: for programs that lead people to a page, such as `dataops open`."""

from flask import Blueprint, Response

from stringx_dataops.contract.messages.addresses import Addresses
from stringx_dataops.contract.problems import Invalid, Unavailable
from web.bodies import answer
from web.openapi import Operation, describe


def blueprint(addresses: Addresses) -> Blueprint:
    routes = Blueprint("addresses", __name__)

    @routes.get("/api/v1/addresses")
    @describe(
        Operation(
            "Where people reach the dashboard and the docs portal; null where the installation does not say it",
            scope="read",
            targets="none",
            answers={200: Addresses},
            errors=(Invalid, Unavailable),
        )
    )
    def index() -> Response:
        return answer(addresses.model_dump())

    return routes
