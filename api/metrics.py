"""DataOps' metrics for Prometheus."""

from collections import defaultdict
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from api import insights
from api.insights import Queue
from database.pool import Database, Row


def metrics(database: Database) -> Iterator[Metric]:
    """Labels are targets and words of this project, never a table or an id."""
    queue, totals = insights.queue(database), insights.totals(database)
    yield from _queue(queue)
    yield from _checks(totals.checks, totals.bounds_s)
    yield from _deliveries(totals.deliveries, totals.waiting)
    lost = CounterMetricFamily("stringx_attempts_lost", "Attempts whose worker or dbt process was lost", labels=["target"])
    for row in totals.lost_attempts:
        lost.add_metric([row["target"]], row["attempts"])
    yield lost


def _queue(found: Queue) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("stringx_checks_waiting", "Checks in the queue", labels=["target"])
    running = GaugeMetricFamily("stringx_checks_running", "Checks that a worker has claimed", labels=["target"])
    oldest = GaugeMetricFamily("stringx_checks_oldest_waiting_seconds", "Age of the check that waits longest", labels=["target"])
    for row in found.targets:
        waiting.add_metric([row["target"]], row["waiting"])
        running.add_metric([row["target"]], row["running"])
        oldest.add_metric([row["target"]], row["oldest_age_s"])
    yield from (waiting, running, oldest)
    yield GaugeMetricFamily("stringx_workers", "Workers that were seen lately", value=found.workers)
    children = GaugeMetricFamily("stringx_children", "dbt processes of these workers", labels=["state"])
    children.add_metric(["warm"], found.warm)
    children.add_metric(["cold"], found.children - found.warm)
    yield children


def _checks(totals: list[Row], bounds: list[float]) -> Iterator[Metric]:
    ended = CounterMetricFamily("stringx_checks", "Checks that have ended", labels=["target", "mode", "status", "verdict"])
    for row in totals:
        ended.add_metric([row["target"], row["mode"], row["status"], row["verdict"]], row["checks"])
    yield ended
    yield _histogram("stringx_check_wait_seconds", "From accepted to started", totals, bounds, "waits", "wait_s")
    yield _histogram("stringx_check_run_seconds", "From started to ended", totals, bounds, "runs", "run_s")


def _histogram(name: str, words: str, totals: list[Row], bounds: list[float], counts: str, seconds: str) -> Metric:
    family = HistogramMetricFamily(name, words, labels=["target"])
    by_target: defaultdict[str, list[Row]] = defaultdict(list)
    for row in totals:
        by_target[row["target"]].append(row)
    for target, rows in by_target.items():
        below, buckets = 0, []
        for number, bound in enumerate([*(str(bound) for bound in bounds), "+Inf"]):
            below += sum(row[counts][number] for row in rows)
            buckets.append((bound, float(below)))
        family.add_metric([target], buckets, sum(row[seconds] for row in rows))
    return family


def _deliveries(ended: list[Row], deliveries: Row) -> Iterator[Metric]:
    family = CounterMetricFamily("stringx_deliveries", "Results that were delivered, or given up", labels=["target", "outcome"])
    for row in ended:
        family.add_metric([row["target"], row["outcome"]], row["deliveries"])
    yield family
    yield GaugeMetricFamily("stringx_deliveries_waiting", "Results that are not delivered yet", value=deliveries["waiting"])
    yield GaugeMetricFamily("stringx_deliveries_failed", "Results that were given up", value=deliveries["given_up"])
    age = deliveries["oldest_age_s"]
    yield GaugeMetricFamily("stringx_deliveries_oldest_waiting_seconds", "Age of the result that waits longest", value=age)
