"""Waivers in a browser: from a failing rule to a waiver, from there to its end. The pages need no script: they are forms and links."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from database.pool import Database
from tests.browser.conftest import Tab
from tests.support.datasets import apply, check_now, table
from tests.support.waivers import waive


def look(opened: Tab, name: str) -> None:
    """In each view nothing serious by axe, nothing wider than the window; a picture if somebody asks for one."""
    for view in opened.each_view():
        assert opened.faults() == [], (name, view)
        if folder := os.environ.get("STRINGX_TEST_PICTURES"):
            opened.page.screenshot(path=Path(folder) / f"{name}-{view.split()[0]}.png", full_page=True)


def test_a_failing_rule_is_waived_and_the_waiver_ended(shop: Database, tab: Callable[..., Tab]) -> None:
    rules = [
        {"id": "a", "type": "not_null", "column": "a"},
        {"id": "dark", "type": "not_null", "column": "a", "active": "shadow"},
    ]
    apply(shop, table("public.a", rules=rules))
    check_now(shop, {"a": 3, "dark": 3}, table="public.a")
    opened = tab(375, "dark")
    opened.sign_in("/waivers")
    look(opened, "no-waiver")
    opened.open("/tables/shop/public.a")
    expect(opened.page.locator("#rules")).to_contain_text("shadow")
    look(opened, "table-failing")
    opened.page.get_by_role("link", name="Waive… a").click()
    look(opened, "form")
    opened.page.get_by_label("Reason").fill("the loader drops them\nfixed in 4.3 <b>")
    opened.page.get_by_label("At most").fill("200%")
    opened.page.get_by_role("button", name="Waive", exact=True).click()
    expect(opened.page.get_by_role("alert")).to_contain_text("At most: must be a share from 0% to 100%")
    look(opened, "form-refused")
    opened.page.get_by_label("At most").fill("40%")
    opened.page.get_by_role("button", name="Waive", exact=True).click()
    expect(opened.page.locator("#waivers")).to_contain_text("fixed in 4.3 <b>")
    opened.open("/tables/shop/public.a")
    expect(opened.page.locator("#rules")).to_contain_text("waived from the next check on until")
    found = check_now(shop, {"a": 3, "dark": 3}, table="public.a")
    waive(shop, table="public.b", rule="b")
    for path in ("/", "/tables/shop/public.a", "/tables/shop/public.a/rules/a", f"/requests/{found.request_id}", "/waivers"):
        opened.open(path)
        expect(opened.page.locator("main")).to_contain_text(re.compile("waived|Waived|active"))
        look(opened, path.strip("/").replace("/", "-")[:30] or "board")
    opened.page.get_by_role("link", name="End… the waiver of a", exact=True).click()
    look(opened, "waiver")
    opened.page.get_by_role("button", name="End the waiver").click()
    expect(opened.page.locator(".verdict")).to_contain_text("deleted by owner")
    look(opened, "ended")
    opened.open("/tables/shop/public.a")
    expect(opened.page.locator("#gate")).to_contain_text("a: its waiver was deleted by owner: ask for a new check")
    assert [error for error in opened.errors if "422" not in error] == []
