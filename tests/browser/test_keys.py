"""Keys and the audit log in a real browser: a key is made, copied, rotated and revoked; whoever comes from an OpenID provider."""

from collections.abc import Callable

import requests
from playwright.sync_api import expect

from tests.browser.conftest import Tab

OpenTab = Callable[..., Tab]


def opens(address: str, key: str) -> int:
    return requests.get(f"{address}/api/v1/requests", headers={"Authorization": f"Bearer {key}"}, timeout=60).status_code


def test_a_key_from_its_form_to_its_end(tab: OpenTab) -> None:
    seen = tab(375, "dark")
    seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    seen.sign_in("/keys")
    seen.page.get_by_role("link", name="New key").click()
    seen.page.get_by_label("Name").fill("airflow")
    seen.page.get_by_label("trigger").check()
    seen.page.get_by_label("Only these").check()
    seen.page.get_by_role("button", name="Make the key").click()
    expect(seen.page.get_by_role("alert")).to_have_text("Targets are to be chosen; choose at least one, or all targets")
    expect(seen.page.get_by_label("trigger")).to_be_checked()
    assert seen.faults() == []
    seen.page.get_by_label("shop").check()
    seen.page.get_by_role("button", name="Make the key").click()
    expect(seen.page.get_by_role("heading", name="airflow was made")).to_be_visible()
    key = seen.page.get_by_label("The key").inner_text()
    assert opens(seen.address, key) == 200
    assert seen.faults() == []
    seen.page.get_by_role("button", name="Copy").click()
    expect(seen.page.get_by_role("button", name="Copied")).to_be_visible()
    assert seen.page.evaluate("navigator.clipboard.readText()") == key

    seen.page.get_by_role("link", name="To the keys").click()
    seen.page.get_by_role("link", name="Rotate airflow").click()
    seen.page.get_by_role("button", name="Rotate the key").click()
    expect(seen.page.get_by_role("heading", name="airflow was rotated")).to_be_visible()
    second = seen.page.get_by_label("The key").inner_text()
    assert [opens(seen.address, each) for each in (key, second)] == [200, 200]

    seen.page.get_by_role("link", name="To the keys").click()
    seen.page.get_by_role("link", name="Revoke airflow").click()
    assert seen.faults() == []
    seen.page.get_by_role("button", name="Revoke the key").click()
    expect(seen.page.locator("#key-airflow")).to_contain_text("revoked")
    assert [opens(seen.address, each) for each in (key, second)] == [401, 401]
    assert seen.faults() == []

    wide = tab(1400)
    wide.sign_in("/audit")
    expect(wide.page.get_by_role("table").get_by_text("key.revoked")).to_be_visible()
    assert wide.faults() == []
    wide.page.get_by_role("link", name="All that was done to key:airflow").first.click()
    expect(wide.page.get_by_role("row")).to_have_count(4)
    assert [error for error in (*seen.errors, *wide.errors) if "422" not in error] == []
