"""The audit of the queue: corrects the counters of its targets, and which check is first in its line."""

import logging
from collections.abc import Callable
from pathlib import Path

from api.checks.lifecycle import lock_target
from database.pool import Database
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))

log = logging.getLogger(__name__)


def audit(database: Database, alive: Callable[[], None] = lambda: None) -> None:
    """Count the waiting and running checks of each target, and find the first check of each line. Wrong counters are corrected
    and logged."""
    with database.transaction() as cursor:
        targets = [row["target"] for row in cursor.all(SQL["targets"])]
    for target in targets:
        alive()
        with database.transaction() as cursor:
            lock_target(cursor, target)
            counted = cursor.one(SQL["counted"], {"target": target})
            kept, real = ("waiting", "running", "sessions"), ("really_waiting", "really_running", "really_having_sessions")
            if counted is not None and [counted[name] for name in kept] != [counted[name] for name in real]:
                log.error("the counters of target %s were wrong: %s", target, counted)
                cursor.run(SQL["recount"], counted | {"target": target})
            if cursor.run(SQL["forget_target"], {"target": target}):
                continue
            heads = cursor.one(SQL["heads"], {"target": target})
            if heads is not None and heads["checks"]:
                cursor.run(SQL["repair_lines"], {"checks": heads["checks"]})
