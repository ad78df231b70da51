"""Profiles over HTTP: who may ask for what, who sees which values, and what is refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from api.checks import claims, lifecycle
from api.checks.result_parts import Ending
from backend.requests import tracking
from stringx_dataops.contract.keys import KeyScope
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.profiles import ColumnProfile, Profile, TopValue
from stringx_dataops.contract.messages.trials import CheckOrder
from tests.support.apps import SCOPES, Apps
from tests.support.apps import made as apps_of
from tests.support.databases import Admin
from tests.support.datasets import CATALOGUE, claimed, now

PROFILES, CHECKS = "/api/v1/profiles", "/api/v1/quality-checks"
TARGET = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "127.0.0.1", "dbname": "a", "user": "b"}
ASKED = {"target": "shop", "table": "public.orders", "mode": "async"}
CANARY = "canary-4711"


@pytest.fixture(scope="module")
def apps(admin: Admin, internal_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apps]:
    """No table is configured, and nobody runs what is asked."""
    with apps_of(admin, internal_template, tmp_path_factory.mktemp("home")) as made:
        assert made.ask("/api/v1/targets/shop", "PUT", json=TARGET).status_code == 201
        yield made


def without(*scopes: KeyScope) -> tuple[KeyScope, ...]:
    return tuple(each for each in SCOPES if each not in scopes)


def ask(apps: Apps, scopes: tuple[KeyScope, ...] = SCOPES, **changes: Any) -> TestResponse:
    return apps.ask(PROFILES, "POST", scopes, json=ASKED | changes)


def ended(apps: Apps, table: str, rows: int, nulls: int, top: str) -> str:
    """The id of a profile of `table`, as if dbt had found its one column to be like this."""
    answer = ask(apps, table=table)
    assert answer.status_code == 202, answer.text
    view = answer.get_json()
    with apps.database.transaction() as cursor:
        row = cursor.one("select body from stringx.requests where request_id = %(id)s", {"id": view["request_id"]})
        cursor.run("delete from dataops.outbox; delete from dataops.checks")
    assert row is not None

    lifecycle.accept(apps.database, CATALOGUE, CheckOrder.model_validate(row["body"]), 100)
    check, moment = claimed(apps.database), now(apps.database)
    column = ColumnProfile(name="a", type="text", family="text", nulls=nulls, distinct=2, min=top, max=top, top=[TopValue(value=top, count=2)], values_hidden=False)  # fmt: skip
    measured = Profile(target="shop", table=table, relation="table", snapshot_at=moment, row_count=rows, columns=[column])
    found = check.result_with(Ending("succeeded", "pass", None, moment, snapshot_at=moment, profile=measured.as_json()))
    assert claims.finish(apps.database, check, found, "http://backend")
    tracking.store(apps.database, view["request_id"], CheckResult.model_validate(found.as_json()))
    profile_id: str = view["profile_id"]
    return profile_id


def test_a_profile_of_a_table_that_is_not_configured_is_taken(apps: Apps) -> None:
    answer = ask(apps, columns=["a"], sample_rows=10)
    assert answer.status_code == 202, answer.text
    found = answer.get_json()
    assert (found["target"], found["table"], found["status"], found["requested_by"]) == (
        "shop",
        "public.orders",
        "queued",
        "-".join(SCOPES),
    )
    assert (found["settings"], found["profile"], found["suggestions"]) == (
        {"columns": ["a"], "sample_rows": 10, "sample_columns": None},
        None,
        [],
    )
    assert apps.ask(answer.headers["Location"]).get_json()["profile_id"] == found["profile_id"]
    request = apps.ask(f"/api/v1/requests/{found['request_id']}").get_json()
    assert (request["trial"], request["status"]) == (True, "queued")


def test_the_same_request_is_one_profile(apps: Apps) -> None:
    header = {"Idempotency-Key": "once"}
    first, second = (apps.clients["backend"].post(PROFILES, json=ASKED, headers={"Authorization": f"Bearer {apps.keys[SCOPES]}"} | header) for _ in range(2))  # fmt: skip
    assert (first.status_code, second.status_code, second.headers["Idempotent-Replayed"]) == (202, 202, "true")
    assert first.get_json()["profile_id"] == second.get_json()["profile_id"]
    assert ask(apps, request_id="once", columns=["b"]).status_code == 409


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"columns": []}, "/columns"), ({"columns": ["a"] * 1665}, "/columns"), ({"sample_rows": 0}, "/sample_rows"), ({"table": "orders"}, "/table"),
        ({"document": {}}, "/document"), ({"sample_columns": ["a\x00"]}, "/sample_columns/0"), ({"timeout_s": 0}, "/timeout_s"), ({"wait_s": 301}, "/wait_s"),
    ],
)  # fmt: skip
def test_bad_fields_are_named(apps: Apps, changes: dict[str, Any], pointer: str) -> None:
    answer = ask(apps, **changes)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.get_json()["errors"]] or "NUL" in answer.text


def test_columns_are_shown_to_whom_may_change_the_document(apps: Apps) -> None:
    assert ask(apps, without("configure"), sample_columns=["a"]).status_code == 403
    assert ask(apps, without("configure")).status_code == 202
    assert ask(apps, sample_columns=["a"]).status_code == 202
    assert ask(apps, without("trigger")).status_code == 403
    assert ask(apps, target="vault").status_code == 404


def test_dataops_asks_for_the_same_scopes(apps: Apps) -> None:
    body = {"target": "shop", "table": "public.orders", "mode": "async", "profile": {}}
    assert apps.ask(CHECKS, "POST", without("configure"), json=body).status_code == 202
    shown = body | {"profile": {"sample_columns": ["a"]}}
    assert apps.ask(CHECKS, "POST", without("configure"), json=shown).status_code == 403
    assert apps.ask(CHECKS, "POST", json=shown).status_code == 202
    for more in ({"rule_ids": ["a"]}, {"kinds": ["accuracy"]}, {"window": {"from": "2026-01-01"}}):
        assert apps.ask(CHECKS, "POST", json=body | more).status_code == 422, more


def test_a_key_without_samples_sees_no_values(apps: Apps) -> None:
    first = ended(apps, "public.hidden", rows=10, nulls=0, top=CANARY)
    second = ended(apps, "public.hidden", rows=20, nulls=5, top=f"{CANARY}-2")
    with_values = apps.ask(f"{PROFILES}/{second}?compare={first}").get_json()
    assert CANARY in str(with_values["profile"])
    (table, column) = with_values["comparison"]
    assert (table["column"], table["measures"]) == (None, [{"name": "row_count", "before": 10, "after": 20}])
    measures = {each["name"]: (each["before"], each["after"]) for each in column["measures"]}
    assert (column["column"], measures["nulls_share"], measures["min"]) == ("a", (0.0, 0.25), (CANARY, f"{CANARY}-2"))
    answer = apps.ask(f"{PROFILES}/{second}?compare={first}", scopes=without("samples"))
    assert CANARY not in answer.text
    hidden = answer.get_json()
    assert [(each["values_hidden"], each["nulls"]) for each in hidden["profile"]["columns"]] == [(True, 5)]
    assert [measure["name"] for measure in hidden["comparison"][1]["measures"]] == ["nulls_share"]
    in_dataops = apps.ask(f"{CHECKS}/{check_of(apps, second)}", scopes=without("samples"))
    assert (in_dataops.status_code, CANARY in in_dataops.text) == (200, False)


def check_of(apps: Apps, profile_id: str) -> str:
    with apps.database.transaction() as cursor:
        row = cursor.one("select check_id from stringx.profiles where profile_id = %(id)s", {"id": profile_id})
    assert row is not None
    return str(row["check_id"])


def test_its_request_is_listed_as_a_profile(apps: Apps) -> None:
    ended(apps, "public.named", 1, 0, "a")
    (listed,) = apps.ask("/api/v1/requests?table=public.named").get_json()["items"]
    found = apps.ask(f"/api/v1/requests/{listed['request_id']}").get_json()
    assert [(each["trial"], each["profile"]) for each in (listed, found)] == [(True, True)] * 2


def test_only_profiles_of_one_table_are_compared(apps: Apps) -> None:
    one, other = (ended(apps, f"public.{name}", rows=1, nulls=0, top="x") for name in ("one", "other"))
    answer = apps.ask(f"{PROFILES}/{one}?compare={other}")
    assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, "/query/compare")
    waiting = ask(apps, table="public.one").get_json()["profile_id"]
    assert "has measured nothing: it is queued" in apps.ask(f"{PROFILES}/{one}?compare={waiting}").text


def test_a_list_is_paged_and_a_profile_deleted(apps: Apps) -> None:
    made = [ask(apps, table="public.listed").get_json()["profile_id"] for _ in range(3)]
    found, cursor = [], ""
    while True:
        page = apps.ask(f"{PROFILES}?table=public.listed&limit=2{cursor}").get_json()
        found += [item["profile_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == made[::-1]
    assert apps.ask(f"{PROFILES}/{made[0]}", "DELETE", without("configure")).status_code == 403
    assert apps.ask(f"{PROFILES}/{made[0]}", "DELETE").status_code == 204
    assert apps.ask(f"{PROFILES}/{made[0]}").status_code == 404
    assert apps.ask(f"{PROFILES}/{made[0]}", "DELETE").status_code == 404
    entries = apps.ask("/api/v1/audit?action=profile.deleted").get_json()["items"]
    assert [entry["details"]["profile_id"] for entry in entries] == [made[0]]
