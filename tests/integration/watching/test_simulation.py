"""Weeks in fast time: each flip of a gate is told once to whom it concerns, repeated as routes say, and over when it is over."""

from datetime import UTC, datetime

from database.pool import Database
from tests.integration.watching import world as worlds
from tests.integration.watching.model import lives
from tests.integration.watching.stage import Stage


def the_end() -> datetime:
    """Midnight before today: all that is simulated lies in the past."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def test_incidents_begin_and_end_with_the_checks_that_flip_a_gate(database: Database) -> None:
    world = worlds.make(1, 40, 14, the_end())
    stage = Stage(database)
    stage.configure(world, [])
    for happening in world.happenings:
        stage.happen(happening)
    with database.transaction() as cursor:
        rows = cursor.all("select * from stringx.incidents order by opened_at")
        events = cursor.all("select * from stringx.events order by event_id")
    stored = [(row["subject_kind"], row["name"], row["opened_at"], row["closed_at"]) for row in rows]
    found = [incident for of_one in lives(world).incidents.values() for incident in of_one]
    assert sorted(stored, key=str) == sorted(
        ((each.about.kind, each.about.name, each.opened_at, each.closed_at) for each in found), key=str
    )
    print(len(found), len(events), sum(len(c.verdicts) for c in world.happenings if hasattr(c, "verdicts")))
