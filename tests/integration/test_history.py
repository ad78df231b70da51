"""History: points of checks and rules, the present states of tables and datasets, and what keeps them true."""

import pytest

from api.checks import claims
from backend.history import recording
from backend.insights import board, history, requests
from backend.insights.history import RuleName
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.problems import NotFound
from tests.support.datasets import CATALOGUE, TARGET, apply, ask, check_now, claimed, dataset, end, gate, now, result, table
from tests.support.history import ALL, points, refreshed, states, taken_up, with_rule


def test_a_configured_table_is_never_checked_then_closed_or_open_with_its_reasons(shop: Database) -> None:
    refreshed(shop)
    assert {name: item["state"] for name, item in states(shop).items()} == dict.fromkeys(
        ["public.a", "public.b", "public.c"], "never_checked"
    )
    failed = check_now(shop, {"a": 3}, table="public.a")
    item = states(shop)["public.a"]
    assert (item["state"], item["gate"], item["verdict"], item["check_id"]) == ("closed", "closed", "fail", failed.check_id)
    assert item["reasons"] == gate(shop, "public.a").reasons
    assert (item["row_count"], item["score"], item["recent"]) == (10, failed.scores["overall"], ["fail"])
    passed = check_now(shop, table="public.a")
    item = states(shop)["public.a"]
    assert (item["state"], item["gate"], item["reasons"], item["recent"]) == ("open", "open", [], ["fail", "pass"])
    assert item["since"] == item["snapshot_at"]
    check_now(shop, table="public.a")
    assert states(shop)["public.a"]["since"] == passed.as_json()["snapshot_at"], "it has been open since the one before"


def test_the_board_begins_with_what_needs_somebody(shop: Database) -> None:
    check_now(shop, table="public.b")
    check_now(shop, {"a": 1}, table="public.a")
    apply(shop, table("public.d", "d"), table("public.e", "e", gate={"max_age": "1ms"}))
    check_now(shop, table="public.e")
    refreshed(shop)
    assert [(name, item["state"]) for name, item in states(shop).items()] == [
        ("public.a", "closed"), ("public.e", "stale"), ("public.c", "never_checked"), ("public.d", "never_checked"), ("public.b", "open"),
    ]  # fmt: skip
    assert board.counts(shop, "table") == {"closed": 1, "stale": 1, "never_checked": 2, "open": 1}
    paged: list[str] = []
    page = Page(2)
    while True:
        found = board.page(shop, "table", {}, page)
        paged += [item["table"] for item in found["items"]]
        if found["next_cursor"] is None:
            break
        page = Page(2, board.TABLES.position(found["next_cursor"]))
    assert paged == list(states(shop))
    assert list(states(shop, gate="open")) == ["public.b"]
    assert list(states(shop, verdict="fail")) == ["public.a"]
    assert list(states(shop, q="C.C")) == ["public.c"]
    assert list(states(shop, q="_")) == [], "a wildcard of LIKE is a letter here"


def test_while_a_check_runs_the_decided_gate_stays_and_says_so(shop: Database) -> None:
    check_now(shop, table="public.a")
    asked = CheckRequest.model_validate({"target": "shop", "table": "public.a", "request_id": "next"})
    tracking.accept(shop, CATALOGUE, asked, "http", "s")
    item = states(shop)["public.a"]
    assert (item["state"], item["checking"], gate(shop, "public.a").gate) == ("open", True, "closed")
    assert not states(shop)["public.b"]["checking"]
    together = CheckRequest.model_validate({"target": "shop", "dataset": "sales", "request_id": "all"})
    tracking.accept(shop, CATALOGUE, together, "http", "s")
    assert states(shop)["public.b"]["checking"]
    assert states(shop, "dataset")["sales"]["checking"]


def test_changed_rules_make_an_open_gate_stale_at_once(shop: Database) -> None:
    check_now(shop, table="public.a")
    apply(shop, table("public.a", "a", "another"))
    assert states(shop)["public.a"]["state"] == "stale", "before anything has looked at it again"
    refreshed(shop)
    item = states(shop)["public.a"]
    assert (item["state"], item["reasons"]) == ("stale", ["the rules have changed since the last check: ask for a new one"])
    apply(shop, table("public.a", "a", owner="sales"))
    refreshed(shop)
    assert [states(shop)["public.a"][name] for name in ("state", "owner")] == ["open", "sales"]
    assert list(states(shop, owner="sales")) == ["public.a"]
    apply(shop, TARGET | {"dbname": "another"})
    refreshed(shop)
    assert states(shop)["public.a"]["state"] == "stale"


