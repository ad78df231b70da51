"""How the Backend is doing, as the internal database knows it: the same from any process. For /metrics."""

from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from database.pool import Database
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))


def metrics(database: Database) -> Iterator[Metric]:
    """Prometheus' families; labels are targets and words of ours, never a table or an id."""
    with database.transaction() as cursor:
        totals = cursor.all(SQL["totals"])
        unfinished, unsent, unpublished = (cursor.one(SQL[name]) for name in ("unfinished", "unsent", "unpublished"))
    assert unfinished is not None
    assert unsent is not None
    assert unpublished is not None
    ended = CounterMetricFamily("stringx_requests", "Requests that have ended", labels=["source", "target", "status", "verdict"])
    for row in totals:
        ended.add_metric([row["source"], row["target"], row["status"], row["verdict"]], row["requests"])
    yield ended
    for name, words, value in (
        ("unfinished", "Requests whose check has not ended", unfinished["unfinished"]),
        ("oldest_unfinished_seconds", "Age of the oldest of them", unfinished["oldest_age_s"]),
        ("unsent", "Requests that DataOps has not accepted yet", unsent["unsent"]),
        ("oldest_unsent_seconds", "Age of the oldest of them", unsent["oldest_age_s"]),
        ("unpublished", "Requests whose result Kafka does not have yet", unpublished["unpublished"]),
        ("oldest_unpublished_seconds", "Age of the oldest of them", unpublished["oldest_age_s"]),
    ):
        yield GaugeMetricFamily(f"stringx_requests_{name}", words, value=value)
