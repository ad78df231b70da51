"""Thousands of gates close within a minute: no channel gets more messages than its receiver bears, and none of the gates is left out."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from backend.notifications.grouping import PER_MINUTE
from backend.notifications.planning import Planner
from database.pool import Database
from tests.support.datasets import now
from tests.support.watching import channel, configure, messages, route

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LIVELY, AWAY, CORE = "lively", "away", "core"
_TABLES = """
with made as (
    insert into stringx.subjects (kind, target, name) select 'table', 'shop', 'public.s' || n from generate_series(1, %(number)s) n returning *)
insert into stringx.states (subject_id, kind, target, name, state, rank, gate, owner, tags)
select subject_id, kind, target, name, 'open', 3, 'open', 'team', case when subject_id %% 10 = 0 then array['core'] else '{}' end from made
"""
_FLIP = """
update stringx.states set gate = %(gate)s, state = %(gate)s, since = %(at)s, decided_at = %(at)s, check_id = gen_random_uuid()
where name in (select 'public.s' || n from generate_series(%(first)s, %(last)s) n)
"""
_DELIVER = """
update stringx.notifications set delivered_at = %(now)s where delivered_at is null and withdrawn_at is null and channel <> %(away)s
"""


@pytest.mark.parametrize("gates", [900, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_of_gates_that_close_in_a_minute_all_are_told_in_few_messages(shop: Database, gates: int) -> None:
    """One channel's messages arrive at once, another's never do; a third has a tenth of the gates. A day later everything is told
    again in one message each, and then that it is over."""
    configure(shop, *(channel(name) for name in (LIVELY, AWAY, CORE)))
    configure(shop, route("all", channel=LIVELY), route("gone", channel=AWAY), route("core", channel=CORE, tags=["core"]))
    with shop.transaction() as cursor:
        cursor.run(_TABLES, {"number": gates})
    at = now(shop)
    at = flip(shop, "closed", gates, at)
    concerned = {LIVELY: gates, AWAY: gates, CORE: gates // 10}
    for name, number in concerned.items():
        assert most_per_minute(messages(shop, name)) <= PER_MINUTE
        if name != AWAY:
            assert total(messages(shop, name)) == {"closed": number}
    assert len(messages(shop, AWAY)) <= PER_MINUTE
    before = {name: len(messages(shop, name)) for name in (LIVELY, CORE)}
    at = look(shop, at + timedelta(days=1) - MINUTE, 2 * MINUTE)
    for name, number in before.items():
        assert total(messages(shop, name)[number:]) == {"still_closed": concerned[name]}
        assert len(messages(shop, name)) <= number + PER_MINUTE
    before = {name: len(messages(shop, name)) for name in (LIVELY, CORE)}
    flip(shop, "open", gates, at)
    for name, number in before.items():
        assert total(messages(shop, name)[number:]) == {"opened": concerned[name]}
        assert most_per_minute(messages(shop, name)) <= PER_MINUTE
    with shop.transaction() as cursor:  # the channel that is back learns of everything, too
        cursor.run("update stringx.notifications set delivered_at = planned_at where delivered_at is null")
    look(shop, at + 10 * MINUTE, MINUTE)
    heard = total(messages(shop, AWAY))
    assert heard["opened"] == gates
    assert len(messages(shop, AWAY)) <= PER_MINUTE + 1


def flip(database: Database, gate: str, gates: int, at: datetime) -> datetime:
    """All of them in the course of a minute, while the planner looks each second; then until all is told."""
    for second in range(60):
        first, last = gates * second // 60 + 1, gates * (second + 1) // 60
        with database.transaction() as cursor:
            cursor.run(_FLIP, {"gate": gate, "at": at, "first": first, "last": last})
        at = look(database, at, SECOND)
    return look(database, at, 2 * MINUTE, step=5 * SECOND)


def look(database: Database, at: datetime, time: timedelta, step: timedelta = SECOND) -> datetime:
    """What the Backend does in that time; all but one channel's messages arrive."""
    planner, end = Planner(database), at + time
    while at < end:
        while planner.turn(at):
            continue
        with database.transaction() as cursor:
            cursor.run(_DELIVER, {"now": at, "away": AWAY})
        at += step
    return end


def total(told: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many tables the messages speak of; each names some and counts the rest."""
    found: Counter[str] = Counter()
    for message in told:
        content = message["content"]
        found.update(content["counts"])
        assert len(content["items"]) + len(content["also"]) + content["more"] == sum(content["counts"].values())
    return dict(found)


def most_per_minute(told: Sequence[dict[str, Any]]) -> int:
    times = [message["planned_at"] for message in told]
    return max(sum(at <= other < at + MINUTE for other in times) for at in times)
