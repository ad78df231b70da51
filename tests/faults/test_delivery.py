"""Results on their way to a Backend that is away, slow, wrong, or whose answer is lost."""

import json
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from stringx_dataops.contract import signatures
from tests.faults.accounting import accounting
from tests.support.installation import Installation
from tests.support.processes import eventually
from tests.support.proxy import Proxy

BROKEN: dict[str, Callable[[Proxy], None]] = {
    "refuses": Proxy.refuse,
    "answers 500": lambda proxy: proxy.reply(500),
    "hangs": Proxy.swallow,
    "loses its answer after the commit": Proxy.drop_answers,
}


def attempts(installation: Installation, request_id: str) -> int:
    """How often the result of a request has been posted."""
    statement = "select max(attempts) as n from dataops.outbox join dataops.checks using (check_id) where request_id = %s"
    return int(installation.rows(statement, [request_id])[0]["n"] or 0)


def stored(installation: Installation, request_id: str) -> bool:
    return bool(installation.rows("select 1 from stringx.results where request_id = %s", [request_id]))


def last_error(installation: Installation, request_id: str) -> str | None:
    statement = "select last_error from dataops.outbox join dataops.checks using (check_id) where request_id = %s"
    found = installation.rows(statement, [request_id])
    return found[0]["last_error"] if found else None


@pytest.mark.parametrize("how", list(BROKEN))
def test_a_result_that_cannot_be_posted_is_delivered_later_and_stored_once(installation: Installation, how: str) -> None:
    table, proxy = installation.table("dirty"), installation.to_backend
    proxy.record()
    try:
        BROKEN[how](proxy)
        request = installation.ask(table, "api")
        eventually(lambda: last_error(installation, request), 60, "the failure of the first post")
        if how == "loses its answer after the commit":
            eventually(lambda: stored(installation, request), 60, "the commit whose answer is lost")
        else:
            assert not stored(installation, request)
        proxy.forward()
        assert installation.result(request)["verdict"] == "fail"
        accounting(installation)
    finally:
        proxy.recording = False
        proxy.forward()
    assert attempts(installation, request) >= 2
    assert len(set(proxy.header_values("webhook-id"))) == 1, "each attempt carries the same id"


def test_every_attempt_is_signed_anew_under_one_id(installation: Installation) -> None:
    table, proxy = installation.table(), installation.to_backend
    proxy.record()
    try:
        proxy.reply(503)
        request = installation.ask(table, "api")
        eventually(lambda: attempts(installation, request) >= 3, 60, "three posts")
    finally:
        proxy.recording = False
        proxy.forward()
    ids, moments = proxy.header_values("webhook-id"), proxy.header_values("webhook-timestamp")
    assert len(ids) >= 3
    assert len(set(ids)) == 1
    assert len(set(moments)) > 1, "an old timestamp would be refused after five minutes"
    for said in proxy.heard[:3]:
        head, _, body = said.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        signatures.verify([installation.signing_secret], headers, bytes(body))
    installation.result(request)
    accounting(installation)


def test_a_receiver_that_names_a_time_is_not_asked_before(installation: Installation) -> None:
    table, proxy = installation.table(), installation.to_backend
    proxy.reply(503, Retry_After="8")
    try:
        request = installation.ask(table, "api")
        eventually(lambda: last_error(installation, request), 60, "the failure of the first post")
        row = installation.rows(
            "select next_attempt_at - clock_timestamp() as left from dataops.outbox join dataops.checks using (check_id)"
            " where request_id = %s",
            [request],
        )[0]
        assert timedelta(seconds=5) < row["left"], "a post was due before the time that the receiver has named"
    finally:
        proxy.forward()
    installation.result(request)
    accounting(installation)


def test_a_redirect_is_not_followed(installation: Installation) -> None:
    table, proxy = installation.table(), installation.to_backend
    with socket.socket() as elsewhere:
        elsewhere.bind(("127.0.0.1", 0))
        elsewhere.listen()
        elsewhere.settimeout(1)
        proxy.reply(307, Location=f"http://127.0.0.1:{elsewhere.getsockname()[1]}/")
        request = installation.ask(table, "api")
        eventually(lambda: attempts(installation, request) >= 2, 60, "two posts")
        with pytest.raises(TimeoutError):
            elsewhere.accept()
    proxy.forward()
    installation.result(request)
    accounting(installation)


