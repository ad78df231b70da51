"""Housekeeping of DataOps: deletes what is older than the settings say, then has the queue audited."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from api.checks.audit import audit
from database.batches import Batches
from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.settings import Settings

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_DAY_S = 86_400
_TRIAL_DAYS = 1
_DURATION_DAYS = 90  # after its last check nothing is expected of a table any more


def clean(database: Database, settings: Settings, alive: Callable[[], None] = lambda: None) -> None:
    """Delete everything that is due, in batches, then audit the queue. `alive` is called after each batch. Several processes may
    do this at once."""
    batches = Batches(database, SQL, alive)
    batches.delete("delete_trials", _TRIAL_DAYS)
    batches.delete("delete_durations", _DURATION_DAYS)
    if settings.retention_samples_days:
        batches.drop_samples(settings.retention_samples_days)
        batches.delete("drop_keys", settings.retention_samples_days)
        _delete_folders(settings.home / "by-hand", settings.retention_samples_days)
    if settings.retention_delivered_days:
        batches.delete("delete_delivered", settings.retention_delivered_days)
    if settings.retention_results_days:
        batches.delete("delete_checks", settings.retention_results_days)
    if settings.retention_points_days:
        batches.delete("delete_points", settings.retention_points_days)
        batches.delete("delete_memories", settings.retention_points_days)
    audit(database, alive)


def _delete_folders(folder: Path, days: int) -> None:
    """Delete the old folders that hold the specification of checks whose command line was too long for a shell."""
    until = time.time() - days * _DAY_S
    for left in folder.glob("*"):
        if left.is_dir() and left.stat().st_mtime < until:
            shutil.rmtree(left, ignore_errors=True)
