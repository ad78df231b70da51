"""Where keys are checked: every view needs one with the scope of its `Operation`, but for those in `PUBLIC`."""

from collections.abc import Collection

from flask import Flask, g, request

from database import keys
from database.keys import Caller
from database.pool import Database
from web import openapi

PUBLIC = frozenset({"healthz", "readyz", "openapi_json", "swagger_ui", "swagger_file", "static", "metrics"})  # need no key


def install(app: Flask, database: Database, own_sign_in: Collection[str] = ()) -> None:
    """Check the key before every view: 401 without a valid one, 403 if it lacks the view's scope. `own_sign_in` names blueprints
    that find out themselves who asks."""

    @app.before_request
    def require_key() -> None:
        if request.url_rule is None or not needs_key(own_sign_in):
            return  # an unknown path is a 404 for everybody
        g.caller = keys.authenticate(database, _bearer_key())
        operation = openapi.current_operation(app)
        if operation.scope is not None:
            g.caller.require(operation.scope)


def needs_key(own_sign_in: Collection[str]) -> bool:
    """Whether the view of the request that is being handled takes keys."""
    return request.endpoint not in PUBLIC and request.blueprint not in own_sign_in


def caller() -> Caller:
    """Who sent the request that is being handled; only in views that need a key."""
    found: Caller = g.caller
    return found


def _bearer_key() -> str | None:
    """The key of the `Authorization` header; None if it has another scheme or no key."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None
