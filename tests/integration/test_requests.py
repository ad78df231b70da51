"""Requests: who asked, where and for what, filters of the list, and who sees samples; over both services' HTTP where it is theirs."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app as create_api
from api.checks import claims, lifecycle
from backend.app import create_app as create_backend
from backend.insights import history, requests
from backend.kafka import requests_in
from backend.kafka.requests_in import Event
from backend.requests import tracking
from database import keys
from database.migrate import make_secrets
from database.pool import Database
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.keys import SCOPES, KeyScope
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult, Sample
from stringx_dataops.contract.messages.groups import GroupResult
from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.signatures import new_secret
from tests.support.apps import Apps
from tests.support.databases import Admin
from tests.support.datasets import CATALOGUE, apply, check_now, claimed, end, result, table
from tests.support.history import taken_up, with_rule

CHECKS, REQUESTS = "/api/v1/quality-checks", "/api/v1/requests"
BLIND: tuple[KeyScope, ...] = ("trigger", "read")
SERVICE: tuple[KeyScope, ...] = ("trigger", "read", "results")
OF_A = {"target": "shop", "table": "public.a", "mode": "async"}
SAMPLE = Sample(columns=["id"], rows=[["shown to few"]])
GROUPS = [GroupResult(key={"id": "shown to few"}, failures=1, total=1, measured=None, status="fail")]


@pytest.fixture
def apps(shop: Database, internal_url: str, tmp_path: Path) -> Apps:
    """Both services; nobody listens where the Backend sends requests. Keys: all (every scope), blind (no samples), service."""
    environment = {"STRINGX_HOME": str(tmp_path), "STRINGX_DATABASE_URL": internal_url, "DATAOPS_URL": "http://127.0.0.1:9"}
    (tmp_path / "service-key").write_text("key")
    (tmp_path / "signing-secret").write_text(new_secret())
    settings = read_settings(environment)
    found = {"api": create_api(settings), "backend": create_backend(settings)}
    held: dict[str, tuple[KeyScope, ...]] = {"all": SCOPES, "blind": BLIND, "service": SERVICE}
    for name, scopes in held.items():
        keys.register(shop, name, name, list(scopes))
    return Apps(found, {name: app.test_client() for name, app in found.items()}, {held[name]: name for name in held}, shop)


def finished(database: Database, sample: Sample | None = None) -> CheckResult:
    """The next check in the queue, ended on both sides with one failure."""
    check = claimed(database)
    found = with_rule(result(database, check, a=1), sample=sample)
    assert claims.finish(database, check, found, "http://backend")
    tracking.store(database, check.request_id, CheckResult.model_validate(found.as_json()))
    return found


def listed(apps: Apps, **filters: str) -> list[str]:
    answer = apps.ask(REQUESTS, query_string=filters)
    assert answer.status_code == 200, answer.text
    return [item["request_id"] for item in answer.get_json()["items"]]


def shown(apps: Apps, request_id: str) -> tuple[str | None, str]:
    found = apps.ask(f"{REQUESTS}/{request_id}").get_json()
    return found["requested_by"], found["source"]


def test_who_asked_and_where_stands_on_every_request(apps: Apps) -> None:
    database = apps.database
    apps.ask(REQUESTS, "POST", BLIND, json=OF_A | {"request_id": "by http"})
    apps.ask(REQUESTS, "POST", json=OF_A | {"request_id": "by hand"}, environ_base={"HTTP_USER_AGENT": "stringx-cli/1"})
    event = Event(json.dumps(OF_A | {"event_id": "by kafka"}).encode(), "t-0-0")
    assert requests_in.track_events(database, CATALOGUE, [event]) == [None]
    assert [shown(apps, f"by {way}") for way in ("http", "hand", "kafka")] == [
        ("blind", "http"), ("all", "cli"), ("kafka", "kafka"),
    ]  # fmt: skip
    apps.ask(REQUESTS, "POST", json=OF_A | {"request_id": "by http"})
    assert shown(apps, "by http") == ("blind", "http"), "who repeats a request did not ask first"


def test_a_check_asked_of_dataops_has_its_requester_too(apps: Apps) -> None:
    asked = apps.ask(CHECKS, "POST", BLIND, json=OF_A | {"request_id": "direct"}).get_json()
    assert asked["requested_by"] == "blind"
    finished(apps.database)
    assert shown(apps, "direct") == ("blind", "http")
    (item,) = apps.ask("/api/v1/tables/shop/public.a/history").get_json()["items"]
    assert item["requested_by"] == "blind"
    assert history.checks_of_table(apps.database, "shop", "public.a")["items"] == [item]


def test_only_a_service_says_for_whom_it_asks(apps: Apps) -> None:
    for name, scopes, expected in (("service", SERVICE, "Zoë B"), ("blind", BLIND, "blind")):
        answer = apps.clients["api"].post(
            CHECKS, json=OF_A | {"request_id": name}, headers={"Authorization": f"Bearer {name}", "Requested-By": "Zo%C3%AB%20B"}
        )
        assert answer.get_json()["requested_by"] == expected, scopes
    odd = {"Authorization": "Bearer service", "Requested-By": "%0A"}
    answer = apps.clients["api"].post(CHECKS, json=OF_A | {"request_id": "odd"}, headers=odd)
    assert answer.get_json()["requested_by"] == "service"


def test_checks_that_share_a_run_keep_their_requesters(apps: Apps) -> None:
    apps.ask(CHECKS, "POST", json=OF_A | {"request_id": "first"})
    apps.ask(CHECKS, "POST", BLIND, json=OF_A | {"request_id": "second"})
    leader = finished(apps.database)
    with apps.database.transaction() as cursor:
        rows = cursor.all("select request_id, result ->> 'requested_by' as name from dataops.checks order by request_id")
    assert [(row["request_id"], row["name"]) for row in rows] == [("first", "all"), ("second", "blind")]
    assert leader.requested_by == "all"


def test_no_result_is_lost_for_the_name_of_a_key(apps: Apps) -> None:
    keys.register(apps.database, "Zo\u00a0\t" + "x" * 300, "odd", list(SCOPES))
    headers = {"Authorization": "Bearer odd"}
    cleaned = "Zo??" + "x" * 196
    asked = apps.clients["api"].post(CHECKS, json=OF_A | {"request_id": "odd"}, headers=headers)
    assert asked.get_json()["requested_by"] == cleaned
    result_of = finished(apps.database)
    assert shown(apps, "odd") == (cleaned, "http")
    other = result_of.model_copy(update={"request_id": "b", "check_id": new_id(), "requested_by": "a\nb"})
    tracking.store(apps.database, "b", other)
    assert shown(apps, "b") == ("a?b", "http")


def test_a_result_of_an_earlier_release_names_nobody(apps: Apps) -> None:
    apps.ask(CHECKS, "POST", json=OF_A | {"request_id": "earlier"})
    check = claimed(apps.database)
    body = result(apps.database, check).as_json()
    del body["requested_by"], body["earlier_attempts"]
    tracking.store(apps.database, "earlier", CheckResult.model_validate(body))
    assert shown(apps, "earlier") == (None, "http")
    assert listed(apps, requested_by="all") == []


def test_who_canceled_is_known(apps: Apps) -> None:
    apps.ask(REQUESTS, "POST", json=OF_A | {"request_id": "r"})
    apps.ask(f"{REQUESTS}/r/cancel", "POST", BLIND)
    apps.ask(f"{REQUESTS}/r/cancel", "POST")
    assert apps.ask(f"{REQUESTS}/r").get_json()["canceled_by"] == "blind", "the first one"


def test_why_earlier_attempts_ended_stays_with_the_check(shop: Database) -> None:
    accepted = lifecycle.accept(shop, CATALOGUE, CheckRequest.model_validate(OF_A), 100)
    for number in range(25):
        assert claims.hand_back(shop, claimed(shop), why=f"reason {number}")
    running = claimed(shop)
    with shop.transaction() as cursor:
        cursor.run("update dataops.checks set lease_expires_at = now() - interval '1 second', earlier_attempts = '[]'")
    claims.rescue(shop, lease_s=0)
    (lost,) = lifecycle.find(shop, accepted.check.check_id).earlier_attempts
    assert (lost.attempt, lost.why) == (26, "its worker was lost")
    assert lost.started_at is not None
    assert lost.started_at <= lost.ended_at
    assert len(running.earlier_attempts) == 20, "the first ones"
    assert running.earlier_attempts[0].why == "reason 0"
    found = end(shop, claimed(shop))
    assert [(each.attempt, each.why) for each in found.earlier_attempts] == [(26, "its worker was lost")]


def test_filters_combine(apps: Apps) -> None:
    database = apps.database
    apply(database, table("public.b", "b", "shared"), table("public.a", "a", "shared"))
    check_now(database, {"a": 1}, table="public.a", request_id="a")
    check_now(database, table="public.b", request_id="b")
    check_now(database, table="public.b", request_id="b of one rule", rule_ids=["b"])
    check_now(database, dataset="sales", request_id="all")
    apps.ask(REQUESTS, "POST", json=OF_A | {"request_id": "waits"})
    assert listed(apps) == ["waits", "all", "b of one rule", "b", "a"]
    assert listed(apps, target="shop") == listed(apps)
    assert listed(apps, target="elsewhere") == []
    assert listed(apps, rule="shared") == ["all", "b", "a"]
    assert listed(apps, rule="shared", table="public.b") == ["b"]
    assert listed(apps, rule="b", table="public.b") == ["b of one rule", "b"]
    assert listed(apps, rule="b", dataset="sales") == ["all"]
    assert listed(apps, rule="shared", verdict="fail", table="public.a") == ["a"]
    assert listed(apps, requested_by="all", source="http") == ["waits"]
    assert listed(apps, source="dashboard") == listed(apps, requested_by="nobody") == []
    moments = {item["request_id"]: item["created_at"] for item in apps.ask(REQUESTS).get_json()["items"]}
    assert listed(apps, **{"from": moments["b"], "to": moments["all"]}) == ["b of one rule", "b"]
    page = apps.ask(f"{REQUESTS}?rule=shared&limit=2").get_json()
    assert listed(apps, rule="shared", cursor=page["next_cursor"]) == ["a"]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("target", "No Target"), ("rule", "No-Rule"), ("requested_by", "\n"), ("source", "post"), ("from", "today"), ("to", "2026-01-01"),
     ("table", "x"), ("requested_by", "x" * 201)],
)  # fmt: skip
def test_each_filter_is_validated(apps: Apps, name: str, wrong: str) -> None:
    answer = apps.ask(REQUESTS, query_string={name: wrong})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [f"/query/{name}"]


def test_requests_of_a_rule_are_read_by_index_be_there_few_or_many(shop: Database) -> None:
    with shop.transaction() as cursor:
        cursor.run("""
            insert into stringx.requests (request_id, source, target, table_name, mode, body, body_hash, is_full, status, verdict, created_at, finished_at)
            select n, 'http', 'shop', 'public.a', 'async', '{}', '', true, 'succeeded', 'pass', now() - n * interval '1 minute', now()
            from generate_series(1, 20000) n;
            insert into stringx.results (check_id, request_id, target, table_name, is_full, status, verdict, finished_at, result, rule_ids)
            select gen_random_uuid(), request_id, target, table_name, true, status, verdict, finished_at, '{}',
                   case when request_id::integer % 2000 = 4 then array['often', 'seldom'] else array['often'] end
            from stringx.requests""")
        cursor.run("analyze stringx.requests, stringx.results")
        for rule, index in (("seldom", "results_by_rule"), ("often", "requests_newest")):
            asked: dict[str, Any] = dict.fromkeys(requests.FILTERS) | {"rule": rule}
            asked |= {"seen": None, "created_at": None, "request_id": None, "rules": False, "limit": 51}
            plan = "\n".join(row["QUERY PLAN"] for row in cursor.all(f"explain {requests.SQL['list']}", asked))
            assert f" {index} " in plan, (rule, plan)
            assert "Seq Scan" not in plan, (rule, plan)


def test_results_of_earlier_releases_are_found_by_rule_once_taken_up(apps: Apps) -> None:
    check_now(apps.database, table="public.a", request_id="earlier")
    with apps.database.transaction() as cursor:
        cursor.run("update stringx.results set rule_ids = null, has_points = false")
    assert listed(apps, rule="a") == []
    taken_up(apps.database)
    assert listed(apps, rule="a") == ["earlier"]


def test_samples_are_for_keys_with_their_scope_alone(apps: Apps) -> None:
    """In every answer of both services that holds results."""
    for number, body in enumerate((OF_A, {"target": "shop", "dataset": "sales", "mode": "async"})):
        request_id = f"r{number}"
        apps.ask(CHECKS, "POST", json=body | {"request_id": request_id})
        check = claimed(apps.database)
        found = result(apps.database, check, a=1)
        found = (
            with_rule(found, sample=SAMPLE, groups=GROUPS)
            if found.rules
            else found.model_copy(
                update={"tables": [with_rule(found.tables[0], sample=SAMPLE, groups=GROUPS), *found.tables[1:]]}
            )
        )
        assert claims.finish(apps.database, check, found, "http://backend")
        tracking.store(apps.database, request_id, CheckResult.model_validate(found.as_json()))
        asked = body | {"request_id": request_id}
        ways: tuple[tuple[str, str, dict[str, Any]], ...] = (
            (CHECKS, "POST", {"json": asked}), (f"{CHECKS}/{check.check_id}", "GET", {}), (f"{CHECKS}/{check.check_id}?wait=1", "GET", {}),
            (f"{CHECKS}/{check.check_id}/cancel", "POST", {}), (REQUESTS, "POST", {"json": asked}), (f"{REQUESTS}/{request_id}", "GET", {}),
            (f"{REQUESTS}/{request_id}?wait=1", "GET", {}), (f"{REQUESTS}?include=rules", "GET", {}),
            (f"{REQUESTS}/{request_id}/cancel", "POST", {}),
        )  # fmt: skip
        for path, method, options in ways:
            with_scope = apps.ask(path, method, **options)
            assert '"rows":[["shown to few"]]' in with_scope.text, (method, path, with_scope.text)
            assert '"key":{"id":"shown to few"}' in with_scope.text, (method, path)
            assert '"sample_hidden":true' not in with_scope.text
            without = apps.ask(path, method, BLIND, **options)
            assert without.status_code == with_scope.status_code
            assert "shown to few" not in without.text, (method, path)
            assert '"sample_hidden":true' in without.text
            assert '"sample_hidden":false' not in without.text, "whether there is a sample or not"


def test_the_owners_key_gets_every_scope_with_an_upgrade_and_others_stay(
    admin: Admin, shop: Database, internal_url: str, tmp_path: Path
) -> None:
    (tmp_path / "api-key").write_text("sx_owner")
    keys.register(shop, "api-key", "sx_owner", ["trigger", "read", "configure", "results", "admin"])
    keys.register(shop, "loader", "sx_loader", ["trigger", "read"])
    make_secrets(read_settings({"STRINGX_HOME": str(tmp_path), "STRINGX_DATABASE_URL": internal_url}), shop)
    assert keys.authenticate(shop, "sx_owner").scopes == set(SCOPES)
    assert keys.authenticate(shop, "sx_loader").scopes == {"trigger", "read"}
    assert "samples" not in keys.authenticate(shop, (tmp_path / "service-key").read_text().strip()).scopes
