"""Large results on their way: kept within bounds, listed without their rules, refused by a receiver that takes less."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from api.checks import claims, lifecycle
from api.delivery import outbox
from api.delivery.sender import Credentials, ResultSender
from backend.app import create_app as create_backend
from backend.configuration import exporting, store
from backend.insights import requests
from backend.requests import tracking
from database import keys
from database.pool import Database
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.pages import MOST_BYTES, Page
from stringx_dataops.contract.messages.sizes import MAX_RESULT_BYTES
from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.signatures import new_secret
from tests.support.datasets import CATALOGUE, ME, TARGET, table
from tests.support.queue import ask, claimed
from tests.support.queue import read as rows

MIB = 1024 * 1024
NO_FILTER: dict[str, str | None] = dict.fromkeys(("table", "dataset", "verdict", "status"))
RULE = {
    "id": "a", "type": "not_null", "columns": ["a"], "kind": "engineering", "dimension": "completeness", "status": "fail", "failures": 1,
    "total": 1, "failure_ratio": 1.0, "measured": None, "verified_by": "scan",
}  # fmt: skip


def sized(pending: dict[str, Any], number: int, message: int = 0, sample: int = 0) -> CheckResult:
    """A finished result of so many rules, each with a message and a sample of so many bytes."""
    shown = {"columns": ["id"], "rows": [["s" * sample]]} if sample else None
    found = [RULE | {"id": f"r{n}", "message": "m" * message, "sample": shown} for n in range(number)]
    ended = {"status": "succeeded", "verdict": "fail", "finished_at": pending["queued_at"], "counts": {"fail": number}}
    return CheckResult.model_validate(pending | ended | {"rules": found})


def finish(database: Database, url: str = "http://backend", **sizes: int) -> str:
    """A check that has ended with such a result; its id."""
    ask(database)
    check = claimed(database)
    assert claims.finish(database, check, sized(check.pending().as_json(), **sizes), url)
    return check.check_id


def test_a_result_is_stored_and_sent_within_its_bound(queue: Database) -> None:
    check_id = finish(queue, number=9, message=100, sample=MIB)
    found = lifecycle.find(queue, check_id).as_json(with_samples=True)
    assert [rule["sample_dropped"] for rule in found["rules"]].count(True) == 2
    assert "the samples of 2 rules are left out" in found["notes"][-1]
    ((sent),) = rows(queue, "select octet_length(body) as bytes from dataops.outbox")
    assert sent["bytes"] <= MAX_RESULT_BYTES
    finish(queue, number=12, message=MIB)
    assert (
        max(row["bytes"] for row in rows(queue, "select octet_length(result::text) as bytes from dataops.checks"))
        <= MAX_RESULT_BYTES
    )


def stored(database: Database, results: int, **sizes: int) -> None:
    for n in range(results):
        pending = {
            "check_id": f"00000000-0000-7000-8000-0000000000{n:02}", "request_id": f"request {n}", "target": "shop", "table": "public.a",
            "status": "running", "queued_at": f"2026-01-02T03:04:{n:02}Z", "reason": "because " * 1000,
        }  # fmt: skip
        assert tracking.store(database, f"request {n}", sized(pending, **sizes))


def test_a_list_has_counts_and_with_rules_as_many_results_as_have_room(database: Database) -> None:
    stored(database, 7, number=3, message=MIB)
    asked = Page(1000)
    listed = requests.page(database, NO_FILTER, asked)
    assert len(json.dumps(listed)) < 7 * 5000
    assert [item["request_id"] for item in listed["items"]] == [f"request {n}" for n in reversed(range(7))]
    for item in listed["items"]:
        (check,) = item["checks"]
        assert (check["counts"], check["table"], check["verdict"]) == ({"fail": 3}, "public.a", "fail")
        assert not {"rules", "tables", "dataset", "dbt"} & check.keys()
    with database.transaction() as cursor:
        cursor.run("update stringx.results set summary = null")
    earlier = requests.page(database, NO_FILTER, asked)["items"]
    for item, before in zip(listed["items"], earlier, strict=True):
        (check,), (without,) = item["checks"], before["checks"]
        assert without == {name: check[name] for name in without}, "results that an earlier release has stored"
    whole, pages = [], 0
    while True:
        page = requests.page(database, NO_FILTER, asked, requests.Shown(rules=True, samples=True))
        assert sum(len(json.dumps(item)) for item in page["items"]) <= MOST_BYTES + 7 * 5000
        whole += page["items"]
        pages += 1
        if page["next_cursor"] is None:
            break
        asked = Page(1000, requests.PAGES.position(page["next_cursor"]))
    assert [item["request_id"] for item in whole] == [item["request_id"] for item in listed["items"]]
    assert (pages, [len(item["checks"][0]["rules"]) for item in whole]) == (4, [3] * 7)


def test_a_list_of_documents_has_a_bound_in_bytes(database: Database) -> None:
    described = [{"id": f"r{n}", "type": "not_null", "column": "a", "description": "d" * 10_000} for n in range(90)]
    names = [f"public.t{n:02}" for n in range(12)]
    store.apply(database, CATALOGUE, ME, [TARGET, *(table(name) | {"rules": described} for name in names)], dry_run=False)
    for number in range(11):
        again = table("public.t00") | {"rules": described, "owner": str(number)}
        store.apply(database, CATALOGUE, ME, [again], dry_run=False)
    found: dict[str, list[Any]] = {"configuration": [], "versions": []}
    lists = {
        "configuration": (exporting.PAGES, lambda page: exporting.export(database, page)),
        "versions": (store.VERSIONS, lambda page: store.versions(database, "shop", "public.t00", page)),
    }
    for name, (pages, ask_for) in lists.items():
        asked: Page | None = Page(1000)
        while asked is not None:
            page = ask_for(asked)
            assert len(json.dumps(page["items"])) < MOST_BYTES + MIB
            found[name] += page["items"]
            asked = Page(1000, pages.position(page["next_cursor"])) if page["next_cursor"] else None
    assert [item.get("table", item.get("name")) for item in found["configuration"]] == ["shop", *names]
    assert [item["version"] for item in found["versions"]] == list(range(12, 0, -1))


@dataclass
class Receiver:
    """Takes results of so many bytes, and answers 413 to larger ones."""

    takes: int
    refuses: dict[str, Any] | None = None  # a problem, in place of 413
    taken: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver(takes=2000)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if len(body) <= made.takes:
                made.taken.append(json.loads(body))
            problem = b"" if made.refuses is None or len(body) <= made.takes else json.dumps(made.refuses).encode()
            self.send_response(204 if len(body) <= made.takes else 413 if made.refuses is None else made.refuses["status"])
            self.send_header("Content-Type", "application/problem+json")
            if problem:
                self.send_header("Content-Length", str(len(problem)))
            self.end_headers()
            self.wfile.write(problem)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()


def deliver(database: Database, credentials: Credentials) -> int:
    """Post what is due until nothing is; how many posts there were."""
    posts, sender = 0, ResultSender(database, credentials)
    message = sender.claim()
    while message is not None:
        posts += 1
        message = sender.deliver_and_claim(message)
    return posts


def test_a_receiver_that_takes_less_gets_less_and_the_delivery_is_listed_as_failed(queue: Database, receiver: Receiver) -> None:
    credentials = Credentials("w", "key", [new_secret()])
    finish(queue, receiver.url, number=20, message=100, sample=200)
    assert deliver(queue, credentials) == 3, "all of it, without samples, without rules"
    (taken,) = receiver.taken
    assert (taken["verdict"], taken["counts"], taken["rules"]) == ("fail", {"fail": 20}, [])
    assert "413" in taken["notes"][-1]
    failed = outbox.page(queue, "failed")["items"]
    assert len(failed) == 2
    assert all("status 413: the receiver takes no result of" in item["last_error"] for item in failed)
    receiver.takes = MIB
    assert outbox.redeliver(queue, failed[0]["message_id"]) == 1
    assert deliver(queue, credentials) == 1
    assert len(receiver.taken[-1]["rules"]) == 20
    assert receiver.taken[-1]["rules"][0]["sample"] is not None
    assert [item["message_id"] for item in outbox.page(queue, "failed")["items"]] == [failed[1]["message_id"]]
    receiver.takes = 10
    finish(queue, receiver.url, number=1)
    assert deliver(queue, credentials) == 2
    assert deliver(queue, credentials) == 0, "not even the smallest is taken: it is given up"


@pytest.mark.parametrize(
    ("refuses", "taken"),
    [
        ({"status": 400, "detail": "too many values"}, 1),
        ({"status": 422, "detail": "x", "errors": [{"pointer": "/rules/0/id", "message": "is wrong"}]}, 1),
        ({"status": 422, "detail": "x", "errors": [{"pointer": "/finished_at", "message": "is ahead"}]}, 0),
        ({"status": 422, "detail": "x", "errors": [None]}, 0),
        ({"status": 422}, 0),
        ({"status": 409, "detail": "x"}, 0),
    ],
)
def test_less_is_sent_after_some_attempts_that_the_receiver_refused(
    queue: Database, receiver: Receiver, refuses: dict[str, Any], taken: int
) -> None:
    receiver.refuses = refuses
    finish(queue, receiver.url, number=20, message=100, sample=200)
    for _ in range(15):
        with queue.transaction() as cursor:
            cursor.run("update dataops.outbox set next_attempt_at = now()")
        deliver(queue, Credentials("w", "key", [new_secret()]))
    assert [result["rules"] for result in receiver.taken] == [[]] * taken
    failed = outbox.page(queue, "failed")["items"]
    assert len(failed) == 2 * taken
    for item in failed:
        assert (item["attempts"], item["last_error"]) == (5, f"status {refuses['status']}: {refuses['detail']}")
    if taken:
        assert f"status {refuses['status']}" in receiver.taken[0]["notes"][-1]


def test_a_result_of_many_values_is_taken_as_one_of_many_bytes_is(queue: Database, internal_url: str, tmp_path: Path) -> None:
    with running_backend(queue, internal_url, tmp_path) as (url, secret):
        check_id = finish(queue, url, number=1)
        found = sized(lifecycle.find(queue, check_id).as_json(with_samples=True), number=13)
        sample = {"columns": [f"c{n}" for n in range(400)], "rows": [[7] * 400] * 100}
        result = found.as_json()
        body = json.dumps(result | {"rules": [rule | {"sample": sample} for rule in result["rules"]]})
        assert len(body) < 2 * MIB
        with queue.transaction() as cursor:
            cursor.run("update dataops.outbox set body = %(body)s", {"body": body})
        assert deliver(queue, Credentials("w", "key", [secret])) == 1
    (rule, *others) = requests.find(queue, found.request_id).checks[0].rules
    assert (rule.sample is not None, len(others)) == (True, 12)


@contextmanager
def running_backend(queue: Database, internal_url: str, folder: Path) -> Iterator[tuple[str, str]]:
    """A Backend's address and the secret that it verifies signatures with."""
    secret = new_secret()
    (folder / "service-key").write_text("key")
    (folder / "signing-secret").write_text(secret)
    keys.register(queue, "results", "key", SCOPES)
    app = create_backend(read_settings({"STRINGX_HOME": str(folder), "STRINGX_DATABASE_URL": internal_url}))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", secret
    finally:
        server.shutdown()
        server.server_close()


def test_a_request_ends_whose_result_the_backend_does_not_take(queue: Database, internal_url: str, tmp_path: Path) -> None:
    """As a worker of an earlier release has written it down."""
    with running_backend(queue, internal_url, tmp_path) as (url, secret):
        check_id = finish(queue, url, number=1)
        larger = sized(lifecycle.find(queue, check_id).as_json(with_samples=True), number=20, message=MIB)
        with queue.transaction() as cursor:
            cursor.run("update dataops.outbox set body = %(body)s", {"body": json.dumps(larger.as_json())})
        assert deliver(queue, Credentials("w", "key", [secret])) == 2
    found = requests.find(queue, larger.request_id)
    assert (found.status, found.verdict) == ("succeeded", "fail")
    assert (found.checks[0].counts, found.checks[0].rules) == ({"fail": 20}, [])
    assert "status 413" in found.checks[0].notes[-1]
    assert [item["check_id"] for item in outbox.page(queue, "failed")["items"]] == [check_id]
