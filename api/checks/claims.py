"""What a worker does with checks: claim one under a lease, finish it or hand it back, and return checks whose lease has expired
to the queue. Finishing and handing back are fenced by attempt and worker, so they change no row after the claim was lost."""

import json
import logging
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.checks import memory, waiving
from api.checks.lifecycle import Check, lock_target, read_check, release_joined
from api.checks.waiving import Decided
from api.delivery import outbox
from api.delivery.handover import CLOSED, Handover
from api.notifications import notify
from database.leases import LEASE_S
from database.pool import Cursor, Database, Row, json_value
from database.queries import load_queries
from stringx_dataops.contract.messages.checks import TRACE, CheckResult
from stringx_dataops.contract.messages.sizes import bounded
from stringx_dataops.contract.messages.waivers import claims_of
from stringx_dataops.contract.problems import StringXError

SQL = load_queries(Path(__file__).with_suffix(".sql"))
MAX_CRASHES = 3  # runs that may end their worker, or their dbt process, before a check is `errored`
MAX_YIELDS = 3  # runs that may give way
_OWN_OF_JOINED = ("check_id", "request_id", "asked", "requested_by", "joined", "queued_at", *TRACE)
LEAST_TIMEOUT_S = 60  # of a check in a batch: no statement may come near its share of the time
APART_MS = 60_000  # expected of a table that should not be checked with others
_UNKNOWN_MS = 250  # expected of a table that has not been checked
_SMALL_MS = 1000  # a check that is expected to take longer runs alone
_TOGETHER_MS = 2000  # expected of all checks that run with another
_TOGETHER_SYNC_MS = 500  # the same if somebody waits for one of them
_LOOKS = 5  # tries, if other workers hold the rows of all targets that have work

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claimed:
    """What a worker has claimed. `more_wait`: whether other checks waited then, for this worker or for a place."""

    checks: list[Check]
    more_wait: bool


def claim(database: Database, worker: str, lease_s: int = LEASE_S) -> Check | None:
    """The next check for this worker, leased to it; None if nothing may run now."""
    row = _claim(database, worker, lease_s)
    return None if row is None else read_check(row)


def claim_batch(database: Database, worker: str, most: int, lease_s: int = LEASE_S) -> Claimed:
    """The next check, and small ones of its target that may run with it, at most so many together. Only if others wait there, a
    second statement looks for them. No check if none may run now."""
    row = _claim(database, worker, lease_s)
    if row is None:
        return Claimed([], False)
    lead = read_check(row)
    company = _company(database, worker, lease_s, lead, most) if row["behind"] and most > 1 else []
    return Claimed([lead, *company], row["elsewhere"] or row["behind"] > len(company))


def _company(database: Database, worker: str, lease_s: int, lead: Check, most: int) -> list[Check]:
    """Checks that run with the lead, which is claimed."""
    if not _may_have_company(lead):
        return []
    wanted = {
        "target": lead.request.target,
        "lead": lead.check_id,
        "attempt": lead.attempt,
        "worker": worker,
        "lease_s": lease_s,
        "is_sync": lead.mode == "sync",
        "more": most - 1,
        "least_timeout_s": LEAST_TIMEOUT_S,
        "unknown_ms": _UNKNOWN_MS,
        "small_ms": _SMALL_MS,
        "together_ms": _TOGETHER_MS,
        "together_sync_ms": _TOGETHER_SYNC_MS,
    }
    try:
        with database.statements() as cursor:
            return [read_check(row) for row in cursor.all(SQL["claim_more"], wanted)]
    except StringXError as error:  # the lead is claimed; others that are, without this being known, come back with their leases
        log.warning("a check runs alone: %s", error)
        return []


def _claim(database: Database, worker: str, lease_s: int) -> Row | None:
    for look in range(_LOOKS):
        with database.statements() as cursor:
            row = cursor.one(SQL["claim"], {"worker": worker, "lease_s": lease_s})
            if row is not None or look == _LOOKS - 1 or cursor.one(SQL["claimable"]) is None:
                return row
        time.sleep(random.uniform(0.001, 0.01))  # noqa: S311 (no secret: claimants that meet should not meet again)
    return None


def _may_have_company(lead: Check) -> bool:
    """Whether a check is one of a table that has not been tried yet; how long it may take is looked up with the others."""
    is_plain = lead.request.dataset is None and not lead.is_trial
    return is_plain and lead.attempt == 1 and lead.timeout_s >= LEAST_TIMEOUT_S and not lead.cancel_requested


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


