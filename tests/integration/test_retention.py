"""What is forgotten when, and what never is."""

import json
import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest

from api import insights
from api import retention as dataops
from api.checks import claims, lifecycle
from api.checks.audit import audit
from api.checks.lifecycle import Check
from backend import retention as backend
from backend.gates.gate import of_table as gate_of_table
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.settings import Settings, read_settings
from tests.support.queue import ask, claimed, read

RULE = {
    "id": "a", "type": "not_null", "columns": ["a"], "kind": "engineering", "dimension": "completeness", "status": "fail",
    "failures": 1, "total": 2, "failure_ratio": 0.5, "measured": None, "verified_by": "scan", "message": "…",
    "sample": {"columns": ["id"], "rows": [[1]], "cut": False},
}  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"STRINGX_HOME": str(tmp_path)})


def end(database: Database, check: Check, days: float = 0, deliver: bool = True) -> Check:
    """Finish a claimed check on both sides; then it happened so many days ago."""
    with database.transaction() as cursor:
        moment = cursor.now()
    said: dict[str, Any] = {"status": "succeeded", "verdict": "fail", "finished_at": moment, "snapshot_at": moment}
    if check.request.dataset is None:
        said["rules"] = [RULE]
    else:
        of_table = {"verdict": "fail", "config_version": 1, "rules_hash": "hash", "rules": [RULE]}
        said["tables"] = [{"table": name} | of_table for name in check.tables]
    result = CheckResult.model_validate(check.pending().as_json() | said)
    assert claims.finish(database, check, result, "http://backend")
    tracking.store(database, check.request_id, result)
    with database.transaction() as cursor:
        moved = {"id": check.check_id, "request": check.request_id, "days": days}
        cursor.run(
            "update dataops.checks set finished_at = finished_at - make_interval(secs => 86400 * %(days)s) where check_id = %(id)s;"
            " update dataops.outbox set delivered_at = clock_timestamp() - make_interval(secs => 86400 * %(days)s) where check_id = %(id)s;"
            " update stringx.results set finished_at = finished_at - make_interval(secs => 86400 * %(days)s),"
            " snapshot_at = snapshot_at - make_interval(secs => 86400 * %(days)s) where check_id = %(id)s;"
            " update stringx.dataset_results set snapshot_at = snapshot_at - make_interval(secs => 86400 * %(days)s) where check_id = %(id)s;"
            " update dataops.dataset_results set finished_at = finished_at - make_interval(secs => 86400 * %(days)s) where check_id = %(id)s;"
            " update stringx.requests set finished_at = finished_at - make_interval(secs => 86400 * %(days)s) where request_id = %(request)s",
            moved,
        )
        if not deliver:
            cursor.run("update dataops.outbox set delivered_at = null where check_id = %(id)s", moved)
    return check


def made(database: Database, days: float, deliver: bool = True, **asked: Any) -> str:
    ask(database, **asked)
    return end(database, claimed(database), days, deliver).check_id


def clean(database: Database, settings: Settings) -> None:
    dataops.clean(database, settings)
    backend.clean(database, settings)


def left(database: Database, table: str) -> set[str]:
    return {row["id"] for row in read(database, f"select distinct check_id::text as id from {table}")}


def test_old_results_go_and_what_decides_a_gate_stays(queue: Database, settings: Settings) -> None:
    ancient, old, young = (made(queue, days) for days in (2000, 500, 399))
    alone = made(queue, 3000, table="public.b")
    narrowed = made(queue, 500, table="public.c", kinds=["business"])
    clean(queue, settings)
    for table in ("dataops.checks", "stringx.results", "stringx.requests"):
        assert left(queue, table) == {young, alone}, table
    assert gate_of_table(queue, "north", "public.b").check_id == alone
    assert gate_of_table(queue, "north", "public.a").check_id == young
    assert {ancient, old, narrowed}.isdisjoint(left(queue, "dataops.outbox"))


def test_a_dataset_stays_as_long_as_it_decides_one_of_its_tables(queue: Database, settings: Settings) -> None:
    whole = made(queue, 900, table=None, dataset="of-north")
    of_a = made(queue, 800, table="public.a")
    later = made(queue, 700, table="public.a", kinds=["business"])
    clean(queue, settings)
    assert left(queue, "stringx.results") == {whole, of_a}
    assert later not in left(queue, "dataops.checks")
    assert gate_of_table(queue, "north", "public.b").check_id == whole
    newer = made(queue, 600, table=None, dataset="of-north")
    clean(queue, settings)
    assert left(queue, "stringx.results") == {newer}
    assert left(queue, "stringx.dataset_results") == {newer}


