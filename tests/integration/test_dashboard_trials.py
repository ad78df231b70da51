"""Trials of the editor: an unsaved text on the real data, beside what is stored."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from backend.configuration import store
from backend.insights import requests
from backend.requests import tracking
from database.pool import Database
from tests.support.dashboard import opened, sign_in
from tests.support.datasets import check_now, table
from tests.support.editor import A, put, send, text_of
from tests.support.trials import tracked, try_now


@pytest.fixture
def client(shop: Database, internal_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """A browser's view of the Backend, signed in."""
    with opened(shop, internal_url, tmp_path) as client:
        sign_in(client)
        yield client


def test_a_text_is_tried_and_shown_beside_what_is_stored(client: FlaskClient, shop: Database) -> None:
    check_now(shop, {"a": 4}, table="public.a")
    page = client.get(A)
    assert send(client, page, "rules: 3\n", "try").status_code == 200, "faults are shown"
    answer = send(client, page, text_of(page), "try")
    assert answer.status_code == 303
    assert answer.location.startswith(f"{A}/trials/")
    assert "The check is under way" in client.get(answer.location).text
    document = table("public.a", "b") | {"rules": [*table("public.a", "a", "b")["rules"]]}
    try_now(shop, document, {"a": 1, "b": 0}, request_id="tried")
    shown = client.get(f"{A}/trials/tried").text
    rows = [re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", row)).strip() for row in re.findall(r"<tr><td>.*?</tr>", shown, re.DOTALL)]
    assert len(rows) == 2
    assert rows[0].startswith("fail a 1 of 10 rows")
    assert rows[0].endswith("1 of 10 (10%) fail 4 of 10 (40%)")
    assert rows[1].endswith("0 of 10 (0%) new –")
    for path in (f"{A}/trials/none", "/configuration/shop/public.b/trials/tried"):
        assert client.get(path).status_code == 404
    assert len(store.versions(shop, "shop", "public.a")["items"]) == 1


def test_a_trial_of_the_editor_is_a_request_of_the_dashboard(client: FlaskClient, shop: Database) -> None:
    page = client.get(A)
    request_id = send(client, page, text_of(page), "try").location.rpartition("/")[2]
    assert requests.find(shop, request_id).source == "dashboard"


def test_only_stored_are_the_rules_that_the_text_does_not_have(client: FlaskClient, shop: Database) -> None:
    put(shop, "a", "b", "c")
    try_now(shop, table("public.a", "a", "b"), {"a": 1}, request_id="of_one", rule_ids=["a"])
    assert "Only stored: <code>c</code></p>" in client.get(f"{A}/trials/of_one").text
    tracked(shop, table("public.a", "a"), request_id="stopped")
    with shop.transaction() as cursor:
        ended = "status = 'errored', verdict = 'error', reason = 'refused', finished_at = now()"
        cursor.run(f"update stringx.requests set {ended} where request_id = 'stopped'")
    shown = client.get(f"{A}/trials/stopped").text
    assert ("The check is under way" in shown, "Only stored" in shown) == (False, False)


def test_a_measurement_that_may_not_be_seen_is_hidden_in_a_trial_too(client: FlaskClient, shop: Database) -> None:
    result = try_now(shop, table("public.a", "a"), {"a": 1}, request_id="tried")
    tracked(shop, table("public.a", "a"), request_id="measured")
    rule = result.rules[0].model_copy(update={"failures": None, "total": None, "failure_ratio": None, "measured_hidden": True})
    another = {"request_id": "measured", "check_id": str(uuid4()), "rules": [rule]}
    tracking.store(shop, "measured", result.model_copy(update=another))
    assert '<td class="figure">hidden</td>' in client.get(f"{A}/trials/measured").text
