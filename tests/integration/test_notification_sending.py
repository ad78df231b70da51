"""Messages reach real receivers: HTTP and SMTP servers on loopback that answer well, badly, late and never."""

import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from backend.notifications import outbox, sending
from backend.notifications.secrets import Secrets, Unusable
from backend.notifications.senders.orders import Order
from backend.notifications.senders.processes import Processes, _Process
from backend.notifications.sending import Mailroom, NotificationSender
from database.pool import Database
from stringx_dataops.contract import signatures
from stringx_dataops.contract.documents.channels import parse_channel
from stringx_dataops.contract.messages.notifications import NotificationContent, Told, ToldRule
from stringx_dataops.contract.signatures import new_secret
from tests.support.datasets import now
from tests.support.receivers import (
    Receiver,
    closes_early,
    floods,
    http_receiver,
    mail_receiver,
    swallows,
    trickles,
)
from tests.support.watching import channel, configure

SECRET = new_secret()
EVIL = "evil <script>alert(1)</script> [x](http://evil.test) `*_@everyone <!channel> &lt;"
TOKEN = "T0K3N-very-secret"  # in every address


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    """One for all tests: a process takes half a second to start."""
    found = Processes()
    yield found
    found.close()


@dataclass
class Post:
    """A post office of a test: an outbox, and a sender."""

    database: Database
    environ: dict[str, str]
    sender: NotificationSender

    def channel(self, address: str, name: str = "team", **changes: Any) -> None:
        variable = f"NOTIFY_{name.upper()}"
        self.environ[variable] = address
        configure(self.database, channel(name, url_env=variable, **changes))

    def put(self, to: str = "team", content: NotificationContent | None = None) -> str:
        with self.database.transaction() as cursor:
            at = now(self.database)
            return outbox.add(cursor, to, content or closed(self.database), at)

    def deliver(self) -> bool:
        """Send what is due now, and nothing else."""
        return self.sender.send_next()

    def row(self, message: str) -> dict[str, Any]:
        return self._one("select * from stringx.notifications where notification_id = %(id)s", message)

    def queue(self, name: str = "team") -> dict[str, Any]:
        return self._one("select * from stringx.channel_queues where channel = %(id)s", name)

    def hurry(self) -> None:
        """As if the waits were over."""
        self.run("update stringx.channel_queues set due_at = clock_timestamp()")
        self.run("update stringx.notifications set due_at = clock_timestamp()")

    def run(self, sql: str) -> None:
        with self.database.transaction() as cursor:
            cursor.run(sql)

    def _one(self, sql: str, of: str) -> dict[str, Any]:
        with self.database.transaction() as cursor:
            row = cursor.one(sql, {"id": of})
        assert row is not None
        return row


@pytest.fixture
def post(database: Database, processes: Processes, tmp_path: Path) -> Post:
    environ: dict[str, str] = {}
    mailroom = Mailroom(Secrets(tmp_path, [SECRET], environ), "https://checks.test", processes)
    return Post(database, environ, NotificationSender(database, mailroom, "w"))


def closed(database: Database, **changes: Any) -> NotificationContent:
    rule = ToldRule(
        id="dep_time_not_null", table="public.flights", status="fail", failures=120, total=1000, finding="120 are null"
    )
    told = {
        "what": "closed",
        "target": "nyc",
        "table": "public.flights",
        "since": now(database),
        "rules": [rule],
        "owner": "data",
    }
    told |= {"gate": "closed", "gate_before": "open", "verdict": "fail", "kinds": ["closed"], "runbook": "https://wiki.test/a"}
    told |= {"incident_id": "01890000-0000-7000-8000-00000000000a", "event_id": "01890000-0000-7000-8000-00000000000e"}
    return NotificationContent(kind="change", made_at=now(database), counts={"closed": 1}, items=[Told(**(told | changes))])


