"""What is measured on a filled database: the API's and the dashboard's answers, storing, and what keeps the history true."""

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from backend.app import create_app
from backend.configuration import store
from backend.history import recording, upkeep
from backend.requests import tracking
from benchmarks.history.fill import RULES
from benchmarks.history.processor import Processor, Taken
from database import keys
from database.keys import Caller
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.settings import ROOT, read_settings
from stringx_dataops.contract.signatures import new_secret

TIMES, UNCOUNTED = 100, 5
_ALL_RULES = {"from": 0, "to": 2**62}
_APPLIED = 1000
_FORGET = """
update stringx.results set has_points = false
where check_id not in (select check_id from stringx.check_points where at > now() - interval '1 hour')
"""
Figures = dict[str, Any]


def answers(url: str, database: Database) -> Figures:
    """Milliseconds that the API and the dashboard take to answer, and the kilobytes of the answer."""
    client = _client(url, database)
    table, rule = "/api/v1/tables/shop/public.t7", "/api/v1/tables/shop/public.t7/rules/r3/history"
    year = (datetime.now(UTC) - timedelta(days=365)).strftime("%Y-%m-%dT%H:%M:%SZ")
    paths = {
        "first page of the tables": "/api/v1/tables",
        "1,000 tables": "/api/v1/tables?limit=1000",
        "tables that match a part of a name": "/api/v1/tables?q=t77",
        "tables whose name matches nothing": "/api/v1/tables?q=nowhere",
        "tables of an owner": "/api/v1/tables?owner=team-7",
        "open gates": "/api/v1/tables?gate=open",
        "tables that failed": "/api/v1/tables?verdict=fail",
        "a rule's year, newest 1,000 points": f"{rule}?from={year}&limit=1000",
        "a rule's year by day": f"{rule}?from={year}&resolution=day&limit=1000",
        "a table's history, newest 50": f"{table}/history",
        "a table's history, newest 1,000": f"{table}/history?limit=1000",
        "the board as a page": "/",
        "the board, filtered": "/?q=t77&owner=team-7",
        "the board, not changed (304)": "/",
        "a table as a page": "/tables/shop/public.t7",
        "a rule as a page, 30 days": "/tables/shop/public.t7/rules/r3",
        "a rule as a page, 1 year": "/tables/shop/public.t7/rules/r3?range=1y",
    }
    processor = Processor(database)
    return {name: _asked(client, processor, path, is_known="304" in name) for name, path in paths.items()}


def _client(url: str, database: Database) -> FlaskClient:
    home = Path(tempfile.mkdtemp())
    (home / "service-key").write_text("key")
    (home / "signing-secret").write_text(new_secret())
    keys.register(database, "owner", "sx_owner", SCOPES)
    client = create_app(read_settings({"STRINGX_HOME": str(home), "STRINGX_DATABASE_URL": url})).test_client()
    page = client.get("/login").text
    token = page.split('name="csrf" value="')[1].split('"')[0]
    client.post("/login", data={"csrf": token, "key": "sx_owner"})
    return client


def _asked(client: FlaskClient, processor: Processor, path: str, *, is_known: bool) -> Figures:
    headers = {"Authorization": "Bearer sx_owner"}
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    headers |= {"If-None-Match": answer.headers["ETag"], "X-Renewal": "1"} if is_known else {}
    wanted = 304 if is_known else 200

    def ask() -> None:
        assert client.get(path, headers=headers).status_code == wanted

    return _figures([processor.taken(ask) for _ in range(TIMES + UNCOUNTED)]) | {"kb": round(len(answer.data) / 1000)}


