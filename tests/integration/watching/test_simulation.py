"""Days and months in fast time: each flip of a gate is told once to whom it concerns, repeated as routes say, and over when it is over. Processes
that plan are killed between their statements, or plan beside each other."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from database.pool import Database
from tests.integration.watching import world as worlds
from tests.integration.watching.model import Quiet, Route, Said, faults, lives
from tests.integration.watching.mortal import Mortal
from tests.integration.watching.stage import Stage
from tests.integration.watching.world import OWNERS, World

NIGHT = Quiet(time(22), time(7), "Europe/Berlin")
ROUTES = [
    Route("everything", "everyone"),
    *(Route(f"of-{owner}", owner, owner=owner) for owner in OWNERS),
    *(
        Route(f"core-of-{owner}", owner, tag="core", owner=owner) for owner in OWNERS
    ),  # both match: it is one message all the same
    Route("by-day", "by-day", tables="public.t0[0-4]*", quiet=NIGHT),
    Route("eager", "eager", tag="core", repeat_after=timedelta(hours=6)),
    Route("eager-by-day", "eager-by-day", tables="public.*[05]", repeat_after=timedelta(hours=6), quiet=NIGHT),
    Route("datasets", "datasets", on=("closed",), tables="set-*", repeat_after=None),
    Route("warnings", "warnings", on=("warn",)),
]


def the_end() -> datetime:
    """Midnight before today: all that is simulated lies in the past."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture
def mortal(internal_url: str) -> Iterator[Mortal]:
    started = Mortal(internal_url)
    yield started
    started.end()


def test_in_ten_days_everybody_is_told_once_of_each_flip(database: Database, mortal: Mortal) -> None:
    world = worlds.make(1, 40, 10, the_end())
    stage = simulated(world, database, mortal, kills=0.04)
    require_incidents(world, database)
    assert faults(world, ROUTES, stage.received) == []
    require_faults_are_found(world, stage.received)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_in_ninety_days_everybody_is_told_once_of_each_flip(database: Database, mortal: Mortal) -> None:
    world = worlds.make(2, 500, 90, the_end())
    stage = simulated(world, database, mortal, kills=0.1)
    require_incidents(world, database)
    assert faults(world, ROUTES, stage.received) == []


def simulated(world: World, database: Database, mortal: Mortal, kills: float) -> Stage:
    stage = Stage(database)
    stage.configure(world, ROUTES)
    stage.play(world, mortal, random.Random(3), kills)
    incidents = sum(len(found) for found in lives(world).incidents.values())
    print(f"{incidents} incidents, {stage.messages} messages with {len(stage.received)} lines, {stage.killed} planners killed")
    assert stage.killed > 0
    return stage


def require_incidents(world: World, database: Database) -> None:
    with database.transaction() as cursor:
        rows = cursor.all("select * from stringx.incidents")
    stored = [(row["subject_kind"], row["name"], row["opened_at"], row["closed_at"]) for row in rows]
    found = [incident for of_one in lives(world).incidents.values() for incident in of_one]
    expected = [(each.about.kind, each.about.name, each.opened_at, each.closed_at) for each in found]
    assert sorted(stored, key=str) == sorted(expected, key=str)


def require_faults_are_found(world: World, received: list[Said]) -> None:
    """The account is no rubber stamp: a message that is lost, doubled, late or unasked for is a fault."""
    early = world.end - timedelta(days=2)
    for said in random.Random(4).sample([said for said in received if said.at < early and "by-day" not in said.channel], 12):
        routes = [route for route in ROUTES if route.channel == said.channel]
        rest = [each for each in received if each.channel == said.channel and each is not said]
        assert faults(world, routes, rest), f"lost: {said}"
        assert faults(world, routes, [*rest, said, replace(said, message="another")]), f"doubled: {said}"
        assert faults(world, routes, [*rest, replace(said, at=said.at + timedelta(hours=1))]), f"late: {said}"
        assert faults(world, routes, [*rest, said, replace(said, what="stale")]), f"unasked for: {said}"