def test_a_webhook_is_a_signed_cloud_event_under_a_stable_id(post: Post) -> None:
    with http_receiver((503, {})) as receiver:
        post.channel(f"{receiver.url}/hook?{TOKEN}")
        message = post.put()
        assert post.deliver()
        assert not post.deliver(), "the channel waits after a failure"
        post.hurry()
        assert post.deliver()
        assert not post.deliver()
    first, second = receiver.posts
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == message
    for secret in (signatures.of_channel(SECRET, "team"), SECRET):
        signatures.verify([secret], second.headers, second.body)
    event = second.json
    assert second.headers["content-type"].startswith("application/cloudevents+json")
    assert event == first.json
    assert (event["specversion"], event["type"], event["source"], event["subject"]) == (
        "1.0", "stringx.gate-changed", "https://checks.test", "nyc/public.flights",
    )  # fmt: skip
    assert event["id"] == "01890000-0000-7000-8000-00000000000e", "as on Kafka"
    assert (event["data"]["table"], event["data"]["gate"], event["data"]["rules"][0]["failures"]) == (
        "public.flights",
        "closed",
        120,
    )
    assert event["data"]["link"] == "https://checks.test/incidents/01890000-0000-7000-8000-00000000000a"
    row = post.row(message)
    assert row["delivered_at"] is not None
    assert (row["attempts"], row["last_error"], row["last_status"]) == (2, None, 200)
    assert (post.queue()["attempts"], post.queue()["delivered"], post.queue()["failures"]) == (0, 1, 1)


def test_a_webhook_may_have_a_secret_of_its_own(post: Post) -> None:
    own = new_secret()
    post.environ["NOTIFY_SIGNING"] = own
    with http_receiver() as receiver:
        post.channel(receiver.url, secret_env="NOTIFY_SIGNING")
        post.put()
        assert post.deliver()
    signatures.verify([own], receiver.posts[0].headers, receiver.posts[0].body)


@pytest.mark.parametrize(
    ("answer", "words", "status"),
    [
        ((500, {}), "status 500", 500),
        ((302, {"Location": "/elsewhere"}), "a redirect, which is not followed", 302),
        (closes_early, "does not answer", None),
    ],
    ids=["500", "redirect", "closes early"],
)
@pytest.mark.parametrize("way", ["webhook", "apprise"])
def test_what_is_not_taken_is_sent_again_and_no_word_of_the_address_stands_anywhere(
    post: Post, caplog: pytest.LogCaptureFixture, answer: Any, words: str, status: int | None, way: str
) -> None:
    with http_receiver(answer) as receiver, caplog.at_level(logging.DEBUG):
        post.channel(f"{receiver.url}/{TOKEN}" if way == "webhook" else f"json://{receiver.host}/{TOKEN}", type=way)
        message = post.put()
        assert post.deliver()
        row = post.row(message)
        assert row["delivered_at"] is None
        assert row["last_status"] == status
        assert (words if way == "webhook" or status is None else f"status {status}") in row["last_error"]
        assert [posted.path.partition("?")[0].rstrip("/") for posted in receiver.posts] == [f"/{TOKEN}"], (
            "no redirect is followed"
        )
        post.hurry()
        assert post.deliver()
        assert post.row(message)["delivered_at"] is not None
    said = [row["last_error"], post.queue()["last_error"] or "", caplog.text]
    assert not [text for text in said if TOKEN in text or receiver.host in text]


def test_retry_after_is_obeyed(post: Post) -> None:
    with http_receiver((429, {"Retry-After": "600"})) as receiver:
        post.channel(receiver.url)
        post.put()
        assert post.deliver()
    assert post.queue()["due_at"] - now(post.database) > timedelta(seconds=500)


def test_who_says_gone_gets_it_no_more(post: Post) -> None:
    with http_receiver((410, {})) as receiver:
        post.channel(receiver.url)
        message = post.put()
        assert post.deliver()
    assert post.row(message)["given_up_at"] is not None
    assert post.queue()["given_up"] == 1


def test_a_receiver_that_never_ends_is_left_and_others_get_theirs(post: Post) -> None:
    """It trickles, so that no single wait is long; the process that waits for it is ended."""
    until, impatient = threading.Event(), Processes(longest_s=1.5)
    mailroom = Mailroom(post.sender._mailroom.secrets, None, impatient)
    with http_receiver(*[trickles(until)] * 3) as slow, http_receiver() as quick:
        post.channel(f"json://{slow.host}/{TOKEN}", "slow", type="apprise")
        post.channel(quick.url, "quick")
        late = post.put("slow")
        assert NotificationSender(post.database, mailroom, "impatient").send_next()
        good = post.put("quick")
        assert post.deliver()
        assert not post.deliver()
        until.set()
    assert post.row(good)["delivered_at"] is not None
    assert "did not take the message within" in post.row(late)["last_error"]
    impatient.close()


