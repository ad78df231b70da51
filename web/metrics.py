"""/metrics in Prometheus' format: counters of this web process, and metrics of all processes from the internal database."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from flask import Flask, Response, g, request
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from database import reports
from database.connecting import limit_waits
from database.loops import Loops, State
from database.pool import Database
from stringx_dataops.contract.problems import StringXError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Metrics = Callable[[Database], Iterable[Metric]]
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_SCRAPE_S = 5.0  # how long the database may take; Prometheus gives up on slower scrapes


class _FromDatabase(Collector):
    """Metrics of the service and of all loops, read at each scrape; without the database only those of this process."""

    def __init__(
        self, database: Database, service_metrics: Metrics, service: str, loops: Loops, is_ready: Callable[[], bool]
    ) -> None:
        self._database, self._service_metrics, self._service, self._loops = database, service_metrics, service, loops
        self._is_ready = is_ready

    def collect(self) -> Iterator[Metric]:
        states = [(state.name, state) for state in self._loops.states()]
        try:
            with limit_waits(_SCRAPE_S):
                service_metrics = list(self._service_metrics(self._database))
                states += [(report.name, report.loop) for report in reports.read(self._database, self._service)]
                is_ready = self._is_ready()
        except StringXError:
            service_metrics, is_ready = None, False
        yield from of_loops(states)
        yield GaugeMetricFamily("stringx_database_up", "Whether the internal database answers", value=service_metrics is not None)
        yield GaugeMetricFamily("stringx_ready", "Whether the process can do its work, as /readyz says", value=is_ready)
        lent = GaugeMetricFamily("stringx_database_connections", "Connections that this process may use", labels=["state"])
        lent.add_metric(["lent"], self._database.lent)
        lent.add_metric(["free"], self._database.size - self._database.lent)
        yield lent
        yield from service_metrics or ()


def of_loops(states: Iterable[tuple[str, State]]) -> Iterator[Metric]:
    """Metrics of loops by name. Loops of several processes with one name are added up; `seconds_since_turn` is their maximum."""
    by_name: defaultdict[str, list[State]] = defaultdict(list)
    for name, state in states:
        by_name[name].append(state)
    turns = CounterMetricFamily("stringx_loop_turns", "Turns of a background loop that ended well", labels=["loop"])
    failures = CounterMetricFamily("stringx_loop_failures", "Turns of a background loop that failed", labels=["loop"])
    since = GaugeMetricFamily("stringx_loop_seconds_since_turn", "Since the last turn that ended well", labels=["loop"])
    failing = GaugeMetricFamily("stringx_loop_failing", "Loops that do not turn, as /readyz tells", labels=["loop"])
    for name, same_name in by_name.items():
        turns.add_metric([name], sum(state.turns for state in same_name))
        failures.add_metric([name], sum(state.failures for state in same_name))
        since.add_metric([name], max(state.since_s for state in same_name))
        failing.add_metric([name], sum(state.fault is not None for state in same_name))
    yield from (turns, failures, since, failing)


class _Given(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def rendered(metrics: Iterable[Metric]) -> bytes:
    """The metrics in Prometheus' text format, for processes that serve no Flask app."""
    registry = CollectorRegistry()
    registry.register(_Given(metrics))
    return generate_latest(registry)


def install(app: Flask, database: Database, loops: Loops, service_metrics: Metrics, is_ready: Callable[[], bool]) -> None:
    """Add `/metrics` and count requests. The label `route` is the route's rule, so there are as many values as routes."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # one more series per metric, which nobody reads
    registry = CollectorRegistry()
    registry.register(_FromDatabase(database, service_metrics, app.name, loops, is_ready))
    ProcessCollector(registry=registry)
    labels = ["method", "route", "status"]
    served = Counter("stringx_http_requests", "Requests that were answered", labels, registry=registry)
    seconds = Histogram(
        "stringx_http_request_seconds", "Time to answer, waiting included", ["method", "route"], registry=registry
    )

    @app.before_request
    def began() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def ended(response: Response) -> Response:
        method = request.method if request.method in _METHODS else "other"
        route = request.url_rule.rule if request.url_rule is not None else "none"
        served.labels(method, route, str(response.status_code)).inc()
        if hasattr(g, "began"):
            seconds.labels(method, route).observe(time.perf_counter() - g.began)
        return response

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE)
