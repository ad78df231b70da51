"""Who runs checks: each worker writes down now and then that it lives and how many of its children are warm."""

from database.pool import Database

SEEN_S = 30  # a worker that has not been seen for so long is not counted

_SEEN = """
insert into dataops.workers (worker, children, warm, fault, seen_at)
values (%(worker)s, %(children)s, %(warm)s, %(fault)s, clock_timestamp())
on conflict (worker) do update
set children = excluded.children, warm = excluded.warm, fault = excluded.fault, seen_at = excluded.seen_at
"""
_GONE = """
delete from dataops.workers
where worker = %(worker)s or seen_at < clock_timestamp() - make_interval(secs => 10 * %(lease_s)s)
"""
_WARM = """
select coalesce(sum(warm), 0) as warm from dataops.workers
where seen_at > clock_timestamp() - make_interval(secs => %(lease_s)s)
"""

_FAULTS = """
select distinct fault from dataops.workers
where fault is not null and seen_at > clock_timestamp() - make_interval(secs => %(lease_s)s) order by fault limit 3
"""


def seen(database: Database, worker: str, children: int, warm: int, fault: str | None = None) -> None:
    """`fault`: what keeps its children from being warm, in one line."""
    with database.statements() as cursor:
        cursor.run(_SEEN, {"worker": worker, "children": children, "warm": warm, "fault": fault})


def gone(database: Database, worker: str) -> None:
    """Forget a worker that stops, and those not seen for long."""
    with database.statements() as cursor:
        cursor.run(_GONE, {"worker": worker, "lease_s": SEEN_S})


def ready_workers(database: Database) -> int:
    """How many warm children there are, in all workers seen within a lease."""
    with database.statements() as cursor:
        row = cursor.one(_WARM, {"lease_s": SEEN_S})
    return int(row["warm"]) if row else 0


def faults(database: Database) -> list[str]:
    """Why there is no warm child, a line each; empty where there is one."""
    if ready_workers(database):
        return []
    with database.statements() as cursor:
        rows = cursor.all(_FAULTS, {"lease_s": SEEN_S})
    return [row["fault"] for row in rows] or ["no warm worker; start the role worker, or wait until it is warm"]
