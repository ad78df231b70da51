"""What both services take as a trial, from whom, and what they refuse."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from werkzeug.test import TestResponse

from stringx_dataops.contract.ids import new_id
from tests.support.apps import SCOPES, Apps
from tests.support.apps import made as apps_of
from tests.support.databases import Admin

TRIALS, CHECKS, REQUESTS = "/api/v1/trials", "/api/v1/quality-checks", "/api/v1/requests"
TARGET = {
    "apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "127.0.0.1", "dbname": "a", "user": "b",
    "allow_functions": ["public.code_of"],
}  # fmt: skip
RULE = {"id": "id_known", "type": "not_null", "column": "id"}
ORDERS = {"apiVersion": "stringx/v1", "target": "shop", "table": "public.orders", "rules": [RULE, RULE | {"id": "again"}]}


@pytest.fixture(scope="module")
def apps(admin: Admin, internal_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apps]:
    """No table is configured, and nobody runs what is asked."""
    with apps_of(admin, internal_template, tmp_path_factory.mktemp("home")) as made:
        assert made.ask("/api/v1/targets/shop", "PUT", json=TARGET).status_code == 201
        yield made


def try_(apps: Apps, document: Any, query: str = "", **options: Any) -> TestResponse:
    return apps.ask(f"{TRIALS}?wait=0{query}", "POST", json=document, **options)


def tried_by(sql: str, **changes: Any) -> dict[str, Any]:
    """A document whose rule is the condition."""
    return ORDERS | {"rules": [{"id": "a", "type": "expression", "arguments": {"sql": sql}}]} | changes


def errors(answer: TestResponse) -> list[dict[str, str]]:
    assert answer.status_code == 422, answer.text
    found: list[dict[str, str]] = answer.get_json()["errors"]
    return found


def test_a_trial_of_a_table_that_is_not_configured_is_taken_as_json_and_as_yaml(apps: Apps) -> None:
    text = yaml.safe_dump({name: value for name, value in ORDERS.items() if name != "apiVersion"})
    options = {"data": text, "content_type": "application/yaml"}
    for answer in (try_(apps, ORDERS), apps.ask(f"{TRIALS}?wait=0", "POST", **options)):
        assert answer.status_code == 202, answer.text
        found = answer.get_json()
        assert (found["trial"], found["table"], found["mode"], found["status"]) == (True, "public.orders", "sync", "queued")
        shown = apps.ask(answer.headers["Location"]).get_json()
        assert (shown["trial"], shown["checks"]) == (True, [])
    assert apps.ask("/api/v1/tables/shop/public.orders").status_code == 404, "nothing is stored"


@pytest.mark.parametrize(
    "document",
    [
        ORDERS | {"rules": [RULE, RULE]},
        ORDERS | {"rules": [{"id": "A", "type": "uniqe", "column": 1}], "owners": "x", "timezone": "Mars"},
        ORDERS | {"target": "shpo"},
        tried_by("pg_read_file('/etc/passwd') is not null"),
        tried_by("(select 1) = 1; drop table orders"),
        ORDERS | {"kind": "Dataset"},
        3,
    ],
)
def test_a_document_is_refused_as_one_that_is_to_be_stored(apps: Apps, document: Any) -> None:
    target = document.get("target", "shop") if isinstance(document, dict) else "shop"
    stored = apps.ask(f"/api/v1/tables/{target}/public.orders", "PUT", json=document)
    named = document | {"target": target, "table": "public.orders"} if isinstance(document, dict) else document
    assert errors(try_(apps, named)) == errors(stored)


SET = {"apiVersion": "stringx/v1", "kind": "RuleSet", "name": "keys", "target": "shop", "tables": ["public.*"], "rules": [RULE]}
DEFAULTS = {"apiVersion": "stringx/v1", "kind": "Defaults", "target": "shop", "timezone": "Europe/Berlin"}


@pytest.fixture
def layered(apps: Apps) -> Iterator[Apps]:
    """With a stored rule set and stored defaults."""
    for path, document in (("rule-sets/keys", SET | {"rules": [RULE | {"id": "stored"}]}), ("defaults/shop", DEFAULTS)):
        assert apps.ask(f"/api/v1/{path}", "PUT", json=document).status_code == 201
    yield apps
    for path in ("rule-sets/keys", "defaults/shop"):
        assert apps.ask(f"/api/v1/{path}", "DELETE").status_code == 204


@pytest.mark.parametrize(
    ("layers", "ids", "timezone"),
    [
        ([], ["id_known", "again", "keys.stored"], "Europe/Berlin"),
        ([SET], ["id_known", "again", "keys.id_known"], "Europe/Berlin"),
        ([SET | {"tables": ["other.*"]}, DEFAULTS | {"timezone": "Asia/Tokyo"}], ["id_known", "again"], "Asia/Tokyo"),
        ([SET | {"name": "more"}], ["id_known", "again", "keys.stored", "more.id_known"], "Europe/Berlin"),
    ],
)
@pytest.mark.parametrize("as_yaml", [True, False], ids=["yaml", "json"])
def test_defaults_and_sets_of_the_stream_are_tried_in_place_of_stored_ones(
    layered: Apps, layers: list[Any], ids: list[str], timezone: str, as_yaml: bool
) -> None:
    stream = [*layers, ORDERS]
    text = {"data": yaml.safe_dump_all(stream), "content_type": "application/yaml"} if as_yaml else {"json": stream}
    answer = layered.ask(f"{TRIALS}?wait=0", "POST", **text)
    assert answer.status_code == 202, answer.text
    with layered.database.transaction() as cursor:
        named = {"request_id": answer.get_json()["request_id"]}
        row = cursor.one("select body from stringx.requests where request_id = %(request_id)s", named)
    assert row is not None
    tried = row["body"]["document"]
    assert ([rule["id"] for rule in tried["rules"]], tried["timezone"]) == (ids, timezone)
    assert layered.ask("/api/v1/rule-sets/keys").get_json()["rules"][0]["id"] == "stored", "nothing is stored"
    assert layered.ask("/api/v1/rule-sets/more").status_code == 404


@pytest.mark.parametrize(
    ("stream", "faults"),
    [
        ([SET, DEFAULTS], {"": "holds no table"}),
        ([ORDERS, ORDERS, TARGET], {"/1": "a trial takes one table", "/2": "a trial takes one table"}),
        ([SET | {"rules": [RULE | {"type": "nope"}]}, ORDERS], {"/0/rules/0/type": "is no rule type"}),
        ([SET | {"target": "other"}, ORDERS], {"/0/target": "is 'other', and the table is of target 'shop'"}),
        ([SET, SET, ORDERS], {"/1/name": "stands twice"}),
        ([SET, ORDERS | {"overrides": [{"id": "keys.stored", "active": False}]}], {"/1/overrides/0/id": "no rule set gives"}),
        ([SET, ORDERS | {"table": 3}], {"/1/table": "must be a text"}),
    ],
)
def test_faults_of_a_stream_are_told_at_their_documents(layered: Apps, stream: list[Any], faults: dict[str, str]) -> None:
    found = {error["pointer"]: error["message"] for error in errors(layered.ask(f"{TRIALS}?wait=0", "POST", json=stream))}
    assert found.keys() == faults.keys(), found
    assert all(words in found[pointer] for pointer, words in faults.items()), found


def test_rules_that_are_not_there_or_not_active_are_refused(apps: Apps) -> None:
    assert [error["pointer"] for error in errors(try_(apps, ORDERS, "&rule_ids=again,nope"))] == ["/rule_ids/1"]
    assert [error["pointer"] for error in errors(try_(apps, ORDERS, "&rule_ids=NOPE"))] == ["/query/rule_ids"]
    asleep = ORDERS | {"rules": [RULE | {"active": False}]}
    assert "has no active rule" in errors(try_(apps, asleep))[0]["message"]
    assert try_(apps, ORDERS, "&rule_ids=again,id_known").status_code == 202


def test_a_document_that_dataops_would_not_take_is_refused_at_once(apps: Apps) -> None:
    long = ORDERS | {"rules": [RULE | {"id": f"r{number}", "description": "ä" * 5000} for number in range(105)]}
    answer = apps.ask(f"{TRIALS}?wait=0", "POST", data=yaml.safe_dump(long, allow_unicode=True), content_type="application/yaml")
    assert answer.status_code == 413
    assert answer.get_json()["detail"] in (
        "the body is over 1024 KiB; send less",
        "the document takes 1034 KiB as JSON, and a trial has room for 1020 KiB; leave rules out",
    )
    short = ORDERS | {"rules": [RULE | {"id": f"r{number}", "description": "ä" * 5000} for number in range(103)]}
    answer = apps.ask(f"{TRIALS}?wait=0", "POST", data=yaml.safe_dump(short, allow_unicode=True), content_type="application/yaml")
    assert answer.status_code == 202, answer.text


def test_only_who_may_configure_may_try(apps: Apps) -> None:
    lesser = tuple(scope for scope in SCOPES if scope != "configure")
    body = {"target": "shop", "table": "public.orders", "document": ORDERS, "mode": "async"}
    for answer in (try_(apps, ORDERS, scopes=lesser), apps.ask(CHECKS, "POST", json=body, scopes=lesser)):
        assert answer.status_code == 403
        assert "lacks the scope 'configure'" in answer.get_json()["detail"]
    without_trigger = tuple(scope for scope in SCOPES if scope != "trigger")
    assert apps.ask(CHECKS, "POST", json=body, scopes=without_trigger).status_code == 403
    assert apps.ask(CHECKS, "POST", json=body | {"request_id": new_id()}).status_code == 202


def test_no_other_way_in_takes_a_document(apps: Apps) -> None:
    answer = apps.ask(REQUESTS, "POST", json={"target": "shop", "table": "public.orders", "document": ORDERS})
    assert errors(answer)[0]["pointer"] == "/document"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"document": tried_by("public.other(id) = 1")}, "/document/rules/0/arguments/sql"),
        ({"document": ORDERS | {"table": "public.secrets"}}, "/document/table"),
        ({"document": ORDERS | {"target": "other"}}, "/document/target"),
        ({"document": [ORDERS]}, "/document"),
        ({"document": ORDERS | {"rules": [{"id": "a", "type": "nope"}]}}, "/document/rules/0/type"),
        ({"table": None, "dataset": "all"}, "/document/table"),
        ({"rule_ids": ["nope"]}, "/rule_ids/0"),
    ],
)
def test_dataops_itself_judges_the_document(apps: Apps, changes: dict[str, Any], pointer: str) -> None:
    body = {"target": "shop", "table": "public.orders", "document": ORDERS, "mode": "async"} | changes
    answer = apps.ask(CHECKS, "POST", json={name: value for name, value in body.items() if value is not None})
    assert pointer in [error["pointer"] for error in errors(answer)]


def test_a_function_that_the_target_allows_may_be_tried_at_both(apps: Apps) -> None:
    document = tried_by("public.code_of(id) = 1")
    assert try_(apps, document).status_code == 202
    body = {"target": "shop", "table": "public.orders", "document": document, "mode": "async"}
    assert apps.ask(CHECKS, "POST", json=body).status_code == 202
    assert apps.ask(CHECKS, "POST", json=body | {"target": "nowhere"}).status_code == 404


def test_a_repeated_trial_is_the_same_and_another_document_is_a_conflict(apps: Apps) -> None:
    def tried(document: Any, path: str = f"{TRIALS}?wait=0&mode=async") -> TestResponse:
        key = {"Authorization": f"Bearer {apps.keys[SCOPES]}", "Idempotency-Key": "trial 1"}
        return apps.clients["backend"].post(path, json=document, headers=key)

    first, again = tried(ORDERS), tried(ORDERS)
    assert (first.status_code, again.status_code, again.headers.get("Idempotent-Replayed")) == (202, 202, "true")
    assert first.get_json()["mode"] == "async"
    assert tried(tried_by("id > 0")).status_code == 409
    assert apps.ask("/api/v1/tables/shop/public.orders", "PUT", json=ORDERS).status_code == 201
    assert tried({"target": "shop", "table": "public.orders"}, REQUESTS).status_code == 409, "no check of the stored rules"
    assert apps.ask("/api/v1/gates/shop/public.orders?request_id=trial 1").status_code == 422
    detail = apps.ask("/api/v1/gates/shop/public.orders?request_id=trial 1").get_json()["detail"]
    assert detail == "/query/request_id: is of a trial or a profile, which decides nothing: no gate answers for it"
    assert apps.ask("/api/v1/tables/shop/public.orders", "DELETE").status_code == 204


def test_lists_show_trials_and_leave_them_out(apps: Apps) -> None:
    assert apps.ask("/api/v1/tables/shop/public.listed", "PUT", json=ORDERS | {"table": "public.listed"}).status_code == 201
    asked = {"target": "shop", "table": "public.listed", "mode": "async"}
    plain = apps.ask(REQUESTS, "POST", json=asked).get_json()["request_id"]
    trial = try_(apps, ORDERS | {"table": "public.listed"}).get_json()["request_id"]

    def listed(query: str) -> dict[str, bool]:
        items = apps.ask(f"{REQUESTS}?table=public.listed{query}").get_json()["items"]
        return {item["request_id"]: item["trial"] for item in items}

    assert listed("") == {trial: True, plain: False}
    assert listed("&trial=true") == {trial: True}
    assert listed("&trial=false") == {plain: False}
