"""How the service is doing, as the internal database knows it: the same from any process. For /metrics and GET /api/v1/queue."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from api.worker.heartbeats import SEEN_S
from database.pool import Database, Row
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Queue:
    """What waits and runs, of each target, and who works at it."""

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
        targets = cursor.all(SQL["targets"])
        workers = cursor.one(SQL["workers"], {"seen_s": SEEN_S})
    assert workers is not None
    return Queue(targets, int(workers["workers"]), int(workers["children"]), int(workers["warm"]))


def metrics(database: Database) -> Iterator[Metric]:
    """Prometheus' families; labels are targets and words of ours, never a table or an id."""
    found = queue(database)
    with database.transaction() as cursor:
        totals, ended = cursor.all(SQL["totals"]), cursor.all(SQL["delivery_totals"])
        deliveries, bounds = cursor.one(SQL["deliveries"]), cursor.one(SQL["bounds"])
    assert deliveries is not None
    assert bounds is not None
    yield from _queue(found)
    yield from _checks(totals, bounds["bounds"])
    yield from _deliveries(ended, deliveries)


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
