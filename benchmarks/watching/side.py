"""One side of the comparison, a process of its own: it runs the code of the folder that PYTHONPATH names, and so imports only
what both releases have. Reads a command per line, and answers each with a line of JSON."""

import json
import sys
import threading
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

from backend.configuration import store
from backend.requests import tracking
from benchmarks.history.processor import Processor
from benchmarks.load.clients import PATHS, Client, ask, so_many
from benchmarks.load.installation import TARGETS, installed, make_tables
from database.keys import Caller
from database.migrate import migrate
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.settings import ROOT

RULES = 20
STORM_S = 58.0
_APPLIED = 1000  # documents at once
TARGET = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "h", "dbname": "d", "user": "u"}


def say(found: Any) -> None:
    print(json.dumps(found), flush=True)


def storing(url: str, tables: int, routes: list[dict[str, Any]]) -> None:
    """Store so many results per command: {"verdicts": the verdict of each table in turn}. Answers with milliseconds of processor
    per result."""
    database = Database(url, size=2)
    migrate(database)
    rules = [{"id": f"r{i}", "type": "not_null", "column": f"c{i}"} for i in range(RULES)]
    documents = [
        {"apiVersion": "stringx/v1", "target": "shop", "table": f"public.t{n}", "owner": "team", "rules": rules}
        for n in range(tables)
    ]
    catalogue = Catalogue.load(ROOT / "stringx")
    store.apply(database, catalogue, Caller("me", frozenset(SCOPES)), [TARGET, *documents, *routes], dry_run=False)
    with database.transaction() as cursor:
        hashes = {row["table_name"]: row["rules_hash"] for row in cursor.all("select table_name, rules_hash from stringx.tables")}
    processor = Processor(database)
    say("ready")
    for line in sys.stdin:
        verdicts = json.loads(line)["verdicts"]
        results = [
            _result(f"public.t{n % tables}", hashes[f"public.t{n % tables}"], verdict) for n, verdict in enumerate(verdicts)
        ]
        taken = [processor.taken(partial(tracking.store, database, result.request_id, result)) for result in results]
        say([each.processor_ms for each in taken])


def _result(table: str, rules_hash: str, verdict: str, target: str = "shop") -> CheckResult:
    moment = datetime.now(UTC).isoformat()
    rule = {
        "type": "not_null",
        "kind": "engineering",
        "dimension": "completeness",
        "status": "pass",
        "failures": 0,
        "total": 1000,
        "failure_ratio": 0.0,
        "measured": None,
        "verified_by": "scan",
        "message": "0 of 1,000 rows have none",
    }
    rules = [rule | {"id": f"r{i}", "columns": [f"c{i}"]} for i in range(RULES)]
    if verdict == "fail":
        rules[0] |= {"status": "fail", "failures": 7, "failure_ratio": 0.007}
    counts = {status: sum(each["status"] == status for each in rules) for status in ("pass", "fail")}
    return CheckResult.model_validate(
        {"check_id": new_id(), "request_id": new_id(), "target": target, "table": table, "rules": rules, "counts": counts}
        | {"status": "succeeded", "verdict": verdict, "config_version": 1, "rules_hash": rules_hash, "duration_ms": 50}
        | {"row_count": 1000, "scores": {"overall": 1.0}}
        | dict.fromkeys(("queued_at", "started_at", "finished_at", "snapshot_at"), moment)
    )


def checking(tables: int, watched: dict[str, Any], crowd: int) -> None:
    """A whole installation, in which `crowd` more tables are configured. Per command {"checks": N}: so many sync checks of the
    Backend, one after the other; {"storm": verdict}: as many as come while results of that verdict are stored of the whole crowd,
    within a minute. Answers with the seconds of checks."""
    with installed(max_checks=10_000, concurrency=1) as installation:
        made = make_tables(installation, tables)
        for name, text in watched.get("secrets", {}).items():
            (installation.secrets / name).write_text(text)
        for document in watched.get("documents", []):
            installation.put(f"{document['kind'].lower()}s/{document['name']}", document)
        database = Database(installation._internal_url(installation.internal.port), size=2)
        hashes = _crowd(database, crowd)

        def connect() -> Client:
            return Client(installation["backend-1"].url, installation.key, PATHS["backend"])

        say("ready")
        for line in sys.stdin:
            asked = json.loads(line)
            if "checks" in asked:
                say(ask(connect, made, 1, so_many(asked["checks"])).seconds)
                continue
            storm = threading.Thread(target=_storm, args=(database, hashes, asked["storm"]))
            storm.start()
            say(ask(connect, made, 1, lambda _, storm=storm: storm.is_alive()).seconds)


def _crowd(database: Database, number: int) -> dict[str, str]:
    """Tables that nothing but a storm checks, and the hashes of their rules."""
    rules = [{"id": f"r{i}", "type": "not_null", "column": f"c{i}"} for i in range(RULES)]
    about = {"apiVersion": "stringx/v1", "target": next(iter(TARGETS)), "owner": "team", "rules": rules}
    catalogue, caller = Catalogue.load(ROOT / "stringx"), Caller("me", frozenset(SCOPES))
    for first in range(0, number, _APPLIED):
        documents = [about | {"table": f"public.crowd{n}"} for n in range(first, min(number, first + _APPLIED))]
        store.apply(database, catalogue, caller, documents, dry_run=False)
    with database.transaction() as cursor:
        rows = cursor.all("select table_name, rules_hash from stringx.tables where table_name like 'public.crowd%'")
    return {row["table_name"]: row["rules_hash"] for row in rows}


def _storm(database: Database, hashes: dict[str, str], verdict: str) -> None:
    """As evenly as a minute allows."""
    began = time.monotonic()
    for place, (table, rules_hash) in enumerate(hashes.items()):
        result = _result(table, rules_hash, verdict, next(iter(TARGETS)))
        tracking.store(database, result.request_id, result)
        time.sleep(max(0.0, began + place * STORM_S / len(hashes) - time.monotonic()))


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    if "url" in asked:
        storing(asked["url"], asked["tables"], asked["routes"])
    else:
        checking(asked["tables"], asked["watched"], asked["crowd"])
