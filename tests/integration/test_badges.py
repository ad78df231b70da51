"""Badges: an image of how a gate is, for whoever knows its address, and for nobody after it is revoked."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from backend.badges import drawing, store
from backend.badges.store import Shown
from database.keys import Caller, asking
from database.pool import Database
from stringx_dataops.contract.messages.badges import MOST_OF_ONE, NewBadge
from stringx_dataops.contract.problems import Conflict, NotFound
from tests.support.dashboard import opened
from tests.support.datasets import ME, apply, check_now, table

OWNER = {"Authorization": "Bearer sx_owner"}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def client(shop: Database, internal_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    with opened(shop, internal_url, tmp_path, PUBLIC_URL="http://127.0.0.1:5002") as found:
        yield found


def made(client: FlaskClient, **asked: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/badges", json={"target": "shop"} | asked, headers=OWNER)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def words(svg: str) -> list[str]:
    """What is read aloud, and what is seen."""
    root = ElementTree.fromstring(svg)
    title = root.find(f"{SVG}title")
    assert title is not None
    assert root.get("role") == "img"
    assert title.text == root.get("aria-label")
    return [root.get("aria-label") or "", *(text.text or "" for text in root.iter(f"{SVG}text"))]


def test_a_badge_shows_how_the_gate_is_without_a_key_until_it_is_revoked(shop: Database, client: FlaskClient) -> None:
    of_table, of_dataset = made(client, table="public.a", label=" orders "), made(client, dataset="sales")
    assert of_table["url"] == "http://127.0.0.1:5002" + of_table["path"]
    assert words(client.get(of_table["path"]).text) == ["orders: never checked", "orders", "never checked"]
    check_now(shop, {"a": 3}, table="public.a")
    closed = client.get(of_table["path"])
    assert words(closed.text) == ["orders: closed", "orders", "closed"]
    assert closed.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert (closed.headers["Cache-Control"], closed.headers["Cross-Origin-Resource-Policy"]) == (
        "public, max-age=60",
        "cross-origin",
    )
    assert "default-src 'none'" in closed.headers["Content-Security-Policy"]
    assert "public.a" not in closed.text + str(closed.headers)
    again = client.get(of_table["path"], headers={"If-None-Match": closed.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(of_table["path"], headers={"If-Match": '"another"'}).status_code == 200, "nobody changes a badge"
    check_now(shop, {"a": 0}, dataset="sales")
    opened_again = client.get(of_table["path"], headers={"If-None-Match": closed.headers["ETag"]})
    assert (opened_again.status_code, words(opened_again.text)[0]) == (200, "orders: open")
    assert words(client.get(of_dataset["path"]).text)[0] == "gate: open"

    listed = client.get("/api/v1/badges?table=public.a", headers=OWNER).get_json()["items"]
    assert listed == [of_table]
    assert client.delete(f"/api/v1/badges/{of_table['id']}", headers=OWNER).status_code == 204
    assert client.delete(f"/api/v1/badges/{of_table['id']}", headers=OWNER).status_code == 404
    gone = client.get(of_table["path"])
    assert (gone.status_code, words(gone.text)[0], gone.headers["Content-Type"]) == (
        404,
        "gate: unknown",
        closed.headers["Content-Type"],
    )
    audited = client.get("/api/v1/audit?subject=badge:shop/public.a", headers=OWNER).get_json()["items"]
    assert [(each["action"], each["details"]["id"]) for each in audited] == [
        ("badge.deleted", of_table["id"]),
        ("badge.created", of_table["id"]),
    ]
    assert of_table["path"][8:40] not in str(audited)


@pytest.mark.parametrize("path", ["/badges/x.svg", f"/badges/{'a' * 32}.svg", "/badges/%27.svg", f"/badges/{'a' * 3000}.svg"])
def test_an_address_that_nobody_was_given_shows_nothing(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, words(answer.text)[0]) == (404, "gate: unknown")


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({}, "/table"),
        ({"table": "public.a", "dataset": "sales"}, "/table"),
        ({"table": "public.a", "label": "a\u0007"}, "/label"),
        ({"table": "public.a", "label": "x" * 61}, "/label"),
        ({"table": "public.a", "label": " "}, "/label"),
        ({"table": "public.a", "labl": "x"}, "/labl"),
    ],
)
def test_what_cannot_be_a_badge_is_refused(client: FlaskClient, asked: dict[str, Any], pointer: str) -> None:
    answer = client.post("/api/v1/badges", json={"target": "shop"} | asked, headers=OWNER)
    assert (answer.status_code, [each["pointer"] for each in answer.get_json()["errors"]]) == (422, [pointer])


def test_a_badge_is_of_what_is_configured_and_seen(shop: Database) -> None:
    limited = Caller("limited", frozenset({"configure"}), frozenset({"other"}))
    badge = store.create(shop, ME, NewBadge(target="shop", table="public.a"), None)
    for asked in (
        NewBadge(target="shop", table="public.none"),
        NewBadge(target="shop", dataset="none"),
        NewBadge(target="no", table="public.a"),
    ):
        with pytest.raises(NotFound):
            store.create(shop, ME, asked, None)
    with asking(limited):
        with pytest.raises(NotFound):
            store.create(shop, limited, NewBadge(target="shop", table="public.a"), None)
        with pytest.raises(NotFound):
            store.delete(shop, limited, badge.id)
        assert store.page(shop, {}, None)["items"] == []
    token = badge.path.removeprefix("/badges/").removesuffix(".svg")
    assert store.shown(shop, token) == Shown("gate", "never_checked")


def test_a_table_has_at_most_so_many_badges(shop: Database) -> None:
    apply(shop, table("public.c"))
    for _ in range(MOST_OF_ONE):
        store.create(shop, ME, NewBadge(target="shop", table="public.c"), None)
    with pytest.raises(Conflict, match="has 20 badges"):
        store.create(shop, ME, NewBadge(target="shop", table="public.c"), None)
    store.create(shop, ME, NewBadge(target="shop", dataset="sales"), None)


@pytest.mark.parametrize("label", ["<script>&\"'", "データ品質", "e\u0301\u200d👩‍💻", "x" * 60, "]]>"])
def test_any_label_makes_a_well_formed_image(label: str) -> None:
    assert words(drawing.image(Shown(label, "stale"))) == [f"{label}: stale", label, "stale"]
