"""Housekeeping of the Backend: deletes what is older than the settings say, but nothing that decides a gate."""

import random
from collections.abc import Callable
from pathlib import Path

from database.batches import Batches
from database.loops import Loop, Loops
from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.settings import Settings

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_TRIAL_DAYS = 1
_DAYS = 366  # of a year, at most
_TEST_DAYS = 7  # test messages to channels


def start(database: Database, settings: Settings, loops: Loops) -> None:
    """Clean every four to six minutes in a daemon thread; the random time keeps several processes apart."""

    def turn(loop: Loop) -> float:
        clean(database, settings, loop.alive)
        return random.uniform(240, 360)  # noqa: S311 (no secret)

    loops.start("housekeeping", turn, delay_s=random.uniform(20, 60))  # noqa: S311 (no secret)


def clean(database: Database, settings: Settings, alive: Callable[[], None] = lambda: None) -> None:
    """Delete everything that is due, in batches. `alive` is called after each batch. Several processes may do this at once."""
    batches = Batches(database, SQL, alive)
    batches.delete("delete_trials", _TRIAL_DAYS)
    if settings.retention_audit_days:
        batches.delete("delete_audit", settings.retention_audit_days)
    if settings.retention_samples_days:
        batches.drop_samples(settings.retention_samples_days)
        batches.drop_values(settings.retention_samples_days)
    if settings.retention_results_days:
        batches.delete("delete_results", settings.retention_results_days)
        batches.delete("delete_requests", settings.retention_results_days)
        batches.delete("delete_notifications", settings.retention_results_days)
        batches.delete("delete_unsaid", settings.retention_results_days)
        batches.delete("delete_schedule_items", settings.retention_results_days)
        batches.delete("delete_schedule_runs", settings.retention_results_days)
    batches.delete("delete_lost_profiles", _TRIAL_DAYS)
    if settings.retention_points_days:
        batches.delete("delete_profiles", settings.retention_points_days)
    batches.delete("delete_tests", _TEST_DAYS)
    batches.delete("forget_queues", _TEST_DAYS)
    if settings.retention_days_years:
        batches.delete("delete_incidents", settings.retention_days_years * _DAYS)
        batches.delete("delete_events", settings.retention_days_years * _DAYS)