def test_what_is_not_delivered_or_not_ended_stays_however_old(queue: Database, settings: Settings) -> None:
    undelivered = made(queue, 500, deliver=False)
    ask(queue)
    waiting = ask(queue, table="public.b")
    made(queue, 0)
    with queue.transaction() as cursor:
        cursor.run("update dataops.checks set queued_at = queued_at - interval '900 days'")
    clean(queue, settings)
    assert {undelivered, waiting.check_id} <= left(queue, "dataops.checks")
    assert undelivered in left(queue, "dataops.outbox")
    with queue.transaction() as cursor:
        cursor.run("update dataops.outbox set given_up_at = now() where check_id = %(id)s", {"id": undelivered})
    clean(queue, settings)
    assert undelivered not in left(queue, "dataops.checks")


def test_samples_go_before_their_results_and_nothing_else_changes(queue: Database, settings: Settings) -> None:
    old, whole, young = made(queue, 31), made(queue, 31, table=None, dataset="of-north"), made(queue, 29, table="public.c")
    before = {row["id"]: row["result"] for row in read(queue, "select check_id::text as id, result from stringx.results")}
    clean(queue, settings)
    for table in ("dataops.checks", "stringx.results"):
        after = {row["id"]: row["result"] for row in read(queue, f"select check_id::text as id, result from {table}")}
        assert after[young] == before[young]
        assert after[young]["rules"][0]["sample"] is not None
        for check_id in (old, whole):
            rules = [
                *after[check_id].get("rules", []),
                *(rule for each in after[check_id].get("tables", []) for rule in each["rules"]),
            ]
            assert rules
            assert all(rule["sample"] is None for rule in rules)
            put_back = json.loads(
                json.dumps(after[check_id]).replace('"sample": null', f'"sample": {json.dumps(RULE["sample"])}')
            )
            assert json.dumps(put_back) == json.dumps(before[check_id]), "the order too"
    kept = read(queue, "select check_id::text as id from dataops.checks where samples_kept")
    assert [row["id"] for row in kept] == [young], "it is not looked at again"


def test_delivered_messages_go_first(queue: Database, settings: Settings) -> None:
    old, young = made(queue, 8), made(queue, 6)
    clean(queue, settings)
    assert left(queue, "dataops.outbox") == {young}
    assert left(queue, "dataops.checks") == {old, young}


def test_zero_days_are_for_ever(queue: Database, tmp_path: Path) -> None:
    old = made(queue, 5000)
    made(queue, 0)
    names = ("RETENTION_RESULTS_DAYS", "RETENTION_SAMPLES_DAYS", "RETENTION_DELIVERED_DAYS")
    clean(queue, read_settings({"STRINGX_HOME": str(tmp_path)} | dict.fromkeys(names, "0")))
    for table in ("dataops.checks", "dataops.outbox", "stringx.results"):
        assert old in left(queue, table)
    assert read(queue, "select 1 from stringx.results where samples_kept and check_id::text = '" + old + "'")


def test_books_that_are_wrong_are_repaired_and_told(
    queue: Database, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    ask(queue)
    ask(queue, table="public.b")
    with queue.transaction() as cursor:
        cursor.run("update dataops.targets set waiting = 0, running = 3")
        cursor.run("update dataops.checks set is_first = false")
    assert claims.claim(queue, "w") is None, "stuck"
    with caplog.at_level(logging.ERROR):
        audit(queue)
    assert "north" in caplog.text
    assert [(row["target"], row["waiting"], row["running"]) for row in insights.queue(queue).targets] == [("north", 2, 0)]
    assert {claimed(queue).tables[0], claimed(queue).tables[0]} == {"public.a", "public.b"}
    caplog.clear()
    audit(queue)
    assert not caplog.records


def test_a_target_that_is_gone_leaves_the_figures(queue: Database) -> None:
    check = ask(queue)
    with queue.transaction() as cursor:
        cursor.run("delete from stringx.datasets; delete from stringx.tables; delete from stringx.targets")
    audit(queue)
    assert [row["target"] for row in insights.queue(queue).targets] == ["north"], "its check still waits"
    lifecycle.cancel(queue, check.check_id, "http://backend")
    audit(queue)
    assert insights.queue(queue).targets == []


def test_folders_of_long_commands_go_with_the_samples(queue: Database, settings: Settings) -> None:
    for name, days in (("old", 31), ("young", 1)):
        folder = settings.home / "by-hand" / name
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - days * 86400,) * 2)
    dataops.clean(queue, settings)
    assert [folder.name for folder in (settings.home / "by-hand").iterdir()] == ["young"]