def test_other_gate_settings_decide_anew(shop: Database) -> None:
    ask(shop, table="public.a")
    end(shop, claimed(shop), a=1)
    with shop.transaction() as cursor:
        cursor.run("update stringx.results set verdict = 'warn'")
    apply(shop, table("public.a", "a", gate={"on_warn": "closed"}))
    refreshed(shop)
    closed = states(shop)["public.a"]
    apply(shop, table("public.a", "a"))
    refreshed(shop)
    opened = states(shop)["public.a"]
    assert (closed["state"], opened["state"]) == ("closed", "open")
    assert opened["since"] > closed["since"], "the settings have opened it just now"


def test_what_is_deleted_leaves_the_board_and_keeps_its_history(shop: Database) -> None:
    check_now(shop, {"a": 1}, table="public.a")
    apply(shop, dataset(tables=["public.b"]))
    with shop.transaction() as cursor:
        cursor.run("delete from stringx.tables where table_name = 'public.a'")
    assert "public.a" not in states(shop)
    assert len(points(shop)) == 1
    assert len(history.checks_of_table(shop, "shop", "public.a")["items"]) == 1
    with pytest.raises(NotFound):
        history.checks_of_table(shop, "shop", "public.z")
    with pytest.raises(NotFound):
        history.points(shop, CATALOGUE, RuleName("shop", "public.b", "z"), ALL)


def test_a_dataset_and_its_tables_have_a_history_each(shop: Database) -> None:
    check_now(shop, {"b": 2}, dataset="sales")
    assert [(name, item["state"]) for name, item in states(shop, "dataset").items()] == [("sales", "closed")]
    found = states(shop)
    assert (found["public.a"]["state"], found["public.b"]["state"]) == ("open", "closed")
    (check,) = history.checks_of_dataset(shop, "sales")["items"]
    assert (check["verdict"], check["gate"], check["full"], check["counts"]) == (
        "fail", "closed", True, {"pass": 1, "warn": 0, "fail": 1, "error": 0},
    )  # fmt: skip
    assert [item["verdict"] for item in history.checks_of_table(shop, "shop", "public.b")["items"]] == ["fail"]
    (point,) = points(shop, RuleName("shop", "public.b", "b"))
    assert (point["failures"], point["total"], point["failure_ratio"]) == (2, 10, 0.2)


def test_thresholds_are_as_they_were_then(shop: Database) -> None:
    check_now(shop, {"a": 1}, table="public.a")
    rule = {"id": "a", "type": "not_null", "column": "a", "warn_above": 1, "fail_above": "50%"}
    apply(shop, {**table("public.a"), "rules": [rule]})
    check_now(shop, {"a": 2}, table="public.a")
    measured = {"id": "a", "type": "aggregate", "column": "a", "arguments": {"function": "max", "max": 9, "warn": {"max": 7}}}
    apply(shop, {**table("public.a"), "rules": [measured]})
    ask(shop, table="public.a")
    found = with_rule(result(shop, claimed(shop)), failures=None, measured=8)
    tracking.store(shop, found.request_id, found)
    assert [(point["warn_at"], point["fail_at"]) for point in points(shop)] == [({"max": 7}, {"max": 9}), (1, "50%"), (None, 0)]
    assert [point["measured"] for point in points(shop)] == [8, None, None]


