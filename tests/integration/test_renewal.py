"""Pages renew themselves: what may change stands in parts that are renewed, and a page without news is not sent again."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.dashboard.routes import rules
from backend.history import upkeep
from database.pool import Database
from tests.support.dashboard import opened, sign_in
from tests.support.datasets import apply, check_now, table
from web.look import formats

SCRIPT = {"X-Renewal": "1"}  # the header of the script that renews a page
TABLE = "/tables/shop/public.a"
_EMPTY = {"br", "hr", "img", "input", "link", "meta"}


class Page(HTMLParser):
    """`parts`: the ids of what renews itself. `rest`: what stays as it was when the page was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.parts: list[str | None] = []
        self.rest: list[str] = []
        self._inside = 0  # how deep in a part, or in the title, which is taken over too
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "data-live" in given:
            self.parts.append(given["id"])
        if self._inside or "data-live" in given or tag == "title":
            self._inside += tag not in _EMPTY
        else:
            self.rest.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = max(0, self._inside - 1)

    def handle_data(self, data: str) -> None:
        if not self._inside and data.strip():
            self.rest.append(data)


@pytest.fixture
def client(shop: Database, internal_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """A browser's view of the Backend, signed in."""
    with opened(shop, internal_url, tmp_path) as client:
        sign_in(client)
        yield client


def checked(shop: Database) -> None:
    check_now(shop, table="public.a")


def changed(shop: Database) -> None:
    apply(shop, table("public.a", "a", "another"))


def recorded(shop: Database) -> None:
    for _ in range(30):
        check_now(shop, {"a": 1}, table="public.a")


@pytest.mark.parametrize("change", [checked, changed, recorded])
def test_all_that_changes_on_an_open_page_is_renewed(
    client: FlaskClient, shop: Database, change: Callable[[Database], None]
) -> None:
    check_now(shop, {"a": 3}, table="public.a")
    check_now(shop, {"a": 3}, dataset="sales")
    paths = ("/", TABLE, f"{TABLE}/rules/a", "/datasets/sales", "/requests")
    upkeep.refresh_states(shop)
    before = {path: Page(client.get(path).text) for path in paths}
    change(shop)
    upkeep.refresh_states(shop)
    for path in paths:
        after = Page(client.get(path).text)
        if after.parts == before[path].parts:  # else the script takes over the whole page
            assert after.rest == before[path].rest, path


def test_a_page_of_a_rule_stays_the_same_while_there_is_no_new_point(
    client: FlaskClient, shop: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_now(shop, table="public.a")
    path = f"{TABLE}/rules/a?range=24h"
    minute = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=2)

    def answered(second: int, known: str = "") -> TestResponse:
        clock = type("Clock", (datetime,), {"now": lambda _: minute + timedelta(seconds=second)})
        monkeypatch.setattr(rules, "datetime", clock)
        return client.get(path, headers=SCRIPT | {"If-None-Match": known})

    known = answered(5).headers["ETag"]
    assert answered(40, known).status_code == 304
    check_now(shop, {"a": 1}, table="public.a")
    assert "<dt>Last</dt><dd>1 of 10" in answered(50, known).text


def test_a_page_is_rendered_anew_for_people_and_for_the_script_if_what_it_shows_has_changed(
    client: FlaskClient, shop: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_now(shop, table="public.a")
    for path in ("/", "/tables/shop/public.a", "/requests"):
        known = {"If-None-Match": client.get(path).headers["ETag"]}
        with monkeypatch.context() as patch:
            patch.setattr(formats, "ago", lambda *_: "later")
            same = client.get(path, headers=known | SCRIPT)
            assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", known["If-None-Match"])
            loaded = client.get(path, headers=known)
            assert (loaded.status_code, ">later<" in loaded.text) == (200, True)
        check_now(shop, {"a": 1}, table="public.a")
        changed = client.get(path, headers=known | SCRIPT)
        assert changed.status_code == 200
        assert changed.headers["ETag"] != known["If-None-Match"]
        assert client.get(path, headers=SCRIPT | {"If-None-Match": changed.headers["ETag"]}).status_code == 304
