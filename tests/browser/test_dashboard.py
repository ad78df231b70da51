"""The dashboard as people see it: every page in both colour schemes and at both widths, by keyboard, without JavaScript, live."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from backend.history import upkeep
from database.pool import Database
from tests.browser.conftest import KEY, Tab
from tests.support.datasets import apply, check_now, table

HOSTILE = "<img src=x onerror=document.title=1>{{ 7+7 }}\"'"
PAGES = (
    "/", "/?kind=dataset", "/?q=none", "/tables/shop/public.a", "/tables/shop/public.c", "/tables/shop/public.a/rules/a",
    "/tables/shop/public.a/rules/a?range=1y", "/datasets/sales", "/requests", "/tables/shop/public.none",
)  # fmt: skip


@pytest.fixture
def checked(shop: Database) -> Database:
    """With some history: a failed of late, b never."""
    for failures in (0, 0, 3):
        check_now(shop, {"a": failures}, table="public.a")
    check_now(shop, {"a": 1}, dataset="sales")
    upkeep.refresh_states(shop)
    return shop


def test_every_page_is_whole(checked: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    opened.page.goto(opened.address + "/login")
    assert opened.faults_of_views() == []
    opened.sign_in()
    with checked.transaction() as cursor:
        row = cursor.one("select request_id from stringx.requests order by created_at desc limit 1")
    assert row is not None
    for path in (*PAGES, f"/requests/{row['request_id']}"):
        opened.page.goto(opened.address + path)
        assert opened.faults_of_views() == [], path
    gone = [error for error in opened.errors if "404" not in error]  # the last page is not there, on purpose
    assert gone == []


def test_it_answers_what_is_closed_since_when_and_why(checked: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    opened.sign_in()
    first = opened.page.locator("#board tbody tr").first
    expect(first).to_contain_text("closed")
    expect(first).to_contain_text("public.a")
    expect(first).to_contain_text("a: 1 of 10 rows (10.00%) have no a; fails above 0")
    first.get_by_role("link", name="public.a", exact=True).click()
    expect(opened.page.get_by_role("heading", level=1)).to_have_text("public.a")
    opened.page.locator("#rules").get_by_role("link", name="a", exact=True).click()
    expect(opened.page.locator("svg.plot title").first).to_have_text("a: share of failures")
    expect(opened.page.locator("main table tbody tr")).to_have_count(4)


def test_a_page_shows_by_itself_what_has_changed(checked: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    opened.sign_in()
    row = opened.page.locator("#board tbody tr", has_text="public.b")
    expect(row).to_contain_text("open")
    check_now(checked, {"b": 2}, table="public.b")
    expect(row).to_contain_text("closed")
    expect(row).to_contain_text("b: 2 of 10 rows (20.00%) have no b; fails above 0")
    assert opened.errors == []


def test_a_page_of_a_list_renews_itself_as_that_page(shop: Database, tab: Callable[..., Tab]) -> None:
    rules = [{"id": f"r{number:02}", "type": "not_null", "column": "a"} for number in range(60)]
    apply(shop, {**table("public.a"), "rules": rules})
    check_now(shop, table="public.a")
    opened = tab()
    opened.sign_in()
    opened.open("/tables/shop/public.a?rules=2")
    rows = opened.page.locator("#rules tbody tr")
    expect(rows).to_have_count(10)
    check_now(shop, table="public.a")
    expect(opened.page.locator("#checks tbody tr")).to_have_count(2)
    expect(rows).to_have_count(10)
    expect(rows.first).to_contain_text("r50")
    assert opened.errors == []


def test_what_is_typed_stays_while_the_page_renews_itself(checked: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    opened.sign_in()
    opened.page.get_by_label("Name").fill("half a na")
    check_now(checked, {"b": 2}, table="public.b")
    expect(opened.page.locator("#board tbody tr", has_text="public.b")).to_contain_text("closed")
    expect(opened.page.get_by_label("Name")).to_have_value("half a na")


def test_without_javascript_everything_works(checked: Database, tab: Callable[..., Tab]) -> None:
    opened = tab(scripts=False)
    opened.sign_in("/tables/shop/public.a")
    expect(opened.page.locator("#gate")).to_contain_text("closed")
    opened.page.get_by_role("button", name="Check now").click()
    expect(opened.page.locator("#gate")).to_contain_text("a check is under way")
    opened.page.get_by_role("link", name="Board", exact=True).first.click()
    opened.page.get_by_label("Gate").select_option("closed")
    opened.page.get_by_role("button", name="Filter").click()
    expect(opened.page.locator("#board tbody tr")).to_have_count(2)
    opened.page.get_by_role("button", name="Sign out").click()
    expect(opened.page.get_by_role("button", name="Sign in")).to_be_visible()


def test_the_keyboard_is_enough(checked: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    opened.page.goto(opened.address + "/")
    opened.page.keyboard.type(KEY)
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_url(opened.address + "/")
    opened.page.keyboard.press("Tab")
    expect(opened.page.get_by_role("link", name="Skip to content")).to_be_focused()
    for _ in range(30):
        opened.page.keyboard.press("Tab")
        if opened.page.evaluate("document.activeElement.textContent") == "public.a":
            break
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_url(opened.address + "/tables/shop/public.a")


def test_hostile_names_are_text(shop: Database, tab: Callable[..., Tab]) -> None:
    rule = {"id": "a", "type": "not_null", "column": "a", "description": HOSTILE}
    apply(shop, {**table(f"public.{HOSTILE}", owner=HOSTILE), "rules": [rule]})
    opened = tab()
    opened.sign_in()
    opened.page.get_by_role("link", name=HOSTILE).click()
    expect(opened.page.get_by_role("heading", level=1)).to_have_text(f"public.{HOSTILE}")
    expect(opened.page.locator("#rules")).to_contain_text(HOSTILE)
    assert opened.page.locator("main img").count() == 0
    assert opened.page.title() != "1"
    assert opened.errors == []
