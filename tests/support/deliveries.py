"""Results on their way: checks that have ended, a Backend that takes their posts, and what it leaves of them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from api.checks import claims, lifecycle
from api.delivery.batches import ResultDeliverer
from api.delivery.handover import CLOSED, Handover
from api.delivery.sender import Credentials
from backend.app import create_app
from backend.requests import tracking
from database import keys
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.settings import Settings, read_settings
from stringx_dataops.contract.signatures import new_secret
from tests.support.datasets import CATALOGUE, claimed, decided

SECRET = new_secret()
CREDENTIALS = Credentials("w", "key", [SECRET])
# What storing a result writes, without the moment at which, and without numbers that are made.
LEFT = {
    "requests": "select to_jsonb(r) - '{sent_at,next_send_at,created_at}'::text[] || jsonb_build_object('is_sent', sent_at is not null)"
    " from stringx.requests r",
    "results": "select to_jsonb(r) - 'received_at' || jsonb_build_object('text', r.result::text) from stringx.results r",
    "dataset_results": "select to_jsonb(r) from stringx.dataset_results r",
    "trials": "select to_jsonb(r) from stringx.trials r",
    "subjects": "select to_jsonb(r) - 'subject_id' from stringx.subjects r",
    "rules": "select jsonb_build_object('of', s.name, 'rule', r.rule_id) from stringx.subject_rules r join stringx.subjects s using (subject_id)",
    "check_points": "select to_jsonb(r) - 'subject_id' || jsonb_build_object('of', s.name, 'kind', s.kind) from stringx.check_points r"
    " join stringx.subjects s using (subject_id)",
    "rule_points": "select to_jsonb(p) - 'rule_key' || jsonb_build_object('of', s.name, 'kind', s.kind, 'rule', r.rule_id)"
    " from stringx.rule_points p join stringx.subject_rules r using (rule_key) join stringx.subjects s using (subject_id)",
    "states": "select to_jsonb(r) - '{subject_id,incident_id,refresh_at}'::text[]"
    " || jsonb_build_object('has_incident', incident_id is not null) from stringx.states r",
    "incidents": "select to_jsonb(r) - 'incident_id' from stringx.incidents r",
    "events": "select to_jsonb(r) - '{id,event_id,incident_id,recorded_at,xid}'::text[] || jsonb_build_object('place', row_number() over ("
    "partition by subject_kind, target, name order by event_id)) from stringx.events r",
    "publications": "select to_jsonb(r) - 'queued_at' from stringx.publications r",
    "totals": "select to_jsonb(r) from stringx.totals r",
}  # fmt: skip


def left(database: Database) -> dict[str, list[str]]:
    """What is stored, table by table."""
    with database.transaction() as cursor:
        return {
            name: sorted(row["row"] for row in cursor.all(f"select x::text as row from ({sql}) y (x)"))
            for name, sql in LEFT.items()
        }


def ended(
    database: Database,
    url: str = "http://backend",
    tracked: bool = True,
    failures: int = 0,
    handover: Handover = CLOSED,
    **asked: Any,
) -> CheckResult:
    """A check that has ended at DataOps, its result due in the outbox or handed over; `tracked` at the Backend before."""
    request = CheckRequest.model_validate({"target": "shop"} | asked)
    if tracked:
        request = CheckRequest.model_validate(tracking.accept(database, CATALOGUE, request, "http", "s").body)
    lifecycle.accept(database, CATALOGUE, request, 1000)
    check = claimed(database)
    assert claims.finish(database, check, decided(database, check, a=failures, b=failures), url, handover)
    return CheckResult.model_validate(lifecycle.find(database, check.check_id).result)


def outbox(database: Database) -> list[dict[str, Any]]:
    """The messages, the oldest first."""
    with database.transaction() as cursor:
        return cursor.all(
            "select message_id::text, check_id::text, attempts, delivered_at is not null as delivered, given_up_at is not null as given_up,"
            " worker, last_error, next_attempt_at > clock_timestamp() as waits from dataops.outbox order by created_at, message_id"
        )


def deliver(deliverer: ResultDeliverer) -> list[int]:
    """Deliver until nothing is due: how many messages were claimed each time."""
    sizes, messages = [], deliverer.claim()
    while messages is not None:
        sizes.append(len(messages))
        messages = deliverer.deliver_and_claim(messages)
    return sizes


@dataclass
class Backend:
    """A service that is asked over HTTP. `paths`: of the posts. `faults`: they answer in place of it, one post each, but for empty ones."""

    url: str
    paths: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@contextmanager
def served(url: str, home: Path, create: Callable[[Settings], Flask] = create_app, **settings: str) -> Iterator[Backend]:
    """The application of the Backend, or of DataOps, on an internal database. Faults: `lost` stores and answers 500, any other one is a status
    without storing."""
    (home / "service-key").write_text("key")
    (home / "signing-secret").write_text(SECRET)
    app = create(read_settings({"STRINGX_HOME": str(home), "STRINGX_DATABASE_URL": url} | settings))
    database = Database(url, size=1)
    keys.register(database, "service", "key", ["results", "trigger"])
    database.close()
    made = Backend("")

    def asked(environ: dict[str, Any], start: Any) -> Any:
        made.paths.append(environ["PATH_INFO"])
        fault = made.faults.pop(0) if made.faults else ""
        if not fault:
            return app(environ, start)
        if fault == "lost":
            b"".join(app(environ, lambda *_: None))
            fault = "500 Internal Server Error"
        else:
            environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start(fault, [("Content-Length", "0")])
        return [b""]

    server = make_server("127.0.0.1", 0, asked, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        """Nothing."""
