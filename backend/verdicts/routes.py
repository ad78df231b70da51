"""Keys of signed verdicts over HTTP: the public ones for everybody, listed and rotated by those who administer."""

import hashlib
import json

from flask import Blueprint, Response

from backend.verdicts import keys
from backend.verdicts.keys import Vault
from database.pool import Database
from stringx_dataops.contract.messages.verdict_keys import VerdictKey, VerdictKeys
from stringx_dataops.contract.problems import Invalid, Unavailable
from stringx_dataops.contract.verdict_tokens import JsonWebKeys
from web import parameters
from web.bodies import answer, require_no_body, unless_known
from web.keys import caller
from web.openapi import Operation, describe

_WITHDRAW = parameters.flag("withdraw", "also trust nothing any more that the keys before have signed, as after a leak")
# Whoever verifies may keep the keys for five minutes; a key is published a day before it signs.
_HEADERS = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}


def blueprint(database: Database, vault: Vault) -> Blueprint:
    routes = Blueprint("verdicts", __name__)

    @routes.get("/.well-known/jwks.json")
    @describe(
        Operation(
            "The public keys that verify signed verdicts, as a JSON Web Key Set; needs no key",
            answers={200: JsonWebKeys, 304: None},
            errors=(Invalid, Unavailable),
        )
    )
    def jwks() -> Response:
        text = json.dumps(keys.published(database).model_dump(mode="json"), indent=1) + "\n"
        response = Response(text, 200, _HEADERS, content_type="application/json")
        return unless_known(response, hashlib.sha256(text.encode()).hexdigest()[:16])

    @routes.get("/api/v1/verdict-keys")
    @describe(
        Operation(
            "The keys that sign verdicts, the newest first, and what each does now",
            scope="admin",
            targets="unlimited",
            answers={200: VerdictKeys},
            errors=(Invalid, Unavailable),
        )
    )
    def index() -> Response:
        with database.transaction() as cursor:
            return answer(keys.listed(cursor).model_dump(mode="json"))

    @routes.post("/api/v1/verdict-keys/rotate")
    @describe(
        Operation(
            "Sign verdicts with a new key from now on",
            scope="admin",
            targets="unlimited",
            query=(_WITHDRAW,),
            answers={201: VerdictKey},
            errors=(Invalid, Unavailable),
        )
    )
    def rotate() -> Response:
        # A `withdraw` in a body would be overlooked, and keys that have leaked would stay trusted.
        require_no_body("takes no body; what it is asked for stands in the address: /api/v1/verdict-keys/rotate?withdraw=true")
        with database.transaction() as cursor:
            return answer(vault.rotate(cursor, caller(), _WITHDRAW.value()).model_dump(mode="json"), 201)

    return routes
