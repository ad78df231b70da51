"""Marking points on pages: of a rule, and of a request, whose window has no point in the rule's history."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from database import keys
from database.pool import Database
from tests.support.dashboard import opened, sign_in, token
from tests.support.datasets import apply, table
from tests.support.judged import band, judged, learning

RULE = "/tables/shop/public.a/rules/a"
WINDOW = {"column": "at", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}


@pytest.fixture
def client(shop: Database, internal_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    rule = {"id": "a", "type": "unusual", "arguments": {"of": {"function": "percentile", "p": 0.9, "column": "amount"}}}
    apply(shop, table("public.a", rules=[rule], window_column="at"))
    with opened(shop, internal_url, tmp_path) as client:
        yield client


def marks(database: Database) -> list[tuple[Any, ...]]:
    with database.transaction() as cursor:
        rows = cursor.all("select mark, by, check_id::text from stringx.point_marks order by snapshot_at")
    return [(row["mark"], row["by"], row["check_id"]) for row in rows]


def test_a_point_is_marked_on_the_page_of_its_rule(client: FlaskClient, shop: Database) -> None:
    found = judged(shop, 90.0, band(10, 20, season="weekday and hour", points=1), status="warn")
    sign_in(client)
    page = client.get(f"{RULE}?range=7d")
    assert "unusual: percentile 0.9 of amount" in page.text
    assert "1 earlier point, by weekday and hour" in page.text
    back = f"{RULE}?range=7d#point-{found.check_id}"
    sent = {"csrf": token(page), "mark": "exclude", "back": back}
    answer = client.post(f"{RULE}/points/{found.check_id}", data=sent)
    assert (answer.status_code, answer.headers["Location"]) == (303, back)
    assert marks(shop) == [("exclude", "owner", found.check_id)]
    assert f'point <a href="{RULE}">shop/public.a/a</a>' in client.get("/audit?action=point.marked").text
    assert client.post(f"{RULE}/points/{found.check_id}", data=sent | {"csrf": "x"}).status_code == 403
    assert client.post(f"{RULE}/points/{found.check_id}", data=sent | {"mark": "fine"}).status_code == 422
    assert client.post(f"{RULE}/points/x", data=sent).status_code == 404
    away = client.post(f"{RULE}/points/{found.check_id}", data=sent | {"mark": "none", "back": "//elsewhere"})
    assert (away.headers["Location"], marks(shop)) == ("/", [])
    (row,) = csv.DictReader(io.StringIO(client.get(f"{RULE}?format=csv").text))
    wanted = {"measured": "90.0", "usual": "15.0", "usual_from": "10.0", "usual_to": "20.0", "mark": ""}
    assert wanted.items() <= row.items()


def test_whoever_may_not_configure_sees_the_marks_without_buttons(client: FlaskClient, shop: Database) -> None:
    found = judged(shop, 90.0, band(10, 20), status="warn")
    keys.register(shop, "operator", "sx_operator", ["read", "trigger"])
    sign_in(client, "sx_operator")
    page = client.get(RULE)
    assert "10 to 20" in page.text
    for text in (page.text, client.get(f"/requests/{found.request_id}").text):
        assert 'name="mark"' not in text
    assert client.post(f"{RULE}/points/{found.check_id}", data={"csrf": token(page), "mark": "exclude"}).status_code == 403
    assert marks(shop) == []


def test_a_point_of_a_window_is_marked_on_the_page_of_its_request(client: FlaskClient, shop: Database) -> None:
    found = judged(shop, 90.0, band(10, 20), status="warn", window=WINDOW)
    narrowed = judged(shop, 90.0, band(10, 20), status="warn", window=WINDOW, rule_ids=["a"])
    sign_in(client)
    assert 'name="mark"' not in client.get(f"/requests/{narrowed.request_id}").text, "it leaves no point"
    page = client.get(f"/requests/{found.request_id}")
    assert page.text.count('name="mark"') == 2
    back = f"/requests/{found.request_id}"
    answer = client.post(f"{RULE}/points/{found.check_id}", data={"csrf": token(page), "mark": "expected", "back": back})
    assert (answer.status_code, answer.headers["Location"]) == (303, back)
    assert marks(shop) == [("expected", "owner", found.check_id)]
    shown = client.get(back).text
    assert 'marked <span class="badge">expected</span> by owner' in shown
    assert 'value="none"' in shown


def test_a_point_of_a_window_that_decides_says_which_window_it_was(client: FlaskClient, shop: Database) -> None:
    rule = {"id": "a", "type": "unusual", "arguments": {"of": "row_count"}}
    apply(shop, table("public.a", rules=[rule], window_column="at", gate={"decided_by": "window"}))
    judged(shop, 90.0, band(10, 20), status="warn", window=WINDOW)
    judged(shop, 90.0, band(10, 20), status="warn", window=WINDOW | {"to": "2026-01-01T06:00:00Z"})
    judged(shop, 15.0, band(10, 20))
    sign_in(client)
    page = client.get(RULE).text
    assert page.count("window from 2026-01-01 to before 2026-01-02<") == 1
    assert page.count("window from 2026-01-01T00:00:00Z to before 2026-01-01T06:00:00Z<") == 1


def test_a_rule_that_learns_says_so_on_its_page_and_its_table_s(client: FlaskClient, shop: Database) -> None:
    judged(shop, 90.0, learning(8))
    sign_in(client)
    for path in (RULE, "/tables/shop/public.a"):
        assert "learning 8 of 20" in client.get(path).text
    judged(shop, 90.0, band(10, None), status="pass")
    for path in (RULE, "/tables/shop/public.a"):
        assert "learning 9 of 20" not in client.get(path).text.partition('<nav class="ranges"')[0]
    assert "from 10" in client.get(RULE).text


def test_points_from_before_an_upgrade_stand_beside_those_with_a_band(client: FlaskClient, shop: Database) -> None:
    judged(shop, 15.0, None)
    judged(shop, 90.0, band(None, 20), status="warn")
    sign_in(client)
    page = client.get(RULE).text
    assert page.count('name="mark"') == 2, "of the one that can be marked"
    assert "up to 20" in page