@pytest.mark.parametrize("kind", ["webhook", "apprise"])
def test_an_answer_without_end_ends_nothing_of_the_backend(post: Post, kind: str) -> None:
    with http_receiver(floods) as receiver:
        post.channel(receiver.url if kind == "webhook" else f"json://{receiver.host}", type=kind)
        message = post.put()
        assert post.deliver()
    assert len(receiver.posts) == 1
    assert post.row(message)["delivered_at"] is not None, "its status says that it was taken"


def test_a_channel_that_swallows_holds_one_thread_and_no_other_channel(post: Post) -> None:
    """While one sender waits for it, another finds the channel leased, and serves the next."""
    until = threading.Event()
    with http_receiver(swallows(until)) as dead, http_receiver() as receiver:
        post.channel(dead.url, "dead")
        post.channel(receiver.url, "good")
        post.put("dead")
        post.put("dead")
        message = post.put("good")
        waiting = threading.Thread(target=post.deliver, daemon=True)
        waiting.start()
        assert_soon(lambda: len(dead.posts) == 1)
        other = NotificationSender(post.database, post.sender._mailroom, "other")
        assert other.send_next()
        assert not other.send_next()
        assert post.row(message)["delivered_at"] is not None
        until.set()
        waiting.join(60)
    assert len(dead.posts) == 1


def test_one_sender_is_for_channels_that_work_however_many_are_dead(post: Post) -> None:
    healthy = NotificationSender(post.database, post.sender._mailroom, "healthy", is_for_healthy=True)
    with http_receiver((500, {})) as dead, http_receiver() as receiver:
        post.channel(dead.url, "dead")
        post.channel(receiver.url, "good")
        refused = post.put("dead")
        assert healthy.send_next()
        post.hurry()
        message = post.put("good")
        assert healthy.send_next()
        assert not healthy.send_next()
        assert post.row(message)["delivered_at"] is not None
        assert post.deliver()
    assert post.row(refused)["delivered_at"] is not None, "another sender tries it again"


def assert_soon(check: Callable[[], bool], within_s: float = 60) -> None:
    waiting = threading.Event()
    for _ in range(int(within_s / 0.05)):
        if check():
            return
        waiting.wait(0.05)
    raise AssertionError("it did not happen")


def test_a_sending_process_that_was_killed_is_replaced_and_a_long_message_fits_through_its_pipe(post: Post) -> None:
    rules = [
        ToldRule(id=f"r{n}", table="public.flights", status="fail", failures=1, total=2, finding="x" * 300) for n in range(300)
    ]
    with http_receiver() as receiver:
        post.channel(receiver.url)
        post.put()
        post.put(content=closed(post.database, rules=rules))
        assert post.deliver()
        for process in post.sender._mailroom.processes._idle:
            process._popen.kill()
        assert post.deliver()
    assert len(receiver.posts) == 2
    assert len(receiver.posts[1].body) > 64 * 1024, "more than a pipe holds"


def test_messages_of_a_channel_keep_their_order_until_one_was_refused_often(post: Post) -> None:
    refusals = [(500, {})] * sending.REFUSALS
    with http_receiver(*refusals) as receiver:
        post.channel(receiver.url)
        first, second = post.put(), post.put(content=closed(post.database, event_id="01890000-0000-7000-8000-0000000000ff"))
        for _ in range(sending.REFUSALS):
            assert post.deliver()
            post.run("update stringx.channel_queues set due_at = clock_timestamp()")
        assert [posted.headers["webhook-id"] for posted in receiver.posts] == [first] * sending.REFUSALS
        assert post.deliver()
        assert receiver.posts[-1].headers["webhook-id"] == second, "others pass it now"
        assert post.deliver()
        assert receiver.posts[-1].headers["webhook-id"] == first, "the channel takes messages again, so it is tried at once"
    assert post.row(first)["delivered_at"] is not None


