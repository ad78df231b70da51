"""Which channels an event concerns, what is left to say of what waited, and when it is repeated."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.notifications import grouping
from backend.notifications.grouping import Waiting
from backend.notifications.repeats import Due, next_repeat
from backend.notifications.routing import Happened, Routing
from stringx_dataops.contract.documents.routes import RouteDocument, parse_route

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NIGHT = {"from": "22:00", "to": "07:00"}


def route(name: str = "r", **changes: Any) -> RouteDocument:
    return parse_route({"apiVersion": "stringx/v1", "kind": "Route", "name": name, "channel": "team"} | changes)


def event(*kinds: str, **changes: Any) -> Happened:
    about: dict[str, Any] = {"target": "nyc", "name": "public.orders", "owner": "data", "tags": frozenset({"core"})}
    return Happened(**({"event_id": 1, "kinds": frozenset(kinds), "incident_id": "i"} | about | changes))


def told(document: RouteDocument, happened: Happened, *, knows: bool = False) -> set[str]:
    """The words that the channel is told by."""
    found = list(Routing([document], ["team"]).notices(happened, ["team"] if knows else [], NOON))
    return set().union(*(notice.words for notice in found))


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({}, True),
        ({"target": "nyc"}, True),
        ({"target": "other"}, False),
        ({"tables": ["public.*"]}, True),
        ({"tables": ["raw.*", "public.orders"]}, True),
        ({"tables": ["public.order"]}, False),
        ({"owner": "data"}, True),
        ({"owner": "Data"}, False),
        ({"tags": ["core", "new"]}, True),
        ({"tags": ["new"]}, False),
        ({"target": "nyc", "tables": ["public.*"], "owner": "data", "tags": ["new"]}, False),
    ],
)
def test_all_that_a_route_names_must_fit(wanted: dict[str, Any], fits: bool) -> None:
    assert told(route(**wanted), event("closed")) == ({"closed"} if fits else set())


@pytest.mark.parametrize(
    ("on", "kinds", "knows", "words"),
    [
        (["closed"], ["closed", "error"], False, {"closed"}),
        (["error"], ["closed", "error"], False, {"error"}),
        (["closed", "opened"], ["opened"], False, set()),
        (["closed", "opened"], ["opened"], True, {"opened"}),
        (["closed", "opened"], ["removed"], True, {"removed"}),
        (["closed", "opened"], ["removed"], False, set()),
        (["closed"], ["removed"], True, set()),
        (["closed"], ["opened"], True, set()),
        (["opened"], ["opened"], False, {"opened"}),
        (["opened", "stale"], ["opened"], False, {"opened"}),
        (["opened", "warn"], ["opened", "warn"], False, {"warn"}),
        (["missed"], ["closed"], True, set()),
        (["stale"], ["stale"], False, {"stale"}),
    ],
)
def test_an_end_is_for_those_who_know_of_the_beginning(on: list[str], kinds: list[str], knows: bool, words: set[str]) -> None:
    assert told(route(on=on), event(*kinds), knows=knows) == words


def test_of_several_quiet_hours_of_a_channel_the_first_that_end_count() -> None:
    routes = [route("a", quiet={"from": "10:00", "to": "15:00"}), route("b", quiet={"from": "10:00", "to": "14:00"})]
    (notice,) = Routing(routes, ["team"]).notices(event("closed"), [], NOON)
    assert (notice.routes, notice.ready_at) == (("a", "b"), NOON + 2 * HOUR)


WAITING = Waiting(
    event_id=1, subject=("table", "nyc", "public.orders"), kinds=frozenset({"closed"}), words=frozenset({"closed"}), routes=("r",),
    incident_id="i", is_over=False, check_id="1", asked_by=None, verdict="fail", gate="closed", is_stale=False, is_held=False,
)  # fmt: skip


def waiting(*kinds: str, **changes: Any) -> Waiting:
    return replace(WAITING, **({"kinds": frozenset(kinds), "words": frozenset(kinds)} | changes))


def said(*notices: Waiting) -> tuple[list[tuple[str, int, int]], list[int]]:
    """What is said, by the event that it is said by and how many it stands for; events of which nothing is left to say."""
    found, unsaid = grouping.left_to_say(notices)
    return [(each.kind, each.last.event_id, len(each.notices)) for each in found], [notice.event_id for notice in unsaid]


def test_what_is_left_to_say_of_an_incident() -> None:
    over = {"is_over": True, "gate": "open", "verdict": "pass"}
    assert said(waiting("closed")) == ([("closed", 1, 1)], [])
    assert said(waiting("missed"), waiting("closed", event_id=2)) == ([("closed", 2, 2)], [])
    assert said(waiting("error", event_id=2)) == ([("change", 2, 1)], [])
    assert said(waiting("opened", event_id=3, **over)) == ([("over", 3, 1)], [])
    closed, opened = waiting("closed", **over), waiting("opened", event_id=3, **over)
    again = waiting("closed", event_id=4, incident_id="j")
    assert said(closed) == ([("closed", 1, 1)], []), "its end concerns nobody who is told of it"
    assert said(closed, waiting("error", event_id=2, **over)) == ([("closed", 2, 2)], [])
    assert said(closed, opened, again) == ([("closed", 1, 1)], []), "the rest is told next"
    assert said(opened, again) == ([("over", 3, 1)], [])


def test_what_is_left_to_say_of_an_incident_that_was_over_while_it_was_held() -> None:
    over = {"is_over": True, "gate": "open", "verdict": "pass", "is_held": True}
    closed, opened = waiting("closed", **over), waiting("opened", event_id=3, **over)
    assert said(closed, opened) == ([("over", 3, 2)], [])
    assert said(closed, waiting("error", event_id=2, **over)) == ([], [1, 2])
    again = waiting("closed", event_id=4, incident_id="j", is_held=True)
    assert said(closed, opened, again) == ([("over", 3, 2), ("closed", 4, 1)], [])


def test_what_is_no_incident_is_said_if_it_still_holds() -> None:
    none = {"incident_id": None, "gate": "open"}
    assert said(waiting("warn", verdict="warn", **none)) == ([("change", 1, 1)], [])
    assert said(waiting("warn", verdict="pass", **none)) == ([], [1])
    assert said(waiting("warn", verdict="error", **none), waiting("error", event_id=2, verdict="error", **none)) == (
        [("change", 2, 2)],
        [],
    )
    assert said(waiting("stale", is_stale=True, **none)) == ([("change", 1, 1)], [])
    assert said(waiting("stale", is_stale=False, **none)) == ([], [1])
    warned = waiting("opened", "warn", words=frozenset({"warn"}), is_over=True, gate="open", verdict="warn")
    assert said(warned) == ([("change", 1, 1)], []), "those who did not know of the incident are told of the warning"


def test_a_message_about_several_says_what_they_have_in_common() -> None:
    def cause(*notices: Waiting) -> str | None:
        return grouping.cause(grouping.left_to_say(notices)[0])

    first = waiting("closed", asked_by="nightly")
    other = waiting("closed", event_id=2, incident_id="j", subject=("table", "nyc", "public.b"), asked_by="nightly")
    sales = waiting("closed", event_id=3, incident_id="k", subject=("dataset", "nyc", "sales"))
    assert cause(first) is None
    assert cause(first, other) == "schedule nightly"
    assert cause(first, replace(other, asked_by="hourly")) is None
    assert cause(first, other, sales) == "dataset sales"
    assert cause(replace(first, check_id="2"), sales) is None, "another check"
    assert cause(replace(first, check_id=None, asked_by=None), replace(sales, check_id=None)) is None


def test_a_message_waits_until_nothing_more_comes_but_not_for_long() -> None:
    second = timedelta(seconds=1)
    assert not grouping.is_settled(NOON, NOON, NOON + second)
    assert grouping.is_settled(NOON, NOON, NOON + 2 * second)
    assert not grouping.is_settled(NOON, NOON + 8 * second, NOON + 9 * second)
    assert grouping.is_settled(NOON, NOON + 9 * second, NOON + 10 * second)
    assert (grouping.may_be_sent(19), grouping.may_be_sent(20)) == (True, False)


def repeated(*routes: RouteDocument, told_at: datetime = NOON, until: datetime | None = None, now: datetime = NOON) -> Due:
    return next_repeat(routes, frozenset({"closed"}), told_at, until, now)


def test_the_shortest_time_of_the_routes_counts_and_names_those_that_ask() -> None:
    routes = [route("day"), route("never", repeat_after="off"), route("often", repeat_after="2h"), route("ends", on=["opened"])]
    assert repeated(*routes) == Due(NOON + 2 * HOUR, ("often",))
    assert repeated(*routes, now=NOON + 30 * HOUR) == Due(NOON + 30 * HOUR, ("day", "often"))
    assert repeated(*routes[1:2], routes[3]) == Due(None)


def test_the_end_of_an_acknowledgement_and_of_quiet_hours_is_waited_for() -> None:
    assert repeated(route(), until=NOON + 40 * HOUR).at == NOON + 40 * HOUR
    assert repeated(route(), until=NOON + 2 * HOUR).at == NOON + 24 * HOUR
    quiet = route("quiet", repeat_after="10h", quiet=NIGHT)
    assert repeated(quiet, now=NOON + 9 * HOUR).at == NOON + 10 * HOUR, "looked at again then"
    assert repeated(quiet, now=NOON + 10 * HOUR).at == NOON + 19 * HOUR
    assert repeated(quiet, now=NOON + 19 * HOUR) == Due(NOON + 19 * HOUR, ("quiet",))
    assert repeated(quiet, route("loud", repeat_after="11h"), now=NOON + 11 * HOUR) == Due(NOON + 11 * HOUR, ("loud",))
