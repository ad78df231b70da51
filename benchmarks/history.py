"""What the board and a rule's history cost with 10,000 tables of 20 rules and many points, beside what they cost with ten tables.

`python -m benchmarks.history [--points 50000000]`: milliseconds of the API's answers, medians and the slowest of a hundred; and
of storing a result with and without its history. It takes about a minute per ten million points.
"""

import argparse
import json
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from backend.app import create_app
from backend.history import recording
from backend.requests import tracking
from database import keys
from database.migrate import migrate
from database.pool import Database
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.signatures import new_secret
from tests.support.databases import Admin, running_cluster

TABLES, RULES, POINTS, TIMES = 10_000, 20, 50_000_000, 100
_AT_ONCE = 500_000
CONFIGURE = """
insert into stringx.targets (name, document, version) values
    ('shop', '{"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "h", "dbname": "d", "user": "u"}', 1);
insert into stringx.tables (target, table_name, document, rules_hash, version)
select 'shop', 'public.t' || n,
       jsonb_build_object('apiVersion', 'stringx/v1', 'target', 'shop', 'table', 'public.t' || n, 'rules', r.rules), 'hash', 1
from generate_series(1, %(tables)s) n,
     (select jsonb_agg(jsonb_build_object('id', 'r' || i, 'type', 'not_null', 'column', 'c' || i)) as rules
      from generate_series(1, %(rules)s) i) r;
insert into stringx.subject_rules (subject_id, rule_id)
select subject_id, 'r' || i from stringx.subjects, generate_series(1, %(rules)s) i where kind = 'table' order by 1, 2;
update stringx.states set state = (array['closed', 'stale', 'open', 'open', 'open'])[1 + subject_id %% 5],
    rank = (array[0, 1, 3, 3, 3])[1 + subject_id %% 5], recent = array_fill('pass'::text, array[30]), refresh_at = null,
    reasons = array['r1: 3 of 10 rows (30.00%%) have no c1; fails above 0']
"""
FILL = """
insert into stringx.rule_points (rule_key, at, check_id, status, failures, total, config_version)
select 1 + n %% %(keys)s, now() - (n / %(keys)s) * (interval '365 days' / %(each)s), gen_random_uuid(), 'pass', 0, 1000, 1
from generate_series(%(from)s::bigint, %(to)s::bigint) n on conflict do nothing
"""


def prepare(admin: Admin, tables: int, points: int) -> tuple[str, Database]:
    """A filled internal database of its own: its address, and it."""
    name = f"history_{secrets.token_hex(4)}"
    admin.run(f"create database {name}")
    database = Database(admin.url(name), size=4)
    migrate(database)
    with database.transaction() as cursor:
        for months in range(14):
            cursor.run("select stringx.make_partitions((now() - make_interval(months => %(months)s))::date)", {"months": months})
        cursor.run(CONFIGURE, {"tables": tables, "rules": RULES})
    number = tables * RULES
    for first in range(0, points, _AT_ONCE):
        to = min(points, first + _AT_ONCE) - 1
        with database.transaction() as cursor:
            cursor.run("set local statement_timeout = '10min'")
            cursor.run(FILL, {"keys": number, "each": max(1, points // number), "from": first, "to": to})
    admin.run("vacuum (analyze)", name)
    return admin.url(name), database


def taken(call: Callable[[], Any], times: int = TIMES) -> dict[str, float]:
    """Milliseconds of a call."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        found.append((time.perf_counter() - began) * 1000)
    return {"median_ms": round(statistics.median(found), 2), "slowest_ms": round(max(found), 2)}


def answers(url: str, database: Database) -> dict[str, Any]:
    """What the API and the board take to answer."""
    home = Path(tempfile.mkdtemp())
    (home / "service-key").write_text("key")
    (home / "signing-secret").write_text(new_secret())
    keys.register(database, "owner", "sx_owner", SCOPES)
    client = create_app(read_settings({"STRINGX_HOME": str(home), "STRINGX_DATABASE_URL": url})).test_client()
    page = client.get("/login").text
    token = page.split('name="csrf" value="')[1].split('"')[0]
    client.post("/login", data={"csrf": token, "key": "sx_owner"})
    rule = "/api/v1/tables/shop/public.t7/rules/r3/history"
    year = (datetime.now(UTC) - timedelta(days=365)).strftime("%Y-%m-%dT%H:%M:%SZ")
    paths = {
        "first page of the tables": "/api/v1/tables",
        "tables that match a name": "/api/v1/tables?q=t77",
        "the board as a page": "/",
        "a table as a page": "/tables/shop/public.t7",
        "a rule's year, newest 1,000 points": f"{rule}?from={year}&limit=1000",
        "a rule's year by day": f"{rule}?from={year}&resolution=day&limit=1000",
    }
    return {name: taken(lambda path=path: _get(client, path)) for name, path in paths.items()}  # type: ignore[misc]


def _get(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Authorization": "Bearer sx_owner"})
    assert answer.status_code == 200, answer.text


def storing(database: Database) -> dict[str, Any]:
    """What storing a result of 20 rules takes, alternately with its history and without."""
    record, without = recording.record, lambda *_, **__: None
    found: dict[str, list[float]] = {"with its history": [], "without": []}
    for number in range(4 * TIMES):
        name = list(found)[number % 2]
        recording.record = record if name == "with its history" else without  # type: ignore[assignment]
        result = _result(number % 500)
        began = time.perf_counter()
        tracking.store(database, result.request_id, result)
        found[name].append((time.perf_counter() - began) * 1000)
    recording.record = record
    return {name: {"median_ms": round(statistics.median(values), 2)} for name, values in found.items()}


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


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=POINTS)
    points = parser.parse_args().points
    found: dict[str, Any] = {}
    with running_cluster() as cluster:
        admin = Admin(cluster)
        for name, tables, number in (
            ("10 tables", 10, 1000 * 10 * RULES),
            (f"{TABLES:,} tables, {points:,} points", TABLES, points),
        ):
            url, database = prepare(admin, tables, number)
            found[name] = answers(url, database)
            if tables == TABLES:
                found["storing a result"] = storing(database)
            database.close()
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
