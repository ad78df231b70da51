"""Incidents and events of gates, as the internal database writes them: each flip once, whatever made it."""

import random
import threading
from datetime import timedelta
from typing import Any

import pytest

from backend import metrics, retention
from backend.gates.gate import of_dataset
from backend.incidents import acting, store
from backend.incidents.story import story
from backend.requests import tracking
from backend.waivers import store as waivers
from database import keys
from database.keys import Caller
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.incidents import Acknowledgement
from stringx_dataops.contract.settings import ROOT, read_settings
from tests.support.datasets import ME, TARGET, apply, check_now, dataset, gate, now, table
from tests.support.history import refreshed, states, taken_up
from tests.support.incidents import events, finished, incidents, reported
from tests.support.trials import try_now
from tests.support.waivers import waive

FAILED, PASSED = {"a": 3}, {"a": 0}
WINDOW = {"column": "at", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
RULE = {"id": "a", "table": "public.a", "status": "fail", "failures": 3, "total": 10, "measured": None}
KEEP = {"on_changed_rules": "keep"}
A = {"name": "public.a"}


def checked(shop: Database, failures: dict[str, int], **asked: Any) -> str:
    return check_now(shop, failures, **({"table": "public.a"} | asked)).check_id


def kinds(shop: Database, name: str = "public.a") -> list[list[str]]:
    return [event["kinds"] for event in events(shop, name=name)]


def run(shop: Database, statement: str, **named: Any) -> None:
    with shop.transaction() as cursor:
        cursor.run(statement, named)


def test_a_flip_opens_an_incident_the_next_closes_it_and_nothing_between_tells_of_it_again(shop: Database) -> None:
    checked(shop, PASSED)
    assert events(shop) == [], "a first check that opens a gate is nothing to tell of"
    first = checked(shop, FAILED)
    checked(shop, FAILED)
    (opened,) = incidents(shop)
    assert (opened["kind"], opened["opened_by_check"], opened["closed_at"], opened["verdict"]) == ("closed", first, None, "fail")
    assert (opened["rules"], opened["rules_more"]) == ([RULE], 0)
    last = checked(shop, PASSED)
    checked(shop, PASSED)
    (closed,) = incidents(shop)
    assert (closed["closed_by_check"], closed["closed_because"]) == (last, "check")
    assert closed["closed_at"] > closed["opened_at"]
    told = [(event["kinds"], event["gate_before"], event["gate"], event["check_id"]) for event in events(shop)]
    assert told == [(["closed"], "open", "closed", first), (["opened"], "closed", "open", last)]
    assert {event["incident_id"] for event in events(shop)} == {closed["incident_id"]}


def test_a_first_check_that_closes_is_a_flip_and_one_that_warns_is_told_of_without_one(shop: Database) -> None:
    checked(shop, FAILED)
    (event,) = events(shop)
    assert (event["kinds"], event["gate_before"]) == (["closed"], None)
    reported(shop, "warn", table="public.b")
    reported(shop, "warn", table="public.b")
    (warned,) = events(shop, name="public.b")
    assert (warned["kinds"], warned["gate"], warned["incident_id"], warned["rules"][0]["status"]) == (
        ["warn"],
        "open",
        None,
        "warn",
    )


def test_another_verdict_of_a_gate_that_stays_closed_is_told_of_in_the_same_incident(shop: Database) -> None:
    for verdict in ("error", "fail", "error"):
        reported(shop, verdict)
    (incident,) = incidents(shop)
    assert kinds(shop) == [["closed", "error"], ["error"]]
    assert {event["incident_id"] for event in events(shop)} == {incident["incident_id"]}
    assert incident["rules"] == [RULE | {"status": "error", "failures": None, "total": None}]


def test_checks_that_decide_nothing_open_and_close_nothing(shop: Database) -> None:
    checked(shop, PASSED)
    reported(shop, "fail", ago=timedelta(hours=1))
    checked(shop, FAILED, window=WINDOW)
    checked(shop, FAILED, kinds=["engineering"])
    assert try_now(shop, table("public.a", "a"), FAILED).verdict == "fail"
    assert (incidents(shop), events(shop)) == ([], []), "late, of a window, narrowed, a trial"
    checked(shop, FAILED)
    reported(shop, "pass", ago=timedelta(hours=1))
    checked(shop, PASSED, window=WINDOW)
    try_now(shop, table("public.a", "a"), PASSED)
    assert [each["closed_at"] for each in incidents(shop)] == [None]


def test_windows_that_decide_open_and_close_and_nothing_is_open_when_none_decides_any_more(shop: Database) -> None:
    apply(shop, table("public.a", "a", gate={"decided_by": "window"}))
    for failures in (FAILED, PASSED, FAILED):
        checked(shop, failures, window=WINDOW)
    assert kinds(shop) == [["closed"], ["opened"], ["closed"]]
    assert incidents(shop)[0]["rules"] == [RULE]
    apply(shop, table("public.a", "a"))
    refreshed(shop)
    assert [each["closed_because"] for each in incidents(shop)] == ["check", "changed"]
    assert (kinds(shop)[-1], events(shop)[-1]["gate"]) == (["removed"], None)


def test_a_check_of_a_dataset_opens_its_own_and_one_of_each_table_that_failed(shop: Database) -> None:
    check_now(shop, {}, dataset="sales")
    check_now(shop, {"b": 4}, dataset="sales")
    found = {each["name"]: each for each in incidents(shop)}
    assert set(found) == {"sales", "public.b"}
    assert [(rule["table"], rule["id"]) for rule in found["sales"]["rules"]] == [("public.b", "b")]
    assert len({each["opened_at"] for each in found.values()}) == 1
    assert of_dataset(shop, "sales").incident is not None
    checked(shop, {"b": 0}, table="public.b")
    assert [each["closed_at"] is None for each in incidents(shop)].count(True) == 1, "that of the dataset waits for its check"
    check_now(shop, {}, dataset="sales")
    assert [each["closed_at"] is None for each in incidents(shop)].count(True) == 0


def test_a_waiver_that_ends_and_settings_that_change_flip_a_gate_too(shop: Database) -> None:
    apply(shop, table("public.a", "a", gate=KEEP))
    waiver = waive(shop)
    checked(shop, FAILED)
    assert (kinds(shop), incidents(shop)) == ([["warn"]], [])
    waivers.delete(shop, ME, waiver.id)
    refreshed(shop)
    (ended,) = incidents(shop)
    assert (ended["opened_by_check"], ended["rules"]) == (None, [RULE]), "a rule whose waiver has ended is one that failed"
    assert kinds(shop)[-1] == ["closed", "warn"]
    reported(shop, "warn")
    assert (kinds(shop)[-1], incidents(shop)[0]["closed_because"]) == (["opened", "warn"], "check")
    apply(shop, table("public.a", "a", gate=KEEP | {"on_warn": "closed"}))
    refreshed(shop)
    apply(shop, table("public.a", "a", gate=KEEP))
    refreshed(shop)
    assert kinds(shop)[-2:] == [["closed", "warn"], ["opened", "warn"]]
    assert [(each["opened_by_check"], each["closed_because"]) for each in incidents(shop)][1:] == [(None, "changed")]


def test_what_is_deleted_has_no_incident_and_what_comes_back_has_a_new_one_after_it(shop: Database) -> None:
    checked(shop, FAILED)
    document = table("public.a", "a")
    apply(shop, dataset(tables=["public.b"]))
    run(shop, "delete from stringx.tables where table_name = 'public.a'")
    (gone,) = incidents(shop)
    assert (gone["closed_because"], kinds(shop)[-1]) == ("deleted", ["removed"])
    apply(shop, document)
    refreshed(shop)
    before, after = incidents(shop)
    assert (after["opened_at"] >= before["closed_at"], after["closed_at"]) == (True, None)
    assert kinds(shop) == [["closed"], ["removed"], ["closed"]]


def test_an_incident_begins_after_the_last_one_also_if_several_opened_in_one_moment(shop: Database) -> None:
    moment = now(shop)
    lasted = timedelta(hours=1)
    for length in (timedelta(0), lasted, timedelta(0)):
        run(
            shop,
            "insert into stringx.incidents (subject_kind, target, name, kind, opened_at, closed_at, closed_because)"
            " values ('table', 'shop', 'public.a', 'closed', %(at)s, %(end)s, 'changed')",
            at=moment,
            end=moment + length,
        )
    checked(shop, FAILED)
    assert incidents(shop)[-1]["opened_at"] == moment + lasted


def test_a_dataset_that_moves_to_another_target_leaves_its_incident_behind(shop: Database) -> None:
    check_now(shop, FAILED, dataset="sales")
    apply(shop, TARGET | {"name": "depot"}, table("public.a", "a", target="depot"))
    apply(shop, dataset(target="depot", tables=["public.a"]))
    refreshed(shop)
    assert [(each["target"], each["closed_because"]) for each in incidents(shop, name="sales")] == [("shop", "deleted")]
    assert of_dataset(shop, "sales").incident is None
    check_now(shop, FAILED, dataset="sales", target="depot")
    assert [each["target"] for each in incidents(shop, name="sales")] == ["shop", "depot"]


def test_the_story_has_the_messages_that_told_of_it(shop: Database) -> None:
    checked(shop, FAILED)
    (incident,) = incidents(shop)
    run(
        shop,
        "with m as (insert into stringx.notifications (channel, kind, content, planned_at, due_at, delivered_at, attempts)"
        " values ('team', 'change', '{}', now(), now(), now(), 1), ('on-call', 'change', '{}', now(), now(), null, 3)"
        " returning notification_id, channel)"
        " insert into stringx.notified (event_id, incident_id, channel, route, notification_id, kind, at)"
        " select e.event_id, %(id)s, m.channel, r.route, m.notification_id, 'closed', now()"
        " from m, stringx.events e, (values ('first'), ('second')) as r (route) where e.name = 'public.a'",
        id=incident["incident_id"],
    )
    told = [
        (each.channel, each.routes, each.said, each.state, each.attempts)
        for each in story(shop, incident["incident_id"]).messages
    ]
    assert told == [
        ("on-call", ["first", "second"], "closed", "waiting", 3), ("team", ["first", "second"], "closed", "delivered", 1),
    ]  # fmt: skip
    with keys.asking(Caller("limited", ME.scopes, frozenset({"shop"}))):
        hidden = story(shop, incident["incident_id"])
    assert (hidden.messages, hidden.messages_hidden) == ([], True), "channels belong to no target"


def test_a_history_that_was_refused_keeps_no_incident_from_its_rules(shop: Database) -> None:
    run(shop, "alter table stringx.check_points add constraint refused check (verdict <> 'fail') not valid")
    checked(shop, FAILED)
    assert incidents(shop) == []
    refreshed(shop)
    (opened,) = incidents(shop)
    assert (opened["rules"], opened["opened_by_check"] is not None) == ([RULE], True)
    run(shop, "alter table stringx.check_points drop constraint refused; update stringx.results set points_after = null")
    taken_up(shop)
    refreshed(shop)
    assert (len(incidents(shop)), len(events(shop))) == (1, 1)


def test_a_result_that_no_text_can_hold_opens_an_incident_whose_rules_are_not_known(shop: Database) -> None:
    run(shop, "alter table stringx.check_points add constraint refused check (false) not valid")
    found = finished(shop, "fail")
    odd = found.model_copy(update={"rules": [found.rules[0].model_copy(update={"description": "of a foreign sender: \0"})]})
    tracking.store(shop, odd.request_id, odd)
    refreshed(shop)
    assert [(each["opened_by_request"], each["rules"]) for each in incidents(shop)] == [(odd.request_id, [])]


def test_stale_is_told_once_it_is_known_and_once_per_change(shop: Database) -> None:
    changed = [{"id": "a", "type": "not_null", "column": "a", "where": "id > 0"}]
    apply(shop, table("public.a", "a", gate=KEEP))
    checked(shop, PASSED)
    apply(shop, table("public.a", rules=changed, gate=KEEP))
    assert states(shop)["public.a"]["state"] == "stale", "until somebody has looked"
    refreshed(shop)
    assert (states(shop)["public.a"]["state"], events(shop)) == ("open", [])
    for number in (1, 2):
        checked(shop, PASSED)
        apply(shop, table("public.a", "a", f"b{number}"))
        assert len(events(shop)) == number - 1
        for _ in range(2):
            run(shop, "update stringx.states set refresh_at = clock_timestamp()")
            refreshed(shop)
        assert kinds(shop) == [["stale"]] * number
    checked(shop, PASSED)
    apply(shop, TARGET | {"dbname": "another"})
    refreshed(shop)
    assert kinds(shop) == [["stale"]] * 3, "another database may hold something else: stale, as nothing has closed the gate"
    assert (incidents(shop), gate(shop, "public.a").incident) == ([], None)


def test_owner_and_tags_follow_the_document_while_it_is_open(shop: Database) -> None:
    checked(shop, FAILED)
    apply(shop, table("public.a", "a", owner="ada", tags=["core"]))
    assert [(each["owner"], each["tags"]) for each in incidents(shop)] == [("ada", ["core"])]
    mine = {who: len(store.page(shop, {"me": who})["items"]) for who in ("ada", "person:ada", "person:eve", "ad")}
    assert mine == {"ada": 1, "person:ada": 1, "person:eve": 0, "ad": 0}
    checked(shop, PASSED)
    apply(shop, table("public.a", "a", owner="bob"))
    assert [each["owner"] for each in incidents(shop)] == ["ada"]


def test_shadow_rules_are_none_of_an_incident_and_only_the_worst_are_named(shop: Database) -> None:
    rules = [{"id": f"r{number:02}", "type": "not_null", "column": "x"} for number in range(24)]
    apply(shop, table("public.a", rules=[*rules, {"id": "s", "type": "not_null", "column": "x", "active": "shadow"}]))
    checked(shop, {f"r{number:02}": number + 1 for number in range(24)} | {"s": 99})
    (opened,) = incidents(shop)
    assert ([rule["id"] for rule in opened["rules"]], opened["rules_more"]) == ([f"r{n:02}" for n in range(23, 3, -1)], 4)


@pytest.mark.parametrize("verdict", ["pass", "fail"])
def test_a_missed_check_that_comes_closes_the_incident_or_goes_on_in_it(shop: Database, verdict: str) -> None:
    checked(shop, PASSED)
    run(
        shop,
        "with i as (insert into stringx.incidents (subject_kind, target, name, kind, opened_at)"
        " values ('table', 'shop', 'public.a', 'missed', clock_timestamp()) returning incident_id)"
        " update stringx.states s set incident_id = i.incident_id from i where s.name = 'public.a'",
    )
    refreshed(shop)
    reported(shop, verdict)
    (incident,) = incidents(shop)
    assert (incident["kind"], incident["closed_at"] is None) == ("missed", verdict == "fail")
    assert kinds(shop) == [["opened" if verdict == "pass" else "closed"]]
    assert (incident["rules"], events(shop)[0]["incident_id"]) == ([] if verdict == "pass" else [RULE], incident["incident_id"])
    reported(shop, "pass")
    assert [each["closed_because"] for each in incidents(shop)] == ["check"]


def test_results_that_come_at_once_make_one_incident_at_a_time_and_events_in_turn(shop: Database) -> None:
    faults: list[BaseException] = []
    dice = random.Random(20)
    found_by_dbt = [finished(shop, dice.choice(["pass", "fail"]), table=None, dataset="sales") for _ in range(24)]

    def post(some: list[CheckResult]) -> None:
        try:
            for each in some:
                tracking.store(shop, each.request_id, each)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=post, args=(found_by_dbt[number::4],), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    for name in ("sales", "public.a", "public.b"):
        found = [each for each in incidents(shop) if each["name"] == name]
        flips = [words[0] for words in kinds(shop, name)]
        assert flips == (["closed", "opened"] * len(flips))[: len(flips)], "in turn"
        assert len(found) == flips.count("closed")
        last = states(shop, "dataset" if name == "sales" else "table")[name]
        assert [each["closed_at"] is None for each in found].count(True) == (last["gate"] == "closed")


def test_the_story_of_a_long_incident_is_bounded_and_one_of_a_table_that_is_gone_can_be_told(shop: Database) -> None:
    checked(shop, PASSED)
    checked(shop, FAILED)
    (incident,) = incidents(shop)
    run(
        shop,
        "insert into stringx.check_points select subject_id, at + make_interval(secs => n), gen_random_uuid(), request_id, status, verdict, gate,"
        " is_full, narrowed_to, counts, row_count, score, duration_ms, config_version"
        " from stringx.check_points cross join generate_series(1, 250) n where check_id = %(id)s",
        id=incident["opened_by_check"],
    )
    told = story(shop, incident["incident_id"])
    assert (len(told.checks), told.checks_more, told.checks[0].verdict) == (201, True, "pass")
    run(shop, "delete from stringx.tables where table_name = 'public.a'")
    assert story(shop, incident["incident_id"]).closed_because == "deleted"


def test_an_acknowledgement_ends_by_its_time_and_entries_are_bounded(shop: Database) -> None:
    checked(shop, FAILED)
    incident_id, moment = incidents(shop)[0]["incident_id"], now(shop)
    found = acting.acknowledge(shop, ME, incident_id, Acknowledgement(until=moment + timedelta(hours=2)), moment)
    assert found.acknowledged
    found = acting.assign(shop, ME, incident_id, acting.Assignment(assignee="ada"), moment + timedelta(hours=3))
    assert (found.acknowledged, found.acknowledged_by) == (False, "me"), "its time is over"
    assert [metric.samples for metric in metrics.metrics(shop) if metric.name.startswith("stringx_incidents")] != []
    run(
        shop,
        "insert into stringx.incident_entries (incident_id, actor, action, details)"
        " select %(id)s, 'me', case when n <= 500 then 'assigned' else 'noted' end, '{\"text\": \"x\"}' from generate_series(1, 700) n",
        id=incident_id,
    )
    with pytest.raises(acting.Conflict, match="has 200 notes, and takes no more"):
        acting.note(shop, ME, incident_id, acting.NoteOrder(text="one more"))
    acting.assign(shop, ME, incident_id, acting.Assignment(assignee="bob"))
    assert len(story(shop, incident_id).entries) == 700, "the oldest that are no notes are forgotten"


def test_what_is_over_is_forgotten_after_years_and_what_is_open_never(shop: Database) -> None:
    for verdict in ("fail", "pass", "fail"):
        reported(shop, verdict)
        reported(shop, "warn" if verdict == "pass" else verdict, table="public.b")
    run(
        shop,
        "update stringx.incidents set opened_at = opened_at - interval '6 years', closed_at = closed_at - interval '6 years';"
        " update stringx.events set recorded_at = recorded_at - interval '6 years', is_routed = name = 'public.a'",
    )
    retention.clean(shop, read_settings({"RETENTION_DAYS_YEARS": "0"}))
    assert len(incidents(shop)) == 4
    retention.clean(shop, read_settings({}))
    assert [each["closed_at"] for each in incidents(shop)] == [None, None]
    assert (len(events(shop, name="public.a")), len(events(shop, name="public.b"))) == (1, 3), (
        "and what is still to be told stays"
    )


def test_gates_that_are_closed_at_the_upgrade_have_incidents_without_an_event(shop: Database) -> None:
    check_now(shop, FAILED, dataset="sales")
    checked(shop, {"b": 0}, table="public.b")
    before = {each["name"]: (each["opened_at"], each["rules"], each["opened_by_check"]) for each in incidents(shop)}
    run(shop, "update stringx.states set incident_id = null; delete from stringx.incidents; delete from stringx.events")
    written = (ROOT / "database/migrations/0029_incidents.sql").read_text(encoding="utf-8")
    run(shop, written.partition("-- Gates that are closed already")[2].partition("\n")[2])
    after = {each["name"]: (each["opened_at"], each["rules"], each["opened_by_check"]) for each in incidents(shop)}
    assert (set(after), after, events(shop)) == ({"sales", "public.a"}, before, [])
    check_now(shop, PASSED, dataset="sales")
    assert {each["closed_because"] for each in incidents(shop)} == {"check"}
    assert kinds(shop) == [["opened"]]
