"""The first page of the docs portal as people see it, in both colour schemes and at both widths."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from backend.history import upkeep
from database.pool import Database
from portal import board
from tests.browser.conftest import Tab
from tests.support.datasets import apply, check_now, table
from tests.support.processes import Process, eventually, free_port

HOSTILE = "<img src=x onerror=document.title=1>{{ 7+7 }}\"'"


@pytest.fixture
def address(shop: Database, internal_url: str, tmp_path: Path) -> Iterator[str]:
    """Where the portal serves; a failed of late, and a table has a hostile name."""
    apply(shop, table(f"public.{HOSTILE}", owner=HOSTILE))
    check_now(shop, table="public.b")
    check_now(shop, {"a": 3}, table="public.a")
    while upkeep.refresh_states(shop):
        continue
    board.write(shop, tmp_path / "docs")
    port = free_port()
    environment = {"STRINGX_HOME": str(tmp_path), "STRINGX_DATABASE_URL": internal_url, "DOCS_PORT": str(port)}
    process = Process("docs", "docs", environment, tmp_path / "docs.log")
    process.start()
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: requests.get(f"{url}/healthz", timeout=5).ok, 180, "the portal")
        yield url
    finally:
        process.end()


def test_the_first_page_is_whole_and_begins_with_what_is_closed(tab: Callable[..., Tab]) -> None:
    for width, scheme in ((375, "dark"), (1400, "light")):
        opened = tab(width, scheme)
        opened.open("/")
        expect(opened.page.locator("tbody tr").first).to_contain_text("a: 3 of 10 rows (30.00%) have no a; fails above 0")
        expect(opened.page.get_by_text(f"public.{HOSTILE}")).to_be_visible()
        assert opened.page.locator("main img").count() == 0
        assert opened.page.title() == "1 closed · StringX docs portal"
        assert opened.faults() == [], (width, scheme)
        opened.page.goto(opened.address + "/shop/tables/public.none")
        assert opened.faults() == [], (width, scheme)
        gone = [error for error in opened.errors if "404" not in error]  # the last page is not there, on purpose
        assert gone == []