def test_what_a_receiver_wants_no_more_is_listed_and_can_be_sent_again(installation: Installation) -> None:
    table, proxy = installation.table("warned"), installation.to_backend
    proxy.reply(410)
    request = installation.ask(table, "api")
    deliveries = f"{installation['api-1'].url}/api/v1/deliveries"

    def given_up() -> list[dict[str, object]]:
        return [
            m for m in installation.call("GET", deliveries, params={"state": "failed"}).json()["items"] if not m["delivered_at"]
        ]

    eventually(given_up, 60, "a delivery that is given up")
    assert attempts(installation, request) == 1
    proxy.forward()
    assert installation.call("POST", f"{deliveries}/{given_up()[0]['message_id']}/redeliver").status_code == 202
    assert installation.result(request)["verdict"] == "warn"
    accounting(installation)


def test_a_receiver_that_was_away_for_a_whole_burst_gets_each_result_once(installation: Installation) -> None:
    tables = [installation.table(kind) for kind in ("clean", "dirty", "warned")]
    installation.to_backend.refuse()
    asked = [installation.ask(table, "api", url=installation[f"api-{number}"].url) for number in (1, 2) for table in tables * 7]
    ended = "select count(*) as n from dataops.checks where request_id = any(%s) and finished_at is not null"
    eventually(lambda: installation.rows(ended, [asked])[0]["n"] == len(asked), 90, "the end of the burst")
    assert not any(stored(installation, request) for request in asked)
    installation.to_backend.forward()
    installation.results(asked, 60)
    assert set(accounting(installation)) == set(asked)


def test_a_result_that_is_posted_again_and_out_of_order_is_stored_once(installation: Installation) -> None:
    table = installation.table("dirty")
    requests = [installation.ask(table, "api") for _ in range(3)]
    installation.results(requests)
    accounting(installation)
    messages = installation.rows("select message_id::text, url, body from dataops.outbox order by created_at desc limit 3")
    for message in messages * 2:
        headers = signatures.sign([installation.signing_secret], message["message_id"], message["body"])
        answer = post(installation, message["url"], message["body"], headers)
        assert answer == 204
    accounting(installation)


def test_a_signature_more_than_five_minutes_off_is_refused(installation: Installation) -> None:
    request = installation.ask(installation.table("dirty"), "api")
    installation.result(request)
    accounting(installation)
    statement = (
        "select message_id::text, url, outbox.body from dataops.outbox join dataops.checks using (check_id) where request_id = %s"
    )
    message = installation.rows(statement, [request])[0]
    forged = json.dumps(json.loads(message["body"]) | {"verdict": "pass"})
    for age_s, status in ((0, 204), (6 * 60, 401), (-6 * 60, 401)):
        now = datetime.now(UTC) - timedelta(seconds=age_s)
        headers = signatures.sign([installation.signing_secret], message["message_id"], message["body"], now)
        assert post(installation, message["url"], message["body"], headers) == status
        assert post(installation, message["url"], forged, headers) == 401
    accounting(installation)


def post(installation: Installation, url: str, body: str, headers: dict[str, str]) -> int:
    """As DataOps would, straight to the first Backend."""
    path = url.split("/", 3)[3]
    headers = headers | {"Content-Type": "application/json", "Authorization": f"Bearer {installation.service_key}"}
    answer = installation.call("POST", f"{installation['backend-1'].url}/{path}", data=body.encode(), headers=headers)
    return answer.status_code


@pytest.mark.long
def test_the_first_post_of_a_worker_that_dies_while_it_posts_is_repeated(installation: Installation) -> None:
    table = installation.table()
    installation.to_backend.swallow()
    request = installation.ask(table, "api")
    eventually(lambda: attempts(installation, request) == 1, 60, "a post under way")
    for worker in installation.of_role("worker"):
        worker.kill()
    installation.to_backend.cut()
    installation.to_backend.forward()
    time.sleep(0.5)
    installation.supervise()
    installation.result(request, 45)
    accounting(installation)
