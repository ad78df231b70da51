"""Channels, routes and the delivery log in the dashboard, without JavaScript, with a real receiver on loopback."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.configuration import watch_store
from backend.notifications import outbox
from database.pool import Database
from stringx_dataops.contract.messages.notifications import NotificationContent, Told
from tests.support.dashboard import opened, sign_in, token
from tests.support.databases import Admin
from tests.support.datasets import ME, TARGET, apply, check_now, now, table
from tests.support.receivers import Receiver, http_receiver

NAME = "channels_in_dashboard"
SECRET = "s3cr3t-of-the-address"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with http_receiver() as found:
        yield found


@pytest.fixture(scope="module")
def shop(admin: Admin, internal_template: str) -> Iterator[Database]:
    """Table a, whose gate is closed; the channels team and quiet, and routes to team."""
    admin.copy(internal_template, NAME)
    database = Database(admin.url(NAME), size=4)
    apply(database, TARGET, table("public.a", "a"))
    check_now(database, {"a": 3}, table="public.a")
    documents: list[tuple[Any, str, dict[str, Any]]] = [
        ("Channel", "team", {"type": "webhook", "url_env": "NOTIFY_TEAM", "digest": "weekly"}),
        ("Channel", "quiet", {"type": "apprise", "url_file": "notify_quiet", "active": False}),
        ("Route", "core", {"channel": "team", "tags": ["core"], "quiet": {"from": "22:00", "to": "07:00"}}),
    ]
    for kind, name, document in documents:
        watch_store.put(database, ME, kind, name, document, None)
    yield database
    database.close()
    admin.run(f"drop database {NAME} with (force)")


@pytest.fixture(scope="module")
def client(shop: Database, receiver: Receiver, admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """The owner's."""
    with pytest.MonkeyPatch.context() as patch, opened(shop, admin.url(NAME), tmp_path_factory.mktemp("home")) as found:
        patch.setenv("NOTIFY_TEAM", f"{receiver.url}/{SECRET}")
        sign_in(found)
        yield found


def send(client: FlaskClient, path: str, **fields: Any) -> TestResponse:
    return client.post(path, data={"csrf": token(client.get("/")), **fields})


def message(database: Database) -> str:
    """One about the incident of a, that waits to be sent."""
    with database.transaction() as cursor:
        row = cursor.one("select incident_id from stringx.incidents")
        assert row is not None
        told = Told(what="closed", target="shop", table="public.a", since=now(database), incident_id=str(row["incident_id"]))
        content = NotificationContent(kind="change", made_at=now(database), counts={"closed": 1}, items=[told])
        found = outbox.add(cursor, "team", content, now(database))
        cursor.run(
            "insert into stringx.notified (incident_id, channel, route, notification_id, kind, at)"
            " values (%(incident)s, 'team', 'core', %(id)s, 'closed', clock_timestamp())",
            {"incident": row["incident_id"], "id": found},
        )
    return found


def test_channels_and_routes_are_listed_without_addresses(client: FlaskClient) -> None:
    page = client.get("/channels")
    assert page.status_code == 200
    for word in ("NOTIFY_TEAM", "notify_quiet", "Monday 08:00 UTC", "tagged core", "22:00 to 07:00 UTC", "after 24h"):
        assert word in page.text
    for path in ("/channels", "/channels/team", "/channels/quiet", "/routes/core"):
        page = client.get(path)
        assert page.status_code == 200
        assert SECRET not in page.text


def test_a_test_says_what_became_of_it_and_never_the_address(client: FlaskClient, receiver: Receiver) -> None:
    before = len(receiver.posts)
    page = send(client, "/channels/team/test")
    assert (page.status_code, len(receiver.posts)) == (200, before + 1)
    assert "The test was delivered (status 200)." in page.text
    receiver.answers.append((500, {}))
    failed = send(client, "/channels/team/test")
    assert "The test was not delivered (status 500)" in failed.text
    missing = send(client, "/channels/quiet/test")
    assert "The test was not delivered" in missing.text
    assert all(SECRET not in each.text for each in (page, failed, missing))
    assert send(client, "/channels/nothing/test").status_code == 404