def test_the_end_of_an_incident_never_passes_its_beginning(post: Post) -> None:
    with http_receiver(*[(500, {})] * (sending.REFUSALS + 1)) as receiver:
        post.channel(receiver.url)
        first, second = post.put(), post.put()
        for message in (first, second):
            post.run(
                "insert into stringx.notified (incident_id, channel, route, notification_id, kind, at)"
                f" values ('01890000-0000-7000-8000-00000000000a', 'team', 'r', '{message}', 'closed', clock_timestamp())"
            )
        for _ in range(sending.REFUSALS + 2):
            post.hurry()
            assert post.deliver()
        assert post.deliver()
    assert [posted.headers["webhook-id"] for posted in receiver.posts[-2:]] == [first, second]


def test_a_channel_whose_messages_wait_for_each_other_holds_up_no_other(post: Post) -> None:
    """The first failed often and waits for itself, the second for the first."""
    with http_receiver() as receiver:
        post.channel(receiver.url, "a")
        post.channel(receiver.url, "b")
        first, second, other = post.put("a"), post.put("a"), post.put("b")
        for message in (first, second):
            post.run(
                "insert into stringx.notified (incident_id, channel, route, notification_id, kind, at)"
                f" values ('01890000-0000-7000-8000-00000000000a', 'a', 'r', '{message}', 'closed', clock_timestamp())"
            )
        post.run(
            f"update stringx.notifications set attempts = {sending.REFUSALS}, due_at = clock_timestamp() + interval '1 hour'"
            f" where notification_id = '{first}'"
        )
        assert post.deliver()
        assert not post.deliver()
    assert [posted.headers["webhook-id"] for posted in receiver.posts] == [other]
    assert post.row(second)["attempts"] == 0


def test_a_message_is_given_up_after_three_days_and_its_channel_goes_on(post: Post) -> None:
    with http_receiver((500, {})) as receiver:
        post.channel(receiver.url)
        old = post.put()
        post.run("update stringx.notifications set planned_at = planned_at - interval '73 hours'")
        new = post.put()
        assert post.deliver()
        post.hurry()
        assert post.deliver()
    assert post.row(old)["given_up_at"] is not None
    assert post.row(new)["delivered_at"] is not None


def test_who_dies_while_sending_has_it_sent_by_another_under_the_same_id(post: Post) -> None:
    with http_receiver() as receiver:
        post.channel(receiver.url)
        message = post.put()
        leased = post.sender.claim()
        assert leased is not None
        other = NotificationSender(post.database, post.sender._mailroom, "other")
        assert other.claim() is None
        post.run("update stringx.channel_queues set lease_expires_at = clock_timestamp() - interval '1 second'")
        assert other.send_next()
        assert not post.sender.mark_done(leased, post.sender.send(leased)), "its lease was lost"
    assert [posted.headers["webhook-id"] for posted in receiver.posts] == [message, message]
    assert (post.row(message)["attempts"], post.queue()["delivered"]) == (2, 1)


def test_a_channel_gets_at_most_twenty_messages_per_minute(post: Post) -> None:
    with http_receiver() as receiver:
        post.channel(receiver.url)
        for _ in range(22):
            post.put()
        while post.deliver():
            continue
        assert len(receiver.posts) == 20
        post.run(
            "update stringx.notifications set delivered_at = delivered_at - interval '1 minute' where delivered_at is not null"
        )
        while post.deliver():
            continue
        assert len(receiver.posts) == 22


def test_nothing_is_sent_to_a_channel_that_is_no_more_or_switched_off(post: Post) -> None:
    with http_receiver() as receiver:
        post.channel(receiver.url, active=False)
        off, gone = post.put(), post.put("gone")
        assert post.deliver()
        assert post.deliver()
        assert not post.deliver()
    assert receiver.posts == []
    assert {post.row(each)["withdrawn_because"] for each in (off, gone)} == {"channel"}


