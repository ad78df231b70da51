"""A certified OpenID provider (npm's oidc-provider) as a process, a person's browser there, and the dashboard that sends it there."""

import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.app import create_app
from database.pool import Database
from stringx_dataops.contract.settings import ROOT, read_settings
from stringx_dataops.contract.signatures import new_secret
from tests.support.databases import Admin
from tests.support.node import installed
from tests.support.processes import eventually, free_port

FOLDER = ROOT / "tests" / "openid"
PUBLIC = "http://checks.example.org"
SECRET = "the-secret"
ROLES = "staff=viewer, ops=operator, data=editor, nyc=editor@shop, owners=admin"


@contextmanager
def running_provider(log: Path, public_url: str = PUBLIC) -> Iterator[str]:
    """Its issuer. Whoever signs in as NAME.GROUP.GROUP is in these groups."""
    installed(FOLDER)
    port = free_port()
    with log.open("wb") as file:
        process = subprocess.Popen(
            ["node", "provider.mjs", str(port), f"{public_url}/login/oidc"], cwd=FOLDER, stdout=file, stderr=file
        )
    try:
        eventually(lambda: "ready" in log.read_text(), 60, "the OpenID provider")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(60)


def settings_of(issuer: str, **more: str) -> dict[str, str]:
    """The variables of an installation whose people sign in there."""
    return {
        "PUBLIC_URL": PUBLIC,
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": "stringx",
        "OIDC_CLIENT_SECRET": SECRET,
        "OIDC_ROLES": ROLES,
        **more,
    }


@dataclass(frozen=True)
class Installation:
    """An internal database, on which applications with other settings may be opened."""

    url: str
    home: Path
    database: Database

    def client(self, issuer: str, **variables: str) -> FlaskClient:
        """A browser's view of a Backend of its own with these settings. OIDC_CLIENT_SECRET is that of the environment."""
        environment = {"STRINGX_HOME": str(self.home), "STRINGX_DATABASE_URL": self.url, "DATAOPS_URL": "http://127.0.0.1:9"}
        return create_app(read_settings(environment | settings_of(issuer, **variables))).test_client()


@contextmanager
def an_installation(admin: Admin, template: str, home: Path) -> Iterator[Installation]:
    name = f"internal_{secrets.token_hex(6)}"
    admin.copy(template, name)
    (home / "service-key").write_text("key")
    (home / "signing-secret").write_text(new_secret())
    database = Database(admin.url(name), size=2)
    yield Installation(admin.url(name), home, database)
    database.close()
    admin.run(f"drop database {name} with (force)")


@dataclass(frozen=True)
class Browser:
    """What the provider keeps of a person, and the dashboard's cookies."""

    client: FlaskClient
    session: requests.Session = field(default_factory=requests.Session)

    def begin(self, after: str = "/", more: str = "") -> str:
        """The provider's address to which the dashboard sends the browser."""
        answer = self.client.get(f"/login/oidc/start?next={after}{more}")
        assert answer.status_code == 303, answer.text
        return answer.location

    def answer(self, address: str, login: str | None = None) -> str:
        """The path and query with which the provider sends it back, after signing in there or (None) canceling."""
        while not address.startswith(PUBLIC):
            answer = self.session.get(address, allow_redirects=False, timeout=60)
            while answer.status_code == 200:
                link = re.search(r'<form[^>]* action="([^"]+)"' if login else r'href="([^"]+/abort)"', answer.text)
                assert link, answer.text
                way = urljoin(address, link[1])
                hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
                form = {**hidden, "login": login or "", "password": "any", "logout": "yes"}
                answer = (
                    self.session.post(way, form, allow_redirects=False, timeout=60)
                    if login
                    else self.session.get(way, allow_redirects=False, timeout=60)
                )
            assert answer.is_redirect, answer.text
            address = urljoin(address, answer.headers["Location"])
        parts = urlsplit(address)
        return f"{parts.path}?{parts.query}"

    def sign_in(self, login: str, after: str = "/") -> TestResponse:
        """The dashboard's answer to whoever comes back."""
        return self.client.get(self.answer(self.begin(after), login))
