"""/metrics in Prometheus' format: what a process has served itself, and what the internal database says about all of them."""

import time
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
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from contract.problems import StringXError
from database.pool import Database, limit_waits

Figures = Callable[[Database], Iterable[Metric]]
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_SCRAPE_S = 5.0  # a scrape that takes longer is of no use


class _FromDatabase(Collector):
    def __init__(self, database: Database, figures: Figures) -> None:
        self._database, self._figures = database, figures

    def collect(self) -> Iterator[Metric]:
        try:
            with limit_waits(_SCRAPE_S):
                found = list(self._figures(self._database))
        except StringXError:
            found = None
        yield GaugeMetricFamily("stringx_database_up", "Whether the internal database answers", value=found is not None)
        yield from found or ()


def install(app: Flask, database: Database, figures: Figures) -> None:
    """`/metrics`, and the counting of what is served. A route is named by its rule: as many labels as routes."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, that nobody reads
    registry = CollectorRegistry()
    registry.register(_FromDatabase(database, figures))
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
        return Response(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")
