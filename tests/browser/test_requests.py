"""Requests in a browser: the list by its filters, one request until its end, samples as text."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from api.checks import claims, lifecycle
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult, Sample
from tests.browser.conftest import Tab
from tests.support.datasets import CATALOGUE, claimed, result
from tests.support.history import with_rule

HOSTILE = "<img src=x onerror=document.title=1>{{ 7+7 }}\"'"
ASKED = CheckRequest.model_validate({"target": "shop", "table": "public.a", "request_id": "r"})


def ask(database: Database) -> None:
    tracking.accept(database, CATALOGUE, ASKED, "cli", "s", "loader")
    lifecycle.accept(database, CATALOGUE, ASKED, 100, "loader")


def end(database: Database) -> None:
    """With a failing rule, and a sample that is wider than any window."""
    check = claimed(database)
    rows = [[HOSTILE, "x" * 100, None, *range(30)], ["=1+1", "y" * 5000, "", *range(30)]]
    sample = Sample(columns=["id", HOSTILE, *(f"column_{number}" for number in range(31))], rows=rows)
    found = with_rule(result(database, check, a=3), sample=sample)
    assert claims.finish(database, check, found, "http://backend")
    tracking.store(database, "r", CheckResult.model_validate(found.as_json()))


def test_pages_of_requests_are_whole(shop: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    opened.sign_in("/requests")
    assert opened.faults_of_views() == []
    ask(shop)
    for path in ("/requests/r", "/requests", "/requests?target=No+Target", "/requests?requested_by=nobody"):
        opened.page.goto(opened.address + path)
        assert opened.faults_of_views() == [], path
    end(shop)
    for path in ("/requests/r", "/tables/shop/public.a"):
        opened.open(path)
        assert opened.faults_of_views() == [], path
        expect(opened.page.locator("table.sample")).to_contain_text("{{ 7+7 }}")
        expect(opened.page.locator("img")).to_have_count(0)


def test_filters_are_a_form_and_a_request_is_followed_to_its_end(shop: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    ask(shop)
    opened.sign_in("/requests")
    opened.page.get_by_label("Asked by").fill("loader")
    opened.page.get_by_text("More filters").click()
    opened.page.get_by_label("Via").select_option("cli")
    opened.page.get_by_role("button", name="Filter").click()
    expect(opened.page).to_have_url(re.compile("requested_by=loader&.*source=cli"))
    expect(opened.page.get_by_label("Asked by")).to_have_value("loader")
    opened.page.get_by_role("link", name="r", exact=True).click()
    expect(opened.page.locator(".story")).to_contain_text("it waits for its turn")
    end(shop)
    expect(opened.page.locator(".story")).to_contain_text("succeeded; verdict fail")
    expect(opened.page.locator("#request-rules")).to_contain_text("3 of 10 rows (30.00%) have no a")
    opened.page.get_by_role("button", name="Copy").click()
    expect(opened.page.get_by_role("button", name=re.compile("Copied|Selected"))).to_be_visible()
    expect(opened.page.locator("button.copy")).to_have_count(1)
    assert opened.errors == []
