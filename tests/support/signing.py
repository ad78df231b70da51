"""Signed verdicts of a Backend in tests: its application, what it answers, and the keys that it publishes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from backend.app import create_app
from database import keys
from database.pool import Database
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.signatures import new_secret
from stringx_dataops.contract.verdict_tokens import VerdictClaims
from stringx_dataops.verifying import Wanted, verify

OWNER = {"Authorization": "Bearer sx_owner"}
FLIGHTS = "/api/v1/gates/shop/public.a"
JWKS = "/.well-known/jwks.json"


def backend(url: str, home: Path, secret: str, **variables: str) -> Flask:
    home.mkdir(exist_ok=True)
    (home / "service-key").write_text("key")
    (home / "signing-secret").write_text(secret)
    named = {"STRINGX_HOME": str(home), "STRINGX_DATABASE_URL": url, "DATAOPS_URL": "http://127.0.0.1:9"}
    return create_app(read_settings(named | variables))


@pytest.fixture
def app(shop: Database, internal_url: str, tmp_path: Path) -> Iterator[Flask]:
    keys.register(shop, "owner", "sx_owner", list(SCOPES))
    keys.register(shop, "reader", "sx_reader", ["read"])
    made = backend(internal_url, tmp_path / "one", new_secret(), PUBLIC_URL="http://checks.example.org")
    yield made
    made.extensions["stringx_mailroom"].processes.close()


def asked(app: Flask, path: str = FLIGHTS, **query: str) -> dict[str, Any]:
    answer = app.test_client().get(path, query_string={"signed": "1"} | query, headers=OWNER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def published(app: Flask) -> dict[str, Any]:
    answer = app.test_client().get(JWKS)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=300")
    found: dict[str, Any] = answer.get_json()
    return found


def claims(app: Flask, found: dict[str, Any], **wanted: Any) -> VerdictClaims:
    return verify(found["token"], published(app), Wanted(**wanted))
