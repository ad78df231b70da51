"""The Flask app that both services begin with: keys on every route, problems, health, documentation."""

import logging
import re
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from flask import Flask, Response, g, request

from database import reports
from database.loops import Loops
from database.migrate import missing_migrations
from database.pool import Database
from database.probe import Probe
from database.releases import Presence
from database.reports import Report
from stringx_dataops import __version__
from stringx_dataops.contract.problems import NotFound, StringXError
from stringx_dataops.contract.variables import Network
from web import bodies, hosts, keys, metrics, openapi, parameters, paths, problems, traced_requests, waiting
from web.bodies import answer
from web.metrics import Metrics
from web.openapi import Operation, describe

log = logging.getLogger(__name__)
_KIND = re.compile(r"-\d+$")  # the number of a loop among those that do the same
_MOST_LOOPS = 10  # of other processes, told by /readyz
_QUIET = frozenset({"healthz", "readyz", "readyz_self", "metrics"})  # asked all the time: not logged


def create(
    name: str,
    title: str,
    description: str,
    database: Database,
    loops: Loops,
    faults: Callable[[], list[str]],
    service_metrics: Metrics,
    allowed_hosts: Collection[str],
    own_sign_in: Collection[str] = (),
    trusted_proxies: Sequence[Network] = (),
) -> Flask:
    """An app whose every route needs a key with the scope of its `Operation`, but for health, metrics and documentation.

    `loops`: the loops of each web process. `faults`: further reasons why the service is not ready. `service_metrics`: metrics
    that /metrics reads from the database. `allowed_hosts`: names under which the service answers, in addition to its address.
    `own_sign_in`: blueprints that find out themselves who asks. `trusted_proxies`: whose word about a client's address counts.
    """
    app = Flask(name, static_folder=None, root_path=str(Path(__file__).parent))
    app.config["MAX_CONTENT_LENGTH"] = bodies.MOST_BYTES + 1  # so that one byte too many is seen, not cut off
    app.url_map.strict_slashes = True
    problems.install(app)
    paths.install(app)
    readiness = partial(_readiness, name, database, loops, faults, Probe(database, name))
    metrics.install(app, database, loops, service_metrics, lambda: not readiness()[0])
    openapi.install(app, title, description, __version__)
    hosts.install(app, allowed_hosts)
    keys.install(app, database, own_sign_in, trusted_proxies)
    traced_requests.install(app)
    _install_reading(app, own_sign_in)
    _install_health(app, readiness)
    waiting.install(app)
    app.after_request(_log)
    app.extensions["stringx_presence"] = Presence(database, name, __version__), loops  # for each web process
    return app


def _install_reading(app: Flask, own_sign_in: Collection[str]) -> None:
    @app.before_request
    def read() -> None:
        """What every view relies on: a query of known parameters alone, a target that the caller sees, an address without NUL,
        a request that is whole."""
        if request.url_rule is not None and keys.needs_key(own_sign_in):
            operation = openapi.current_operation(app)
            parameters.read_query(operation.query)
            keys.require_seen(operation, keys.caller())
            if operation.body is None:
                bodies.discard()
        if "\0" in request.path:
            raise NotFound("there is no such path: it holds a NUL character")


def _log(response: Response) -> Response:
    """Writes one line per request. It has the route's rule instead of the path, and no query: of what a caller sent only ids."""
    if request.endpoint not in _QUIET:
        route = request.url_rule.rule if request.url_rule is not None else "none"
        fields: dict[str, object] = {"method": request.method, "route": route, "status": response.status_code}
        fields |= {name: value for name, value in (request.view_args or {}).items() if name in ("request_id", "check_id")}
        fields |= g.get("ids", {})
        if "began" in g:
            fields["duration_ms"] = round((time.perf_counter() - g.began) * 1000)
        if "caller" in g:
            fields["caller"] = g.caller.name
        log.info("%s %s %d", request.method, route, response.status_code, extra=fields)
    return response


def log_ids(**ids: str) -> None:
    """Set the ids that the log line of the current request shows."""
    g.ids = ids


def _install_health(app: Flask, readiness: Callable[..., tuple[list[str], list[str]]]) -> None:
    @app.get("/healthz")
    @describe(Operation("The process lives"))
    def healthz() -> Response:
        return answer({"status": "ok"})

    @app.get("/readyz")
    @describe(Operation("It can do its work, or why not", answers={200: None, 503: None}))
    def readyz() -> Response:
        return _said(readiness())

    @app.get("/readyz/self")
    @describe(Operation("This process can do its work, whatever workers do, or why not", answers={200: None, 503: None}))
    def readyz_self() -> Response:
        return _said(readiness(elsewhere=False))


def _said(found: tuple[list[str], list[str]]) -> Response:
    reasons, warnings = found
    body = {"status": "not ready" if reasons else "ready", "reasons": reasons}
    return answer(body | ({"warnings": warnings} if warnings else {}), 503 if reasons else 200)


def _readiness(
    service: str, database: Database, loops: Loops, faults: Callable[[], list[str]], probe: Probe, *, elsewhere: bool = True
) -> tuple[list[str], list[str]]:
    """Why the process cannot do its work, and what else is wrong; with `elsewhere`, also in other processes of the service."""
    reasons = [f"the loop {state.name} {state.fault}" for state in loops.states() if state.fault]
    warnings: list[str] = []
    try:
        if missing := missing_migrations(database):
            reasons.append(f"migrations are missing: {', '.join(missing)}; run the role migrate")
        else:
            if elsewhere:
                found = reports.read(database, service)
                reasons += [*faults(), *_failing(found, is_done_by_others=False)]
                warnings += _failing(found, is_done_by_others=True)
            if (fault := probe.fault()) is not None:
                reasons.append(fault)
    except StringXError as error:
        reasons.append(error.detail)
    return reasons, warnings


def _failing(found: Sequence[Report], *, is_done_by_others: bool) -> list[str]:
    """Failing loops in other processes, at most ten. `is_done_by_others`: those of a kind that also turns somewhere; otherwise
    those of the other kinds. One stuck worker must not take all healthy web processes out of service."""
    turning = {_KIND.sub("", report.name) for report in found if not report.loop.fault}
    failing = [report for report in found if report.loop.fault and (_KIND.sub("", report.name) in turning) == is_done_by_others]
    return [f"the loop {report.loop.name} of {report.process} {report.loop.fault}" for report in failing[:_MOST_LOOPS]]
