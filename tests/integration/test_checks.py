"""The table of checks: claims, limits, fences, and what is handed back."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from api.checks import claims, lifecycle
from api.delivery.sender import Credentials, ResultSender
from api.worker import heartbeats
from database import keys
from database.keys import Caller
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.problems import Busy, Conflict, Invalid, NotFound
from stringx_dataops.contract.settings import ROOT

RULES = [{"id": "a", "type": "not_null", "column": "a"}, {"id": "b", "type": "not_null", "column": "b", "kind": "business"}]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load(ROOT / "stringx")


@pytest.fixture
def configured(database: Database) -> Database:
    """Three tables of one target that takes two checks at a time."""
    import json

    target = {
        "apiVersion": "stringx/v1",
        "kind": "Target",
        "name": "shop",
        "host": "h",
        "dbname": "d",
        "user": "u",
        "max_concurrent_checks": 2,
    }
    with database.transaction() as cursor:
        cursor.run("insert into stringx.targets values ('shop', %(document)s, 1)", {"document": json.dumps(target)})
        for name in ("public.a", "public.b", "public.c"):
            document = {"apiVersion": "stringx/v1", "target": "shop", "table": name, "rules": RULES}
            cursor.run(
                "insert into stringx.tables values ('shop', %(name)s, %(document)s, 'hash', 1)",
                {"name": name, "document": json.dumps(document)},
            )
    return database


def ask(
    database: Database, catalogue: Catalogue, table: str = "public.a", limit: int = 100, **changes: Any
) -> lifecycle.Accepted:
    asked = CheckRequest.model_validate({"target": "shop", "table": table} | changes)
    return lifecycle.accept(database, catalogue, asked, limit)


def test_a_request_id_is_accepted_once_also_by_fifty_at_a_time(configured: Database, catalogue: Catalogue) -> None:
    accepted: list[lifecycle.Accepted] = []

    def one() -> None:
        accepted.append(ask(configured, catalogue, request_id="once"))

    threads = [threading.Thread(target=one, daemon=True) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({found.check.check_id for found in accepted}) == 1
    assert sorted(found.replayed for found in accepted) == [False] + [True] * 49
    with pytest.raises(Conflict):
        ask(configured, catalogue, request_id="once", kinds=["business"])


def test_what_cannot_run_is_refused_before_it_is_written(configured: Database, catalogue: Catalogue) -> None:
    with pytest.raises(NotFound):
        ask(configured, catalogue, "public.nowhere")
    with pytest.raises(Invalid) as refused:
        ask(configured, catalogue, rule_ids=["a", "nope"])
    assert [error.pointer for error in refused.value.errors] == ["/rule_ids/1"]
    with pytest.raises(Invalid):
        ask(configured, catalogue, kinds=["business"], dimensions=["timeliness"])


def test_a_full_queue_says_when_to_come_back(configured: Database, catalogue: Catalogue) -> None:
    ask(configured, catalogue, limit=1)
    with pytest.raises(Busy) as refused:
        ask(configured, catalogue, limit=1)
    assert int(refused.value.headers()["Retry-After"]) > 0


def test_sync_checks_come_first_and_a_table_has_one_at_a_time(configured: Database, catalogue: Catalogue) -> None:
    first = ask(configured, catalogue, mode="async").check
    ask(configured, catalogue, mode="async", kinds=["business"])
    urgent = ask(configured, catalogue, "public.b", mode="sync").check
    claimed = [claims.claim(configured, "w") for _ in range(3)]
    assert [found.check_id if found else None for found in claimed] == [urgent.check_id, first.check_id, None]


def test_a_target_runs_as_many_checks_as_it_allows(configured: Database, catalogue: Catalogue) -> None:
    for table in ("public.a", "public.b", "public.c"):
        ask(configured, catalogue, table)
    claimed: list[lifecycle.Check | None] = []
    threads = [threading.Thread(target=lambda: claimed.append(claims.claim(configured, "w")), daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([found for found in claimed if found is not None]) == 2


def finished(check: lifecycle.Check) -> CheckResult:
    return check.pending().model_copy(update={"status": "succeeded", "verdict": "pass", "finished_at": check.queued_at})


def test_a_claim_that_was_lost_stores_nothing(configured: Database, catalogue: Catalogue) -> None:
    ask(configured, catalogue)
    zombie = claims.claim(configured, "zombie")
    assert zombie is not None
    with configured.transaction() as cursor:
        cursor.run("update dataops.checks set lease_expires_at = clock_timestamp() - interval '1 second'")
    assert claims.rescue(configured, lease_s=7 * 86_400) == [], "after a start of the database everyone has the time of a lease"
    assert claims.rescue(configured, lease_s=0) == [zombie.check_id]
    assert claims.rescue(configured, lease_s=0) == []
    successor = claims.claim(configured, "successor")
    assert successor is not None
    assert successor.attempt == 2
    assert not claims.finish(configured, zombie, finished(zombie), "http://backend")
    assert claims.finish(configured, successor, finished(successor), "http://backend")
    assert not claims.finish(configured, successor, finished(successor), "http://backend"), "once"
    with configured.transaction() as cursor:
        assert cursor.one("select count(*) as n from dataops.outbox") == {"n": 1}


def test_each_attempt_has_a_number_and_only_crashes_count(configured: Database, catalogue: Catalogue) -> None:
    ask(configured, catalogue)
    for attempt, crashes, crashed in ((1, 0, False), (2, 0, True), (3, 1, True), (4, 2, False)):
        found = claims.claim(configured, "w")
        assert found is not None
        assert (found.attempt, found.crashes) == (attempt, crashes)
        assert claims.hand_back(configured, found, why="it was tried", crashed=crashed)
        assert not claims.hand_back(configured, found, why="it was tried"), "it holds it no longer"


def test_a_message_that_is_not_acknowledged_is_postponed_under_its_id(configured: Database, catalogue: Catalogue) -> None:
    ask(configured, catalogue)
    found = claims.claim(configured, "w")
    assert found is not None
    claims.finish(configured, found, finished(found), "http://127.0.0.1:9")
    sender = ResultSender(configured, Credentials("w", "key", ["whsec_" + "A" * 44]))
    message = sender.claim()
    assert message is not None
    assert sender.deliver_and_claim(message) is None
    assert sender.claim() is None, "not due yet"
    with configured.transaction() as cursor:
        row = cursor.one("select attempts, delivered_at, worker, last_error from dataops.outbox")
    assert row == {"attempts": 1, "delivered_at": None, "worker": None, "last_error": "ConnectionError"}


class _Acknowledges(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def test_who_has_delivered_or_postponed_a_message_has_the_next_that_is_due_in_hand(
    configured: Database, catalogue: Catalogue
) -> None:
    """However often it was tried before: what waits behind an outage goes out in one go."""
    sender = ResultSender(configured, Credentials("w", "key", ["whsec_" + "A" * 44]))
    with ThreadingHTTPServer(("127.0.0.1", 0), _Acknowledges) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        for backend in (f"http://127.0.0.1:{server.server_port}", "http://127.0.0.1:9", f"http://127.0.0.1:{server.server_port}"):
            ask(configured, catalogue)
            found = claims.claim(configured, "w")
            assert found is not None
            claims.finish(configured, found, finished(found), backend)
        with configured.transaction() as cursor:
            cursor.run("update dataops.outbox set attempts = 3")
        message, handled = sender.claim(), 0
        while message is not None:
            message, handled = sender.deliver_and_claim(message), handled + 1
        server.shutdown()
        thread.join()
    assert handled == 3
    with configured.transaction() as cursor:
        rows = cursor.all("select delivered_at is null as waits, last_error from dataops.outbox order by 1")
    assert [row["waits"] for row in rows] == [False, False, True]


def test_workers_count_while_they_are_seen(database: Database) -> None:
    heartbeats.store(database, "w1", 2, 1)
    heartbeats.store(database, "w2", 2, 2)
    assert heartbeats.warm_children(database) == 3
    heartbeats.forget(database, "w1")
    assert heartbeats.warm_children(database) == 2


def test_a_key_is_known_by_its_hash_until_it_expires_or_is_revoked(database: Database) -> None:
    keys.register(database, "mine", "sx_secret", ["read"])
    assert keys.authenticate(database, "sx_secret") == Caller("mine", frozenset({"read"}))
    with database.transaction() as cursor:
        stored = cursor.one("select key_hash from stringx.api_keys")
        assert stored is not None
        assert b"sx_secret" not in bytes(stored["key_hash"])
        cursor.run("update stringx.api_keys set expires_at = now() - interval '1 second'")
    for key in ("sx_secret", "other", None):
        with pytest.raises(Exception, match="key"):
            keys.authenticate(database, key)
