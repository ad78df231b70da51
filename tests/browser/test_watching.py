"""Incidents, schedules, channels and badges in a browser, with and without JavaScript."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from backend.configuration import watch_store
from backend.incidents import store
from database.pool import Database
from tests.browser.conftest import Tab
from tests.support.datasets import ME, apply, check_now, table

EXPECTED = {"time": "06:30", "timezone": "Europe/Berlin", "grace": "30m"}


def look(opened: Tab, name: str) -> None:
    """Nothing serious by axe, nothing wider than the window; a picture if somebody asks for one."""
    assert opened.faults() == [], name
    if folder := os.environ.get("STRINGX_TEST_PICTURES"):
        width = opened.page.viewport_size["width"] if opened.page.viewport_size else 0
        opened.page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)


def closed(shop: Database) -> str:
    """The incident of public.a, whose name is as long as names get."""
    apply(shop, table("public.a", "a", owner="data-platform", expected_by=EXPECTED))
    check_now(shop, {"a": 3}, table="public.a")
    return str(store.page(shop, {"table": "public.a"})["items"][0]["id"])


def test_an_incident_is_acknowledged_without_javascript_on_a_phone(shop: Database, tab: Callable[..., Tab]) -> None:
    incident = closed(shop)
    opened = tab(375, "dark", scripts=False)
    opened.sign_in("/incidents")
    page = opened.page
    page.get_by_role("button", name="Acknowledge the incident of public.a").click()
    expect(page.locator("#incidents")).to_contain_text("by owner")
    page.get_by_role("link", name="public.a", exact=True).click()
    page.get_by_text("Change the acknowledgement").click()
    page.get_by_label("Until").fill("soon")
    page.get_by_label("Note", exact=True).fill("the loader <b>drops</b> them")
    page.get_by_role("button", name="Replace it").click()
    expect(page.get_by_role("alert")).to_contain_text("Until: is no time")
    expect(page.get_by_label("Note", exact=True)).to_have_value("the loader <b>drops</b> them")
    page.get_by_label("Until").fill("8h")
    page.get_by_role("button", name="Replace it").click()
    expect(page.locator("#story")).to_contain_text("the loader <b>drops</b> them")
    page.get_by_label("Add a note").fill("mended")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator("#story")).to_contain_text("mended")
    assert page.url.endswith(f"/incidents/{incident}")


def test_every_page_is_in_order_in_both_widths(shop: Database, tab: Callable[..., Tab]) -> None:
    incident = closed(shop)
    nightly = {"target": "shop", "tables": ["public.*"], "cron": "0 6 * * *", "timezone": "Europe/Berlin"}
    watch_store.put(shop, ME, "Schedule", "nightly", nightly, None)
    watch_store.put(shop, ME, "Channel", "team", {"type": "webhook", "url_env": "NOTIFY_TEAM", "digest": "weekly"}, None)
    watch_store.put(shop, ME, "Route", "everything", {"channel": "team", "tags": ["core"]}, None)
    pages = [
        f"/incidents/{incident}", "/schedules/nightly", "/channels", "/tables/shop/public.a", "/new/route",  # both widths
        "/incidents", "/incidents/summary", "/schedules", "/schedules/nightly/edit/versions", "/channels/team", "/notifications",
    ]  # fmt: skip
    for width, scheme, paths in ((375, "dark", pages), (1400, "light", pages[:5])):
        opened = tab(width, scheme)
        opened.sign_in("/routes/everything")
        for path in paths:
            opened.open(path)
            look(opened, path.strip("/").replace("/", "-")[:24])
        assert opened.errors == []


def test_a_document_is_validated_while_one_types_and_saved_by_keyboard(shop: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    opened.sign_in("/new/schedule")
    page = opened.page
    text = page.get_by_label("Document, in YAML")
    text.fill('name: hourly\ntarget: shop\ntables: ["public.*"]\ncron: "0 6 30 2 *"\n')
    expect(page.locator("#faults")).to_contain_text("/cron")
    text.fill('name: hourly\ntarget: shop\ntables: ["public.*"]\ncron: "30 * * * *"\n')
    expect(page.locator("#faults")).to_contain_text("No faults")
    tab_to(page, "Save")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/schedules/hourly"))
    expect(page.locator("#next li")).to_have_count(5)
    tab_to(page, "Pause")
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_contain_text("paused")
    assert opened.errors == []


def tab_to(page: Page, name: str) -> None:
    """Press the tabulator until the button has the focus."""
    button = page.get_by_role("button", name=name, exact=True)
    for _ in range(60):
        if button.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached")
