"""What is kept of profiles, and what a reader gets of those that this release cannot read or make rules of."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from api.checks import claims, lifecycle
from api.checks.result_parts import Ending
from backend import retention
from backend.profiles import store
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.profiles import ColumnProfile, Profile, TopValue
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.settings import read_settings
from tests.support.apps import SCOPES, Apps
from tests.support.apps import made as apps_of
from tests.support.dashboard import sign_in
from tests.support.databases import Admin
from tests.support.datasets import CATALOGUE, claimed, now

PROFILES = "/api/v1/profiles"
TARGET = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "127.0.0.1", "dbname": "a", "user": "b"}
CANARY = "canary-4711"


@pytest.fixture(scope="module")
def apps(admin: Admin, internal_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apps]:
    with apps_of(admin, internal_template, tmp_path_factory.mktemp("home")) as made:
        assert made.ask("/api/v1/targets/shop", "PUT", json=TARGET).status_code == 201
        yield made


def result_of(database: Database, asked: CheckOrder) -> CheckResult:
    """As if dbt had found twelve rows, and one column whose values may be shown."""
    lifecycle.accept(database, CATALOGUE, asked, 100, "somebody")
    check, moment = claimed(database), now(database)
    top = [TopValue(value=CANARY, count=12)]
    column = ColumnProfile(
        name="a", type="text", family="text", nulls=0, distinct=1, min=CANARY, max=CANARY, top=top, values_hidden=False
    )
    measured = Profile(
        target="shop", table=asked.table or "", relation="table", snapshot_at=moment, row_count=12, columns=[column]
    )
    ending = Ending("succeeded", "pass", None, moment, snapshot_at=moment, row_count=12, profile=measured.as_json())
    found = check.result_with(ending)
    assert claims.finish(database, check, found, "http://backend")
    return CheckResult.model_validate(found.as_json())


def ended(apps: Apps, table: str = "public.a") -> str:
    """The id of a profile that has ended."""
    view = apps.ask(PROFILES, "POST", json={"target": "shop", "table": table, "mode": "async"}).get_json()
    change(apps.database, "delete from dataops.outbox; delete from dataops.checks")
    with apps.database.transaction() as cursor:
        row = cursor.one("select body from stringx.requests where request_id = %(id)s", {"id": view["request_id"]})
    assert row is not None
    tracking.store(apps.database, view["request_id"], result_of(apps.database, CheckOrder.model_validate(row["body"])))
    profile_id: str = view["profile_id"]
    return profile_id


def page_of(apps: Apps, profile_id: str) -> TestResponse:
    sign_in(apps.clients["backend"], apps.keys[SCOPES])
    return apps.clients["backend"].get(f"/profiles/{profile_id}")


def change(database: Database, statement: str, **values: Any) -> None:
    with database.transaction() as cursor:
        cursor.run(statement, values)


def test_values_go_when_samples_go_and_counts_stay(apps: Apps, tmp_path: Path) -> None:
    young, old = (ended(apps, "public.old") for _ in range(2))
    change(
        apps.database, "update stringx.profiles set created_at = created_at - interval '8 days' where profile_id = %(id)s", id=old
    )
    settings = read_settings({"STRINGX_HOME": str(tmp_path), "RETENTION_SAMPLES_DAYS": "7"})
    for _ in range(2):
        retention.clean(apps.database, settings)
    assert CANARY in apps.ask(f"{PROFILES}/{young}").text
    answer = apps.ask(f"{PROFILES}/{old}")
    (column,) = answer.get_json()["profile"]["columns"]
    assert (column["values_hidden"], column["top"], column["min"], column["distinct"]) == (True, None, None, 1)
    with apps.database.transaction() as cursor:
        held = cursor.all(
            "select profile_id::text as id from stringx.profiles where profile::text like %(like)s", {"like": f"%{CANARY}%"}
        )
    assert [row["id"] for row in held] == [young]


def test_a_profile_that_no_rules_can_be_made_of_is_shown(apps: Apps) -> None:
    """The document of its table is one that only another release can read."""
    document = {
        "apiVersion": "stringx/v1",
        "target": "shop",
        "table": "public.a",
        "rules": [{"id": "r", "type": "row_count", "arguments": {"min": 1}}],
    }
    assert apps.ask("/api/v1/tables/shop/public.a", "PUT", json=document).status_code == 201
    profile_id = ended(apps)
    assert apps.ask(f"{PROFILES}/{profile_id}").get_json()["suggestions_fault"] is None
    change(apps.database, 'update stringx.tables set document = document || \'{"on_empty": "explode"}\'')
    answer = apps.ask(f"{PROFILES}/{profile_id}")
    assert answer.status_code == 200, answer.text
    found = answer.get_json()
    assert (found["profile"]["row_count"], found["suggestions"]) == (12, [])
    assert "the suggestions could not be made" in found["suggestions_fault"]
    page = page_of(apps, profile_id)
    assert (page.status_code, CANARY in page.text, "the suggestions could not be made" in page.text) == (200, True, True)


def test_a_profile_that_another_release_has_stored_says_so(apps: Apps) -> None:
    strange, later = (ended(apps, "public.strange") for _ in range(2))
    change(
        apps.database,
        'update stringx.profiles set profile = \'{"format": "stringx-profile/9"}\' where profile_id = %(id)s',
        id=strange,
    )
    found = apps.ask(f"{PROFILES}/{strange}")
    assert found.status_code == 200, found.text
    assert (found.get_json()["profile"], "another release" in found.get_json()["reason"]) == (None, True)
    assert apps.ask(f"{PROFILES}/{later}").get_json()["suggestions"], "the other one is left out of what it is compared with"
    page = page_of(apps, strange)
    assert (page.status_code, "another release" in page.text) == (200, True)


def test_another_request_under_the_same_id_says_nothing_of_a_profile(apps: Apps) -> None:
    """An id is free again a day after the request has ended, also for a target that the reader does not see."""
    asked = {"target": "shop", "table": "public.lost", "mode": "async", "request_id": "again"}
    profile_id = apps.ask(PROFILES, "POST", json=asked).get_json()["profile_id"]
    change(
        apps.database,
        "delete from stringx.requests; insert into stringx.requests (request_id, source, target, table_name, mode, body, body_hash, status, is_full, reason)"
        " values ('again', 'http', 'vault', 'public.secret', 'async', '{}', '', 'errored', true, 'vault is away')",
    )
    answer = apps.ask(f"{PROFILES}/{profile_id}")
    assert (answer.status_code, "vault" in answer.text) == (404, False)


def test_an_id_that_is_used_again_at_dataops_is_another_profile(apps: Apps) -> None:
    order = CheckOrder.model_validate(
        {"target": "shop", "table": "public.direct", "mode": "async", "request_id": "direct", "profile": {}}
    )
    for number in (1, 2):
        found = result_of(apps.database, order)
        for _ in range(2):  # a result may be delivered again
            tracking.store(apps.database, "direct", found)
        items = store.page(apps.database, {"table": "public.direct"})["items"]
        assert [item["status"] for item in items] == ["succeeded"] * number
        change(apps.database, "delete from stringx.requests; delete from dataops.outbox; delete from dataops.checks")
