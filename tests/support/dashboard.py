"""The dashboard without a browser: the Backend's application, and signing in."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.app import create_app
from database import keys
from database.pool import Database
from stringx_dataops.contract.keys import SCOPES, KeyScope
from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.signatures import new_secret


@contextmanager
def opened(database: Database, url: str, home: Path, **variables: str) -> Iterator[FlaskClient]:
    """A browser's view of the Backend, which knows the keys owner, reader, poster and blind (no samples); DataOps is not there."""
    environment = {"STRINGX_HOME": str(home), "STRINGX_DATABASE_URL": url, "DATAOPS_URL": "http://127.0.0.1:9"} | variables
    (home / "service-key").write_text("key")
    (home / "signing-secret").write_text(new_secret())
    app = create_app(read_settings(environment))
    held: dict[str, tuple[KeyScope, ...]] = {
        "owner": SCOPES,
        "reader": ("read",),
        "poster": ("results",),
        "blind": ("read", "trigger"),
    }
    for name, scopes in held.items():
        keys.register(database, name, f"sx_{name}", list(scopes))
    with app.test_client() as client:
        yield client
    app.extensions["stringx_mailroom"].processes.close()


def token(page: TestResponse) -> str:
    """The CSRF token of the page's first form."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def sign_in(client: FlaskClient, key: str = "sx_owner", after: str = "/") -> TestResponse:
    """The answer to the login's form."""
    page = client.get("/login", query_string={"next": after})
    return client.post("/login", data={"csrf": token(page), "key": key, "next": after})
