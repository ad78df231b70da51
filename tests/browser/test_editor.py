"""The editor of rules in a real browser: faults while typing, examples, saving, conflicts, and drafts that nothing but saving ends."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from backend.configuration import store
from database import keys
from database.keys import Caller
from database.pool import Database
from stringx_dataops.contract.keys import SCOPES
from tests.browser.conftest import KEY, Tab
from tests.support.datasets import CATALOGUE, table

A = "/configuration/shop/public.a"
HOSTILE = "</textarea><img src=x onerror=document.title=1>{{ 7+7 }}\"'"
HEAD = "apiVersion: stringx/v1\ntarget: shop\ntable: public.a\n"
RULES = "rules:\n  - id: a\n    type: not_null\n    column: a\n"
MINE = RULES + "    severity: warn\n"
RULES_B = "  - id: b\n    type: not_null\n    column: b\n"


def put(database: Database, *rules: str, **changes: object) -> None:
    """Another one saves."""
    another = Caller("ci-bot", frozenset(SCOPES))
    store.put_table(database, CATALOGUE, another, ("shop", "public.a"), table("public.a", *rules, **changes), None)


def test_every_page_is_whole(shop: Database, tab: Callable[..., Tab]) -> None:
    put(shop, "a", "b", owner=HOSTILE, description=HOSTILE)
    opened = tab()
    opened.sign_in()
    for path in (f"{A}/versions?from=1&to=2", "/configuration", "/configuration/shop/public.new", A):
        opened.open(path)
        assert opened.faults_of_views() == [], path
    page = opened.page
    expect(page.locator("#document")).to_have_value(f"{HEAD}description: {HOSTILE}\nowner: {HOSTILE}\n{RULES}{RULES_B}")
    page.locator("#document").fill("rules: [\n")
    expect(page.locator("#faults li")).to_have_count(1)
    assert opened.faults_of_views() == []
    page.locator("#document").fill(RULES)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="What saving would change")).to_be_visible()
    assert opened.faults_of_views() == []
    assert page.locator("main img").count() == 0
    assert page.title() == "Rules of public.a · StringX DataOps"
    assert opened.errors == []


def test_a_fault_shows_at_its_line_while_one_types_and_its_link_leads_there(shop: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    opened.sign_in(A)
    page = opened.page
    text = page.locator("#document")
    text.press("Control+End")
    page.keyboard.type("    colum: b")
    expect(page.locator("#gutter b")).to_have_text("✕ 8")
    expect(page.locator("#faults li")).to_contain_text("unknown field; did you mean column?")
    expect(page.locator("#state")).to_have_text("1 fault, the first in line 8")
    page.get_by_role("link", name="Line 8").click()
    expect(text).to_be_focused()
    assert page.evaluate("getSelection().toString()") == "    colum: b"
    page.keyboard.press("Delete")
    expect(page.locator("#state")).to_have_text("No faults")
    expect(page.locator("#gutter b")).to_have_count(0)
    assert opened.errors == []


def test_an_example_is_found_inserted_and_saved(shop: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    opened.sign_in(A)
    page = opened.page
    page.get_by_label("Find").fill("number of rows lies")
    expect(page.locator(".entry:visible")).to_have_count(1)
    page.locator(".entry:visible summary").click()
    page.get_by_role("button", name="Insert example").click()
    example = "  - id: enough_rows\n    type: row_count\n    arguments: {min: 1000, warn: {min: 10000}}\n"
    expect(page.locator("#document")).to_have_value(HEAD + RULES + example)
    expect(page.locator("#state")).to_have_text("No faults")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice").first).to_have_text("Version 2 is saved. The next check goes by it.")
    page.reload()
    expect(page.locator("#draft")).to_be_hidden()
    page.get_by_role("link", name="Versions").click()
    expect(page.locator("#version-2")).to_contain_text("added enough_rows")
    assert opened.errors == []


def test_a_conflict_shows_both_sides_and_keeps_the_text(shop: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    opened.sign_in(A)
    page = opened.page
    page.locator("#document").fill(RULES + "    severity: warn\n")
    put(shop, "a", "theirs")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice").first).to_contain_text("ci-bot has saved version 2")
    expect(page.get_by_role("region", name="What was changed meanwhile", exact=True)).to_contain_text("Added rule theirs")
    expect(page.get_by_role("region", name="What you changed", exact=True)).to_contain_text("severity: now warn (loosened)")
    expect(page.locator("#document")).to_have_value(RULES + "    severity: warn\n")
    assert opened.faults() == []
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice").first).to_have_text("Version 3 is saved. The next check goes by it.")


def test_a_text_outlives_its_session(shop: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    opened.sign_in(A)
    page = opened.page
    with shop.transaction() as cursor:
        cursor.run("update stringx.sessions set expires_at = now()")
    page.locator("#document").fill(RULES + "    severity: warn\n")
    expect(page.locator("#state")).to_contain_text("Your session is over")
    page.goto(opened.address + A)
    page.get_by_label("Key").fill(KEY)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#document")).to_have_value(RULES + "    severity: warn\n")
    expect(page.locator("#draft")).to_be_visible()
    page.get_by_role("button", name="Discard it").click()
    expect(page.locator("#draft")).to_be_hidden()
    expect(page.locator("#document")).to_have_value(HEAD + RULES)


def test_without_javascript_it_works_too(shop: Database, tab: Callable[..., Tab]) -> None:
    opened = tab(scripts=False)
    opened.sign_in("/tables/shop/public.a")
    page = opened.page
    page.get_by_role("link", name="Edit rules").click()
    page.locator("#document").fill(RULES.replace("not_null", "nonull"))
    page.get_by_role("button", name="Validate").click()
    expect(page.locator("#gutter b")).to_have_text("✕ 3")
    expect(page.locator("#document")).to_have_value(RULES.replace("not_null", "nonull"))
    page.locator("#document").fill(RULES + "    severity: warn\n")
    with shop.transaction() as cursor:
        cursor.run("update stringx.sessions set expires_at = now()")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your text is still here")
    with page.context.expect_page() as second:
        page.get_by_role("link", name="Sign in in a new tab").click()
    second.value.get_by_label("Key").fill(KEY)
    second.value.get_by_role("button", name="Sign in").click()
    second.value.wait_for_url(opened.address + A)
    page.get_by_role("button", name="Send again").click()
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"{opened.address}{A}?saved=2")


def begin(opened: Tab, text: str, path: str = A) -> Page:
    """The editor, with this text typed."""
    opened.sign_in(path)
    opened.page.locator("#document").fill(text)
    return opened.page


def leave_and_come_back(page: Page, path: str = A) -> None:
    """To another page and to the editor again."""
    base = page.url.partition("/configuration")[0]
    page.goto(f"{base}{A}/versions")
    page.goto(base + path)


@pytest.mark.parametrize("button", ["Validate", "Preview"])
def test_a_draft_outlives_what_only_looks_at_it(shop: Database, tab: Callable[..., Tab], button: str) -> None:
    page = begin(tab(), MINE)
    page.get_by_role("button", name=button).click()
    expect(page.locator("form[data-posted]")).to_be_visible()
    leave_and_come_back(page)
    expect(page.locator("#draft")).to_be_visible()
    expect(page.locator("#document")).to_have_value(MINE)


def test_a_draft_outlives_a_save_that_is_refused(shop: Database, tab: Callable[..., Tab]) -> None:
    wrong = MINE + "    colum: b\n"
    page = begin(tab(), wrong)
    save = page.get_by_role("button", name="Save")
    save.click()
    expect(page.locator("form[data-posted] #gutter b")).to_have_count(1)
    leave_and_come_back(page)
    expect(page.locator("#document")).to_have_value(wrong)
    page.locator("#document").fill(MINE)
    put(shop, "a", "theirs")
    save.click()
    expect(page.locator(".notice").first).to_contain_text("ci-bot has saved version 2")
    leave_and_come_back(page)
    expect(page.locator("#document")).to_have_value(MINE)
    save.click()
    expect(page.locator(".notice").first).to_contain_text("Version 3 is saved")


def test_what_is_typed_after_a_save_is_a_new_draft(shop: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    page = begin(opened, MINE)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice").first).to_contain_text("Version 2 is saved")
    page.wait_for_url(opened.address + A)
    page.locator("#document").fill(MINE + RULES_B)
    page.reload()
    expect(page.locator("#document")).to_have_value(MINE + RULES_B)
    page.get_by_role("link", name="Versions").click()
    expect(page.locator("#version-2")).to_be_visible()
    page.go_back()
    expect(page.locator("#document")).to_have_value(MINE + RULES_B)
    opened.open(f"{A}?saved=2")
    expect(page.locator("#document")).to_have_value(MINE + RULES_B)
    assert opened.errors == []


def test_a_draft_of_an_older_version_ends_with_its_save(shop: Database, tab: Callable[..., Tab]) -> None:
    put(shop, "b")
    opened = tab()
    page = begin(opened, MINE, f"{A}?version=1")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice").first).to_contain_text("Version 3 is saved")
    opened.open(f"{A}?version=1")
    expect(page.locator("#document")).to_have_value(HEAD + RULES)
    expect(page.locator("#draft")).to_be_hidden()


def test_a_draft_is_of_one_table_and_one_person(shop: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    page = begin(opened, MINE, "/configuration/shop/public.orders_v")
    opened.open("/configuration/shop/public.orders_v2")
    expect(page.locator("#document")).not_to_have_value(MINE)
    keys.register(shop, "second", "sx_second", SCOPES)
    with shop.transaction() as cursor:
        cursor.run("update stringx.sessions set expires_at = now()")
    page.goto(f"{opened.address}/configuration/shop/public.orders_v")
    page.get_by_label("Key").fill("sx_second")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#editor")).to_be_visible()
    expect(page.locator("#document")).not_to_have_value(MINE)
    page.locator("#document").fill(MINE)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Key")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_signing_in_again_in_another_tab_goes_on_with_the_editor(shop: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    page = begin(opened, MINE)
    with shop.transaction() as cursor:
        cursor.run("update stringx.sessions set expires_at = now()")
    page.locator("#document").fill(RULES)
    expect(page.locator("#state")).to_contain_text("Your session is over")
    second = page.context.new_page()
    second.goto(opened.address)
    sign_in_as(second, KEY)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("#state")).to_have_text("No faults")
    keys.register(shop, "second", "sx_second", SCOPES)
    second.get_by_role("button", name="Sign out").click()
    sign_in_as(second, "sx_second")
    page.locator("#document").fill(MINE)
    expect(page.locator("#state")).to_contain_text("You are signed in as second now. Sign in as owner")
    second.get_by_role("button", name="Sign out").click()
    sign_in_as(second, KEY)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("#state")).to_have_text("No faults")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice").first).to_contain_text("Version 2 is saved")


def sign_in_as(page: Page, key: str) -> None:
    """On the page of the login."""
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_one_validation_at_a_time_and_the_last_text_wins(shop: Database, tab: Callable[..., Tab]) -> None:
    opened = tab()
    opened.sign_in(A)
    page, asked, is_slow = opened.page, list[Route](), [True]

    def answer(route: Route) -> None:
        asked.append(route)
        if not is_slow:
            route.continue_()

    page.route("**/validate", answer)
    text = page.locator("#document")
    for part in ("colum", "colu", "col"):
        text.fill(RULES + f"    {part}: b\n")
        page.wait_for_timeout(1000)  # longer than the pause after which the script asks
    assert len(asked) == 1, "the server goes on with it, whoever waits"
    text.fill(RULES)
    is_slow.clear()
    asked[0].continue_()
    expect(page.locator("#state")).to_have_text("No faults")
    text.fill("rules:\n" + 150 * "  - 1\n")
    expect(page.locator("#state")).to_have_text("150 faults, the first in line 2")
    keys.register(shop, "owner", KEY, ["read"])
    text.fill(MINE)
    expect(page.locator("#state")).to_contain_text("it needs the scope configure")
