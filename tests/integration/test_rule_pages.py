"""Many rules and many points: pages of a table's rules, small pages, CSV files, and what they read."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from backend.app import create_app
from backend.dashboard import rule_files, sessions
from backend.dashboard.pages import COOKIE
from backend.history import upkeep
from backend.insights import rules as insights
from database import keys
from database.pool import Database
from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.signatures import new_secret
from tests.support.datasets import apply, check_now, table


@pytest.fixture
def client(shop: Database, internal_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """A browser's view of the Backend, signed in."""
    (tmp_path / "service-key").write_text("key")
    (tmp_path / "signing-secret").write_text(new_secret())
    keys.register(shop, "reader", "sx_reader", ["read"])
    app = create_app(read_settings({"STRINGX_HOME": str(tmp_path), "STRINGX_DATABASE_URL": internal_url}))
    with app.test_client() as opened:
        opened.set_cookie(COOKIE, sessions.begin(shop, "sx_reader", "127.0.0.1")[0])
        yield opened


def read_csv(client: FlaskClient, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_thresholds_are_columns_of_csv_files(client: FlaskClient, shop: Database) -> None:
    measured = {
        "id": "m",
        "type": "aggregate",
        "column": "a",
        "arguments": {"function": "max", "min": 1, "max": 9, "warn": {"max": 7}},
    }
    counted = {"id": "a", "type": "not_null", "column": "a", "warn_above": 1, "fail_above": "50%"}
    apply(shop, {**table("public.a"), "rules": [measured, counted, {"id": "new", "type": "not_null", "column": "b"}]})
    check_now(shop, {"a": 2}, table="public.a", rule_ids=["m", "a"])
    expected = {"m": ["", "7", "1", "9"], "a": ["", "1", "", "50%"]}
    for name, bounds in expected.items():
        (row,) = read_csv(client, f"/tables/shop/public.a/rules/{name}?format=csv")
        assert [row[each] for each in ("warns_below", "warns_above", "fails_below", "fails_above")] == bounds
    rows = {row["rule"]: row for row in read_csv(client, "/tables/shop/public.a?format=csv")}
    assert list(rows) == ["a", "new", "m"]
    assert (rows["a"]["failures"], rows["a"]["failure_ratio"], rows["a"]["fails_above"]) == ("2", "0.2", "50%")
    assert (rows["new"]["status"], rows["new"]["failures"]) == ("", "")


def test_a_csv_file_has_all_points_of_the_range(client: FlaskClient, shop: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    check_now(shop, {"a": 4}, table="public.a")
    with shop.transaction() as cursor:
        cursor.run("""insert into stringx.rule_points (rule_key, at, check_id, status, failures, total)
            select rule_key, now() - n * interval '20 minutes', gen_random_uuid(), 'pass', 0, 10
            from stringx.subject_rules, generate_series(1, 2500) n where rule_id = 'a'""")
    rows = read_csv(client, "/tables/shop/public.a/rules/a?range=1y&format=csv")
    assert len(rows) == len({row["check_id"] for row in rows}) == 2501
    assert len(read_csv(client, "/tables/shop/public.a/rules/a?range=24h&format=csv")) in (72, 73)
    monkeypatch.setattr(rule_files, "MOST_POINTS", 1300)
    assert read_csv(client, "/tables/shop/public.a/rules/a?range=1y&format=csv") == rows[:1300], "the newest"
    assert client.get("/tables/shop/public.a/rules/none?format=csv").status_code == 404


def test_a_plot_of_days_has_their_last_values_and_says_what_was_worst(client: FlaskClient, shop: Database) -> None:
    check_now(shop, {"a": 4}, table="public.a")
    with shop.transaction() as cursor:
        cursor.run("""insert into stringx.rule_points (rule_key, at, check_id, status, failures, total)
            select rule_key, date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' - n * interval '30 minutes',
                   gen_random_uuid(), case n when 40 then 'fail' when 90 then 'error' when 97 then 'error' else 'pass' end,
                   case n when 40 then 5 when 90 then null when 97 then null else 0 end, case when n in (90, 97) then null else 10 end
            from stringx.subject_rules, generate_series(1, 1200) n where rule_id = 'a'""")
        row = cursor.one("select (at at time zone 'UTC')::date as day from stringx.rule_points order by at desc limit 1")
    assert row is not None
    page = client.get("/tables/shop/public.a/rules/a?range=30d").text
    ago = [row["day"] - timedelta(days=number) for number in range(5)]
    for words in ("fail; last 40%", "fail; last 0%", "error; last 0%", "error; without a value at its end", "pass; last 0%"):
        assert f"<title>worst of {ago.pop(0)}: {words}</title>" in page, words
    assert page.count('class="gap"') == 1
    assert "One point per day" in page
    assert "Bands: 1 day that ended without a value." in page
    assert "in error" not in page.split("<figcaption>")[1].split("</figcaption>")[0]


def test_messages_of_failed_rules_are_shown_and_those_of_removed_rules_not_looked_for(
    client: FlaskClient, shop: Database
) -> None:
    check_now(shop, {"a": 3}, dataset="sales")
    assert "3 of 10 rows (30.00%) have no a" in client.get("/tables/shop/public.a").text.partition("<h2>Rules</h2>")[2]
    with shop.transaction() as cursor:
        row = cursor.one("select messages from stringx.results")
        cursor.run("update stringx.results set messages = null, has_points = false")
    assert row == {"messages": {"public.a": {"a": "3 of 10 rows (30.00%) have no a; fails above 0"}}}
    upkeep.take_up(shop, 400)
    with shop.transaction() as cursor:
        assert cursor.one("select messages from stringx.results") == row, "a result of an earlier release has them, too"
        read = {"target": "shop", "table": "public.a", "rules": ["b"], "points": 1}
        assert cursor.all(insights.SQL["latest"], read) == []


def test_a_page_stays_small_however_much_there_is(client: FlaskClient, shop: Database) -> None:
    rules = [{"id": f"r{number}", "type": "not_null", "column": f"c{number}"} for number in range(300)]
    apply(shop, {**table("public.a"), "rules": [*rules, {"id": "a", "type": "not_null", "column": "a"}]})
    check_now(shop, {"a": 4} | {f"r{number}": 1 for number in range(200, 300)}, table="public.a")
    with shop.transaction() as cursor:
        cursor.run("""insert into stringx.rule_points (rule_key, at, check_id, status, failures, total)
            select rule_key, now() - n * interval '20 minutes', gen_random_uuid(), 'pass', n % 7, 10
            from stringx.subject_rules, generate_series(1, 1500) n where rule_id = 'a' or n <= 30""")
    page = client.get("/tables/shop/public.a").text
    assert "Rules 1 to 50 of 301" in page
    assert ">r200</a>" in page, "what failed comes first"
    third, last, beyond = (client.get(f"/tables/shop/public.a?rules={number}").text for number in (3, 7, 9))
    assert third.index(">a</a>") < third.index(">r0</a>")
    assert "Rules 301 to 301 of 301" in last
    assert ("Next rules" in third, "Next rules" in last, "Previous rules" in last) == (True, False, True)
    assert "No rules on this page" in beyond
    assert len(page) < 100_000
    of_month, of_day = (client.get(f"/tables/shop/public.a/rules/a?range={name}").text for name in ("30d", "24h"))
    assert "One point per day: its last value" in of_month
    assert "Older ones are in the CSV file" in of_month
    assert "One point per day" not in of_day
    assert "73 points from" in of_day or "72 points from" in of_day
    assert max(len(of_month), len(of_day)) < 100_000


def test_a_rule_says_what_it_checks_and_leads_to_requests_and_rows(client: FlaskClient, shop: Database) -> None:
    counted = {"id": "a", "type": "not_null", "column": "a", "warn_above": 1, "fail_above": "50%", "description": "<b>Every</b>"}
    apply(shop, {**table("public.a"), "rules": [counted]})
    check_now(shop, {"a": 0}, table="public.a", request_id="good")
    check_now(shop, {"a": 9}, table="public.a", request_id="bad")
    page = client.get("/tables/shop/public.a/rules/a").text
    assert "not_null of a; warns above 1; fails above 50%" in page
    assert "&lt;b&gt;Every" in page
    assert 'href="/tables/shop/public.a#samples"' in page
    assert page.index('href="/requests/bad"') < page.index('href="/requests/good"')
    apply(shop, table("public.a", "b"))
    assert "This rule is no longer configured." in client.get("/tables/shop/public.a/rules/a").text