UNUSABLE: list[tuple[dict[str, Any], str | None, str]] = [
    ({}, None, "the variable NOTIFY_TEAM (url_env) is not set"),
    ({"url_env": None, "url_file": "notify_team"}, None, "the url_file 'notify_team' in the secrets folder cannot be read"),
    ({}, f"ftp://receiver.test/{TOKEN}", "holds no address that begins with https://"),
    ({"type": "apprise"}, f"nonsense {TOKEN}", "holds no address of Apprise"),
    ({"type": "apprise"}, "syslog://", "an address of this machine itself"),
    ({"type": "apprise"}, f"json://one.test/{TOKEN}, json://two.test/", "holds 2 addresses"),
    ({"type": "apprise"}, f"ntfy://receiver.test/{TOKEN}/b", "holds 2 receivers"),
    ({}, f"https://receiver.test/{TOKEN}\nsecond line", "more than one line"),
]


def test_an_address_that_cannot_be_used_is_named_by_its_variable(post: Post) -> None:
    for document, address, words in UNUSABLE:
        configure(post.database, channel(**document))
        post.environ.clear()
        if address is not None:
            post.environ["NOTIFY_TEAM"] = address
        message = post.put()
        assert post.deliver()
        error = post.row(message)["last_error"]
        assert words in error
        assert (document.get("url_file") or "NOTIFY_TEAM") in error
        assert TOKEN not in error
        post.run("delete from stringx.notifications")
        post.hurry()


def test_an_address_in_a_file_is_read_at_each_message_and_only_from_the_secrets_folder(post: Post, tmp_path: Path) -> None:
    (tmp_path / "nyc").mkdir()
    (tmp_path / "nyc" / "password").write_text("secret of a target")
    (tmp_path / "notify_stolen").symlink_to(tmp_path / "nyc" / "password")
    with http_receiver() as receiver:
        (tmp_path / "notify_team").write_text(f"{receiver.url}\n")
        configure(post.database, channel(url_env=None, url_file="notify_team"))
        configure(post.database, channel("thief", url_env=None, url_file="notify_stolen"))
        post.put()
        message = post.put("thief")
        assert post.deliver()
        assert post.deliver()
    assert len(receiver.posts) == 1
    assert "leads out of the secrets folder" in post.row(message)["last_error"]


def test_what_is_no_file_is_not_waited_for_and_of_a_long_one_little_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "notify_pipe")
    (tmp_path / "notify_long").write_text("é" * 1_000_000)
    secrets = Secrets(tmp_path, [])
    for file, words in (("notify_pipe", "not a file"), ("notify_long", "more than 10,000 characters")):
        with pytest.raises(Unusable, match=words):
            secrets.address(parse_channel(channel(url_env=None, url_file=file)))


def test_a_mail_has_both_forms_links_and_a_stable_id_and_quotes_as_data(post: Post) -> None:
    rule = ToldRule(id="a", table=EVIL, status="fail", failures=1, total=2, finding=EVIL, owner=EVIL)
    evil = closed(post.database, table=EVIL, owner=EVIL, rules=[rule], reasons=[EVIL], assignee=EVIL)
    with mail_receiver() as mailbox:
        post.channel(f"mailto://127.0.0.1:{mailbox.port}?from=stringx@shop.test&to=ann@shop.test", type="apprise")
        message = post.put(content=evil)
        assert post.deliver()
    (mail,) = mailbox.mails
    assert mail["Message-ID"] == f"<{message}@127.0.0.1>"
    assert mail["To"] == "ann@shop.test"
    text, html = (part.get_payload(decode=True).decode() for part in mail.walk() if not part.is_multipart())  # type: ignore[union-attr]
    assert "<script" not in html
    assert "<!channel>" not in text
    link = "https://checks.test/incidents/01890000-0000-7000-8000-00000000000a"
    assert f'href="{link}"' in html
    assert link in text


def test_a_mail_that_is_refused_is_sent_again(post: Post) -> None:
    with mail_receiver() as mailbox:
        mailbox.refusal = f"550 no such user {TOKEN}"
        post.channel(f"mailto://127.0.0.1:{mailbox.port}?from=stringx@shop.test&to=ann@shop.test", type="apprise")
        message = post.put()
        assert post.deliver()
        row = post.row(message)
        assert (row["last_status"], row["delivered_at"]) == (550, None)
        assert TOKEN not in row["last_error"]
        mailbox.refusal = None
        post.hurry()
        assert post.deliver()
    assert len(mailbox.mails) == 1
    message = post.put()
    assert post.deliver()
    assert "does not answer: ConnectionRefusedError" in post.row(message)["last_error"]


