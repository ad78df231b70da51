"""The Backend's metrics for Prometheus."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from backend.incidents import store as incidents
from backend.insights import totals
from backend.lineage import sending as lineage
from backend.notifications import log
from backend.schedules import store as schedules
from backend.waivers import store
from database.pool import Database


def metrics(database: Database) -> Iterator[Metric]:
    """Labels are targets, channels and words of this project, never a table or an id."""
    found = totals.read(database)
    ended = CounterMetricFamily("stringx_requests", "Requests that have ended", labels=["source", "target", "status", "verdict"])
    for row in found.ended:
        ended.add_metric([row.source, row.target, row.status, row.verdict], row.requests)
    yield ended
    gates = GaugeMetricFamily("stringx_gates", "Tables and datasets by the state of their gate", labels=["target", "state"])
    for each in found.states:
        gates.add_metric([each.target, each.state], each.subjects)
    yield gates
    yield GaugeMetricFamily("stringx_waivers_active", "Rules whose failures a waiver overlooks", value=store.active(database))
    yield from _incidents(database)
    yield from _schedules(database)
    for name, words, waiting in (
        ("unfinished", "Requests whose check has not ended", found.unfinished),
        ("unsent", "Requests that DataOps has not accepted yet", found.unsent),
        ("unpublished", "Requests whose result Kafka does not have yet", found.unpublished),
    ):
        yield GaugeMetricFamily(f"stringx_requests_{name}", words, value=waiting.requests)
        yield GaugeMetricFamily(
            f"stringx_requests_oldest_{name}_seconds", "Age of the oldest of them", value=waiting.oldest_age_s
        )
    yield from _of_channels(log.queues(database))
    events = lineage.waiting(database)
    yield GaugeMetricFamily("stringx_lineage_waiting", "OpenLineage events that are not sent yet", value=events.events)
    yield GaugeMetricFamily("stringx_lineage_oldest_waiting_seconds", "Age of the oldest of them", value=events.oldest_age_s)
    for name, words, waiting in (
        ("unpublished", "Events of gates that Kafka does not have yet", found.gates_unpublished),
        ("unrouted", "Events of gates that no messages to people are planned for yet", found.unrouted),
        ("held", "Events of gates that channels are to be told of, once for each channel", found.held),
    ):
        yield GaugeMetricFamily(f"stringx_gate_events_{name}", words, value=waiting.requests)
        yield GaugeMetricFamily(
            f"stringx_gate_events_oldest_{name}_seconds", "Age of the oldest of them", value=waiting.oldest_age_s
        )


def _incidents(database: Database) -> Iterator[Metric]:
    """Of each target that has open ones."""
    is_open = GaugeMetricFamily("stringx_incidents_open", "Incidents that are not over", labels=["target"])
    alone = GaugeMetricFamily("stringx_incidents_unacknowledged", "Those of them that nobody is at", labels=["target"])
    for target, (number, unacknowledged) in incidents.counts(database).items():
        is_open.add_metric([target], number)
        alone.add_metric([target], unacknowledged)
    yield from (is_open, alone)


def _of_channels(queues: Sequence[log.Queue]) -> Iterator[Metric]:
    for name, words, waiting in (
        ("stringx_notifications_waiting", "Messages to people that are not sent yet", "waiting"),
        ("stringx_notifications_oldest_waiting_seconds", "Age of the oldest of them", "oldest_age_s"),
        ("stringx_channel_failing_seconds", "For how long a channel has taken no message; 0 if it takes them", "failing_s"),
    ):
        gauge = GaugeMetricFamily(name, words, labels=["channel"])
        for queue in queues:
            gauge.add_metric([queue.channel], getattr(queue, waiting))
        yield gauge
    for name, words, counted in (
        ("stringx_notifications_delivered", "Messages that a channel took", "delivered"),
        ("stringx_notifications_given_up", "Messages that were given up", "given_up"),
        ("stringx_notifications_failures", "Attempts that failed", "failures"),
    ):
        counter = CounterMetricFamily(name, words, labels=["channel"])
        for queue in queues:
            counter.add_metric([queue.channel], getattr(queue, counted))
        yield counter


def _schedules(database: Database) -> Iterator[Metric]:
    of_schedules = schedules.totals(database)
    by_state = GaugeMetricFamily("stringx_schedules", "Schedules", labels=["state"])
    for state in ("active", "paused", "inactive"):
        by_state.add_metric([state], getattr(of_schedules, state))
    yield by_state
    words = "By how much the latest schedule is late whose run is due and has not begun"
    yield GaugeMetricFamily("stringx_schedules_late_seconds", words, value=of_schedules.late_s)
    words = "Checks of schedules' runs that wait for their turn"
    yield GaugeMetricFamily("stringx_schedules_checks_waiting", words, value=of_schedules.waiting)
    words = "Tables and datasets whose expected check has not come"
    yield GaugeMetricFamily("stringx_checks_missed", words, value=of_schedules.missed)
