"""The dashboard: signing in, what each page shows of the insights, and what nobody may do with it."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from backend.app import create_app
from backend.history import upkeep
from database import keys
from database.pool import Database
from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.signatures import new_secret
from tests.support.dashboard import opened, sign_in, token
from tests.support.datasets import apply, break_now, check_now, table
from tests.support.trials import tracked, try_now

HOSTILE = "<img src=x onerror=alert(1)>{{ 7+7 }}\"'"


@pytest.fixture
def client(shop: Database, internal_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """A browser's view of the Backend; DataOps is not there."""
    with opened(shop, internal_url, tmp_path) as client:
        yield client


def test_without_a_session_every_page_leads_to_the_login_and_back(client: FlaskClient) -> None:
    for page in ("/", "/requests", "/tables/shop/public.a", "/tables/shop/public.a/rules/a?range=1y", "/datasets/sales"):
        answer = client.get(page)
        assert answer.status_code == 303
        assert answer.location.startswith("/login?next=")
    answer = sign_in(client, after="/tables/shop/public.a/rules/a?range=1y")
    assert (answer.status_code, answer.location) == (303, "/tables/shop/public.a/rules/a?range=1y")
    assert client.get("/").status_code == 200


def test_a_login_repeats_no_parameter_that_no_page_has(client: FlaskClient) -> None:
    answer = client.get("/tables/shop/public.a%2Fb%3F%23/rules/a?range=1y&key=sx_secret&sx_other=1")
    assert answer.location == "/login?next=/tables/shop/public.a%252Fb%253F%2523/rules/a?range%3D1y"
    assert sign_in(client, after="/tables/shop/public.a%2Fb").location == "/tables/shop/public.a%2Fb"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://example.com/", "//example.com/", "//[", "/\\example.com", "javascript:alert(1)", "/login", "/a\nb", "example.com"],
)
def test_a_login_leads_nowhere_else(client: FlaskClient, elsewhere: str) -> None:
    assert sign_in(client, after=elsewhere).location == "/"


