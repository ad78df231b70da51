"""Which messages are planned for which channels: from real results, through incidents and events, at times that the tests say."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backend import retention
from backend.configuration import store
from backend.notifications import content, grouping, log, planning
from backend.notifications.planning import Planner
from backend.schedules import expecting
from database.pool import Database
from stringx_dataops.contract.settings import read_settings
from tests.support.datasets import ME, apply, now, table
from tests.support.incidents import reported
from tests.support.watching import channel, configure, delivered, messages, planned, route

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SOON = timedelta(seconds=3)
Told = list[tuple[str, dict[str, int]]]
_STATES = """
with made as (
    insert into stringx.subjects (kind, target, name) select 'table', 'shop', 't' || n from generate_series(1, %(number)s) n returning *)
insert into stringx.states (subject_id, kind, target, name, state, rank, gate)
select subject_id, kind, target, name, 'open', 3, 'open' from made
"""
_MOVE = """
update stringx.states set gate = %(gate)s, state = %(gate)s, since = %(at)s
where kind = 'table' and (name = any(%(names)s::text[]) or %(names)s::text[] is null and name like 't%%')
"""


@dataclass
class Watch:
    """A shop whose messages are planned at a clock of its own."""

    database: Database
    at: datetime

    def see(self, verdict: str, **asked: Any) -> str:
        """A result comes, a second after what came before; its request."""
        self.at += SECOND
        found = reported(self.database, verdict, **asked)
        planned(self.database, self.at)
        return found.request_id

    def after(self, time: timedelta, *, to: str = "team", arrives: bool = True) -> Told:
        """What is told in that time, and once all has settled: the kind of each message, and what it tells of how many."""
        before = {message["notification_id"] for message in messages(self.database, to)}
        self.at += time
        planned(self.database, self.at, settled=self.at + SOON)
        self.at += SOON
        if arrives:
            delivered(self.database, self.at)
            planned(self.database, self.at)
        new = [message for message in messages(self.database, to) if message["notification_id"] not in before]
        return [(message["kind"], message["content"]["counts"]) for message in new]

    def run(self, sql: str, **values: Any) -> None:
        with self.database.transaction() as cursor:
            cursor.run(sql, values)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.database.transaction() as cursor:
            return cursor.all(sql)

    def acknowledge(self, table: str = "public.a", *, until: datetime | None = None) -> None:
        self.run(
            "update stringx.incidents set acknowledged_at = %(at)s, acknowledged_by = 'ann', acknowledged_until = %(until)s"
            " where name = %(table)s and closed_at is null",
            at=self.at,
            until=until,
            table=table,
        )

    def at_clock(self, hour: int) -> None:
        """Go on to this hour of UTC."""
        wanted = self.at.replace(hour=hour, minute=0, second=0, microsecond=0)
        self.after((wanted if wanted > self.at else wanted + 24 * HOUR) - self.at)


@pytest.fixture
def watch(shop: Database) -> Watch:
    """All is open, and a channel is told what routes tell by default."""
    configure(shop, channel(), route())
    reported(shop, "pass")
    reported(shop, "pass", table="public.b")
    found = Watch(shop, now(shop))
    assert found.after(HOUR) == [], "first checks that pass are no news"
    return found


def test_a_closed_gate_is_told_once_repeated_after_a_day_and_told_when_it_is_over(watch: Watch) -> None:
    watch.see("fail")
    assert watch.after(SOON) == [("change", {"closed": 1})]
    watch.see("fail")
    assert watch.after(23 * HOUR) == [], "another failure of the same incident is no news"
    assert watch.after(HOUR) == [("repeat", {"still_closed": 1})]
    assert watch.after(23 * HOUR) == []
    assert watch.after(HOUR) == [("repeat", {"still_closed": 1})]
    watch.see("pass")
    assert watch.after(SOON) == [("change", {"opened": 1})]
    assert watch.after(100 * HOUR) == []


def test_several_routes_make_one_message_per_channel_and_those_that_do_not_fit_none(watch: Watch) -> None:
    configure(
        watch.database,
        channel("boss"),
        channel("off", active=False),
        route("second", repeat_after="off"),
        route("errors", on=["error", "warn"]),
        route("others", owner="somebody"),
        route("b", tables=["public.b"]),
        route("resting", active=False),
        route("boss", channel="boss", tables=["public.?"]),
        route("off", channel="off"),
    )
    watch.see("fail")
    assert watch.after(SOON) == [("change", {"closed": 1})]
    (message,) = messages(watch.database)
    assert [said["route"] for said in message["said"]] == ["all", "second"]
    assert [said["route"] for said in messages(watch.database, "boss")[0]["said"]] == ["boss"]
    assert messages(watch.database, "off") == []
    assert watch.after(25 * HOUR) == [("repeat", {"still_closed": 1})]
    assert [said["route"] for said in messages(watch.database)[1]["said"]] == ["all"], "the other one repeats nothing"


def test_a_dataset_that_closes_with_its_tables_is_one_message(watch: Watch) -> None:
    reported(watch.database, "pass", table=None, dataset="sales")
    watch.see("fail", table=None, dataset="sales")
    assert watch.after(SOON) == [("change", {"closed": 3})], "two of its tables have rules"
    assert messages(watch.database)[0]["content"]["cause"] == "dataset sales"
    watch.see("pass", table=None, dataset="sales")
    assert watch.after(SOON) == [("change", {"opened": 3})]


def test_an_acknowledgement_stops_repeats_until_its_end_and_the_end_of_the_incident_is_told(watch: Watch) -> None:
    watch.see("fail")
    watch.after(SOON)
    watch.acknowledge(until=watch.at + 72 * HOUR)
    assert watch.after(71 * HOUR) == []
    assert watch.after(HOUR) == [("repeat", {"still_closed": 1})]
    watch.acknowledge()
    assert watch.after(300 * HOUR) == []
    watch.see("pass")
    assert watch.after(SOON) == [("change", {"opened": 1})]


def test_a_repeat_that_waits_to_be_sent_is_withdrawn_by_the_acknowledgement_or_made_anew_without_it(watch: Watch) -> None:
    watch.see("fail")
    watch.see("fail", table="public.b")
    watch.after(SOON)
    assert watch.after(25 * HOUR, arrives=False) == [("repeat", {"still_closed": 2})]
    watch.acknowledge("public.a")
    watch.after(SOON, arrives=False)
    (repeat,) = [message for message in messages(watch.database) if message["kind"] == "repeat"]
    assert [item["table"] for item in repeat["content"]["items"]] == ["public.b"]
    watch.acknowledge("public.b")
    (repeat,) = [message for message in messages(watch.database) if message["kind"] == "repeat"]
    assert repeat["withdrawn_because"] == "acknowledged", "before anything else turns"
    assert watch.after(100 * HOUR) == []


def test_a_repeat_that_waits_to_be_sent_is_withdrawn_when_the_incident_is_over(watch: Watch) -> None:
    watch.see("fail")
    watch.after(SOON)
    watch.after(25 * HOUR, arrives=False)
    watch.see("pass")
    assert watch.after(SOON) == [("change", {"opened": 1})]
    assert [message["withdrawn_because"] for message in messages(watch.database)] == [None, "over", None]


def test_a_repeat_that_somebody_sends_again_is_not_withdrawn(watch: Watch) -> None:
    watch.see("fail")
    watch.after(SOON)
    watch.after(25 * HOUR)
    watch.acknowledge()
    again = {"id": messages(watch.database)[1]["notification_id"]}
    watch.run(log.SQL["send_again"], **again)
    watch.acknowledge(until=watch.at + HOUR)
    watch.after(SOON, arrives=False)
    assert [message["withdrawn_because"] for message in messages(watch.database)] == [None, None]


def test_nothing_is_repeated_while_the_last_message_is_on_its_way(watch: Watch) -> None:
    watch.see("fail")
    assert watch.after(SOON, arrives=False) == [("change", {"closed": 1})]
    assert watch.after(50 * HOUR, arrives=False) == []
    assert watch.after(SOON) == []
    assert watch.after(23 * HOUR) == [], "a day from when it arrived"
    assert watch.after(HOUR) == [("repeat", {"still_closed": 1})]


def test_a_changed_route_counts_for_the_repeats_of_incidents_that_are_open(watch: Watch) -> None:
    configure(watch.database, route(repeat_after="off"))
    watch.see("fail")
    watch.after(SOON)
    assert watch.after(100 * HOUR) == []
    configure(watch.database, route(repeat_after="4h"))
    assert watch.after(SOON) == [("repeat", {"still_closed": 1})]
    assert watch.after(3 * HOUR) == []
    configure(watch.database, route(repeat_after="30m"))
    assert watch.after(SOON) == [("repeat", {"still_closed": 1})]


def test_what_is_over_when_quiet_hours_end_is_told_once_and_what_is_not_as_it_is(watch: Watch) -> None:
    configure(
        watch.database, channel("terse"), route("terse", channel="terse", on=["closed"], quiet={"from": "22:00", "to": "07:00"})
    )
    configure(watch.database, route(on=["closed", "opened", "warn"], quiet={"from": "22:00", "to": "07:00"}))
    watch.at_clock(23)
    watch.see("fail")
    watch.see("pass")
    watch.see("fail", table="public.b")
    watch.see("warn")
    watch.see("pass")
    assert watch.after(7 * HOUR) == []
    watch.at_clock(7)
    watch.after(SOON)
    (message,) = messages(watch.database)
    assert message["content"]["counts"] == {"closed": 1, "opened": 1}, "the warning has gone"
    assert {said["kind"] for said in message["said"]} == {"closed", "over"}
    (terse,) = messages(watch.database, "terse")
    assert terse["content"]["counts"] == {"closed": 1}, "nothing is left to say of public.a"
    unsaid = watch.rows(
        "select channel, count(*) as number from stringx.notified where notification_id is null group by 1 order by 1"
    )
    assert unsaid == [{"channel": "team", "number": 1}, {"channel": "terse", "number": 1}]


def test_repeats_wait_for_the_end_of_quiet_hours_and_an_end_is_held_too(watch: Watch) -> None:
    configure(watch.database, route(repeat_after="1h", quiet={"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"}))
    watch.at_clock(12)
    watch.see("fail")
    assert watch.after(SOON) == [("change", {"closed": 1})]
    watch.at_clock(23)
    before = len(messages(watch.database))
    watch.see("pass", table="public.b")
    assert watch.after(5 * HOUR) == []
    assert len(messages(watch.database)) == before
    watch.at_clock(8)
    assert len(messages(watch.database)) == before + 1
    watch.at_clock(23)
    watch.see("pass")
    assert watch.after(5 * HOUR) == []
    watch.at_clock(8)
    assert messages(watch.database)[-1]["content"]["counts"] == {"opened": 1}


def test_what_quiet_hours_hold_is_told_when_they_are_taken_away(watch: Watch) -> None:
    configure(watch.database, route(quiet={"from": "00:00", "to": "23:59"}))
    watch.at_clock(12)
    watch.see("fail")
    assert watch.after(SOON) == []
    configure(watch.database, route())
    assert watch.after(SOON) == [("change", {"closed": 1})]


def test_a_route_without_quiet_hours_wakes_a_channel_that_another_one_lets_sleep(watch: Watch) -> None:
    configure(watch.database, route(quiet={"from": "00:00", "to": "23:59"}), route("core", tables=["public.a"]))
    watch.at_clock(12)
    watch.see("fail", table="public.b")
    assert watch.after(SOON) == []
    watch.see("fail")
    assert watch.after(SOON) == [("change", {"closed": 1})]


def test_an_end_is_told_to_those_who_know_of_the_beginning_or_ask_for_ends_alone(watch: Watch) -> None:
    configure(watch.database, channel("late"), channel("ends"), route("ends", channel="ends", on=["opened"]))
    configure(watch.database, route(on=["closed"]))
    watch.see("fail")
    watch.after(SOON)
    configure(watch.database, route("late", channel="late"), route("end", on=["opened"], tables=["public.a"]))
    watch.see("pass")
    assert watch.after(SOON) == [("change", {"opened": 1})]
    assert [message["content"]["counts"] for message in messages(watch.database, "ends")] == [{"opened": 1}]
    assert messages(watch.database, "late") == []


def test_what_closed_and_opened_before_it_settled_is_told_in_two_messages(watch: Watch) -> None:
    configure(watch.database, channel("beginnings"), route("beginnings", channel="beginnings", on=["closed"]))
    watch.see("fail")
    reported(watch.database, "pass")
    assert watch.after(SOON) == [("change", {"closed": 1}), ("change", {"opened": 1})]
    assert [message["content"]["counts"] for message in messages(watch.database, "beginnings")] == [{"closed": 1}]
    reported(watch.database, "fail")
    reported(watch.database, "pass")
    watch.see("fail")
    told = [("change", {"closed": 1}), ("change", {"opened": 1}), ("change", {"closed": 1})]
    assert watch.after(SOON) == told, "every change is told, in its order"


def test_the_end_of_an_incident_whose_table_is_deleted_is_told(watch: Watch) -> None:
    watch.run("delete from stringx.datasets")
    watch.see("fail")
    watch.after(SOON)
    store.delete_table(watch.database, ME, "shop", "public.a", None)
    assert watch.after(SOON) == [("change", {"removed": 1})]
    assert watch.after(50 * HOUR) == []


def test_a_warning_is_told_once_per_change_and_an_error_that_closes_is_one_message(watch: Watch) -> None:
    configure(watch.database, route(on=["warn", "error"]))
    watch.see("warn")
    watch.see("warn")
    assert watch.after(SOON) == [("change", {"warn": 1})]
    watch.see("pass")
    assert watch.after(50 * HOUR) == [], "a warning is not repeated, and its end is no news"
    watch.see("error")
    assert watch.after(SOON) == [("change", {"closed": 1})]


def test_staleness_is_told_if_it_still_holds(watch: Watch) -> None:
    configure(watch.database, route(on=["stale"]))
    stale = "update stringx.states set state = 'stale', refresh_at = null where name = 'public.a'"
    watch.run(stale)
    planned(watch.database, watch.at)
    watch.run("update stringx.states set state = 'open' where name = 'public.a'")
    assert watch.after(SOON) == []
    watch.run(stale)
    assert watch.after(SOON) == [("change", {"stale": 1})]


def test_a_check_that_never_comes_is_told_and_so_is_what_the_late_one_finds(watch: Watch) -> None:
    last = now(watch.database) - HOUR
    apply(watch.database, table("public.a", "a", expected_by={"time": f"{last:%H:%M}"}))
    expecting.look(watch.database)
    expecting.look(watch.database, last + 48 * HOUR + 2 * MINUTE)
    assert watch.after(SOON) == [("change", {"missed": 1})]
    assert watch.after(25 * HOUR) == [("repeat", {"still_missed": 1})]
    watch.see("fail")
    assert watch.after(SOON) == [("change", {"closed": 1})]
    assert watch.after(25 * HOUR) == [("repeat", {"still_closed": 1})]
    watch.see("pass")
    assert watch.after(SOON) == [("change", {"opened": 1})]
    assert len({said["incident"] for message in messages(watch.database) for said in message["said"]}) == 1


def test_what_a_schedules_run_finds_is_told_when_it_has_ended_or_has_waited_long_enough(watch: Watch) -> None:
    run = {"id": "11111111-1111-7111-8111-111111111111"}
    watch.run(
        "insert into stringx.schedule_runs (run_id, name, target, due_at, kind, started_at)"
        " values (%(id)s, 'nightly', 'shop', now(), 'cron', now())",
        **run,
    )
    configure(watch.database, channel("other"), route("other", channel="other", tables=["public.b"]))

    def check(table: str) -> None:
        """As the schedule has it checked."""
        watch.at += SECOND
        request_id = reported(watch.database, "fail", table=table).request_id
        watch.run(
            "insert into stringx.schedule_items (run_id, subject_kind, target, name, start_at, request_id)"
            " values (%(id)s, 'table', 'shop', %(table)s, now(), %(request)s)",
            table=table,
            request=request_id,
            **run,
        )

    check("public.a")
    assert watch.after(30 * SECOND) == []
    check("public.b")
    assert watch.after(40 * SECOND) == []
    assert watch.after(50 * SECOND) == [("change", {"closed": 2})], "the first has waited long enough; so both are told"
    assert watch.after(timedelta(0), to="other") == []
    watch.run("update stringx.schedule_runs set ended_at = now()")
    assert watch.after(timedelta(0), to="other") == [("change", {"closed": 1})]


def close(watch: Watch, names: list[str] | None = None, gate: str = "closed") -> None:
    watch.run(_MOVE, gate=gate, at=watch.at, names=names)


def test_a_channel_gets_at_most_twenty_messages_per_minute_and_the_rest_in_one(watch: Watch) -> None:
    watch.run(_STATES, number=30)
    first = watch.at
    for number in range(1, 31):
        close(watch, [f"t{number}"])
        planned(watch.database, watch.at, settled=watch.at + 2 * SECOND)
        watch.at += 2 * SECOND
        if number % 7:  # some arrive later
            delivered(watch.database, watch.at)
    told = messages(watch.database)
    assert len(told) == grouping.PER_MINUTE
    while watch.at < first + 130 * SECOND:
        watch.at += 5 * SECOND
        planned(watch.database, watch.at)
        delivered(watch.database, watch.at)
    told = messages(watch.database)
    assert [message["items"] for message in told[:20]] == [1] * 20
    assert [message["items"] for message in told[20:]] == [10]
    times = [message["delivered_at"] for message in told]
    assert max(sum(at <= other < at + MINUTE for other in times) for at in times) <= grouping.PER_MINUTE


def test_a_channel_that_is_away_gathers_a_bounded_number_of_messages_and_the_rest_in_one(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "PER_MINUTE", 3)
    monkeypatch.setattr(planning, "ROUTED", 10)
    watch.run(_STATES, number=30)
    for number in range(1, 6):
        close(watch, [f"t{number}"])
        watch.after(HOUR, arrives=False)
    close(watch)
    close(watch, [f"t{number}" for number in range(20, 31)], "open")
    assert watch.after(HOUR, arrives=False) == []
    assert len(messages(watch.database)) == 3
    delivered(watch.database, watch.at)
    assert watch.after(2 * MINUTE) == [("change", {"closed": 16, "opened": 11})]


def test_what_waits_for_a_channel_that_is_deleted_or_switched_off_is_withdrawn(watch: Watch) -> None:
    watch.see("fail")
    watch.after(SOON, arrives=False)
    watch.see("fail", table="public.b")
    configure(watch.database, channel(active=False))
    assert watch.after(SOON) == []
    assert [message["withdrawn_because"] for message in messages(watch.database)] == ["channel"]
    assert watch.rows("select 1 from stringx.notices") == []
    configure(watch.database, channel())
    assert watch.after(HOUR) == []


def test_a_route_that_is_deleted_tells_nothing_that_waits(watch: Watch) -> None:
    configure(watch.database, route("b", tables=["public.b"]))
    watch.see("fail")
    watch.see("fail", table="public.b")
    configure(watch.database, route(active=False))
    assert watch.after(SOON) == [("change", {"closed": 1})]
    assert watch.after(50 * HOUR) == [("repeat", {"still_closed": 1})]


def test_messages_are_forgotten_with_results_and_what_a_channel_knows_is_not(watch: Watch, tmp_path: Path) -> None:
    watch.see("fail")
    watch.after(SOON)
    watch.see("fail", table="public.b")
    watch.after(SOON, arrives=False)
    watch.run(
        "insert into stringx.notified (event_id, channel, route, kind, at) values (0, 'team', 'all', 'change', now());"
        "update stringx.notifications set planned_at = planned_at - interval '500 days';"
        "update stringx.notified set at = at - interval '500 days'"
    )
    retention.clean(watch.database, read_settings({"STRINGX_HOME": str(tmp_path)}))
    (unsent,) = messages(watch.database)
    assert [item["table"] for item in unsent["content"]["items"]] == ["public.b"]
    assert watch.rows("select count(*) as number from stringx.notified") == [{"number": 1}]
    watch.see("pass")
    assert watch.after(SOON) == [("change", {"opened": 1})]


def test_a_message_that_cannot_be_made_holds_up_no_other_channel(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(watch.database, channel("other"), route("other", channel="other"), route(tables=["public.a"]))
    build: Callable[..., Any] = content.build

    def faulty(*arguments: Any, **named: Any) -> Any:
        made = build(*arguments, **named)
        if len(made.items) == 1:  # that of the first channel
            raise ValueError("unheard of")
        return made

    watch.run(_STATES, number=2)
    close(watch, ["t1", "t2"])
    with monkeypatch.context() as patched:
        patched.setattr(content, "build", faulty)
        watch.see("fail")
        assert watch.after(SOON) == []
    assert [message["items"] for message in messages(watch.database, "other")] == [3]
    assert watch.after(SOON) == [("change", {"closed": 1})], "it is not lost"


def test_planners_of_several_backends_tell_nothing_twice(watch: Watch) -> None:
    watch.run(_STATES, number=50)
    at = watch.at

    def plan() -> None:
        planner = Planner(watch.database)
        for second in range(40):
            planner.turn(at + second * SECOND)

    threads = [threading.Thread(target=plan, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(1, 51):
        close(watch, [f"t{number}"])
    for thread in threads:
        thread.join()
    planned(watch.database, at + 60 * SECOND, settled=at + 130 * SECOND)
    told = [said["incident"] for message in messages(watch.database) for said in message["said"]]
    assert len(told) == len(set(told)) == 50


def test_the_database_says_what_time_it_is_if_nobody_else_does(watch: Watch) -> None:
    watch.see("fail")
    watch.run("update stringx.notices set planned_at = %(at)s, ready_at = %(at)s", at=datetime(2020, 1, 1, tzinfo=UTC))
    Planner(watch.database).turn()
    (message,) = messages(watch.database)
    assert abs(message["planned_at"] - now(watch.database)) < HOUR
