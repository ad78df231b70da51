"""Marks of points over HTTP: who may set them, what they are refused for, what the history of a rule says of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from backend.history import upkeep
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.messages.checks import CheckResult
from tests.support.apps import SCOPES, Apps
from tests.support.apps import made as apps_of
from tests.support.databases import Admin
from tests.support.datasets import TARGET, apply, check_now, table
from tests.support.judged import ago, band, compared, judged, learning

URL = "/api/v1/tables/shop/public.a/rules/a"
ALL = "-".join(SCOPES)  # the name of the key with all scopes
NEW = {"from": "2030-01-01T00:00:00Z", "to": "2030-01-02T00:00:00Z"}


@pytest.fixture
def apps(admin: Admin, internal_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apps]:
    with apps_of(admin, internal_template, tmp_path_factory.mktemp("home")) as made:
        apply(made.database, TARGET, table("public.a", "a", window_column="a"), table("public.b", "b"))
        yield made


def history(apps: Apps) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = apps.ask(f"{URL}/history").get_json()["items"]
    return found


def mark(apps: Apps, check: CheckResult | str, word: str, url: str = URL, **body: Any) -> dict[str, Any]:
    check_id = check if isinstance(check, str) else check.check_id
    answer = apps.ask(f"{url}/points/{check_id}", "POST", json={"mark": word} | body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def fault(apps: Apps, path: str, body: Any) -> tuple[int, str]:
    answer = apps.ask(path, "POST", json=body)
    errors = answer.get_json().get("errors") or [{"pointer": "", "message": answer.get_json()["detail"]}]
    return answer.status_code, f"{errors[0]['pointer']} {errors[0]['message']}".strip()


def entries(apps: Apps) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = apps.ask("/api/v1/audit?action=point.marked").get_json()["items"]
    return found


def marked_points(apps: Apps) -> list[tuple[str, str]]:
    """As DataOps reads them."""
    with apps.database.transaction() as cursor:
        rows = cursor.all("select rule_id, mark, snapshot_at from stringx.marked_points order by snapshot_at")
    return [(row["rule_id"], row["mark"]) for row in rows]


def test_the_history_says_what_was_usual_at_each_point_and_older_points_have_nothing_of_it(apps: Apps) -> None:
    shop = apps.database
    judged(shop, 5.0, None)
    judged(shop, 7.0, learning(3))
    last = judged(shop, 90.0, band(10, 20, season="weekday", points=30, words="twice what Mondays have"), status="warn")
    judged(shop, None, band(10, 20), status="error")
    error, unusual, learns, plain = history(apps)
    assert (unusual["baseline"], unusual["mark"], unusual["marked_by"], unusual["marked_at"]) == (
        {
            "center": 15.0, "low": 10.0, "high": 20.0, "points": 30, "season": "weekday", "learning": None, "moved_at": None,
            "words": "twice what Mondays have",
        },
        None, None, None,
    )  # fmt: skip
    assert (unusual["check_id"], unusual["measured"], unusual["status"]) == (last.check_id, 90.0, "warn")
    assert (learns["baseline"]["learning"], learns["baseline"]["low"]) == ({"have": 3, "need": 20}, None)
    assert "baseline" not in plain
    assert "mark" not in plain
    assert ("baseline" in error, error["measured"]) == (False, None), "a rule in error has no numbers"


def test_a_point_is_marked_once_by_whoever_did_it_first_and_the_audit_log_tells_each_change(apps: Apps) -> None:
    point = judged(apps.database, 90.0, band(10, 20), status="warn")
    gate = apps.ask("/api/v1/gates/shop/public.a").get_json()
    found = mark(apps, point, "exclude", note=" the source \n was down ")
    assert (found["mark"], found["marked_by"], found["note"], found["at"]) == (
        "exclude", ALL, "the source \n was down", history(apps)[0]["at"],
    )  # fmt: skip
    assert "next check" in found["effect"]
    again = mark(apps, point, "exclude")
    assert again == found, "the same again changes nothing, and keeps the note"
    assert [entry["details"]["mark"] for entry in entries(apps)] == ["exclude"]
    assert entries(apps)[0]["subject"] == "point:shop/public.a/a"
    (item,) = history(apps)
    assert (item["mark"], item["marked_by"], item["marked_at"], item["note"]) == (
        "exclude", ALL, found["marked_at"], "the source \n was down",
    )  # fmt: skip
    assert marked_points(apps) == [("a", "exclude")]
    assert mark(apps, point, "expected")["note"] is None, "a note is about its mark"
    assert marked_points(apps) == [("a", "expected")]
    cleared = mark(apps, point, "none")
    assert (cleared["mark"], cleared["marked_by"], cleared["marked_at"]) == (None, None, None)
    assert mark(apps, point, "none") == cleared
    assert [entry["details"]["mark"] for entry in entries(apps)] == ["none", "expected", "exclude"]
    assert (history(apps)[0]["mark"], marked_points(apps)) == (None, [])
    after = apps.ask("/api/v1/gates/shop/public.a").get_json()
    assert {**after, "age_s": 0} == {**gate, "age_s": 0}, "no mark changes a gate"


def test_checks_that_shared_a_run_share_the_mark(apps: Apps) -> None:
    shop = apps.database
    one = judged(shop, 90.0, band(10, 20), status="warn")
    other = judged(shop, 90.0, band(10, 20), status="warn", at=one.snapshot_at)
    later = judged(shop, 91.0, band(10, 20), status="warn")
    mark(apps, other, "expected")
    assert {item["check_id"]: item["mark"] for item in history(apps)} == {
        one.check_id: "expected", other.check_id: "expected", later.check_id: None,
    }  # fmt: skip
    assert mark(apps, one, "none")["mark"] is None
    assert [item["mark"] for item in history(apps)] == [None, None, None]
    assert marked_points(apps) == []


def test_a_point_of_a_window_is_found_by_its_check_though_the_history_has_only_full_ones(apps: Apps) -> None:
    shop = apps.database
    window = judged(shop, 90.0, band(10, 20), status="warn", window={"column": "a", **NEW})
    narrowed = judged(shop, 90.0, band(10, 20), status="warn", window={"column": "a", **NEW}, rule_ids=["a"])
    judged(shop, 15.0, band(10, 20))
    found = mark(apps, window, "exclude")
    assert (found["status"], found["measured"], found["mark"]) == ("warn", 90.0, "exclude")
    assert marked_points(apps) == [("a", "exclude")]
    assert fault(apps, f"{URL}/points/{narrowed.check_id}", {"mark": "exclude"}) == (
        404, f"rule 'a' of public.a has no point of check {narrowed.check_id}; its history names the checks",
    )  # fmt: skip


def test_what_there_is_not_and_what_cannot_be_marked_is_refused_in_a_sentence(apps: Apps) -> None:
    shop = apps.database
    point, plain = judged(shop, 90.0, band(10, 20), status="warn"), check_now(shop, table="public.b")
    of_b, unknown = "/api/v1/tables/shop/public.b/rules/b/points", new_id()
    assert fault(apps, f"{of_b}/{plain.check_id}", {"mark": "exclude"}) == (
        422, f"/mark the point of check {plain.check_id} was not judged by earlier points; only those of rules of the types change"
        " and unusual take a mark",
    )  # fmt: skip
    good, points = {"mark": "exclude"}, f"{URL}/points"
    for path, body, expected in [
        (f"{points}/{unknown}", good, (404, f"rule 'a' of public.a has no point of check {unknown}; its history names the checks")),
        (f"{points}/x", good, (404, "there is no check 'x'")),
        (f"{points}/{plain.check_id}", good, (404, f"rule 'a' of public.a has no point of check {plain.check_id}; its history names the checks")),
        (f"/api/v1/tables/shop/public.a/rules/z/points/{point.check_id}", good,
         (404, "no check of table public.a of target shop has run a rule 'z'")),
        (f"/api/v1/tables/shop/public.z/rules/a/points/{point.check_id}", good,
         (404, "table public.z of target shop was never configured")),
        (f"{points}/{point.check_id}", {"mark": "fine"}, (422, "/mark must be 'expected', 'exclude' or 'none'")),
        (f"{points}/{point.check_id}", {}, (422, "/mark is missing")),
        (f"{points}/{point.check_id}", good | {"note": "x" * 501}, (422, "/note")),
        (f"{points}/{point.check_id}", good | {"note": "a\0b"}, (422, "/note")),
        (f"{points}/{point.check_id}", good | {"reason": "x"}, (422, "/reason")),
    ]:  # fmt: skip
        status, words = fault(apps, path, body)
        assert (status, words.startswith(expected[1])) == (expected[0], True), (path, body, words)
    assert marked_points(apps) == []
    assert entries(apps) == []


def test_marks_take_the_scope_configure(apps: Apps) -> None:
    point = judged(apps.database, 90.0, band(10, 20), status="warn")
    without = tuple(scope for scope in SCOPES if scope != "configure")
    refused = apps.ask(f"{URL}/points/{point.check_id}", "POST", without, json={"mark": "exclude"})
    assert (refused.status_code, history(apps)[0]["mark"]) == (403, None)
    assert mark(apps, point, "exclude")["mark"] == "exclude"


def test_a_mark_goes_with_its_points(apps: Apps) -> None:
    shop = apps.database
    old, new = judged(shop, 9.0, band(1, 2), status="warn", at=ago(shop, days=75)), judged(shop, 9.0, band(1, 2), status="warn")
    for each in (old, new):
        mark(apps, each, "exclude")
    upkeep.keep_partitions(shop, 0)
    assert len(marked_points(apps)) == 2, "0 days are for ever"
    upkeep.keep_partitions(shop, 40)
    assert [item["check_id"] for item in history(apps)] == [new.check_id]
    assert len(marked_points(apps)) == 1


def test_a_point_keeps_what_the_last_one_was_compared_with_in_its_result_alone(apps: Apps) -> None:
    shop = apps.database
    first = judged(shop, 15.0, learning(0))
    judged(shop, 90.0, band(10, 20, compared_with=compared((first, 15.0)), words="x\0y" * 1000), status="warn")
    baseline = history(apps)[0]["baseline"]
    assert "compared_with" not in baseline
    assert len(baseline["words"]) <= 1001, "bounded"
