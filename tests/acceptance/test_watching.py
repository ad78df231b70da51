"""The whole way as people go it: a schedule has a table checked, its gate closes, a message reaches a real receiver, somebody
acknowledges, the gate opens, and that is told. The Backend is killed in between."""

from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import psutil
import pytest

from tests.acceptance.test_processes import processes
from tests.support.databases import Admin, Target, make_target
from tests.support.processes import eventually
from tests.support.receivers import Receiver, http_receiver
from tests.support.service import Service

TABLE = "public.deliveries"
PLACES = ("schedules/deliveries", "routes/deliveries", "channels/deliveries")


@pytest.fixture
def watched(service: Service, admin: Admin) -> Target:
    made = make_target(admin, service.home / "secrets" / "watched")
    made.execute("create table deliveries (delivery_id integer); insert into deliveries values (1), (2), (2)")
    return made


def kill_backend(service: Service) -> None:
    for process in processes(service, "backend.app"):
        with suppress(psutil.NoSuchProcess):  # it ended with one of the others
            process.kill()


@pytest.fixture
def receiver(service: Service, cron: bool) -> Iterator[Receiver]:
    """With cron, the first message kills the Backend that sends it, and gets no answer: it comes again when its lease has ended."""

    def kills(handler: BaseHTTPRequestHandler) -> None:
        kill_backend(service)
        handler.close_connection = True

    with http_receiver(*([kills] if cron else [])) as found:
        yield found


def call(service: Service, method: str, path: str, **options: Any) -> Any:
    answer = service.call(method, f"{service.backend}/api/v1/{path}", **options)
    assert answer.ok, answer.text
    return answer.json() if answer.content else None


@pytest.mark.parametrize("cron", [False, pytest.param(True, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_a_closed_gate_is_told_acknowledged_and_over(service: Service, watched: Target, receiver: Receiver, cron: bool) -> None:
    """Either somebody runs the schedule, or its cron does, each minute."""
    (service.home / "secrets" / "notify_deliveries").write_text(receiver.url.replace("127.0.0.1", "localhost"))
    rules = [{"id": "once", "type": "unique", "column": "delivery_id"}]
    documents = {
        "targets/watched": watched.document("watched"),
        f"tables/watched/{TABLE}": {"owner": "logistics", "rules": rules},
        "channels/deliveries": {"type": "webhook", "url_file": "notify_deliveries"},
        "routes/deliveries": {"channel": "deliveries", "owner": "logistics", "target": "watched"},
        "schedules/deliveries": {
            "target": "watched",
            "tables": ["public.deliver*"],
            "cron": "* * * * *" if cron else "0 0 1 1 *",
        },
    }
    for path, document in documents.items():
        call(service, "PUT", path, json=document)
    run(service, cron)
    if not cron:
        kill_backend(service)
    posts = 2 if cron else 1
    eventually(lambda: len(receiver.posts) >= posts, 280, "the message, or with cron its second coming")
    assert len({post.headers["webhook-id"] for post in receiver.posts}) == 1
    event = receiver.posts[-1].json
    assert (event["type"], event["data"]["table"], event["data"]["gate"]) == ("stringx.gate-changed", TABLE, "closed")
    assert [(rule["id"], rule["failures"]) for rule in event["data"]["rules"]] == [("once", 1)]
    [incident] = call(service, "GET", "incidents", params={"target": "watched"})["items"]
    assert (incident["closed_at"], incident["acknowledged_by"], incident["owner"]) == (None, None, "logistics")
    call(service, "POST", f"incidents/{incident['id']}/acknowledge", json={"note": "the load of today again"})
    assert service.gate(TABLE, "watched")["gate"] == "closed", "acknowledging opens no gate"
    watched.execute("delete from deliveries where delivery_id = 2")
    run(service, cron)
    eventually(lambda: len(receiver.posts) > posts, 280, "the message that it is over")
    event = receiver.posts[-1].json
    assert (event["type"], event["data"]["gate"], event["data"]["gate_before"]) == ("stringx.gate-changed", "open", "closed")
    assert receiver.posts[-1].headers["webhook-id"] != receiver.posts[0].headers["webhook-id"]
    story = call(service, "GET", f"incidents/{incident['id']}")
    assert (story["closed_because"], story["acknowledged_by"] is not None) == ("check", True)
    asked = call(service, "GET", "requests", params={"target": "watched", "limit": "1"})["items"][0]
    assert asked["requested_by"] == "schedule deliveries"
    for path in PLACES:
        call(service, "DELETE", path)
    assert len(receiver.posts) == posts + 1


def run(service: Service, cron: bool) -> None:
    """Have the schedule run, if it does not do so by itself."""
    if not cron:
        eventually(lambda: ran(service), 60, "a run that somebody asked for")


def ran(service: Service) -> bool:
    return bool(service.call("POST", f"{service.backend}/api/v1/schedules/deliveries/run", json={}).ok)
