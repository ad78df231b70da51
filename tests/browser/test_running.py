"""Checks in a browser: asked for, followed while they run, canceled; and a board that shows by itself what they have found."""

from collections.abc import Callable

from playwright.sync_api import expect

from api.checks import claims, lifecycle
from api.checks.lifecycle import Check
from api.checks.result_parts import CANCELED, undecided
from backend.history import upkeep
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest
from tests.browser.conftest import KEY, Tab
from tests.support.datasets import CATALOGUE, apply, check_now, claimed, now, table

TABLE = "/tables/shop/public.a"


def taken_in(database: Database) -> Check:
    """DataOps has the newest request."""
    with database.transaction() as cursor:
        row = cursor.one("select body from stringx.requests order by created_at desc limit 1")
    assert row is not None
    return lifecycle.accept(database, CATALOGUE, CheckRequest.model_validate(row["body"]), 100).check


def test_a_check_is_followed_on_its_page_and_canceled(shop: Database, tab: Callable[..., Tab]) -> None:
    opened = tab(375)
    opened.sign_in(TABLE)
    running = opened.page.locator("#running")
    opened.page.get_by_role("button", name="Check now").click()
    expect(running).to_contain_text("waits")
    check = taken_in(shop)
    expect(running).to_contain_text("waits, next in the queue of shop")
    opened.page.evaluate("window.stays = 1")
    opened.page.get_by_role("button", name="Cancel").focus()
    taken = claimed(shop)
    assert taken.check_id == check.check_id
    claims.mark_reached(shop, taken)
    expect(running).to_contain_text("reads the data")
    expect(opened.page.get_by_role("progressbar")).to_be_visible()
    expect(opened.page.get_by_role("button", name="Cancel")).to_be_focused()
    assert opened.page.evaluate("window.stays") == 1, "without reload"
    assert opened.faults() == []
    opened.page.keyboard.press("Enter")
    expect(running).to_contain_text("is being canceled")
    ended = taken.result_with(undecided("canceled", CANCELED, now(shop)))
    assert claims.finish(shop, taken, ended, "http://backend")
    tracking.store(shop, taken.request_id, ended)
    expect(running).not_to_contain_text("public.a")
    expect(opened.page.locator("#checks")).to_contain_text("canceled")
    assert opened.errors == []


def test_a_window_is_asked_for_and_a_form_is_never_lost(shop: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    opened.sign_in(TABLE)
    page = opened.page
    page.get_by_text("Check a window of the rows").click()
    page.get_by_label("Column").fill("day")
    page.get_by_label("From").fill("2026-02-01")
    page.get_by_label("To").fill("2026-01-01")
    check_now(shop, {"a": 1}, table="public.a")
    expect(page.locator("#gate")).to_contain_text("closed")
    expect(page.get_by_label("Column")).to_have_value("day")
    page.get_by_label("To").press("Enter")
    expect(page.get_by_text("From: is not before to; no row lies between them")).to_be_visible()
    expect(page.get_by_label("To")).to_have_value("2026-01-01")
    assert opened.faults() == []
    check_now(shop, {"a": 2}, table="public.a")
    expect(page.locator("#gate")).to_contain_text("2 of 10")
    expect(page.get_by_label("From")).to_have_value("2026-02-01")
    with shop.transaction() as cursor:
        cursor.run("update stringx.sessions set expires_at = now()")
    page.get_by_label("To").fill("2026-03-01")
    over = page.get_by_text("Your session is over. What you typed stays")
    expect(over).to_be_visible()
    with shop.transaction() as cursor:  # as after signing in in another tab
        cursor.run("update stringx.sessions set expires_at = now() + interval '1 hour'")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(over).to_be_hidden()
    check_now(shop, {"a": 3}, table="public.a")
    expect(page.locator("#gate")).to_contain_text("3 of 10")
    with shop.transaction() as cursor:
        cursor.run("update stringx.sessions set expires_at = now()")
    expect(over).to_be_visible()
    page.get_by_role("button", name="Check the window").click()
    page.get_by_label("Key").fill(KEY)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("From")).to_have_value("2026-02-01")
    expect(page.get_by_label("To")).to_have_value("2026-03-01")
    expect(page.locator("#running")).not_to_contain_text("public.a")
    page.get_by_role("button", name="Check the window").click()
    expect(page.locator("#running")).to_contain_text("public.a, a window of day: waits")
    errors = [error for error in opened.errors if "422" not in error]  # the refused form, on purpose
    assert errors == []


def test_a_red_row_moves_nothing_that_one_reads(shop: Database, tab: Callable[..., Tab]) -> None:
    apply(shop, *[table(f"public.t{number}", f"r{number}") for number in range(10, 45)])
    upkeep.refresh_states(shop)
    opened = tab()
    opened.sign_in()
    page = opened.page
    read = page.locator("#board tbody tr", has_text="public.t30")
    read.scroll_into_view_if_needed()
    link = read.get_by_role("link", name="public.t30")
    link.focus()
    before = read.bounding_box()
    check_now(shop, {"r44": 1}, table="public.t44")
    expect(page.locator("#counts")).to_contain_text("1 closed")
    expect(page.locator("#board tbody tr").first).to_contain_text("r44: 1 of 10 rows (10.00%) have no r44")
    after = read.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 2
    expect(link).to_be_focused()
    assert opened.errors == []
