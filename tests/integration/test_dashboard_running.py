"""Checks on their pages: asked for with or without a window, seen while they run, and canceled."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api.checks import claims, lifecycle
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from tests.support.dashboard import opened, sign_in, token
from tests.support.datasets import CATALOGUE, apply, claimed, end, table

TABLE = "/tables/shop/public.a"
WINDOW = {"rows": "window", "column": "day", "from": "2026-01-01", "to": "2026-02-01"}


@pytest.fixture
def client(shop: Database, internal_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """A browser's view of the Backend; DataOps is not there."""
    with opened(shop, internal_url, tmp_path) as client:
        sign_in(client)
        yield client


def bodies(database: Database) -> list[CheckRequest]:
    """What was asked, the newest first."""
    with database.transaction() as cursor:
        rows = cursor.all("select body from stringx.requests order by created_at desc")
    return [CheckRequest.model_validate(row["body"]) for row in rows]


def value_of(page: str, field: str) -> str:
    found = re.search(rf'name="{field}" value="([^"]*)"', page)
    assert found, page
    return found[1]


def test_a_window_is_asked_for_and_its_column_comes_from_the_document(client: FlaskClient, shop: Database) -> None:
    apply(shop, {**table("public.a", "a"), "window_column": "day"})
    page = client.get(TABLE)
    assert value_of(page.text, "column") == "day"
    answer = client.post(f"{TABLE}/check", data=WINDOW | {"csrf": token(page), "to": " "})
    assert (answer.status_code, answer.location) == (303, TABLE)
    [asked] = bodies(shop)
    assert asked.window is not None
    assert (asked.window.column, asked.window.from_, asked.window.to) == ("day", "2026-01-01", None)
    assert "public.a, a window of day" in client.get(TABLE).text
    form = WINDOW | {"csrf": token(page), "column": ""}
    assert client.post("/datasets/sales/check", data=form).status_code == 422, "b and c have no column of their own"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"column": ""}, "Column: is missing; name a column here"),
        ({"from": "", "to": ""}, "From: gives neither from nor to; give at least one"),
        ({"to": "2026-01-01"}, "From: is not before to; no row lies between them"),
        ({"column": "x" * 64}, "Column: "),
    ],
)
def test_a_wrong_window_comes_back_beside_its_field_with_what_was_typed(
    client: FlaskClient, shop: Database, changed: dict[str, str], words: str
) -> None:
    sent = WINDOW | changed
    answer = client.post(f"{TABLE}/check", data=sent | {"csrf": token(client.get(TABLE))})
    assert answer.status_code == 422
    assert words in answer.text
    assert "<details open>" in answer.text
    assert {field: value_of(answer.text, field) for field in ("column", "from", "to")} == {
        field: sent[field] for field in ("column", "from", "to")
    }
    assert f'data-address="{TABLE}"' in answer.text, "the page renews itself from the address of the table"
    assert bodies(shop) == []


def test_an_expired_session_loses_no_form_and_sends_none(client: FlaskClient, shop: Database) -> None:
    form = WINDOW | {"csrf": token(client.get(TABLE))}
    with shop.transaction() as cursor:
        cursor.run("update stringx.sessions set expires_at = now()")
    answer = client.post(f"{TABLE}/check", data=form)
    login = client.get(answer.location)
    data = {"csrf": token(login), "key": "sx_owner", "next": value_of(login.text, "next").replace("&amp;", "&")}
    answer = client.post("/login", data=data)
    page = client.get(answer.location).text
    assert [value_of(page, field) for field in ("column", "from", "to")] == ["day", "2026-01-01", "2026-02-01"]
    assert bodies(shop) == [], "only a person sends a form again"
    refused = client.post(f"{TABLE}/check", data=form)
    assert refused.status_code == 403, "the form of the session before"
    assert f'href="{TABLE}?column=day&amp;from=2026-01-01&amp;to=2026-02-01"' in refused.text


