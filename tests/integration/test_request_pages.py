"""The dashboard's pages of requests: filters, the story of one, its result; and samples, which need their scope."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.checks import claims, lifecycle
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult, Sample
from tests.support.dashboard import opened, sign_in, token
from tests.support.datasets import CATALOGUE, apply, check_now, claimed, result, table
from tests.support.history import with_rule

HOSTILE = "<img src=x onerror=alert(1)>{{ 7+7 }}\"'"
OF_A = {"target": "shop", "table": "public.a"}


@pytest.fixture
def client(shop: Database, internal_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """A browser's view of the Backend; DataOps is not there."""
    with opened(shop, internal_url, tmp_path) as client:
        yield client


def words(text: str) -> str:
    """What a page says, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).replace("\N{NARROW NO-BREAK SPACE}", " ").split())


def ended(database: Database, sample: Sample | None = None, failures: int = 1, **asked: Any) -> CheckResult:
    """A request of table a through both services, whose rule fails with a sample."""
    accepted = tracking.accept(database, CATALOGUE, CheckRequest.model_validate(OF_A | asked), "http", "s", "loader")
    lifecycle.accept(database, CATALOGUE, CheckRequest.model_validate(accepted.body), 100, "loader")
    check = claimed(database)
    found = with_rule(result(database, check, a=failures), sample=sample)
    assert claims.finish(database, check, found, "http://backend")
    tracking.store(database, check.request_id, CheckResult.model_validate(found.as_json()))
    return found


def test_the_list_has_its_filters_in_the_address_and_keeps_them(client: FlaskClient, shop: Database) -> None:
    sign_in(client)
    assert "Nothing was asked for yet" in client.get("/requests").text
    assert "dataops check" in client.get("/requests").text
    check_now(shop, table="public.b", request_id="about b")
    for number in range(26):
        tracking.accept(shop, CATALOGUE, CheckRequest.model_validate(OF_A | {"request_id": f"a{number}"}), "http", "s", "loader")
    page = client.get("/requests?requested_by=loader&table=&verdict=&from=2026-01-01+06%3A00&to=2099-01-01T00:00Z")
    assert page.status_code == 200
    assert ">a25<" in page.text
    assert ">a0<" not in page.text
    assert 'value="2026-01-01 06:00"' in page.text
    following = re.search(r'href="([^"]+)" rel="next"', page.text)
    assert following
    second = client.get(following[1].replace("&amp;", "&")).text
    assert ">a0<" in second
    assert "about b" not in second, "the next page has the same filters"
    assert "about b" in client.get("/requests?rule=b&verdict=pass").text
    assert "No request matches" in client.get("/requests?source=kafka").text
    wrong = client.get("/requests?rule=b&target=No+Target&from=soon")
    assert wrong.status_code == 422
    assert words(wrong.text).count("Target is no name of a target; write") == 1
    assert "From is no time; write 2026-01-31 06:00, today," in words(wrong.text)
    assert "about b" in wrong.text, "the fields that are right still hold"


def test_a_table_is_found_by_a_part_of_its_name_and_requests_since_today(client: FlaskClient, shop: Database) -> None:
    sign_in(client)
    for name in ("public.a", "public.b"):
        check_now(shop, table=name, request_id=f"about {name}")
    apply(shop, table("public.ab"))

    def found(query: str) -> set[str]:
        return set(re.findall(r">about ([^<]+)</a>", client.get(f"/requests?{query}").text))

    assert found("table=.A") == {"public.a"}
    assert found("table=public") == found("table=public&from=24h&target=shop") == {"public.a", "public.b"}
    assert found("table=public.b") == {"public.b"}
    assert found("table=b&from=today&to=24h") == found("table=none") == found("table=a&target=other") == set()
    assert client.get("/requests?table=%00&from=999999999d&trial=odd").status_code == 422
    assert 'href="/requests?table=b&amp;from=7d"' in client.get("/requests?table=b&from=today").text
    client.delete_cookie("stringx_session")
    assert client.get("/requests?rule=b&from=2026-01-01&odd=1").location == "/login?next=/requests?from%3D2026-01-01%26rule%3Db"


def test_a_check_from_the_dashboard_says_whose_it_is(client: FlaskClient, shop: Database) -> None:
    sign_in(client)
    form = {"csrf": token(client.get("/tables/shop/public.a"))}
    assert client.post("/tables/shop/public.a/check", data=form).status_code == 303
    listed = client.get("/api/v1/requests?source=dashboard", headers={"Authorization": "Bearer sx_owner"}).get_json()["items"]
    assert [(item["requested_by"], item["source"]) for item in listed] == [("owner", "dashboard")]
    page = words(client.get(f"/requests/{listed[0]['request_id']}").text)
    assert "by owner, in the dashboard" in page
    assert "Sent to DataOps not yet; 1 attempt failed; last error:" in page


def test_a_request_tells_its_story_in_order(client: FlaskClient, shop: Database) -> None:
    window = {"column": "at", "from": "2026-01-01", "to": "2026-02-01"}
    asked = CheckRequest.model_validate(OF_A | {"request_id": "r", "rule_ids": ["a"], "window": window, "timeout_s": 90})
    accepted = tracking.accept(shop, CATALOGUE, asked, "kafka", "s", "kafka")
    lifecycle.accept(shop, CATALOGUE, CheckRequest.model_validate(accepted.body), 100, "kafka")
    sign_in(client)
    assert "Started not yet: it waits for its turn" in words(client.get("/requests/r").text)
    assert claims.hand_back(shop, claimed(shop), why="it gave way to a session that waited for its locks", yielded=True)
    check = claimed(shop)
    assert "Ended not yet: it is running" in words(client.get("/requests/r").text)
    tracking.cancel(shop, "r", "night watch")  # too late
    found = result(shop, check, a=1)
    assert claims.finish(shop, check, found, "http://backend")
    assert "Delivered not yet; 0 attempts" in words(client.get("/requests/r").text)
    tracking.store(shop, "r", CheckResult.model_validate(found.as_json()))
    with shop.transaction() as cursor:
        cursor.run("update dataops.outbox set attempts = 3, delivered_at = clock_timestamp()")
    page = client.get("/requests/r").text
    steps = re.findall(r"<b>([^<]+)</b>", page[page.index('class="story"') : page.index("</ol>")])
    assert steps == [
        "Asked", "Sent to DataOps", "Queued", "Attempt 1 ended without a result", "Started", "Cancel asked for", "Snapshot", "Ended", "Stored by the Backend",
        "Delivery acknowledged",
    ]  # fmt: skip
    told = words(page)
    for part in ("by a Kafka message", "Rules a", "Window at from 2026-01-01 to before 2026-02-01", "Timeout 1 min 30 s", "attempt 2",
                 "it gave way to a session", "3 attempts", "succeeded; verdict fail; took", "above 0"):  # fmt: skip
        assert part in told, part
    assert "dbt test" in page


def test_a_canceled_request_says_by_whom_and_a_refused_one_why(client: FlaskClient, shop: Database) -> None:
    tracking.accept(shop, CATALOGUE, CheckRequest.model_validate(OF_A | {"request_id": "r"}), "http", "s", "loader")
    tracking.cancel(shop, "r", "night watch")
    with shop.transaction() as cursor:
        cursor.run(tracking.SQL["refuse"], {"request_id": "r", "reason": "DataOps refused the request: it is closed"})
    sign_in(client)
    page = words(client.get("/requests/r").text)
    assert "Cancel asked for" in page
    assert "by night watch" in page
    assert "DataOps refused the request: it is closed" in page


def test_a_table_leads_to_its_requests_and_each_request_to_its_table(client: FlaskClient, shop: Database) -> None:
    of_key = ended(shop, request_id="short").request_id
    of_uuid = ended(shop).request_id
    check_now(shop, table="public.b")
    sign_in(client)
    page = client.get("/tables/shop/public.a").text
    assert '<td data-label="by">loader</td>' in page
    link = re.search(r'href="(/requests[?][^"]+)">All requests of this table', page)
    assert link
    listed = client.get(link[1].replace("&amp;", "&")).text
    assert listed.count('href="/tables/shop/public.a"') == listed.count("<tr data-key") == 2
    assert f'title="{of_uuid}" aria-label="{of_uuid}">…{of_uuid[-12:]}</a>' in listed
    assert f'title="{of_key}">{of_key}</a>' in listed
    assert "All requests of this dataset" in client.get("/datasets/sales").text
    assert "fail the check ran to its end; this is its verdict" in words(client.get("/requests/short").text)
    assert "data-clock" in client.get("/requests/short").text


def test_a_check_asked_of_dataops_was_not_sent(client: FlaskClient, shop: Database) -> None:
    lifecycle.accept(shop, CATALOGUE, CheckRequest.model_validate(OF_A | {"request_id": "first"}), 100, "loader")
    lifecycle.accept(shop, CATALOGUE, CheckRequest.model_validate(OF_A | {"request_id": "second"}), 100, "loader")
    check = claimed(shop)
    assert claims.finish(shop, check, result(shop, check), "http://backend")
    with shop.transaction() as cursor:
        rows = cursor.all("select request_id, result from dataops.checks")
    for row in rows:
        tracking.store(shop, row["request_id"], CheckResult.model_validate(row["result"]))
    sign_in(client)
    page = client.get("/requests/second").text
    assert "by loader, of DataOps directly" in words(page)
    assert "Sent to DataOps" not in page
    assert f"shares the run of check {check.check_id}" in page
    assert 'href="/requests/first"' in page


def test_samples_are_shown_as_text_to_keys_with_their_scope(client: FlaskClient, shop: Database) -> None:
    long, endless = "x" * 200, "y" * 5000
    rows = [[HOSTILE, None], ["=1+1", "-5"], [long, endless], ["line\nbreak", {"a": [1, True]}]]
    ended(shop, Sample(columns=["id", HOSTILE], rows=rows, cut=True), request_id="r/1")
    for path in ("/tables/shop/public.a", "/requests/r%2F1"):
        sign_in(client)
        page = client.get(path).text
        assert "<img" not in page
        assert "{{ 7+7 }}" in page
        assert '<td class="null">NULL</td>' in page
        assert f'title="{long}"' in page
        assert endless[:300] not in page
        assert "import the file&#39;s columns as text" in page or "import the file's columns as text" in page
        assert "The check left out further rows." in page
        link = re.search(r'href="(/requests/r%2F1\?format=csv[^"]+)"', page)
        assert link
        address = link[1].replace("&amp;", "&")
        file = client.get(address)
        assert (file.status_code, file.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
        assert file.headers["Content-Disposition"] == 'attachment; filename="a-sample.csv"'
        quoted = HOSTILE.replace('"', '""')
        assert file.text.split("\r\n")[:3] == [f'"id","{quoted}"', f'"{quoted}",', '"=1+1","-5"'], "values as they are"
        sign_in(client, "sx_blind")
        page = client.get(path).text
        assert "keys with the scope <code>samples</code>; yours lacks it" in page
        assert "7+7" not in page
        assert long not in page
        assert client.get(address).status_code == 403
    sign_in(client)
    for wrong in ("format=csv&rule=none", "format=csv", "format=csv&rule=a&table=public.b"):
        assert client.get(f"/requests/r%2F1?{wrong}").status_code == 404


def test_a_table_of_a_dataset_shows_the_samples_of_its_own_rules(client: FlaskClient, shop: Database) -> None:
    tracking.accept(
        shop, CATALOGUE, CheckRequest.model_validate({"target": "shop", "dataset": "sales", "request_id": "all"}), "http", "s"
    )
    lifecycle.accept(
        shop, CATALOGUE, CheckRequest.model_validate({"target": "shop", "dataset": "sales", "request_id": "all"}), 100
    )
    check = claimed(shop)
    found = result(shop, check, a=1, b=1)
    parts = [with_rule(part, sample=Sample(columns=["id"], rows=[[f"row of {part.table}"]])) for part in found.tables]  # type: ignore[arg-type]
    found = found.model_copy(update={"tables": parts})
    tracking.store(shop, "all", CheckResult.model_validate(found.as_json()))
    sign_in(client)
    page = client.get("/tables/shop/public.b").text
    assert "row of public.b" in page
    assert "row of public.a" not in page
    link = re.search(r'href="(/requests/all\?[^"]+)" download', page)
    assert link
    assert client.get(link[1].replace("&amp;", "&")).text == '"id"\r\n"row of public.b"\r\n'
    whole = client.get("/requests/all").text
    assert "row of public.a" in whole
    assert "row of public.b" in whole
    assert 'href="/tables/shop/public.b/rules/b"' in whole


def test_pages_stay_small_whatever_a_result_holds(client: FlaskClient, shop: Database) -> None:
    rules = [{"id": f"r{number:03}", "type": "not_null", "column": "c" * 63, "warn_above": 1} for number in range(100)]
    apply(shop, {**table("public.a"), "rules": rules})
    asked = CheckRequest.model_validate(OF_A | {"request_id": "r"})
    tracking.accept(shop, CATALOGUE, asked, "http", "s")
    lifecycle.accept(shop, CATALOGUE, asked, 100)
    check = claimed(shop)
    found = result(shop, check, **{rule["id"]: 1 for rule in rules})  # type: ignore[misc]
    sample = Sample(columns=["&" * 63] * 100, rows=[["&" * 300] * 100] * 20)
    changes = {"sample": sample, "message": "<" * 1000}
    assert found.dbt is not None
    found = found.model_copy(
        update={
            "rules": [rule.model_copy(update=changes) for rule in found.rules],
            "notes": ["&" * 5000] * 90,
            "dbt": found.dbt.model_copy(update={"command": "dbt test " + "z" * 50_000}),
        }
    )
    tracking.store(shop, "r", CheckResult.model_validate(found.as_json()))
    sign_in(client)
    first = client.get("/requests/r")
    assert "Rules 1 to 30 of 100" in words(first.text)
    last = client.get("/requests/r?rules=4")
    assert "Rules 91 to 100 of 100" in words(last.text)
    assert "r099" in last.text
    assert "No rules on this page" in words(client.get("/requests/r?rules=99").text)
    assert len(first.data) < 100_000, "however often a letter has to be escaped"
    assert "too long for this page" in first.text
    assert len(client.get("/requests/r?format=command").data) > 50_000
    assert b"<details" in first.data


def test_rules_in_error_stand_apart_with_their_reason(client: FlaskClient, shop: Database) -> None:
    apply(shop, table("public.a", "a", "b"))
    tracking.accept(shop, CATALOGUE, CheckRequest.model_validate(OF_A | {"request_id": "r"}), "http", "s")
    lifecycle.accept(shop, CATALOGUE, CheckRequest.model_validate(OF_A | {"request_id": "r"}), 100)
    found = result(shop, claimed(shop), b=1)
    found = with_rule(found, status="error", message="there is no column a").model_copy(update={"rules": [*with_rule(found, status="error", message="there is no column a").rules, found.rules[1]]})  # fmt: skip
    tracking.store(shop, "r", CheckResult.model_validate(found.as_json()))
    sign_in(client)
    page = client.get("/tables/shop/public.a").text
    in_error = page[page.index('id="in-error"') : page.index('id="rules"')]
    assert "there is no column a" in in_error
    assert ">b</a>" not in in_error
    assert ">a</a>" not in page[page.index('id="rules"') :]
