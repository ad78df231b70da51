"""What must be true of everything that was accepted, whatever has died meanwhile: looked up in the tables of the internal database,
at the target and in the checked tables, never asked of the product."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.installation import Installation
from tests.support.processes import eventually
from tests.support.tables import CheckedTable, Truth

_CHECKS = """
select c.check_id::text, c.request_id, c.status, c.verdict, c.result, c.attempt, c.crashes, c.joined::text, c.batch::text,
       c.target || '/' || c.table_name as subject, c.table_name,
       (select count(*) from dataops.outbox o where o.check_id = c.check_id) as messages,
       (select count(*) from dataops.outbox o where o.check_id = c.check_id and o.delivered_at is not null) as delivered
from dataops.checks c where c.queued_at >= %(begun)s
"""
_STORED = """
select s.check_id::text, s.request_id, s.status, s.verdict, s.result,
       r.status as request_status, r.verdict as request_verdict
from stringx.results s join stringx.requests r using (request_id)
where r.request_id = any(%(requests)s)
"""
_COUNTERS = """
select t.target, t.waiting, t.running, t.sessions,
       count(c.*) filter (where c.status = 'queued') as really_waiting, count(c.*) filter (where c.status = 'running') as really_running,
       count(c.*) filter (where c.status = 'running' and coalesce(c.batch, c.check_id) = c.check_id) as real_sessions
from dataops.targets t left join dataops.checks c on c.target = t.target and c.status in ('queued', 'running')
group by t.target, t.waiting, t.running, t.sessions
"""
_BUSY = """
select pid, application_name, query from pg_stat_activity
where application_name like 'stringx %' and backend_type = 'client backend' and state <> 'idle'
"""


@dataclass
class Account:
    """Faults by their kind, each with enough to look it up; `checks` are all that were looked at, by request."""

    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    stored_twice: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.stored_twice or self.wrong or self.left_over)


def accounting(
    installation: Installation,
    *,
    otherwise: Mapping[str, Collection[str]] | None = None,
    changing: Collection[CheckedTable] = (),
    within_s: float = 180,
) -> dict[str, dict[str, Any]]:
    """Asserts it once everything has ended; the checks by request. `otherwise`: requests that end as one of these statuses, where
    the others succeed. `changing`: tables whose verdict the test judges itself."""
    eventually(lambda: not installation.unfinished(), within_s, f"the end of {installation.unfinished()[:5]}")
    account = audit(installation, otherwise or {}, {table.relation for table in changing})
    eventually(lambda: not busy(installation), 30, f"the end of what still runs on the target: {busy(installation)}")
    account.left_over += left_over(installation)
    assert account.clean, account
    return account.checks


def audit(installation: Installation, otherwise: Mapping[str, Collection[str]], changing: Collection[str]) -> Account:
    account = Account()
    account.checks = {row["request_id"]: row for row in installation.rows(_CHECKS, {"begun": installation.begun})}
    requests = [*installation.accepted, *account.checks]
    stored: dict[str, list[dict[str, Any]]] = {}
    for row in installation.rows(_STORED, {"requests": requests}):
        stored.setdefault(row["request_id"], []).append(row)
    truths: dict[str, Truth] = {}
    for request_id in dict.fromkeys(requests):
        check, results = account.checks.get(request_id), stored.get(request_id, [])
        if check is None or not results or check["delivered"] != 1:
            account.lost.append(f"{request_id}: check {check and check['check_id']}, {len(results)} results")
            continue
        if len(results) > 1 or check["messages"] != 1:
            account.stored_twice.append(f"{request_id}: {len(results)} results, {check['messages']} messages")
        account.wrong += _faults(installation, check, results[0], otherwise.get(request_id, {"succeeded"}), changing, truths)
    return account


def left_over(installation: Installation) -> list[str]:
    """Counters that do not count, lines in which nobody stands: what would block or starve those who come later."""
    found = [
        f"counters of {row['target']}: {row}"
        for row in installation.rows(_COUNTERS)
        if (row["waiting"], row["running"], row["sessions"])
        != (row["really_waiting"], row["really_running"], row["real_sessions"])
    ]
    lines = (
        "select check_id::text from dataops.lines join dataops.checks using (check_id) where status not in ('queued', 'running')"
    )
    return found + [f"line of {row['check_id']}" for row in installation.rows(lines)]


def busy(installation: Installation) -> list[dict[str, Any]]:
    """Sessions of ours that do something on the target."""
    return installation.checked.rows("postgres", _BUSY)


def _faults(
    installation: Installation,
    check: dict[str, Any],
    stored: dict[str, Any],
    statuses: Collection[str],
    changing: Collection[str],
    truths: dict[str, Truth],
) -> list[str]:
    """What contradicts plain SQL, or one table the other."""
    name = f"{check['request_id']} of {check['subject']} (attempt {check['attempt']})"
    faults = []
    if check["status"] not in statuses:
        faults.append(f"{name} ended as {check['status']}, not {sorted(statuses)}: {check['result']['reason']}")
    said = (check["status"], check["verdict"])
    if said != (stored["status"], stored["verdict"]) or said != (stored["request_status"], stored["request_verdict"]):
        faults.append(f"{name}: DataOps says {said}, the Backend {dict(stored) | {'result': '…'}}")
    if (stored["result"]["status"], stored["result"]["verdict"], stored["result"]["check_id"]) != (*said, check["check_id"]):
        faults.append(f"{name}: its result is another one's")
    if check["status"] != "succeeded":
        return faults + ([f"{name}: {said}"] if check["verdict"] != "error" else [])
    table = installation.tables[check["table_name"]]
    if table.relation in changing:
        return faults
    truth = truths.setdefault(table.relation, table.truth()) if table.relation not in truths else truths[table.relation]
    rules = {rule["id"]: rule for rule in stored["result"]["rules"]}
    counted = {rule_id: rules[rule_id]["failures"] for rule_id in truth.failures if rule_id in rules}
    if check["verdict"] != truth.verdict or counted != truth.failures:
        faults.append(f"{name}: {check['verdict']} {counted}, and plain SQL says {truth}")
    return faults