def test_a_running_check_is_seen_and_canceled(client: FlaskClient, shop: Database) -> None:
    csrf = token(client.get(TABLE))
    client.post(f"{TABLE}/check", data={"csrf": csrf})
    [asked] = bodies(shop)
    page = client.get(TABLE).text
    assert "public.a</b>: waits <" in page, "DataOps does not have it yet"
    check = lifecycle.accept(shop, CATALOGUE, asked, 100).check
    own = f"/requests/{asked.request_id}"
    for path in (TABLE, own):
        assert "waits, next in the queue of shop" in client.get(path).text, path
    claims.mark_reached(shop, claimed(shop))
    page = client.get(TABLE).text
    assert "public.a</b>: reads the data" in page
    assert re.search(r'<progress max="1" aria-label="Progress of the check of public.a">', page), "nothing is expected yet"
    sign_in(client, "sx_reader")
    reader = client.get(TABLE)
    assert "reads the data" in reader.text
    assert ">Cancel<" not in reader.text
    assert client.post(f"{own}/cancel", data={"csrf": token(reader)}).status_code == 403
    sign_in(client)
    form = {"csrf": token(client.get(TABLE)), "next": "//example.com/"}
    assert client.post(f"{own}/cancel", data=form).location == "/", "it leads nowhere else"
    page = client.get(own).text
    assert "is being canceled" in page
    assert ">Cancel<" not in page
    lifecycle.cancel(shop, check.check_id, "http://backend")


def test_a_canceled_check_is_shown_as_one(client: FlaskClient, shop: Database) -> None:
    client.post(f"{TABLE}/check", data={"csrf": token(client.get(TABLE))})
    [asked] = bodies(shop)
    check = lifecycle.accept(shop, CATALOGUE, asked, 100).check
    ended = lifecycle.cancel(shop, check.check_id, "http://backend").result
    tracking.store(shop, check.request_id, CheckResult.model_validate(ended))
    for path in (TABLE, f"/requests/{check.request_id}"):
        assert 'class="status canceled"' in client.get(path).text, path
    assert "Cancel<" not in client.get(TABLE).text


def test_the_usual_time_is_the_bar(client: FlaskClient, shop: Database) -> None:
    client.post(f"{TABLE}/check", data={"csrf": token(client.get(TABLE))})
    check = lifecycle.accept(shop, CATALOGUE, bodies(shop)[0], 100).check
    end(shop, claimed(shop))
    with shop.transaction() as cursor:
        cursor.run("update stringx.results set summary = '{\"duration_ms\": 3600000}'")
    client.post(f"{TABLE}/check", data={"csrf": token(client.get(TABLE))})
    lifecycle.accept(shop, CATALOGUE, bodies(shop)[0], 100)
    assert '<progress max="1" value="0.0"' in client.get(TABLE).text
    claimed(shop)
    page = client.get(TABLE).text
    assert "starts: dbt has not reached the target yet" in page
    assert re.search(r'<progress max="1" value="0\.0\d*"', page)
    assert "a check usually takes 1\N{NARROW NO-BREAK SPACE}h" in page
    assert check.check_id not in page.split("<h2>Checks</h2>")[0]


def test_without_javascript_a_page_with_a_running_check_loads_itself_again(client: FlaskClient, shop: Database) -> None:
    again = '<noscript><meta http-equiv="refresh" content="5"></noscript>'
    assert again not in client.get(TABLE).text
    asked = CheckRequest.model_validate({"target": "shop", "table": "public.a", "request_id": "r"})
    tracking.accept(shop, CATALOGUE, asked, "http", "s")
    for path in (TABLE, "/requests/r"):
        assert again in client.get(path).text.partition("</head>")[0]
    page = client.get(TABLE)
    refused = client.post(f"{TABLE}/check", data=WINDOW | {"csrf": token(page), "column": ""})
    assert (refused.status_code, again in refused.text) == (422, False), "what was typed stays"
