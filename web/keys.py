"""Where keys are checked: every view needs one with the scope of its `Operation`, but for those in `PUBLIC`."""

from collections.abc import Collection, Sequence
from typing import assert_never

from flask import Flask, g, request

from database import keys
from database.keys import Caller
from database.pool import Database
from stringx_dataops.contract.documents.fields import did_you_mean
from stringx_dataops.contract.problems import Forbidden, NotFound
from stringx_dataops.contract.variables import Network
from web import openapi
from web.clients import client_address
from web.openapi import Operation

# need no key; whoever has a badge's address may see it, and public keys are public
PUBLIC = frozenset(
    {
        "healthz",
        "readyz",
        "readyz_self",
        "openapi_json",
        "swagger_ui",
        "swagger_file",
        "static",
        "metrics",
        "badges.image",
        "verdicts.jwks",
    }
)


def install(app: Flask, database: Database, own_sign_in: Collection[str] = (), trusted: Sequence[Network] = ()) -> None:
    """Check the key before every view: 401 without a valid one, 403 if it lacks the view's scope. `own_sign_in` names blueprints
    that find out themselves who asks; `trusted` are proxies whose word about a client's address is believed."""

    @app.before_request
    def require_key() -> None:
        keys.set_asking(None)
        if request.url_rule is None or not needs_key(own_sign_in):
            return  # an unknown path is a 404 for everybody
        g.caller = keys.authenticate(database, _bearer_key(), address_of_client(trusted))
        operation = openapi.current_operation(app)
        if operation.scope is not None:
            g.caller.require(operation.scope)
        _require_no_limit(operation, g.caller)
        keys.set_asking(g.caller)

    @app.teardown_request
    def forget(_: BaseException | None) -> None:
        keys.set_asking(None)


def needs_key(own_sign_in: Collection[str]) -> bool:
    """Whether the view of the request that is being handled takes keys."""
    return request.endpoint not in PUBLIC and request.blueprint not in own_sign_in


def caller() -> Caller:
    """Who sent the request that is being handled; only in views that need a key."""
    found: Caller = g.caller
    return found


def address_of_client(trusted: Sequence[Network]) -> str:
    """Where the request that is being handled came from."""
    return client_address(request.remote_addr or "", request.headers.get("X-Forwarded-For", ""), trusted)


def require_seen(operation: Operation, caller: Caller) -> None:
    """NotFound if the path names a target that the caller does not see, whether or not it is configured. Views refuse what is
    named elsewhere, by `database.keys.is_seen`."""
    if operation.targets in ("path", "name"):
        require_target(caller, (request.view_args or {})["target" if operation.targets == "path" else "name"])


def require_target(caller: Caller, target: str) -> None:
    """NotFound if the caller does not see the target. Names of other targets are not proposed."""
    if not caller.sees(target):
        similar = did_you_mean(target, caller.targets or ())
        raise NotFound(f"there is no target {target}{similar or f'; send one: PUT /api/v1/targets/{target}'}")


def _require_no_limit(operation: Operation, caller: Caller) -> None:
    """Forbidden for a limited key where the operation is about no target, or does not say what it is about."""
    if caller.targets is None:
        return
    match operation.targets:
        case "unlimited":
            caller.require_unlimited()
        case None:
            raise Forbidden(f"the key {caller.name!r} is limited to targets, and this takes only keys without targets")
        case "path" | "name" | "body" | "dataset" | "ruleset" | "schedule" | "list" | "none":
            pass
        case "request" | "check" | "delivery" | "waiver" | "badge" | "incident" | "profile":
            pass
        case _:
            assert_never(operation.targets)


def _bearer_key() -> str | None:
    """The key of the `Authorization` header; None if it has another scheme or no key."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None
