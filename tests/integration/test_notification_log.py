"""The delivery log, trying a channel and sending again: by API and with `dataops`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend import retention
from backend.notifications import content, outbox, sending
from backend.notifications.log import queues
from backend.notifications.planning import Planner
from backend.notifications.secrets import Secrets
from backend.notifications.senders.processes import Processes
from backend.notifications.sending import Mailroom, NotificationSender
from database.pool import Database
from stringx_dataops.contract import signatures
from stringx_dataops.contract.messages.notifications import NotificationContent, NotificationKind
from stringx_dataops.contract.settings import read_settings
from tests.support.commands import Dataops, served
from tests.support.dashboard import opened
from tests.support.datasets import check_now, now
from tests.support.receivers import http_receiver
from tests.support.watching import channel, configure, route

TOKEN = "T0K3N-very-secret"
NOWHERE = "01890000-0000-7000-8000-000000000000"


@dataclass
class Log:
    shop: Database
    client: FlaskClient
    mailroom: Mailroom

    def ask(self, path: str, method: str = "GET", key: str = "sx_owner", **options: Any) -> TestResponse:
        return self.client.open(f"/api/v1/{path}", method=method, headers={"Authorization": f"Bearer {key}"}, **options)

    def items(self, query: str = "") -> list[dict[str, Any]]:
        answer = self.ask(f"notifications?{query}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.get_json()["items"]
        return found

    def put(self, to: str = "team", kind: NotificationKind = "change") -> str:
        """A message of what closed last."""
        with self.shop.transaction() as cursor:
            at = now(self.shop)
            ids = [row["event_id"] for row in cursor.all("select event_id from stringx.events where 'closed' = any(kinds)")]
            made = content.build(cursor, kind, at, event_ids=ids)
            message = outbox.add(cursor, to, made if ids else NotificationContent(kind="change", made_at=at), at)
            cursor.run(
                "insert into stringx.notified (incident_id, channel, route, notification_id, kind, at)"
                " select incident_id, %(to)s, 'all', %(message)s, 'closed', %(at)s from stringx.incidents",
                {"to": to, "message": message, "at": at},
            )
        return message

    def deliver(self) -> bool:
        return NotificationSender(self.shop, self.mailroom, "w").send_next()


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    """One for all tests: a process takes half a second to start."""
    found = Processes()
    yield found
    found.close()


@pytest.fixture
def log(shop: Database, internal_url: str, tmp_path: Path, processes: Processes) -> Iterator[Log]:
    with opened(shop, internal_url, tmp_path, PUBLIC_URL="https://checks.test") as client:
        client.environ_base["HTTP_HOST"] = "checks.test"
        yield Log(shop, client, Mailroom(Secrets(tmp_path / "secrets", [signatures.new_secret()]), None, processes))


def audited(shop: Database) -> list[tuple[str, str]]:
    with shop.transaction() as cursor:
        sql = "select action, subject from stringx.audit where action in ('channel.tested', 'notification.sent_again') order by entry_id"
        return [(row["action"], row["subject"]) for row in cursor.all(sql)]


def test_a_test_says_what_became_of_it_and_stands_in_both_logs(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(log.shop, channel(active=False))
    answer = log.ask("channels/team/test", "POST").get_json()
    assert (answer["delivered"], answer["status"]) == (False, None)
    assert "the variable NOTIFY_TEAM (url_env) is not set" in answer["error"]
    with http_receiver((403, {})) as receiver:
        monkeypatch.setenv("NOTIFY_TEAM", f"{receiver.url}/{TOKEN}")
        refused = log.ask("channels/team/test", "POST")
        taken = log.ask("channels/team/test", "POST")
    assert (refused.status_code, refused.get_json()["delivered"], refused.get_json()["status"]) == (200, False, 403)
    assert (taken.get_json()["delivered"], taken.get_json()["error"]) == (True, None)
    assert [posted.json["type"] for posted in receiver.posts] == ["stringx.test"] * 2
    assert [item["state"] for item in log.items()] == ["delivered", "failed", "failed"]
    assert TOKEN not in refused.text + log.ask("notifications").text
    assert audited(log.shop) == [("channel.tested", "channel:team")] * 3
    assert not log.deliver(), "no sender sends a test"
    again = log.ask(f"notifications/{taken.get_json()['id']}/send-again", "POST")
    assert (again.status_code, "not sent again" in again.get_json()["detail"]) == (409, True)


def test_a_test_whose_backend_was_killed_waits_no_longer_than_its_lease(log: Log) -> None:
    configure(log.shop, channel())
    with log.shop.transaction() as cursor:
        sending.put_test(cursor, "team", "w", NotificationContent(kind="test", made_at=now(log.shop)))
    Planner(log.shop).turn()
    assert [item["state"] for item in log.items("kind=test")] == ["waiting"]
    with log.shop.transaction() as cursor:
        cursor.run("update stringx.notifications set lease_expires_at = clock_timestamp() - interval '1 second'")
    Planner(log.shop).turn()
    assert [(item["state"], item["last_error"]) for item in log.items()] == [("failed", "the Backend that sent it has ended")]


def test_messages_are_listed_by_what_became_of_them_and_shown_with_what_they_say(log: Log, tmp_path: Path) -> None:
    configure(log.shop, channel(url_env=None, url_file="notify_team"))
    check_now(log.shop, {"a": 3}, table="public.a")
    first, second = log.put(), log.put()
    (tmp_path / "secrets").mkdir()
    with http_receiver() as receiver:
        (tmp_path / "secrets" / "notify_team").write_text(f"{receiver.url}/{TOKEN}")
        assert log.deliver()
    assert [(item["id"], item["state"]) for item in log.items()] == [(second, "waiting"), (first, "delivered")]
    assert [item["id"] for item in log.items("state=delivered&channel=team&kind=change")] == [first]
    incident = log.items()[0]["incidents"][0]
    assert len(log.items(f"incident={incident}")) == 2
    assert log.items(f"incident={NOWHERE}") == []
    page = log.ask("notifications?limit=1").get_json()
    assert [item["id"] for item in log.items(f"limit=1&cursor={page['next_cursor']}")] == [first]
    shown = log.ask(f"notifications/{first}").get_json()
    assert shown["title"] == "Closed: public.a (shop)"
    assert f"https://checks.test/incidents/{incident}" in shown["text"]
    assert (shown["routes"], shown["last_status"], shown["content"]["counts"]) == (["all"], 200, {"closed": 1})


def test_a_filter_that_cannot_be_is_named(log: Log) -> None:
    wrong = {"state": "sent", "incident": "7", "chanel": "team", "from": "now", "channel": "Team", "cursor": "x"}
    for name, value in wrong.items():
        answer = log.ask(f"notifications?{name}={value}")
        assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, f"/query/{name}")


def test_a_message_is_sent_again_under_its_id_whatever_became_of_it(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(log.shop, channel())
    with http_receiver((410, {})) as receiver:
        monkeypatch.setenv("NOTIFY_TEAM", receiver.url)
        message = log.put()
        assert log.deliver()
        assert log.items()[0]["state"] == "failed"
        again = log.ask(f"notifications/{message}/send-again", "POST")
        assert (again.status_code, again.get_json()["state"], again.get_json()["attempts"]) == (202, "waiting", 0)
        assert log.deliver(), "the channel does not wait any longer"
        assert log.ask(f"notifications/{message}/send-again", "POST").status_code == 202
        assert log.deliver()
    assert [posted.headers["webhook-id"] for posted in receiver.posts] == [message] * 3
    assert log.items()[0]["state"] == "delivered"
    assert audited(log.shop) == [("notification.sent_again", f"notification:{message}")] * 2


def test_a_repeat_about_what_is_over_by_now_is_sent_again_nevertheless(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(log.shop, channel())
    check_now(log.shop, {"a": 3}, table="public.a")
    message = log.put(kind="repeat")
    check_now(log.shop, {"a": 0}, table="public.a")
    while Planner(log.shop).turn():
        continue
    assert log.items()[0]["state"] == "withdrawn"
    assert log.ask(f"notifications/{message}/send-again", "POST").get_json()["state"] == "waiting"
    while Planner(log.shop).turn():
        continue
    with http_receiver() as receiver:
        monkeypatch.setenv("NOTIFY_TEAM", receiver.url)
        assert log.deliver()
    assert [posted.headers["webhook-id"] for posted in receiver.posts] == [message]


def test_a_message_that_is_under_way_or_has_no_channel_any_more_is_not_sent_again(log: Log) -> None:
    configure(log.shop, channel())
    message, lost = log.put(), log.put("gone")
    sender = NotificationSender(log.shop, log.mailroom, "w")
    assert sender.claim() is not None
    assert sender.claim() is not None
    under_way = log.ask(f"notifications/{message}/send-again", "POST")
    assert (under_way.status_code, "is being sent" in under_way.get_json()["detail"]) == (409, True)
    nowhere = log.ask(f"notifications/{lost}/send-again", "POST")
    assert (nowhere.status_code, "there is no channel 'gone'" in nowhere.get_json()["detail"]) == (404, True)
    for path in (f"notifications/{NOWHERE}/send-again", "notifications/7/send-again", "channels/teem/test"):
        answer = log.ask(path, "POST")
        assert answer.status_code == 404
    assert "did you mean team?" in log.ask("channels/teem/test", "POST").get_json()["detail"]


def test_old_messages_are_forgotten_unless_they_wait_to_be_sent(log: Log, tmp_path: Path) -> None:
    configure(log.shop, channel())
    check_now(log.shop, {"a": 3}, table="public.a")
    waiting, sent, withdrawn, new = (log.put() for _ in range(4))
    with log.shop.transaction() as cursor:
        for message, column in ((sent, "delivered_at"), (withdrawn, "withdrawn_at")):
            because = ", withdrawn_because = 'over'" if column == "withdrawn_at" else ""
            cursor.run(f"update stringx.notifications set {column} = now(){because} where notification_id = '{message}'")
        cursor.run(f"update stringx.notifications set planned_at = now() - interval '401 days' where notification_id <> '{new}'")
    retention.clean(log.shop, read_settings({"STRINGX_HOME": str(tmp_path)}))
    assert {item["id"] for item in log.items()} == {waiting, new}


def test_metrics_say_how_channels_do(log: Log) -> None:
    configure(log.shop, channel())
    log.put()
    assert log.deliver()
    text = log.client.get("/metrics").text
    assert 'stringx_notifications_waiting{channel="team"} 1.0' in text
    assert 'stringx_notifications_failures_total{channel="team"} 1.0' in text
    assert 'stringx_channel_failing_seconds{channel="team"}' in text
    assert [queue.failing_s > 0 for queue in queues(log.shop)] == [True]
    configure(log.shop, channel(active=False))
    assert [queue.failing_s for queue in queues(log.shop)] == [0.0], "nothing is sent to it"


def test_what_waits_for_a_channel_that_takes_a_test_is_sent_at_once(log: Log, tmp_path: Path) -> None:
    configure(log.shop, channel(url_env=None, url_file="notify_team"))
    log.put()
    assert log.deliver()
    with log.shop.transaction() as cursor:
        cursor.run("update stringx.channel_queues set due_at = clock_timestamp() + interval '10 minutes'")
    log.ask("channels/team/test", "POST")
    assert not log.deliver(), "the test failed, too"
    (tmp_path / "secrets").mkdir()
    with http_receiver() as receiver:
        (tmp_path / "secrets" / "notify_team").write_text(receiver.url)
        assert log.ask("channels/team/test", "POST").get_json()["delivered"]
        assert log.deliver()
    assert len(receiver.posts) == 2


def test_the_commands(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    configure(
        log.shop,
        channel(),
        channel("pager", type="apprise", url_env=None, url_file="notify_pager", digest="weekly", active=False),
    )
    with served(log.client.application) as server:
        run = Dataops(monkeypatch, capsys, server)
        monkeypatch.setenv("STRINGX_HOME", str(tmp_path))
        code, out, _ = run("channels", "list")
        assert (code, [line.split() for line in out.splitlines()]) == (
            0, [["pager", "apprise", "notify_pager", "no", "weekly"], ["team", "webhook", "NOTIFY_TEAM", "yes"]],
        )  # fmt: skip
        code, out, words = run("channels", "test", "team")
        assert (code, out, "did not take the message" in words, "NOTIFY_TEAM" in words) == (1, "", True, True)
        with http_receiver() as receiver:
            monkeypatch.setenv("NOTIFY_TEAM", f"{receiver.url}/{TOKEN}")
            code, out, _ = run("channels", "test", "team")
            assert (code, "channel team took the message" in out) == (0, True)
            _, secret, _ = run("channels", "secret", "team")
            signatures.verify(secret.split(), receiver.posts[0].headers, receiver.posts[0].body)
        configure(log.shop, channel("signed", secret_env="NOTIFY_SIGN"))
        for name, why in (
            ("signed", "of its own, in NOTIFY_SIGN"),
            ("pager", "is no webhook"),
            ("nobody", "there is no channel nobody"),
        ):
            code, out, words = run("channels", "secret", name)
            assert (code, out, why in words) == (2, "", True)
        message = log.put()
        code, out, _ = run("notifications", "list", "--state", "waiting", "--json")
        assert [json.loads(line)["id"] for line in out.splitlines()] == [message]
        code, out, _ = run("notifications", "list")
        assert (code, len(out.splitlines()), out.split()[0]) == (0, 3, "waiting")
        code, out, _ = run("notifications", "show", message)
        assert (code, "waiting, to channel team" in out) == (0, True)
        code, out, _ = run("notifications", "send-again", message)
        assert (code, out) == (0, f"message {message} is sent to channel team again\n")
        assert json.loads(run("notifications", "send-again", message, "--json")[1])["id"] == message
        assert run("routes", "list") == (0, "", "")
        configure(log.shop, route("core", target="shop", tags=["core", "a"]))
        code, out, _ = run("routes", "list")
        assert (code, out.split("  ")) == (
            0,
            ["core", "team", "closed, opened, missed", "target shop; tags core, a", "24h", "", "yes\n"],
        )
        code, _, words = run("notifications", "list", "--state", "sent")
        assert (code, "is none of waiting" in words) == (2, True)
