"""What DataOps does now and then: forgets what is older than the settings say, and counts its books anew."""

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from api.checks.lifecycle import lock_target
from database.pool import Database, json_value
from database.queries import load_queries
from stringx_dataops.contract.messages.samples import without_samples
from stringx_dataops.contract.settings import Settings

SQL = load_queries(Path(__file__).with_suffix(".sql"))
BATCH = 200
_RESULTS = 8  # that are in memory at once: each may have 8 MiB
_DAY_S = 86_400

log = logging.getLogger(__name__)


def clean(database: Database, settings: Settings, alive: Callable[[], None] = lambda: None) -> None:
    """Everything that is due, in batches, telling `alive` after each; several processes at once do no harm."""
    if settings.retention_samples_days:
        _repeat(alive, lambda: _drop_samples(database, settings.retention_samples_days), _RESULTS)
        _delete_folders(settings.home / "by-hand", settings.retention_samples_days)
    if settings.retention_delivered_days:
        _repeat(alive, lambda: _delete(database, "delete_delivered", settings.retention_delivered_days))
    if settings.retention_results_days:
        _repeat(alive, lambda: _delete(database, "delete_checks", settings.retention_results_days))
    audit(database, alive)


def audit(database: Database, alive: Callable[[], None] = lambda: None) -> None:
    """Counts what waits and runs of each target, and says who is first in each line; what was wrong is repaired and told."""
    with database.transaction() as cursor:
        targets = [row["target"] for row in cursor.all(SQL["targets"])]
    for target in targets:
        alive()
        with database.transaction() as cursor:
            lock_target(cursor, target)
            counted = cursor.one(SQL["counted"], {"target": target})
            if counted is not None and (counted["waiting"], counted["running"]) != (
                counted["really_waiting"],
                counted["really_running"],
            ):
                log.error("the counters of target %s were wrong: %s", target, counted)
                cursor.run(SQL["recount"], counted | {"target": target})
            if cursor.run(SQL["forget_target"], {"target": target}):
                continue
            heads = cursor.one(SQL["heads"], {"target": target})
            if heads is not None and heads["checks"]:
                cursor.run(SQL["settle"], {"checks": heads["checks"]})


def _drop_samples(database: Database, days: int) -> int:
    with database.transaction() as cursor:
        rows = cursor.all(SQL["with_samples"], {"days": days, "batch": _RESULTS})
        for row in rows:
            result = without_samples(row["result"]) if row["result"] is not None else None
            changed = json_value(result) if result is not None else None
            cursor.run(SQL["drop_samples"], {"check_id": row["check_id"], "result": changed})
    return len(rows)


def _delete(database: Database, statement: str, days: int) -> int:
    with database.transaction() as cursor:
        return cursor.run(SQL[statement], {"days": days, "batch": BATCH})


def _repeat(alive: Callable[[], None], step: Callable[[], int], batch: int = BATCH) -> None:
    """As long as whole batches are found."""
    while step() == batch:
        alive()
        time.sleep(0.05)  # others want the database too


def _delete_folders(folder: Path, days: int) -> None:
    """What a result's command line points to, where it was too long for a shell."""
    until = time.time() - days * _DAY_S
    for left in folder.glob("*"):
        if left.is_dir() and left.stat().st_mtime < until:
            shutil.rmtree(left, ignore_errors=True)
