"""The front page begins with the board: the present states as the Backend has stored them, as of when they were read."""

import json
import re
import time
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from backend.app import create_app as create_backend
from backend.history import upkeep
from database import keys
from database.pool import Database
from portal import board
from portal.app import create_app
from stringx_dataops.contract.settings import Settings, read_settings
from stringx_dataops.contract.signatures import new_secret
from tests.support.datasets import TARGET, apply, check_now, dataset, table
from tests.support.portal import get

HOSTILE = "<img src=x onerror=alert(1)>{{ 7+7 }}\"'"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"STRINGX_HOME": str(tmp_path), "ALLOWED_HOSTS": "portal.example.org"})


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.home / "docs"


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    return create_app(settings).test_client()


@pytest.fixture
def shop(database: Database) -> Database:
    """a failed and b passed; c and the dataset were never checked."""
    apply(database, TARGET, table("public.a", "a", owner="ann"), table("public.b", "b"), table("public.c", "c"), dataset())
    check_now(database, {"a": 3}, table="public.a")
    check_now(database, table="public.b")
    while upkeep.refresh_states(database):
        continue
    return database


def test_it_shows_what_is_closed_first_since_when_and_why(shop: Database, folder: Path, client: FlaskClient) -> None:
    board.write(shop, folder)
    page = get(client, "/").text
    counts = re.findall(r"<b>(\d+)</b> <span class=\"status (\w+)\">", page)
    assert counts == [("1", "closed"), ("0", "stale"), ("1", "never_checked"), ("1", "open")]
    places = [page.index(name) for name in ("public.a", "public.c", "public.b", "Datasets", "sales", "Docs of each target")]
    assert places == sorted(places)
    first = page[places[0] : places[1]]
    assert "a: 3 of 10 rows (30.00%) have no a; fails above 0" in first
    assert re.search(r'data-label="since">20\d\d-\d\d-\d\d \d\d:\d\d UTC<', first)
    assert "last 1 checks, the newest on the right: 1 fail" in first
    assert "dataops gate TARGET TABLE" in page
    policy = get(client, "/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src" not in policy


def test_a_board_that_nobody_renews_says_so(shop: Database, folder: Path, client: FlaskClient) -> None:
    board.write(shop, folder)
    assert "Nothing has renewed this board" not in get(client, "/").text
    file = folder / ".board.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"at": time.time() - 61}))
    assert "Nothing has renewed this board" in get(client, "/").text
    file.write_text("{}")
    assert "The board is not made yet" in get(client, "/").text


def test_what_nobody_looks_at_any_more_is_not_shown_as_open(shop: Database) -> None:
    with shop.transaction() as cursor:
        cursor.run("update stringx.states set refresh_at = clock_timestamp() - interval '2 minutes'")
    found = board.read(shop)
    assert found.counts["table"] == {"closed": 1, "stale": 1, "never_checked": 1, "open": 0}
    stale = next(row for row in found.rows["table"] if row.name == "public.b")
    assert (stale.state, stale.why.startswith("nobody has looked at it")) == ("stale", True)


def test_of_many_it_shows_those_that_need_somebody(
    shop: Database, folder: Path, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "MOST", 2)
    board.write(shop, folder)
    page = get(client, "/").text
    assert "public.b" not in page
    assert "and 1 more tables" in page


def test_names_and_reasons_are_text(shop: Database, folder: Path, client: FlaskClient) -> None:
    apply(shop, table(f"public.{HOSTILE}", owner=HOSTILE))
    board.write(shop, folder)
    page = get(client, "/").text
    assert "<img" not in page
    assert "{{ 7+7 }}" in page


def test_links_to_the_dashboard_lead_where_the_reader_is(shop: Database, settings: Settings, folder: Path) -> None:
    board.write(shop, folder)
    variables = {"STRINGX_HOME": str(settings.home), "ALLOWED_HOSTS": "portal.example.org"}

    def linked(host: str, **more: str) -> str | None:
        page = create_app(read_settings(variables | more)).test_client().get("/", headers={"Host": host}).text
        found = re.search(r'href="([^"]*)/tables/shop/public.a"', page)
        return found[1] if found else None

    assert linked("127.0.0.1:8001", BACKEND_PORT="7") == "http://127.0.0.1:7"
    assert linked("portal.example.org") is None, "127.0.0.1 is another machine there"
    assert linked("127.0.0.1:8001", BACKEND_URL="http://backend:5002") is None, "only services know this name"
    assert linked("portal.example.org", PUBLIC_URL="https://checks.example.org") == "https://checks.example.org"


def test_the_dashboard_links_to_the_docs_where_the_reader_reaches_them(shop: Database, internal_url: str, tmp_path: Path) -> None:
    (tmp_path / "service-key").write_text("key")
    (tmp_path / "signing-secret").write_text(new_secret())
    keys.register(shop, "reader", "sx_reader", ["read"])
    variables = {"STRINGX_HOME": str(tmp_path), "STRINGX_DATABASE_URL": internal_url, "ALLOWED_HOSTS": "checks.example.org"}

    def linked(host: str, **more: str) -> str | None:
        with create_backend(read_settings(variables | more)).test_client() as client:
            headers = {"Host": host}
            token = re.search(r'name="csrf" value="([^"]+)"', client.get("/login", headers=headers).text)
            assert token
            client.post("/login", data={"csrf": token[1], "key": "sx_reader"}, headers=headers)
            page = client.get("/tables/shop/public.a", headers=headers)
        assert page.status_code == 200
        found = re.search(r'href="([^"]+)"[^>]*>Columns and description in the dbt docs', page.text)
        return found[1] if found else None

    assert linked("localhost", DOCS_URL="http://127.0.0.1:8001") == "http://127.0.0.1:8001/shop/tables/public.a"
    assert linked("checks.example.org", DOCS_URL="http://127.0.0.1:8001") is None
    assert linked("checks.example.org", DOCS_URL="https://docs.example.org") == "https://docs.example.org/shop/tables/public.a"
    assert linked("localhost") is None


def test_empty_pages_say_how_to_begin(database: Database, folder: Path, client: FlaskClient) -> None:
    board.write(database, folder)
    page = get(client, "/").text
    assert "No table is configured yet" in page
    assert "dataops rules apply shop.yml" in page
