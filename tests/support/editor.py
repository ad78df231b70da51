"""The editor's pages without a browser."""

import re
from html import unescape

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.configuration import store
from database.keys import Caller
from database.pool import Database
from stringx_dataops.contract.keys import SCOPES
from tests.support.datasets import CATALOGUE, table

A = "/configuration/shop/public.a"
ANOTHER = Caller("ci-bot", frozenset(SCOPES))


def hidden(page: TestResponse, name: str) -> str:
    found = re.findall(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return str(found[-1])


def text_of(page: TestResponse) -> str:
    """The document in the page's editor."""
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page.text, re.DOTALL)
    assert found, page.text
    return unescape(found[1])


def send(client: FlaskClient, page: TestResponse, text: str, action: str = "save", path: str = A) -> TestResponse:
    form = {"csrf": hidden(page, "csrf"), "opened": hidden(page, "opened"), "action": action, "document": text}
    return client.post(path, data=form)


def put(database: Database, *rules: str, name: str = "public.a", by: Caller = ANOTHER, **changes: object) -> int:
    """Another one saves."""
    return store.put_table(database, CATALOGUE, by, ("shop", name), table(name, *rules, **changes), None).version
