"""How DataOps is doing, as the internal database knows it: the same from any process. Read alike for `GET /api/v1/queue` and
/metrics; nothing here changes anything."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.worker.heartbeats import SEEN_S
from database.keys import is_seen
from database.pool import Database, Row
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Queue:
    """What waits and runs, of each target that the caller sees, and who works at it."""

    targets: list[Row]
    workers: int
    children: int
    warm: int

    def as_json(self) -> dict[str, Any]:
        return {
            "waiting": sum(row["waiting"] for row in self.targets),
            "running": sum(row["running"] for row in self.targets),
            "oldest_age_s": round(max((row["oldest_age_s"] for row in self.targets), default=0.0), 3),
            "workers": self.workers,
            "children": self.children,
            "warm_children": self.warm,
            "targets": [row | {"oldest_age_s": round(row["oldest_age_s"], 3)} for row in self.targets],
        }


def queue(database: Database) -> Queue:
    with database.transaction() as cursor:
        targets = [row for row in cursor.all(SQL["targets"]) if is_seen(row["target"])]
        workers = cursor.one(SQL["workers"], {"seen_s": SEEN_S})
    assert workers is not None
    return Queue(targets, int(workers["workers"]), int(workers["children"]), int(workers["warm"]))


@dataclass(frozen=True)
class Totals:
    """Of all checks and deliveries since the start. `checks` has a row per target, mode, status and verdict: their number,
    seconds waited and run, and counts per bucket of the histograms. `bounds_s` are the upper bounds of these buckets.
    `lost_attempts`: by target, attempts whose worker or dbt process was lost."""

    checks: list[Row]
    bounds_s: list[float]
    deliveries: list[Row]
    waiting: Row
    lost_attempts: list[Row]


def totals(database: Database) -> Totals:
    """At one moment."""
    with database.transaction() as cursor:
        checks, deliveries = cursor.all(SQL["totals"]), cursor.all(SQL["delivery_totals"])
        waiting, bounds = cursor.one(SQL["deliveries"]), cursor.one(SQL["bounds"])
        lost_attempts = cursor.all(SQL["lost_attempts"])
    assert waiting is not None
    assert bounds is not None
    return Totals(checks, bounds["bounds"], deliveries, waiting, lost_attempts)