def test_every_kind_of_message_is_an_event_of_its_own(post: Post) -> None:
    at = now(post.database)
    many = closed(post.database).items[0]
    stale = closed(post.database, what="stale", kinds=["stale"], gate="open", gate_before="open", verdict="pass")
    contents = [
        NotificationContent(kind="test", made_at=at),
        NotificationContent(kind="change", made_at=at, cause="dataset d", counts={"closed": 3}, items=[many, many], more=1),
        closed(post.database, what="still_closed", kinds=[], gate_before="closed"),
        stale.model_copy(update={"counts": {"stale": 1}}),
    ]
    with http_receiver() as receiver:
        post.channel(receiver.url)
        for content in contents:
            post.put(content=content)
            if content.kind == "test":
                post.run("update stringx.notifications set kind = 'digest'")  # a test is sent by whoever asks for it
            assert post.deliver()
    types = [posted.json["type"] for posted in receiver.posts]
    assert types == ["stringx.test", "stringx.gates-changed", "stringx.gate-still-closed", "stringx.gate-noticed"]
    group = receiver.posts[1].json["data"]
    assert (group["cause"], group["counts"], len(group["items"]), group["more"]) == ("dataset d", {"closed": 3}, 2, 1)


def sent_as(post: Post, receiver: Receiver, query: str, content: NotificationContent) -> dict[str, Any]:
    post.channel(f"json://{receiver.host}/{query}", type="apprise")
    post.put(content=content)
    assert post.deliver()
    found: dict[str, Any] = json.loads(receiver.posts[-1].body)
    return found


def test_apprise_gets_the_form_that_the_address_asks_for_and_the_severity(post: Post) -> None:
    content = closed(post.database)
    with http_receiver() as receiver:
        text, markdown, html = (
            sent_as(post, receiver, query, content) for query in ("", "?format=markdown", "?format=html")
        )  # fmt: skip
    assert (text["type"], text["title"]) == ("failure", "Closed: public.flights (nyc)")
    assert "Table public.flights (target nyc) is closed" in text["message"]
    assert "**Table `public.flights`" in markdown["message"]
    assert "<b>Table <code>public.flights</code>" in html["message"]


def test_what_a_process_sent_before_leaves_no_trace_in_the_next_message(post: Post) -> None:
    with http_receiver() as receiver:
        post.channel(f"json://{receiver.host}/{TOKEN}", "chat", type="apprise")
        post.channel(f"{receiver.url}/{TOKEN}", "hook", type="webhook")
        first, second = post.put("chat"), post.put("hook")
        assert post.deliver()
        assert post.deliver()
    by_chat, by_hook = (got.headers for got in receiver.posts)
    assert by_chat["x-stringx-notification"] == first
    assert by_hook["webhook-id"] == second
    assert "x-stringx-notification" not in by_hook


def test_a_sending_process_ends_itself_if_nobody_is_left_to_end_it(post: Post) -> None:
    """Its input stays open: it waits for a receiver that trickles, not for its next order."""
    until = threading.Event()
    with http_receiver(trickles(until)) as receiver:
        order = Order(
            notification_id="1", channel="team", type="webhook", address=receiver.url, secrets=[SECRET],
            longest_s=0.5, content=closed(post.database),
        )  # fmt: skip
        process = _Process()
        assert process._popen.stdin is not None
        process._popen.stdin.write(order.model_dump_json().encode() + b"\n")
        assert process._popen.wait(60) == -signal.SIGALRM
        until.set()
    process.end()


def test_a_message_that_ends_its_process_is_tried_once_more_in_a_new_one(post: Post) -> None:
    """Not in each process that is idle."""
    several, used = Processes(), [_Process(), _Process()]
    several._idle += used

    def ends_it(handler: BaseHTTPRequestHandler) -> None:
        for process in used:
            if process not in several._idle:
                process._popen.kill()
        handler.close_connection = True

    with http_receiver(ends_it, ends_it) as receiver:
        post.channel(receiver.url)
        message = post.put()
        assert NotificationSender(post.database, Mailroom(post.sender._mailroom.secrets, None, several), "other").send_next()
    assert len(receiver.posts) == 2
    assert "does not answer" in post.row(message)["last_error"]
    several.close()
