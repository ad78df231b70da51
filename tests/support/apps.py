"""Both services as Flask applications, on one internal database."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from api.app import create_app as create_api
from backend.app import create_app as create_backend
from database import keys
from database.pool import Database
from stringx_dataops.contract.keys import KeyScope
from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.signatures import new_secret
from tests.support.databases import Admin
from web.openapi import Operation

SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)
DELIVERIES = "/api/v1/deliveries"
NOWHERE = {"target": "nowhere", "table": "public.nowhere", "name": "nowhere", "request_id": "nowhere", "rule": "nowhere",
           "check_id": "01890000-0000-7000-8000-000000000000", "message_id": "01890000-0000-7000-8000-000000000000",
           "waiver_id": "01890000-0000-7000-8000-000000000000", "badge_id": "01890000-0000-7000-8000-000000000000",
           "incident_id": "01890000-0000-7000-8000-000000000000", "profile_id": "01890000-0000-7000-8000-000000000000",
           "notification_id": "01890000-0000-7000-8000-000000000000"}  # fmt: skip


@dataclass(frozen=True)
class Apps:
    """Both services on one internal database, and keys by their scopes."""

    apps: dict[str, Flask]
    clients: dict[str, FlaskClient]
    keys: dict[tuple[KeyScope, ...], str]
    database: Database

    def ask(self, path: str, method: str = "GET", scopes: tuple[KeyScope, ...] | None = SCOPES, **options: Any) -> TestResponse:
        name = (
            "api" if path.startswith((DELIVERIES, "/api/v1/quality-checks", "/api/v1/rule-types", "/api/v1/queue")) else "backend"
        )
        key = self.keys[scopes] if scopes is not None else "sx_unknown"
        return self.clients[name].open(path, method=method, headers={"Authorization": f"Bearer {key}"}, **options)

    def endpoints(self) -> Iterator[tuple[str, str, Operation]]:
        """(method, path of something that is not there, operation) of each that needs a key."""
        for app in self.apps.values():
            for rule in app.url_map.iter_rules():
                if rule.rule.startswith("/api/"):
                    operation = getattr(app.view_functions[rule.endpoint], "operation", None)
                    assert operation is not None, f"{rule.rule} has no operation"
                    assert operation.scope is not None, f"{rule.rule} needs no scope"
                    for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
                        yield method, _nowhere(rule), operation


@contextmanager
def made(admin: Admin, template: str, home: Path) -> Iterator[Apps]:
    """Both on a copy of the template, with a key for all scopes, for none, and for all but each."""
    name = f"internal_{secrets.token_hex(6)}"
    admin.copy(template, name)
    (home / "service-key").write_text("key")
    (home / "signing-secret").write_text(new_secret())
    settings = read_settings({"STRINGX_HOME": str(home), "STRINGX_DATABASE_URL": admin.url(name)})
    found = {"api": create_api(settings), "backend": create_backend(settings)}
    database = Database(admin.url(name), size=2)
    kept = {}
    for scopes in ((), SCOPES, *(tuple(other for other in SCOPES if other != scope) for scope in SCOPES)):
        kept[scopes] = secrets.token_urlsafe(8)
        keys.register(database, "-".join(scopes) or "none", kept[scopes], scopes)
    yield Apps(found, {name: app.test_client() for name, app in found.items()}, kept, database)
    database.close()
    admin.run(f"drop database {name} with (force)")


def _nowhere(rule: Rule) -> str:
    _, path = rule.build({name: NOWHERE[name] for name in rule.arguments}, append_unknown=False) or ("", "")
    return path
