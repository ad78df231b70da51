"""What the Backend does now and then: forgets what is older than the settings say, but nothing that decides a gate."""

import random
import time
from collections.abc import Callable
from pathlib import Path

from database.loops import Loop, Loops
from database.pool import Database, json_value
from database.queries import load_queries
from stringx_dataops.contract.messages.samples import without_samples
from stringx_dataops.contract.settings import Settings

SQL = load_queries(Path(__file__).with_suffix(".sql"))
BATCH = 200
_RESULTS = 8  # that are in memory at once: each may have 8 MiB


def start(database: Database, settings: Settings, loops: Loops) -> None:
    """Clean now and then, in a daemon thread, at no fixed time, so that several processes do not meet."""

    def turn(loop: Loop) -> float:
        clean(database, settings, loop.alive)
        return random.uniform(240, 360)  # noqa: S311 (no secret)

    loops.start("housekeeping", turn, delay_s=random.uniform(20, 60))  # noqa: S311 (no secret)


def clean(database: Database, settings: Settings, alive: Callable[[], None] = lambda: None) -> None:
    """Everything that is due, in batches, telling `alive` after each; several processes at once do no harm."""
    if settings.retention_samples_days:
        while _drop_samples(database, settings.retention_samples_days) == _RESULTS:
            alive()
            time.sleep(0.05)  # others want the database too
    if settings.retention_results_days:
        for statement in ("delete_results", "delete_requests"):
            while _delete(database, statement, settings.retention_results_days) == BATCH:
                alive()
                time.sleep(0.05)


def _drop_samples(database: Database, days: int) -> int:
    with database.transaction() as cursor:
        rows = cursor.all(SQL["with_samples"], {"days": days, "batch": _RESULTS})
        for row in rows:
            result = without_samples(row["result"])
            changed = json_value(result) if result is not None else None
            cursor.run(SQL["drop_samples"], {"check_id": row["check_id"], "result": changed})
    return len(rows)


def _delete(database: Database, statement: str, days: int) -> int:
    with database.transaction() as cursor:
        return cursor.run(SQL[statement], {"days": days, "batch": BATCH})