def test_a_rule_in_error_has_no_numbers_and_a_window_no_point(shop: Database) -> None:
    ask(shop, table="public.a")
    check = claimed(shop)
    found = with_rule(result(shop, check), status="error")
    assert claims.finish(shop, check, found, "http://backend")
    tracking.store(shop, found.request_id, found)
    (point,) = points(shop)
    assert (point["status"], point["failures"], point["total"], point["measured"]) == ("error", None, None, None)
    window = {"column": "at", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
    check_now(shop, {"a": 9}, table="public.a", window=window)
    assert len(points(shop)) == 1
    newest = history.checks_of_table(shop, "shop", "public.a")["items"][0]
    assert (newest["full"], newest["window"]["column"]) == (False, "at")


def test_numbers_that_no_column_holds_are_left_out_and_the_result_is_stored(shop: Database) -> None:
    ask(shop, table="public.a")
    found = with_rule(result(shop, claimed(shop)), failures=10**30, measured="Infinity")
    foreign = found.rules[0].model_copy(update={"id": "not an id"})
    found = found.model_copy(update={"row_count": 10**30, "rules": [*found.rules, foreign]})
    assert tracking.store(shop, found.request_id, found)
    (point,) = points(shop)
    assert (point["failures"], point["measured"], states(shop)["public.a"]["row_count"]) == (None, None, None)


def test_a_rows_value_that_looks_like_a_number_is_no_measurement(shop: Database) -> None:
    texts = ("00123", "42", "4.2", "1e5", "-17", " 9", "12345678901234567.25")
    ask(shop, table="public.a")
    found = result(shop, claimed(shop))
    rules = [
        found.rules[0].model_copy(update={"id": f"r{n}", "failures": None, "measured": text}) for n, text in enumerate(texts)
    ]
    assert tracking.store(shop, found.request_id, found.model_copy(update={"rules": rules}))
    with shop.transaction() as cursor:
        kept = cursor.all("select measured from stringx.rule_points join stringx.subject_rules using (rule_key) order by rule_id")
    assert [point["measured"] for point in kept] == [None] * 6 + [12345678901234567.25]


def test_an_older_result_that_arrives_later_changes_no_state(shop: Database) -> None:
    ask(shop, table="public.a", request_id="old")
    old = result(shop, claimed(shop), a=1)
    with shop.transaction() as cursor:
        cursor.run("update dataops.checks set status = 'succeeded', finished_at = now()")
    new = check_now(shop, table="public.a")
    tracking.store(shop, "old", old)
    assert states(shop)["public.a"]["check_id"] == new.check_id
    assert [item["check_id"] for item in history.checks_of_table(shop, "shop", "public.a")["items"]] == [
        new.check_id,
        old.check_id,
    ]


@pytest.mark.parametrize("max_age", ["9999999d", "1ms", "1000d"])
def test_any_max_age_leaves_results_and_states_whole(shop: Database, max_age: str) -> None:
    apply(shop, table("public.a", "a", gate={"max_age": max_age}))
    assert check_now(shop, table="public.a").verdict == "pass"
    refreshed(shop)
    assert states(shop)["public.a"]["state"] == ("stale" if max_age == "1ms" else "open")
    assert states(shop)["public.a"]["state"] == ("open" if gate(shop, "public.a").gate == "open" else "stale")


def test_a_state_that_cannot_be_looked_at_holds_up_no_other(shop: Database) -> None:
    for name in ("a", "b"):
        check_now(shop, {name: 1}, table=f"public.{name}")
    with shop.transaction() as cursor:
        cursor.run("""update stringx.results set result = '{"odd": true}' where table_name = 'public.a'""")
        cursor.run("update stringx.states set refresh_at = now() - interval '1 hour' where name = 'public.a'")
        cursor.run("update stringx.states set refresh_at = now(), state = 'open', rank = 3 where name = 'public.b'")
    refreshed(shop)
    assert states(shop)["public.b"]["state"] == "closed"


def test_a_document_that_this_release_cannot_read_holds_up_no_result_and_no_other_state(shop: Database) -> None:
    with shop.transaction() as cursor:
        cursor.run("""update stringx.tables set document = document || '{"of_tomorrow": 1}' where table_name = 'public.a'""")
    refreshed(shop)
    ask(shop, table="public.b")
    end(shop, claimed(shop), b=1)
    assert states(shop)["public.b"]["state"] == "closed"
    foreign = {"request_id": "x", "check_id": "01890000-0000-7000-8000-000000000000", "target": "shop", "table": "public.a"}
    moment = now(shop).isoformat()
    body = foreign | {"status": "succeeded", "verdict": "fail", "queued_at": moment, "finished_at": moment}
    assert tracking.store(shop, "x", CheckResult.model_validate(body))
    assert [item["check_id"] for item in history.checks_of_table(shop, "shop", "public.a")["items"]] == [foreign["check_id"]]


def test_recent_verdicts_are_bounded(shop: Database) -> None:
    for _ in range(3):
        check_now(shop, table="public.a")
    with shop.transaction() as cursor:
        cursor.run("update stringx.states set recent = array_fill('warn'::text, array[30]) where name = 'public.a'")
    check_now(shop, {"a": 1}, table="public.a")
    assert states(shop)["public.a"]["recent"] == ["warn"] * (recording.RECENT - 1) + ["fail"]


def test_a_result_whose_history_the_database_refuses_is_stored_all_the_same(shop: Database) -> None:
    ask(shop, table="public.a")
    found = result(shop, claimed(shop), a=1).model_copy(update={"config_version": 2**40})
    assert tracking.store(shop, found.request_id, found)
    assert requests.find(shop, found.request_id).verdict == "fail"
    refreshed(shop)
    assert states(shop)["public.a"]["state"] == "closed", "looked at again from the stored result"
    with shop.transaction() as cursor:
        cursor.run("update stringx.results set has_points = false")
    check_now(shop, table="public.b")
    taken_up(shop)
    with shop.transaction() as cursor:
        assert cursor.all("select 1 from stringx.results where not has_points") == [], "it holds up no other"


def test_no_result_and_no_other_state_is_held_up_by_a_history_that_cannot_be_written(shop: Database) -> None:
    with shop.transaction() as cursor:
        cursor.run("alter table stringx.check_points rename to gone")
    failed = check_now(shop, {"a": 1}, table="public.a")
    assert requests.find(shop, failed.request_id).verdict == "fail"
    refreshed(shop)
    with shop.transaction() as cursor:
        cursor.run("alter table stringx.gone rename to check_points")
        later = cursor.all("select name from stringx.states where refresh_at > now()")
        assert "public.a" in {row["name"] for row in later}
        cursor.run("update stringx.states set refresh_at = now()")
    refreshed(shop)
    assert states(shop)["public.a"]["state"] == "closed"


def refuse_points(shop: Database, *, refuse: bool = True) -> None:
    change = "add constraint refused check (verdict <> 'fail')" if refuse else "drop constraint refused"
    with shop.transaction() as cursor:
        cursor.run(f"alter table stringx.check_points {change}")


def is_taken_up(shop: Database, check_id: str) -> bool:
    """After its history was tried again, as if the time for it had come."""
    with shop.transaction() as cursor:
        cursor.run("update stringx.results set points_after = now() where points_after is not null")
    taken_up(shop)
    with shop.transaction() as cursor:
        row = cursor.one("select has_points from stringx.results where check_id = %(id)s", {"id": check_id})
    return row is not None and bool(row["has_points"])


def test_a_history_that_was_refused_is_tried_again(shop: Database, caplog: pytest.LogCaptureFixture) -> None:
    refuse_points(shop)
    refused = check_now(shop, {"a": 1}, table="public.a")
    refuse_points(shop, refuse=False)
    assert "tried again later" in caplog.text
    taken_up(shop)
    assert history.checks_of_table(shop, "shop", "public.a")["items"] == [], "not at once"
    assert is_taken_up(shop, refused.check_id)
    assert [point["check_id"] for point in points(shop)] == [refused.check_id]


def test_a_history_that_is_always_refused_is_given_up(shop: Database, caplog: pytest.LogCaptureFixture) -> None:
    refuse_points(shop)
    refused = check_now(shop, {"a": 1}, table="public.a")
    assert [is_taken_up(shop, refused.check_id) for _ in range(recording.TRIES - 1)] == [False] * (recording.TRIES - 2) + [True]
    assert caplog.text.count("given up") == 1
    refuse_points(shop, refuse=False)
    assert is_taken_up(shop, refused.check_id)
    assert history.checks_of_table(shop, "shop", "public.a")["items"] == []


def test_a_message_with_a_nul_closes_the_gate_on_the_board_too(shop: Database) -> None:
    check_now(shop, table="public.a")
    ask(shop, table="public.a")
    check = claimed(shop)
    found = with_rule(result(shop, check, a=1), message="odd\0 message")
    assert tracking.store(shop, found.request_id, found)
    assert states(shop)["public.a"]["state"] == "closed"
    assert states(shop)["public.a"]["reasons"][1] == "a: odd message"
