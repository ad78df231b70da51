"""A rule that is judged by its own earlier points, in a browser: the band, what was unusual and why, marking a point. No script is
needed for any of it."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from database.pool import Database
from tests.browser.conftest import Tab
from tests.browser.test_waivers import look
from tests.support.datasets import apply, table
from tests.support.grouped import RULES, group, grouped
from tests.support.judged import band, compared, judged, past

RULE = "/tables/shop/public.a/rules/a"


def test_an_unusual_point_is_explained_and_marked(shop: Database, tab: Callable[..., Tab]) -> None:
    apply(shop, table("public.a", rules=[{"id": "a", "type": "unusual", "arguments": {"of": "row_count"}}]))
    before = judged(shop, 1396.0, band(1250, 1550, 1400, season="weekday"))
    past(shop)
    words = "usual on Mondays: 1,250 to 1,550, from 14 earlier Mondays"
    usual = band(1250, 1550, 1400, season="weekday", points=14, words=words, compared_with=compared((before, 1396.0)))
    unusual = judged(shop, 412.0, usual, status="warn")
    opened, plain = tab(375, "dark"), tab(375, "dark", scripts=False)
    opened.sign_in(RULE)
    expect(opened.page.locator("#now")).to_contain_text(f"Why this is unusual: 412 was measured; {words}")
    opened.page.get_by_text("The point that it was compared with").click()
    expect(opened.page.locator(".compared")).to_contain_text("1,396")
    plot = opened.page.locator("svg.plot")
    expect(plot.locator(".band")).to_have_count(2)
    expect(plot.locator(".moved")).to_have_count(1)
    look(opened, "rule-judged")
    opened.page.get_by_role("link", name="public.a").click()
    expect(opened.page.locator("#rules")).to_contain_text(words)
    look(opened, "table-judged")
    opened.open(RULE)
    plain.sign_in(RULE)
    row = plain.page.locator(f"#point-{unusual.check_id}")
    row.get_by_role("button", name="exclude").click()
    expect(row).to_contain_text("by owner")
    expect(row.locator(".badge")).to_have_text("exclude")
    expect(plot.locator(".dot.exclude")).to_have_count(1)  # the other tab renews itself
    expect(opened.page.locator(".shapes")).to_contain_text("marked exclude: not in later bands")
    look(opened, "rule-marked")
    row.get_by_role("button", name="expected").click()
    expect(row.locator(".badge")).to_have_text("expected")
    row.get_by_role("button", name="none").click()
    expect(row.locator(".badge")).to_have_count(0)
    expect(plain.page.locator("svg.plot .dot.exclude, svg.plot .dot.expected")).to_have_count(0)
    assert [*opened.errors, *plain.errors] == []


def test_groups_are_opened_below_their_rule_and_a_request_marks_its_point(shop: Database, tab: Callable[..., Tab]) -> None:
    apply(shop, table("public.a", rules=RULES))
    worst = [group({"shop": f"a shop with a rather long name, number {n}", "day": None}, 9 - n) for n in range(3)]
    found = grouped(shop, [*worst, group({"shop": "b", "day": "2026-11-30"}, 0, "pass", change="new")], 41, 3)
    opened = tab(375)
    opened.sign_in("/tables/shop/public.a")
    opened.page.get_by_text("3 of 41 groups did not pass").click()
    expect(opened.page.locator(".of-groups")).to_contain_text("a shop with a rather long name, number 2, day = NULL")
    look(opened, "table-groups")
    for path, name in (("/tables/shop/public.a/rules/a", "rule-groups"), (f"/requests/{found.request_id}", "request-groups")):
        opened.open(path)
        opened.page.get_by_text("3 of 41 groups did not pass").click()
        look(opened, name)
    apply(shop, table("public.a", rules=[{"id": "a", "type": "unusual", "arguments": {"of": "row_count"}}]))
    unusual = judged(shop, 412.0, band(1250, 1550), status="warn")
    opened.open(f"/requests/{unusual.request_id}")
    opened.page.get_by_role("button", name=re.compile("^expected")).click()
    expect(opened.page.locator("#request-rules")).to_contain_text("marked expected by owner")
    look(opened, "request-marked")
    assert opened.errors == []
