"""Versions of a table's document: opened again, compared, and marked where they matter."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from database.pool import Database
from tests.support.dashboard import opened, sign_in
from tests.support.datasets import apply, check_now
from tests.support.editor import A, hidden, put, send, text_of


@pytest.fixture
def client(shop: Database, internal_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """A browser's view of the Backend, signed in."""
    with opened(shop, internal_url, tmp_path) as client:
        sign_in(client)
        yield client


def test_an_older_version_is_opened_and_saved_again(client: FlaskClient, shop: Database) -> None:
    put(shop, "a", "b")
    page = client.get(f"{A}?version=1")
    assert "This is the text of version 1" in page.text
    assert "id: b" not in text_of(page)
    assert hidden(page, "opened") == "2"
    assert send(client, page, text_of(page)).location == f"{A}?saved=3"
    assert client.get(f"{A}?version=9").status_code == 404
    assert client.get(f"{A}?version=x").status_code == 422


def test_versions_say_what_changed_and_compare_any_two(client: FlaskClient, shop: Database) -> None:
    put(shop, "a", "b", owner="data")
    put(shop, "b", owner="data")
    page = client.get(f"{A}/versions").text
    assert page.index('id="version-3"') < page.index('id="version-2"') < page.index('id="version-1"')
    assert "removed <code>a</code>" in page
    assert "settings: <code>owner</code>" in page
    assert "created the document" in page
    compared = client.get(f"{A}/versions?from=1&to=3").text
    assert "Version 1 → version 3" in compared
    assert "<del>-   - id: a</del>" in compared
    assert "<ins>+ owner: data</ins>" in compared
    for query, status in (("from=1&to=99", 404), ("from=a&to=1", 422), ("from=1", 200), ("cursor=odd", 200)):
        assert client.get(f"{A}/versions?{query}").status_code == status
    assert client.get("/configuration/shop/public.none/versions").status_code == 404


def test_a_version_that_a_rule_set_made_says_which_rules_are_new(client: FlaskClient, shop: Database) -> None:
    keys = {"apiVersion": "stringx/v1", "kind": "RuleSet", "name": "keys", "target": "shop", "tables": ["public.a"]}
    apply(shop, keys | {"rules": [{"id": "ids", "type": "not_null", "columns": ["*_id"]}]})
    page = " ".join(client.get(f"{A}/versions").text.split())
    assert 'defaults or rule sets of the target:</span> <span class="part">added <code>keys.ids</code>' in page


def test_the_last_version_of_a_page_is_compared_with_the_one_on_the_next(client: FlaskClient, shop: Database) -> None:
    for number in range(10):
        put(shop, "a", description=f"{number}")
    page = client.get(f"{A}/versions").text
    assert ('id="version-2"' in page, "created the document" in page, 'id="version-1"' in page) == (True, False, False)
    following = re.search(r'href="([^"]+)" rel="next"', page)
    assert following
    assert "created the document" in client.get(unescape(following[1])).text


def test_checks_and_plots_show_where_the_document_changed(client: FlaskClient, shop: Database) -> None:
    check_now(shop, {"a": 1}, table="public.a")
    put(shop, "a", "b")
    check_now(shop, {"a": 1}, table="public.a")
    put(shop, "a", "b", owner="somebody")
    change = f"{A}/versions?from=1&amp;to=2"
    shown = client.get("/tables/shop/public.a").text
    assert shown.count(change) == 1
    assert change in client.get("/tables/shop/public.a/rules/b").text
    assert "/versions?from" not in client.get("/tables/shop/public.a/rules/a").text, "the rule itself has not changed"