def finish(database: Database, check: Check, end: CheckResult | Decided, backend_url: str, handover: Handover = CLOSED) -> bool:
    """Stores the result and its message, for the check and for all checks that share its run (unless it was canceled: they then
    run without it). Waivers that are active now are applied to a result that was decided, and what it leaves for later checks is
    kept. The message takes the way of `handover` if that is open. False, and nothing stored, if the claim was lost."""
    with handover.passage() as passage, database.transaction() as cursor:
        [result] = waiving.apply(cursor, [end])
        ending = _Ending(check, end, result)
        message = outbox.message(check.results_url(backend_url), ending.text)
        lock_target(cursor, check.request.target)
        row = cursor.one(SQL["finish"], _fence(check) | ending.columns | message | {"handed_s": passage.lease_s})
        if row is None:
            return False
        passage.add(outbox.first_leased(message, check.check_id, row["now"]))
        _follow(cursor, {check.check_id: ending}, [row | {"check_id": check.check_id}], backend_url)
    return True


def finish_several(
    database: Database, ends: Sequence[tuple[Check, CheckResult | Decided]], backend_url: str, handover: Handover = CLOSED
) -> set[str]:
    """The same for several checks of one target and worker, in one transaction. Returns the ids of those that were stored: a
    claim that was lost keeps none of the others from it."""
    (target,) = {check.request.target for check, _ in ends}
    with handover.passage() as passage, database.transaction() as cursor:
        results = waiving.apply(cursor, [end for _, end in ends])
        endings = {check.check_id: _Ending(check, end, result) for (check, end), result in zip(ends, results, strict=True)}
        messages = {
            check_id: outbox.message(each.check.results_url(backend_url), each.text) for check_id, each in endings.items()
        }
        lock_target(cursor, target)
        columns = [each.columns for each in endings.values()]
        said = {
            "worker": ends[0][0].worker,
            "origin": outbox.origin(backend_url),
            "check_ids": list(endings),
            "attempts": [check.attempt for check, _ in ends],
            "statuses": [each["status"] for each in columns],
            "verdicts": [each["verdict"] for each in columns],
            "bodies": [each["body"] for each in messages.values()],
            "waivers": [each.waivers for each in endings.values()],
            "message_ids": [each["message_id"] for each in messages.values()],
            "urls": [each["url"] for each in messages.values()],
            "took_ms": [each["took_ms"] for each in columns],
            "handed_s": passage.lease_s,
        }
        rows = cursor.all(SQL["finish_several"], said)
        for row in rows:
            check_id = str(row["check_id"])
            passage.add(outbox.first_leased(messages[check_id], check_id, row["now"]))
        _follow(cursor, endings, rows, backend_url)
    return {str(row["check_id"]) for row in rows}


class _Ending:
    """How a check is stored: its columns, and the text of its message."""

    def __init__(self, check: Check, end: CheckResult | Decided, result: CheckResult) -> None:
        whole = result.as_json()
        leans_on = claims_of(whole)
        self.check, self.end, self.result = check, end, result
        self.body, self.text = bounded(whole)
        self.waivers = json.dumps(leans_on) if leans_on else None
        self.columns = {
            "status": result.status,
            "verdict": result.verdict,
            "waivers": json_value(leans_on) if leans_on else None,
            "took_ms": None if check.is_trial else _took_ms(end),
        }


def _follow(cursor: Cursor, endings: Mapping[str, _Ending], rows: Iterable[Row], backend_url: str) -> None:
    """What follows the end of checks, in its transaction. Rows: the checks that have ended, and whether others share their
    runs."""
    reported: list[tuple[str, str, str | None]] = []
    for row in rows:
        ending = endings[str(row["check_id"])]
        check, result = ending.check, ending.result
        if result.status == "canceled":
            release_joined(cursor, check.check_id)
            continue
        if isinstance(ending.end, Decided):
            memory.keep(cursor, result, ending.end.learned)
        checks = [check, *(_finish_joined(cursor, check, ending.body, ending.columns, backend_url) if row["shared"] else ())]
        if check.request.full:
            reported += [(each.check_id, table.table, table.verdict) for table in result.tables for each in checks]
    if reported:
        ids, tables, verdicts = map(list, zip(*reported, strict=True))
        (target,) = {ending.check.request.target for ending in endings.values()}
        cursor.run(SQL["put_dataset_results"], {"target": target, "checks": ids, "tables": tables, "verdicts": verdicts})


def _took_ms(end: CheckResult | Decided) -> int | None:
    """What is to be expected of the table's next check; None if this one says nothing about it."""
    if isinstance(end, Decided):
        return end.took_ms
    return APART_MS if end.status in ("errored", "timed_out") and end.started_at is not None else None


def hand_back(
    database: Database,
    check: Check,
    *,
    why: str,
    crashed: bool = False,
    yielded: bool = False,
    delay_s: float = 0,
    tables: Sequence[str] | None = None,
    apart: bool = False,
) -> bool:
    """Puts the check back into the queue, counted as a crash or as giving way; False if the claim was lost. `why` the attempt
    ended stays with the check. `tables`: the dataset's tables, if its document has changed since the check was accepted. `apart`:
    whether the next checks of its table run alone."""
    counted = {
        "why": why,
        "crashed": crashed,
        "yielded": yielded,
        "delay_s": delay_s,
        "tables": list(tables) if tables is not None else None,
        "took_ms": APART_MS if apart else None,
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
