"""Heartbeats of workers: each worker writes regularly that it lives and how many of its children are warm."""

from pathlib import Path

from database.pool import Database
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))
SEEN_S = 30  # a worker counts for so long after its last heartbeat


def store(database: Database, worker: str, children: int, warm: int, fault: str | None = None) -> None:
    """Store a worker's heartbeat. `fault`: why its children are not warm, in one line."""
    with database.statements() as cursor:
        cursor.run(SQL["store"], {"worker": worker, "children": children, "warm": warm, "fault": fault})


def forget(database: Database, worker: str) -> None:
    """Delete a worker that stops, and workers without a heartbeat for ten times SEEN_S."""
    with database.statements() as cursor:
        cursor.run(SQL["forget"], {"worker": worker, "seen_s": SEEN_S})


def warm_children(database: Database) -> int:
    """The number of warm children of all workers whose last heartbeat is younger than SEEN_S."""
    with database.statements() as cursor:
        row = cursor.one(SQL["warm_children"], {"seen_s": SEEN_S})
    return int(row["warm"]) if row else 0


def faults(database: Database) -> list[str]:
    """Why no child is warm, one line per reason; empty if one is warm."""
    if warm_children(database):
        return []
    with database.statements() as cursor:
        rows = cursor.all(SQL["faults"], {"seen_s": SEEN_S})
    return [row["fault"] for row in rows] or ["no warm worker; start the role worker, or wait until it is warm"]