def test_the_cookie_is_for_this_site_and_no_script(client: FlaskClient) -> None:
    cookie = next(value for value in sign_in(client).headers.getlist("Set-Cookie") if value.startswith("stringx_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Max-Age=43200" in cookie
    policy = client.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy


def test_a_wrong_key_is_said_and_after_five_the_address_has_to_wait(client: FlaskClient, shop: Database) -> None:
    for _ in range(5):
        answer = sign_in(client, "sx_wrong")
        assert (answer.status_code, "the key is not known" in answer.text) == (401, True)
    answer = sign_in(client, "sx_wrong")
    assert (answer.status_code, "too many wrong keys" in answer.text) == (429, True)
    with shop.transaction() as cursor:
        cursor.run("update stringx.login_failures set last_at = now() - interval '10 minutes'")
    assert sign_in(client, "sx_wrong").status_code == 401
    assert sign_in(client, "sx_wrong").status_code == 429
    assert sign_in(client).status_code == 303, "a right key never waits: nobody locks others out"
    with shop.transaction() as cursor:
        assert cursor.all("select * from stringx.login_failures") == []


@pytest.mark.parametrize("trusted", [True, False])
def test_behind_a_trusted_proxy_each_client_has_its_own_wait(
    shop: Database, internal_url: str, tmp_path: Path, trusted: bool
) -> None:
    (tmp_path / "service-key").write_text("key")
    (tmp_path / "signing-secret").write_text(new_secret())
    environment = {"STRINGX_HOME": str(tmp_path), "STRINGX_DATABASE_URL": internal_url}
    app = create_app(read_settings(environment | ({"TRUSTED_PROXIES": "127.0.0.0/8"} if trusted else {})))

    def answered(forwarded: str) -> int:
        with app.test_client() as client:
            form = {"csrf": token(client.get("/login")), "key": "sx_wrong"}
            return client.post("/login", data=form, headers={"X-Forwarded-For": forwarded}).status_code

    assert [answered(f"198.51.100.{number}, 203.0.113.1") for number in range(6)] == [401] * 5 + [429]
    assert answered("203.0.113.2") == (401 if trusted else 429)


def test_a_key_that_may_not_read_cannot_sign_in(client: FlaskClient) -> None:
    assert sign_in(client, "sx_poster").status_code == 403
    assert client.get("/").status_code == 303


def test_a_login_without_its_own_page_is_refused(client: FlaskClient) -> None:
    assert client.post("/login", data={"key": "sx_owner", "csrf": ""}).status_code == 403
    assert client.post("/login", data={"key": "sx_owner", "csrf": "-"}).status_code == 403
    client.get("/login")
    assert client.post("/login", data={"key": "sx_owner", "csrf": "another"}).status_code == 403
    form = {"key": "sx_owner", "csrf": token(client.get("/login"))}
    assert client.post("/login", data=form, headers={"Origin": "https://example.com"}).status_code == 403
    assert client.post("/login", data=form | {"more": "x" * 20_000}).status_code == 413
    assert client.post("/login", data=form, content_type="multipart/form-data").status_code == 413
    assert client.post("/login", data=form, headers={"Origin": "http://localhost"}).status_code == 303


def test_a_session_ends_with_its_key_and_with_signing_out(client: FlaskClient, shop: Database) -> None:
    sign_in(client)
    page = client.get("/")
    assert client.post("/logout", data={"csrf": "another"}).status_code == 403
    assert client.post("/logout", data={"csrf": token(page)}).location == "/login"
    assert client.get("/").status_code == 303
    sign_in(client)
    with shop.transaction() as cursor:
        cursor.run("update stringx.api_keys set revoked_at = now() where name = 'owner'")
    assert client.get("/").status_code == 303
    sign_in(client, "sx_reader")
    keys.register(shop, "reader", "sx_reader_anew", ["read"])
    assert client.get("/").status_code == 303, "a replaced key has no sessions"
    sign_in(client, "sx_reader_anew")
    with shop.transaction() as cursor:
        cursor.run("update stringx.sessions set expires_at = now()")
    assert client.get("/").status_code == 303


def test_behind_https_the_cookie_goes_by_https_alone(shop: Database, internal_url: str, tmp_path: Path) -> None:
    (tmp_path / "service-key").write_text("key")
    (tmp_path / "signing-secret").write_text(new_secret())
    environment = {
        "STRINGX_HOME": str(tmp_path),
        "STRINGX_DATABASE_URL": internal_url,
        "PUBLIC_URL": "https://checks.example.org",
    }
    with create_app(read_settings(environment)).test_client() as client:
        answer = client.get("/login", headers={"Host": "checks.example.org"})
    assert answer.status_code == 200, "PUBLIC_URL is one of the service's names"
    assert "Secure" in answer.headers["Set-Cookie"]


def test_behind_a_proxy_that_asks_by_its_own_name_people_sign_in(shop: Database, internal_url: str, tmp_path: Path) -> None:
    (tmp_path / "service-key").write_text("key")
    (tmp_path / "signing-secret").write_text(new_secret())
    environment = {
        "STRINGX_HOME": str(tmp_path),
        "STRINGX_DATABASE_URL": internal_url,
        "PUBLIC_URL": "https://Checks.example.org",
    }
    keys.register(shop, "owner", "sx_owner", ["read"])
    with create_app(read_settings(environment)).test_client() as client:
        asked = "https://127.0.0.1:5002"  # what the proxy asks for
        form = {"csrf": token(client.get("/login", base_url=asked)), "key": "sx_owner"}
        wrong = ("http://checks.example.org", "https://checks.example.org:8443", "https://example.org", "null", "http://[")
        answers = [
            client.post("/login", data=form, base_url=asked, headers={"Origin": origin}).status_code
            for origin in (*wrong, "https://checks.example.org")
        ]
    assert answers == [403] * len(wrong) + [303]


def test_a_name_that_is_none_is_a_page_that_says_so(client: FlaskClient) -> None:
    sign_in(client)
    page = client.get("/requests")
    for path in ("/tables/NYC/x/check", "/tables/shop/public.none/check"):
        answer = client.post(path, data={"csrf": token(page)})
        assert (answer.status_code in (404, 422), "<h1>" in answer.text) == (True, True), path


def test_a_session_is_no_key(client: FlaskClient) -> None:
    sign_in(client)
    assert client.get("/api/v1/tables").status_code == 401


def test_the_board_shows_closed_gates_first_with_their_cause(client: FlaskClient, shop: Database) -> None:
    check_now(shop, table="public.b")
    check_now(shop, {"a": 3}, table="public.a")
    upkeep.refresh_states(shop)
    sign_in(client)
    page = client.get("/")
    assert page.text.index("public.a<") < page.text.index("public.c<") < page.text.index("public.b<")
    assert "a: 3 of 10 rows (30.00%) have no a; fails above 0" in page.text
    assert "<title>1 closed" in page.text
    assert "public.b<" not in client.get("/?gate=closed").text
    assert "Nothing matches" in client.get("/?q=zzz").text
    assert "sales<" in client.get("/?kind=dataset").text
    assert client.get("/?gate=ajar&cursor=odd").status_code == 200


def test_names_and_texts_are_text(client: FlaskClient, shop: Database) -> None:
    rule = {"id": "a", "type": "not_null", "column": "a", "description": HOSTILE}
    apply(shop, {**table(f"public.{HOSTILE}", owner=HOSTILE), "rules": [rule]})
    upkeep.refresh_states(shop)
    sign_in(client)
    board = client.get("/").text
    assert "<img" not in board
    assert "{{ 7+7 }}" in board
    address = re.search(r'href="(/tables/shop/public\.%3C[^"]+)"', board)
    assert address
    page = client.get(address[1])
    assert page.status_code == 200
    assert "<img" not in page.text
    assert client.get(f"{address[1]}/rules/a").status_code == 404, "no check has run it"


def test_a_table_shows_its_rules_and_checks_and_a_rule_its_points(client: FlaskClient, shop: Database) -> None:
    for failures in (0, 4):
        check_now(shop, {"a": failures}, table="public.a")
    check_now(shop, {"b": 1}, table="public.b")
    sign_in(client)
    assert 'fail</span><span class="target">since at least <time' in client.get("/tables/shop/public.b").text
    page = client.get("/tables/shop/public.a").text
    assert "4 of 10 (40%)" in page
    assert re.search(r'fail</span><span class="target">since <time', page)
    assert page.count('<tr data-key="0') == 2
    rule = client.get("/tables/shop/public.a/rules/a")
    assert "<title>a: share of failures</title>" in rule.text
    assert "2 points from" in rule.text
    assert re.search(r"fail</span> since <time", rule.text)
    assert "<dt>Last</dt><dd>4 of 10 (40%)</dd>" in rule.text
    assert "<dt>A week before</dt><dd>no value</dd>" in rule.text
    listed = client.get("/tables/shop/public.a/rules/a?format=csv")
    assert listed.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(listed.text.splitlines()))
    assert rows[0][:5] == ["at", "check_id", "status", "failures", "total"]
    assert [row[2:5] for row in rows[1:]] == [["fail", "4", "10"], ["pass", "0", "10"]]
    assert client.get("/datasets/sales").status_code == 200
    request_page = re.search(r'href="(/requests/[^"]+)"', page)
    assert request_page
    assert "The same test by hand" in client.get(request_page[1]).text
    for gone in ("/tables/shop/public.z", "/datasets/none", "/requests/none", "/tables/none/public.a"):
        answer = client.get(gone)
        assert (answer.status_code, "<h1>" in answer.text) == (404, True)


def test_after_a_check_that_looked_at_no_rule_the_page_says_that_what_it_shows_is_of_the_one_before(
    client: FlaskClient, shop: Database
) -> None:
    words = "The last check could not look at any of them. This is what the check before found, <time"
    sign_in(client)
    check_now(shop, table="public.a")
    assert words not in client.get("/tables/shop/public.a").text
    break_now(shop, "no route to the target", table="public.a")
    assert words in client.get("/tables/shop/public.a").text
    check_now(shop, table="public.a")
    assert words not in client.get("/tables/shop/public.a").text
    break_now(shop, "no route to the target", table="public.b")
    assert words not in client.get("/tables/shop/public.b").text, "nothing was found before"


def test_who_may_trigger_can_check_now_and_others_cannot(client: FlaskClient, shop: Database) -> None:
    sign_in(client, "sx_reader")
    page = client.get("/tables/shop/public.a")
    assert "Check now" not in page.text
    assert client.post("/tables/shop/public.a/check", data={"csrf": token(page)}).status_code == 403
    sign_in(client)
    page = client.get("/tables/shop/public.a")
    assert client.post("/tables/shop/public.a/check", data={}).status_code == 403
    assert client.get("/tables/shop/public.a/check").status_code in (404, 405), "a GET changes nothing"
    answer = client.post("/tables/shop/public.a/check", data={"csrf": token(page)})
    assert (answer.status_code, answer.location) == (303, "/tables/shop/public.a")
    assert "a check is under way" in client.get("/tables/shop/public.a").text
    page = client.get("/datasets/sales")
    assert client.post("/datasets/sales/check", data={"csrf": token(page)}).status_code == 303
    with shop.transaction() as cursor:
        assert len(cursor.all("select * from stringx.requests where source = 'http'")) == 2


def test_empty_pages_say_how_to_begin(client: FlaskClient, shop: Database) -> None:
    sign_in(client)
    assert "dataops check shop public.a --wait" in client.get("/tables/shop/public.a").text
    assert "No check has ended yet" in client.get("/tables/shop/public.a").text
    apply(shop, table("public.$(x)"))
    upkeep.refresh_states(shop)
    assert "dataops check shop &#39;public.$(x)&#39; --wait" in client.get("/tables/shop/public.$(x)").text, "to be copied safely"
    assert "dataops check nyc public.flights --wait" in client.get("/requests").text
    with shop.transaction() as cursor:
        cursor.run("delete from stringx.datasets")
        cursor.run("delete from stringx.tables")
    assert "No table yet" in client.get("/").text
    assert "No dataset yet" in client.get("/?kind=dataset").text


def test_a_trial_is_marked_where_requests_are_shown(client: FlaskClient, shop: Database) -> None:
    sign_in(client)
    check_now(shop, table="public.a", request_id="plain")
    try_now(shop, table("public.a", "a", "another"), request_id="tried")
    for query, badges in (("", 0), ("?trial=with", 1), ("?trial=only", 1)):
        listed = client.get(f"/requests{query}").text
        assert listed.count('<span class="badge">trial</span>') == badges
        assert ('href="/requests/plain"' in listed) == (query != "?trial=only")
    assert "A trial: a document was checked that is not stored." in client.get("/requests/tried").text
    assert client.get("/requests/tried").text.count('<td data-label="fails">above 0</td>') == 2, (
        "thresholds of the tried document"
    )
    assert "A trial" not in client.get("/requests/plain").text
    assert "another" not in client.get("/tables/shop/public.a").text
    tracked(shop, table("public.a", "a", "another"))
    assert "<b>a trial of public.a</b>" in client.get("/tables/shop/public.a").text


def test_a_gate_names_its_rules_and_not_the_verdict_as_well(client: FlaskClient, shop: Database) -> None:
    check_now(shop, {"a": 3}, table="public.a")
    sign_in(client)
    page = client.get("/tables/shop/public.a").text
    assert "<li>a: 3 of 10 rows" in page
    assert "<li>verdict fail</li>" not in page
