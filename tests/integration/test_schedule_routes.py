"""Schedules over HTTP: how they stand, their runs; paused, resumed and run by hand."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from backend.schedules import firing
from stringx_dataops import Client
from tests.support import apps as both
from tests.support.apps import SCOPES, Apps
from tests.support.commands import Dataops, served
from tests.support.databases import Admin
from tests.support.datasets import TARGET as SHOP
from tests.support.datasets import apply, now, table
from tests.support.schedules import finish, items, requests, schedule, turn

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
LIST = "/api/v1/schedules"


@pytest.fixture
def apps(admin: Admin, internal_template: str, tmp_path: Path) -> Iterator[Apps]:
    with both.made(admin, internal_template, tmp_path) as found:
        apply(found.database, SHOP, table("public.a", "a"), table("public.b", "b"))
        apply(found.database, schedule(timezone="Europe/Berlin"))
        firing.sync(found.database, now(found.database))
        yield found


def post(apps: Apps, what: str, body: Any = None, name: str = "nightly") -> TestResponse:
    options = {"json": body} if body is not None else {}
    return apps.ask(f"{LIST}/{name}/{what}", "POST", **options)


def listed(apps: Apps) -> dict[str, Any]:
    (item,) = apps.ask(LIST).get_json()["items"]
    found: dict[str, Any] = item
    return found


def runs(apps: Apps) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = apps.ask(f"{LIST}/nightly/runs").get_json()["items"]
    return found


def audited(apps: Apps) -> list[str]:
    return [each["action"] for each in apps.ask("/api/v1/audit?subject=schedule:nightly").get_json()["items"]]


def test_a_list_has_documents_with_their_next_five_runs(apps: Apps) -> None:
    item = listed(apps)
    assert (item["name"], item["cron"], item["paused_at"], item["last_run"]) == ("nightly", "0 6 * * *", None, None)
    assert len(item["next_times"]) == 5
    assert [apps.ask(f"{LIST}?target={target}").get_json()["items"] for target in ("shop", "other")] == [[item], []]
    assert item["next_times"] == sorted(item["next_times"])
    state = apps.ask(f"{LIST}/nightly/state").get_json()
    assert state["next_times"] == item["next_times"]
    (of_table,) = apps.ask("/api/v1/tables?q=public.a").get_json()["items"]
    assert of_table["next_run_at"] == item["next_times"][0]


def test_a_run_by_hand_begins_now_and_is_listed_with_its_counts(apps: Apps) -> None:
    answer = post(apps, "run")
    assert answer.status_code == 202, answer.text
    made = answer.get_json()
    assert (made["kind"], made["counts"]["checks"], made["counts"]["waiting"]) == ("manual", 2, 2)
    assert answer.headers["Location"] == f"{LIST}/nightly/runs"
    again = post(apps, "run")
    assert (again.status_code, "has not ended; wait for it" in again.get_json()["detail"]) == (409, True)
    turn(apps.database, now(apps.database) + MINUTE)
    (request, other) = requests(apps.database)
    assert request["requested_by"] == other["requested_by"] == "schedule nightly"
    (seen,) = apps.ask("/api/v1/requests?source=schedule&table=public.a").get_json()["items"]
    assert (seen["source"], seen["requested_by"]) == ("schedule", "schedule nightly")
    finish(apps.database)
    (run,) = runs(apps)
    assert (run["ended_at"], run["counts"]["errored"], run["counts"]["running"]) == (None, 2, 0)
    turn(apps.database, now(apps.database) + MINUTE)
    (run,) = runs(apps)
    assert run["ended_at"] is not None
    assert run["counts"] == {
        "checks": 2, "waiting": 0, "running": 0, "refused": 0, "passed": 0, "warned": 0, "failed": 0, "errored": 2,
    }  # fmt: skip
    assert listed(apps)["last_run"] == run
    assert audited(apps)[0] == "schedule.run"


def test_a_paused_schedule_begins_nothing_until_it_is_resumed_and_makes_up_for_nothing(apps: Apps) -> None:
    moment = now(apps.database)
    post(apps, "run")
    paused = post(apps, "pause", {})
    assert (paused.status_code, paused.get_json()["next_times"]) == (200, [])
    assert paused.get_json()["paused_by"] == "-".join(SCOPES)
    assert {each["refused_because"] for each in items(apps.database)} == {"the schedule was paused"}
    assert apps.ask("/api/v1/tables?q=public.a").get_json()["items"][0]["next_run_at"] is None
    turn(apps.database, moment + 2 * DAY)
    assert [each["kind"] for each in runs(apps)] == ["manual"]
    assert runs(apps)[0]["refused"][0] == {"name": "public.a", "reason": "the schedule was paused"}
    for _ in range(2):
        resumed = post(apps, "resume")
        assert (resumed.status_code, resumed.get_json()["paused_at"], len(resumed.get_json()["next_times"])) == (200, None, 5)
    assert post(apps, "run").status_code == 202
    assert audited(apps)[:4] == ["schedule.run", "schedule.resumed", "schedule.paused", "schedule.run"]


def test_a_pause_with_an_end_ends_by_itself(apps: Apps) -> None:
    moment = now(apps.database)
    until = moment + 3 * DAY
    state = post(apps, "pause", {"until": until.isoformat()}).get_json()
    assert len(state["next_times"]) == 5
    assert min(state["next_times"]) >= until.isoformat().replace("+00:00", "Z")
    assert apps.ask("/api/v1/tables?q=public.a").get_json()["items"][0]["next_run_at"] == state["next_times"][0]
    turn(apps.database, until - MINUTE)
    assert runs(apps) == []
    turn(apps.database, until + DAY)
    assert [each["due_at"] for each in runs(apps)] == state["next_times"][:1]
    assert apps.ask(f"{LIST}/nightly/state").get_json()["paused_at"] is None


def test_what_has_been_due_since_a_pause_ended_happens_though_somebody_resumes_the_schedule(apps: Apps) -> None:
    with apps.database.transaction() as cursor:
        cursor.run(
            "update stringx.schedule_states set counted_from = clock_timestamp() - interval '3 days', next_due_at = clock_timestamp() - interval '3 days',"
            " paused_at = clock_timestamp() - interval '2 days', paused_until = clock_timestamp() - interval '26 hours'"
        )
    assert post(apps, "resume").status_code == 200
    turn(apps.database, now(apps.database))
    assert len(runs(apps)) == 1
    assert "schedule.resumed" not in audited(apps)


def test_the_command_lists_shows_pauses_resumes_and_runs(
    apps: Apps, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(apps.apps["backend"]) as server:
        call = Dataops(monkeypatch, capsys, server, "schedules", key=apps.keys[SCOPES])
        code, out, _ = call("list", "--target", "shop")
        assert (code, out.split()[:6]) == (0, ["active", "nightly", "shop", "public.*", "0", "6"])
        code, _, err = call("list", "--target", "shp")
        assert (code, "there is no target 'shp'" in err) == (2, True)
        code, out, _ = call("run", "nightly")
        assert (code, out.endswith("2 checks: 2 waiting\n")) == (0, True)
        code, _, err = call("run", "nightly")
        assert (code, "has not ended; wait for it" in err, err.count("\n")) == (2, True, 1)
        code, out, _ = call("pause", "nightly", "--until", "3d")
        assert (code, out.startswith("nightly: paused by "), "; next run 2" in out) == (0, True, True)
        code, _, err = call("pause", "nightly", "--until", "400d")
        assert (code, "--until: is more than 366 days ahead" in err) == (2, True)
        code, out, _ = call("show", "nightly")
        lines = out.splitlines()
        assert (code, len(lines), lines[-1].strip()) == (0, 9, "public.b: the schedule was paused")
        assert lines[1] == "  checks public.* of shop at 0 6 * * * Europe/Berlin"
        assert json.loads(call("list", "--json")[1])["paused_until"] is not None
        code, out, _ = call("resume", "nightly")
        assert (code, out.startswith("nightly: next run 2")) == (0, True)
        shown = json.loads(call("show", "nightly", "--json")[1])
        assert (len(shown["next_times"]), shown["cron"], len(shown["runs"])) == (5, "0 6 * * *", 1)
        client = Client()
        (listed,) = client.schedules(target="shop")
        assert (bool(listed), listed.cron, listed.tables, len(listed.next_times)) == (True, "0 6 * * *", ("public.*",), 5)
        paused = client.pause_schedule("nightly", until=now(apps.database) + DAY)
        assert (bool(paused), paused.paused_until is not None, bool(client.resume_schedule("nightly"))) == (False, True, True)
        assert client.run_schedule("nightly") == next(client.items("/api/v1/schedules/nightly/runs"))["id"]
        with pytest.raises(ValueError, match="name"):
            client.run_schedule(" ")
        code, _, err = call("show", "nihgtly")
        assert (code, "did you mean nightly?" in err) == (2, True)


def test_metrics_say_how_late_schedules_are(apps: Apps) -> None:
    def value(name: str) -> float:
        text = apps.clients["backend"].get("/metrics").text
        return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(f"{name} "))

    assert (value('stringx_schedules{state="active"}'), value('stringx_schedules{state="paused"}')) == (1, 0)
    assert value("stringx_schedules_late_seconds") == 0
    with apps.database.transaction() as cursor:
        cursor.run("update stringx.schedule_states set next_due_at = clock_timestamp() - interval '1 hour'")
    assert value("stringx_schedules_late_seconds") >= 3600
    post(apps, "run")
    assert value("stringx_schedules_checks_waiting") == 2
    post(apps, "pause", {})
    assert (value('stringx_schedules{state="paused"}'), value("stringx_schedules_late_seconds")) == (1, 0)
    assert value("stringx_schedules_checks_waiting") == 0


def test_what_cannot_be_done_is_refused_in_one_line(apps: Apps) -> None:
    moment = now(apps.database)
    for body, pointer, words in (
        ({"until": (moment - MINUTE).isoformat()}, "/until", "is over: it is "),
        ({"until": (moment + 400 * DAY).isoformat()}, "/until", "is more than 366 days ahead"),
        ({"til": None}, "/til", "unknown field; did you mean until?"),
        ({"until": "2027-01-01"}, "/until", ""),
    ):
        answer = post(apps, "pause", body)
        assert answer.status_code == 422, answer.text
        (fault,) = answer.get_json()["errors"]
        assert (fault["pointer"], words in fault["message"]) == (pointer, True), fault
    for path in ("state", "runs"):
        answer = apps.ask(f"{LIST}/nihgtly/{path}")
        assert (answer.status_code, "did you mean nightly?" in answer.get_json()["detail"]) == (404, True), answer.text
    apply(apps.database, schedule("empty", tables=["none.*"]))
    answer = post(apps, "run", name="empty")
    assert (answer.status_code, "no configured table of shop matches none.*" in answer.text) == (422, True)
    with_cursor = apps.ask(f"{LIST}/nightly/runs?cursor=x")
    assert with_cursor.status_code == 422
