"""Incidents over HTTP: lists, the story of one, acknowledgements, notes, assignments, how long they lasted."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.support.apps import SCOPES, Apps
from tests.support.apps import made as apps_of
from tests.support.databases import Admin
from tests.support.datasets import TARGET, apply, dataset, now, table
from tests.support.incidents import reported
from tests.support.waivers import waive

URL = "/api/v1/incidents"
ALL = "-".join(SCOPES)  # the name of the key with all scopes


@pytest.fixture
def apps(admin: Admin, internal_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apps]:
    """The shop, its table a failing, as a backend with keys."""
    with apps_of(admin, internal_template, tmp_path_factory.mktemp("home")) as made:
        apply(made.database, TARGET, table("public.a", "a", owner="ada", runbook="https://runbooks/a"), table("public.b", "b"))
        apply(made.database, dataset(tables=["public.a", "public.b"]))
        yield made


def asked(apps: Apps, path: str = "", **body: Any) -> dict[str, Any]:
    answer = apps.ask(URL + path, "POST", json=body) if body or path.endswith("acknowledge") else apps.ask(URL + path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def fault(apps: Apps, path: str, method: str = "POST", **body: Any) -> tuple[int, str]:
    answer = apps.ask(URL + path, method, **({"json": body} if method == "POST" else {}))
    errors = answer.get_json().get("errors") or [{"pointer": "", "message": answer.get_json()["detail"]}]
    return answer.status_code, f"{errors[0]['pointer']} {errors[0]['message']}".strip()


def test_an_incident_is_listed_told_acknowledged_and_over(apps: Apps) -> None:
    shop = apps.database
    reported(shop, "pass")
    failed = reported(shop, "fail")
    (item,) = asked(apps)["items"]
    assert (item["table"], item["dataset"], item["state"], item["owner"], item["acknowledged"]) == (
        "public.a",
        None,
        "open",
        "ada",
        False,
    )
    assert (item["opened_because"], item["opened_by_check"], item["rules"][0]["failures"]) == ("check", failed.check_id, 3)
    of = f"/{item['id']}"
    assert fault(apps, f"{of}/unacknowledge") == (409, f"nobody has acknowledged incident {item['id']}")
    until = (now(shop) + timedelta(days=1)).isoformat()
    seen = asked(apps, f"{of}/acknowledge", note=" at it \n", assignee="bob", until=until)
    assert (seen["acknowledged"], seen["acknowledged_by"], seen["assignee"], seen["state"]) == (True, ALL, "bob", "open")
    assert [(each["by"], each["text"]) for each in seen["notes"]] == [(ALL, "at it")]
    again = asked(apps, f"{of}/acknowledge")
    assert (again["acknowledged"], again["acknowledged_until"], again["assignee"]) == (True, None, "bob"), (
        "it replaces what was said"
    )
    assert apps.ask("/api/v1/tables").get_json()["items"][0]["incident"] == {
        "id": item["id"], "opened_at": item["opened_at"], "acknowledged_by": ALL, "assignee": "bob",
    }  # fmt: skip
    assert apps.ask("/api/v1/gates/shop/public.a").get_json()["gate"] == "closed", "an acknowledgement opens no gate"
    assert asked(apps, f"{of}/unacknowledge")["acknowledged"] is False
    asked(apps, f"{of}/assign", assignee=None)
    waive(shop)
    apply(shop, table("public.a", "a", owner="eve"))
    passed = reported(shop, "pass")
    asked(apps, f"{of}/note", text="the source was late")
    story = asked(apps, of)
    assert (story["state"], story["closed_because"], story["closed_by_check"], story["owner"]) == (
        "closed",
        "check",
        passed.check_id,
        "eve",
    )
    assert story["duration_s"] > 0
    assert [check["verdict"] for check in story["checks"]] == ["pass", "fail", "pass"]
    assert [event["kinds"] for event in story["events"]] == [["closed"], ["opened"]]
    assert [(entry["action"], entry["details"].get("assignee")) for entry in story["entries"]] == [
        ("acknowledged", "bob"), ("acknowledged", None), ("unacknowledged", None), ("assigned", None), ("noted", None),
    ]  # fmt: skip
    assert ("Table", "public.a", 2, "me") in [
        (each["kind"], each["name"], each["version"], each["by"]) for each in story["changes"]
    ]
    assert [(waiver["rule"], waiver["by"]) for waiver in story["waivers"]] == [("a", "me")]
    assert story["messages"] == []
    assert "a" in story["findings"]["public.a"]
    for act in ("acknowledge", "unacknowledge"):
        status, words = fault(apps, f"{of}/{act}")
        assert (status, words.startswith(f"incident {item['id']} has been over since 2")) == (409, True)
    audited = apps.ask("/api/v1/audit").get_json()["items"]
    acted = [each for each in audited if each["action"].startswith("incident.")]
    assert [each["action"].removeprefix("incident.") for each in acted] == [
        "noted", "assigned", "unacknowledged", "acknowledged", "acknowledged",
    ]  # fmt: skip
    assert {(each["actor"], each["subject"], each["details"]["id"]) for each in acted} == {
        (ALL, "incident:shop/public.a", item["id"])
    }


def test_what_is_wrong_is_named(apps: Apps) -> None:
    reported(apps.database, "fail")
    of = f"/{asked(apps)['items'][0]['id']}"
    moment = now(apps.database)
    assert fault(apps, f"{of}/acknowledge", until=(moment - timedelta(seconds=1)).isoformat())[1].startswith(
        "/until is over: it is 2"
    )
    ahead = (moment + timedelta(days=91)).isoformat()
    assert fault(apps, f"{of}/acknowledge", until=ahead)[1].startswith("/until is more than 90 days ahead; give 2")
    assert [fault(apps, f"{of}/{path}", **body)[0] for path, body in (
        ("acknowledge", {"until": "tomorrow"}), ("acknowledge", {"note": "x" * 2001}), ("acknowledge", {"nte": "x"}),
        ("acknowledge", {"assignee": " "}), ("note", {"text": " "}), ("note", {}), ("note", {"text": "a\0"}), ("assign", {}),
        ("assign", {"assignee": "x" * 201}),
    )] == [422] * 9  # fmt: skip
    assert fault(apps, "/01890000-0000-7000-8000-000000000000/note", text="x")[0] == 404
    assert fault(apps, "/nonsense", "GET") == (404, "there is no incident 'nonsense'")
    assert fault(apps, "?stat=open", "GET")[1] == "/query/stat is no parameter of this endpoint; did you mean state?"
    assert fault(apps, "?state=opn", "GET")[1] == "/query/state is 'opn'; did you mean open?"
    assert fault(apps, "/summary?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "GET")[1].startswith(
        "/query/from is not before 2"
    )
    assert (
        apps.ask(
            f"{URL}{of}/acknowledge", "POST", scopes=tuple(each for each in SCOPES if each != "trigger"), json={}
        ).status_code
        == 403
    )


def test_filters_and_pages_find_what_they_say(apps: Apps) -> None:
    shop = apps.database
    for verdict in ("fail", "pass", "fail", "pass", "fail"):
        reported(shop, verdict, table=None, dataset="sales")
    first = asked(apps, "?limit=4")
    rest = asked(apps, f"?limit=1000&cursor={first['next_cursor']}")
    items = first["items"] + rest["items"]
    assert [(item["state"], item["dataset"]) for item in items[:3]].count(("open", "sales")) == 1
    assert [item["state"] for item in items] == ["open"] * 3 + ["closed"] * 6
    opened = [item["opened_at"] for item in items]
    assert opened == sorted(opened[:3], reverse=True) + sorted(opened[3:], reverse=True)
    of_a = next(item for item in items if item["table"] == "public.a")
    asked(apps, f"/{of_a['id']}/acknowledge", assignee=ALL)
    for query, number in {
        "state=open": 3, "state=closed": 6, "table=public.a": 3, "dataset=sales": 3, "owner=ada": 3, "owner=bob": 0, "mine=true": 1,
        f"assignee={ALL}": 1, "acknowledged=true": 1, "acknowledged=false": 8, "kind=missed": 0, "target=shop": 9, "to=2020-01-01T00:00:00Z": 0,
        f"from={of_a['opened_at']}&table=public.a": 1,
    }.items():  # fmt: skip
        assert len(asked(apps, f"?{query}")["items"]) == number, query


def test_times_are_summed_up_by_target_and_owner(apps: Apps) -> None:
    shop = apps.database
    for verdict in ("fail", "pass", "fail"):
        reported(shop, verdict)
        reported(shop, verdict, table="public.b")
    for item in asked(apps, "?state=open&owner=ada")["items"]:
        asked(apps, f"/{item['id']}/acknowledge")
    with shop.transaction() as cursor:
        cursor.run(
            "update stringx.incidents set opened_at = opened_at - interval '1 hour', closed_at = opened_at where closed_at is not null"
        )
        cursor.run(
            "update stringx.incidents set first_acknowledged_at = opened_at + interval '10 minutes' where acknowledged_at is not null"
        )
    whole = asked(apps, "/summary")
    assert [(each["name"], each["opened"], each["closed"], each["still_open"]) for each in whole["items"]] == [("shop", 4, 2, 2)]
    owners = {each["name"]: each for each in asked(apps, "/summary?by=owner")["items"]}
    assert set(owners) == {"ada", ""}
    assert (owners["ada"]["acknowledged"], owners["ada"]["mean_to_acknowledge_s"], owners["ada"]["mean_to_close_s"]) == (
        1,
        600,
        3600,
    )
    assert (owners[""]["acknowledged"], owners[""]["mean_to_acknowledge_s"], owners[""]["longest_s"]) == (0, None, 3600)
    assert (whole["total"]["opened"], whole["total"]["mean_to_close_s"], whole["more"]) == (4, 3600, 0)
    assert asked(apps, "/summary?to=2020-01-01T00:00:00Z")["items"] == []