def test_a_message_stands_in_the_delivery_log_and_is_sent_again(client: FlaskClient, shop: Database) -> None:
    sent = message(shop)
    listed = client.get("/notifications?channel=team&kind=change&state=waiting")
    assert f"/notifications/{sent}" in listed.text
    assert f"/notifications/{sent}" not in client.get("/notifications?state=delivered").text
    assert f"/notifications/{sent}" in client.get("/notifications?from=1h&to=2100-01-01").text
    assert f"/notifications/{sent}" not in client.get("/notifications?to=1d").text
    unknown = client.get("/notifications?kind=alarm")
    assert (unknown.status_code, "Kind is none of the choices" in unknown.text) == (422, True)
    wrong = client.get("/notifications?from=soon")
    assert (wrong.status_code, "Planned from is no time" in wrong.text) == (422, True)
    page = client.get(f"/notifications/{sent}")
    assert page.status_code == 200
    assert "public.a" in page.text.partition("<pre")[2]
    incident = re.search(r'href="(/incidents/[^"]+)">public\.a<', page.text)
    assert incident
    assert f"/notifications/{sent}" in client.get(incident[1]).text
    assert f"/notifications/{sent}" in client.get(f"/notifications?incident={incident[1].rpartition('/')[2]}").text
    assert client.get("/notifications?incident=nothing").status_code == 404
    with shop.transaction() as cursor:
        cursor.run(
            "update stringx.notifications set given_up_at = clock_timestamp(), attempts = 9 where notification_id = %(id)s",
            {"id": sent},
        )
    assert "given up after 9 attempts" in client.get(f"/notifications/{sent}").text
    again = send(client, f"/notifications/{sent}/send-again")
    assert (again.status_code, again.headers["Location"]) == (303, f"/notifications/{sent}")
    assert "waiting" in client.get(f"/notifications/{sent}").text


def test_a_channel_that_takes_nothing_is_not_shown_as_in_order(client: FlaskClient, shop: Database) -> None:
    message(shop)
    for path in ("/channels", "/channels/team"):
        assert "failing" not in client.get(path).text
    with shop.transaction() as cursor:
        changed = "update stringx.channel_queues set failing_since = clock_timestamp() - interval '3 hours 5 min' where channel = 'team'"
        assert cursor.run(changed) == 1
    for path in ("/channels", "/channels/team"):
        text = client.get(path).text.replace("\N{NARROW NO-BREAK SPACE}", " ")
        assert re.search(r"failing</span>.{0,30}for 3 h 5 min; \d messages? waits?<", text, re.DOTALL), text


def test_the_editor_names_the_fields_of_objects_too(client: FlaskClient) -> None:
    for word, path in (("schedule", "window.last"), ("channel", "digest.day"), ("route", "quiet.from")):
        assert re.search(rf"<dt><code>{path}</code></dt><dd>\w", client.get(f"/new/{word}").text), path


def test_a_reader_sees_neither_channels_nor_messages(client: FlaskClient, shop: Database) -> None:
    sent = message(shop)
    reader = client.application.test_client()
    sign_in(reader, "sx_reader")
    for path in ("/channels", "/channels/team", "/routes/core", "/notifications", f"/notifications/{sent}"):
        assert reader.get(path).status_code == 403
    assert 'href="/channels"' not in reader.get("/").text
    for path in ("/channels/team/test", f"/notifications/{sent}/send-again"):
        assert send(reader, path).status_code == 403
    with shop.transaction() as cursor:
        row = cursor.one("select incident_id from stringx.incidents")
    assert row is not None
    story = reader.get(f"/incidents/{row['incident_id']}")
    assert "A message to team says that it began" in story.text
    assert "/notifications/" not in story.text
