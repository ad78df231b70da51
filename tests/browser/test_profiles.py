"""A newcomer's way in a browser: from a table that nobody has configured to its first verdict, measured and checked by real dbt."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from api.checks import lifecycle
from database import keys
from database.pool import Database
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.messages.trials import CheckOrder
from tests.browser.conftest import KEY, Tab
from tests.support.databases import Target
from tests.support.datasets import CATALOGUE
from tests.support.engine import Engine
from tests.support.profiles import Shop, order

ORDERS = """
create table orders (id bigint primary key, code text not null, status text, amount numeric, at timestamptz);
insert into orders select n, 'x' || n, case when n % 3 = 0 then 'paid' else '<b>open</b>' end, n * 1.5, now() - n * interval '1 hour'
from generate_series(1, 60) n;
"""


@pytest.fixture
def shop(database: Database, target: Target, engine: Engine) -> Shop:
    """In place of the shop of other tests here: a target that is there, with a table that nobody has configured."""
    target.execute(ORDERS)
    keys.register(database, "owner", KEY, SCOPES)
    return Shop(database, target, engine)


def look(opened: Tab, name: str) -> None:
    """Nothing serious by axe, nothing wider than the window; a picture if somebody asks for one."""
    assert opened.faults() == [], name
    if folder := os.environ.get("STRINGX_TEST_PICTURES"):
        page = opened.page
        words = f"{name}-{page.viewport_size['width'] if page.viewport_size else 0}.png"
        page.screenshot(path=Path(folder) / words, full_page=True)


def run_newest(shop: Shop) -> None:
    """DataOps takes the newest request, and a worker runs it."""
    with shop.database.transaction() as cursor:
        row = cursor.one("select body from stringx.requests order by created_at desc limit 1")
    assert row is not None
    lifecycle.accept(shop.database, CATALOGUE, CheckOrder.model_validate(row["body"]), 100)
    shop.work()


@pytest.mark.parametrize(("width", "scheme", "scripts"), [(375, "dark", True), (1400, "light", False)])
def test_from_an_unknown_table_to_its_first_verdict_in_four_clicks(
    shop: Shop, tab: Callable[..., Tab], width: int, scheme: str, scripts: bool
) -> None:
    opened = tab(width, scheme, scripts=scripts)
    page, clicks = opened.page, 0

    def click(role: str, name: str) -> None:
        nonlocal clicks
        clicks += 1
        page.get_by_role(role, name=name, exact=True).first.click()  # type: ignore[arg-type]

    def seen(name: str) -> None:
        if scripts:  # axe is a script
            look(opened, name)

    opened.sign_in()
    click("link", "Profile a table")
    seen("profiles")
    page.get_by_label("Table", exact=True).fill("public.orders")
    click("button", "Profile this table")
    expect(page.locator("#running")).to_contain_text("a profile of public.orders")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    seen("profile-running")
    run_newest(shop)
    expect(page.get_by_role("heading", name="Suggested rules")).to_be_visible()
    expect(page.locator(".suggestions")).to_contain_text("pass")
    expect(page.locator(".suggestions input:checked").first).to_be_visible()
    seen("profile")
    click("button", "Preview the rules")
    expect(page.locator("main")).to_contain_text("The table has no document yet")
    expect(page.locator(".diff")).to_contain_text("+")
    seen("profile-preview")
    click("button", "Apply, and check now")
    expect(page.locator("h1")).to_contain_text("public.orders")
    run_newest(shop)
    if not scripts:
        page.reload()
    expect(page.locator("#gate")).to_contain_text("open")
    seen("profile-applied")
    assert clicks == 4
    assert opened.errors == []


def test_ticks_values_and_two_profiles_by_keyboard(shop: Shop, tab: Callable[..., Tab]) -> None:
    before = shop.view(shop.run(order("public.orders")).request_id)
    shop.target.execute("update orders set status = null where id <= 30")
    found = shop.view(shop.run(order("public.orders")).request_id)
    opened = tab()
    page = opened.page
    opened.sign_in(f"/profiles/{found.profile_id}")
    boxes, ticked = page.locator(".suggestions input"), page.locator(".suggestions input:checked")
    number = boxes.count()
    page.get_by_role("link", name="None", exact=True).press("Enter")
    expect(ticked).to_have_count(0)
    page.get_by_role("link", name="All", exact=True).press("Enter")
    expect(ticked).to_have_count(number)
    page.get_by_role("link", name="None", exact=True).press("Enter")
    expect(ticked).to_have_count(0)
    boxes.first.press("Space")
    page.get_by_role("button", name="Preview the rules").press("Enter")
    expect(page.locator("h1")).to_contain_text("1 rule for public.orders")
    page.get_by_role("button", name="Edit it first").press("Enter")
    expect(page.locator("#document")).to_contain_text("public.orders")
    expect(page.locator("#faults")).to_contain_text("No faults")

    opened.open(f"/profiles/{found.profile_id}")
    page.get_by_label("Compare with the profile").select_option(before.profile_id)
    page.get_by_role("button", name="Compare").press("Enter")
    row = page.locator("#differences tr", has_text="status").filter(has_text="NULL")
    expect(row.first).to_contain_text("more")
    look(opened, "profile-compared")
    page.get_by_label("show values of status").press("Space")
    page.get_by_role("button", name="Measure again, with the values of these columns").press("Enter")
    expect(page.locator("#running")).to_contain_text("a profile of public.orders")
    run_newest(shop)
    expect(page.locator(".tops")).to_contain_text("<b>open</b>")
    look(opened, "profile-values")
    assert opened.errors == []
