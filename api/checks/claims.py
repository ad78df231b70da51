"""What a worker does with checks: claim one under a lease, finish it or hand it back, and return checks whose lease has expired
to the queue. Finishing and handing back are fenced by attempt and worker, so they change no row after the claim was lost."""

import json
import random
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from api.checks import memory, waiving
from api.checks.lifecycle import Check, lock_target, read_check, release_joined
from api.checks.waiving import Decided
from api.delivery import outbox
from api.notifications import notify
from database.leases import LEASE_S
from database.pool import Cursor, Database, json_value
from database.queries import load_queries
from stringx_dataops.contract.messages.checks import TRACE, CheckResult
from stringx_dataops.contract.messages.sizes import bounded
from stringx_dataops.contract.messages.waivers import claims_of

SQL = load_queries(Path(__file__).with_suffix(".sql"))
MAX_CRASHES = 3  # runs that may end their worker, or their dbt process, before a check is `errored`
MAX_YIELDS = 3  # runs that may give way
_OWN_OF_JOINED = ("check_id", "request_id", "asked", "requested_by", "joined", "queued_at", *TRACE)
_LOOKS = 5  # tries, if other workers hold the rows of all targets that have work


def claim(database: Database, worker: str, lease_s: int = LEASE_S) -> Check | None:
    """The next check for this worker, leased to it; None if nothing may run now."""
    for look in range(_LOOKS):
        with database.statements() as cursor:
            row = cursor.one(SQL["claim"], {"worker": worker, "lease_s": lease_s})
            if row is not None:
                return read_check(row)
            if look == _LOOKS - 1 or cursor.one(SQL["claimable"]) is None:
                return None
        time.sleep(random.uniform(0.001, 0.01))  # noqa: S311 (no secret: claimants that meet should not meet again)
    return None


def renew(database: Database, worker: str, claimed: Iterable[str], lease_s: int = LEASE_S) -> set[str]:
    """Extend the leases of a worker; the ids of the checks that it still holds."""
    with database.statements() as cursor:
        rows = cursor.all(SQL["renew"], {"worker": worker, "claimed": list(claimed), "lease_s": lease_s})
    return {str(row["check_id"]) for row in rows}


def checks_to_cancel(database: Database, worker: str) -> set[str]:
    """The ids of a worker's checks that are to be canceled."""
    with database.statements() as cursor:
        return {str(row["check_id"]) for row in cursor.all(SQL["checks_to_cancel"], {"worker": worker})}


def mark_reached(database: Database, check: Check) -> None:
    """Note that the check's attempt has a session on the target; nothing happens if the claim was lost."""
    with database.statements() as cursor:
        cursor.run(SQL["mark_reached"], _fence(check))


def finish(database: Database, check: Check, end: CheckResult | Decided, backend_url: str) -> bool:
    """Stores the result and its message, for the check and for all checks that share its run (unless it was canceled: they then
    run without it). Waivers that are active now are applied to a result that was decided, and what it leaves for later checks is
    kept. False, and nothing stored, if the claim was lost."""
    with database.transaction() as cursor:
        result = waiving.apply(cursor, end) if isinstance(end, Decided) else end
        whole = result.as_json()
        leans_on = claims_of(whole)
        body, text = bounded(whole)
        message = outbox.message(check.results_url(backend_url), text)
        ended = {
            "status": result.status,
            "verdict": result.verdict,
            "waivers": json_value(leans_on) if leans_on else None,
        }
        lock_target(cursor, check.request.target)
        row = cursor.one(SQL["finish"], _fence(check) | ended | message)
        if row is None:
            return False
        if result.status == "canceled":
            release_joined(cursor, check.check_id)
            return True
        if isinstance(end, Decided):
            memory.keep(cursor, result, end.learned)
        checks = [check, *(_finish_joined(cursor, check, body, ended, backend_url) if row["shared"] else ())]
        for table in result.tables:
            if check.request.full:
                said = {"target": result.target, "table": table.table, "verdict": table.verdict}
                cursor.run(SQL["put_dataset_results"], said | {"checks": [each.check_id for each in checks]})
    return True


def hand_back(
    database: Database,
    check: Check,
    *,
    why: str,
    crashed: bool = False,
    yielded: bool = False,
    delay_s: float = 0,
    tables: Sequence[str] | None = None,
) -> bool:
    """Puts the check back into the queue, counted as a crash or as giving way; False if the claim was lost. `why` the attempt
    ended stays with the check. `tables`: the dataset's tables, if its document has changed since the check was accepted."""
    counted = {
        "why": why,
        "crashed": crashed,
        "yielded": yielded,
        "delay_s": delay_s,
        "tables": list(tables) if tables is not None else None,
    }
    with database.transaction() as cursor:
        lock_target(cursor, check.request.target)
        return cursor.run(SQL["hand_back"], _fence(check) | counted) == 1


def rescue(database: Database, lease_s: int = LEASE_S) -> list[str]:
    """Puts checks with an expired lease (at most 100) back into the queue and returns their ids. After a start of the internal
    database, workers first have one lease to renew theirs."""
    with database.statements() as cursor:
        expired = cursor.all(SQL["expired"], {"lease_s": lease_s})
    rescued = []
    for row in expired:
        with database.transaction() as cursor:
            lock_target(cursor, row["target"])
            if cursor.run(SQL["rescue"], {"check_id": row["check_id"]}):
                rescued.append(str(row["check_id"]))
    return rescued


def _finish_joined(cursor: Cursor, leader: Check, body: dict[str, Any], ended: dict[str, Any], backend_url: str) -> list[Check]:
    """Stores the result, under its own ids, for each check that shares the run; returns these checks."""
    joined = [read_check(row) for row in cursor.all(SQL["joined"], {"check_id": leader.check_id})]
    for check in joined:
        known = check.pending().as_json()
        own = {name: known.get(name) for name in _OWN_OF_JOINED}
        result = {name: value for name, value in (body | own).items() if value is not None or name not in TRACE}
        stored = {"check_id": check.check_id, "leader": leader.check_id, "result": json_value(result)}
        cursor.run(SQL["finish_joined"], ended | stored)
        outbox.put(cursor, check.check_id, check.results_url(backend_url), json.dumps(result, ensure_ascii=False))
        notify(cursor, check.check_id)
    return joined


def _fence(check: Check) -> dict[str, Any]:
    return {"check_id": check.check_id, "attempt": check.attempt, "worker": check.worker}