def _figures(found: list[Taken]) -> Figures:
    ordered = sorted(each.wall_ms for each in found[UNCOUNTED:])
    return {
        "processor_ms": round(statistics.median(each.processor_ms for each in found[UNCOUNTED:]), 2),
        "fastest_ms": round(ordered[0], 2),
        "median_ms": round(statistics.median(ordered), 2),
        "tenth_slowest_ms": round(ordered[len(ordered) * 9 // 10], 2),
    }


def storing(database: Database) -> Figures:
    """What storing a result of 20 rules takes, alternately with its history and without. Tables are checked in no order."""
    record, without = recording.record, lambda *_, **__: None
    found: dict[str, list[Taken]] = {"with its history": [], "without": []}
    processor = Processor(database)
    for number in range(10 * TIMES):
        name = list(found)[number % 2]
        recording.record = record if name == "with its history" else without  # type: ignore[assignment]
        result = _result(random.randrange(10_000))
        found[name].append(processor.taken(partial(tracking.store, database, result.request_id, result)))
    recording.record = record
    return {name: _figures(values) for name, values in found.items()}


def _result(number: int) -> CheckResult:
    moment = datetime.now(UTC).isoformat()
    rule = {
        "type": "not_null",
        "kind": "engineering",
        "dimension": "completeness",
        "status": "pass",
        "failures": 0,
        "total": 1000,
    }
    rule |= {"failure_ratio": 0.0, "measured": None, "verified_by": "scan", "message": "0 of 1,000 rows have none"}
    ended = {"status": "succeeded", "verdict": "pass", "config_version": 1, "rules_hash": "hash", "duration_ms": 50}
    times = dict.fromkeys(("queued_at", "started_at", "finished_at", "snapshot_at"), moment)
    counted = {"row_count": 1000, "counts": {"pass": RULES}, "scores": {"overall": 1.0}}
    of_rules = {"rules": [rule | {"id": f"r{i}", "columns": [f"c{i}"]} for i in range(1, RULES + 1)]}
    about = {"check_id": new_id(), "request_id": new_id(), "target": "shop", "table": f"public.t{number + 1}"}
    return CheckResult.model_validate(about | ended | times | counted | of_rules)


def keeping(database: Database) -> Figures:
    """Seconds that the loops take: to look at states again, to take up results (those that `storing` left without points), to sum
    up a day, to delete a month."""
    _apply(database)
    with database.transaction() as cursor:
        number = cursor.run(_FORGET)
    found = {
        f"looking at {_APPLIED:,} states again": _seconds(lambda: _until_none(lambda: upkeep.refresh_states(database))),
        f"taking up {number:,} results": _seconds(lambda: _until_none(lambda: upkeep.take_up(database, 400))),
    }
    day = datetime.now(UTC).date() - timedelta(days=5)

    def sum_day() -> None:
        with database.transaction() as cursor:
            cursor.run(upkeep.SQL["sum_day"], {"day": day} | _ALL_RULES)

    found["summing up a day"] = _seconds(sum_day)
    with database.transaction() as cursor:
        found["its plan"] = _plan(cursor.all(f"explain (analyze, buffers) {upkeep.SQL['sum_day']}", {"day": day} | _ALL_RULES))
    found["deleting the oldest two months"] = _seconds(lambda: upkeep.keep_partitions(database, 330))
    return found


def _apply(database: Database) -> None:
    """As a stream of documents whose owner has changed."""
    rules = [{"id": f"r{i}", "type": "not_null", "column": f"c{i}"} for i in range(1, RULES + 1)]
    about = {"apiVersion": "stringx/v1", "target": "shop", "owner": "another", "rules": rules}
    stream = [about | {"table": f"public.t{number}"} for number in range(1, _APPLIED + 1)]
    store.apply(database, Catalogue.load(ROOT / "stringx"), Caller("me", frozenset(SCOPES)), stream, dry_run=False)


def _until_none(step: Callable[[], int]) -> None:
    while step():
        continue


def _seconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return round(time.perf_counter() - began, 2)


def _plan(rows: list[dict[str, Any]]) -> list[str]:
    """The lines that say which tables and indexes were read, and how much of them."""
    lines = [str(row["QUERY PLAN"]).strip() for row in rows]
    return [line for line in lines if "Scan on rule_points" in line and "never executed" not in line]
