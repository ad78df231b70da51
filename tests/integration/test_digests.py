"""Weekly digests: one a week and owner, however often anybody looks; what they say."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.incidents import acting
from backend.notifications import digests, outbox
from backend.notifications.grouping import PER_MINUTE
from database.pool import Database
from stringx_dataops.contract.messages.incidents import Acknowledgement
from stringx_dataops.contract.messages.notifications import NotificationContent
from tests.support.datasets import ME, apply, check_now, dataset, now, table
from tests.support.incidents import incidents
from tests.support.waivers import waive
from tests.support.watching import channel, configure, delivered, messages, route

WEEK = timedelta(days=7)


def monday(database: Database) -> datetime:
    """The next 08:00 UTC of a Monday, which may be today."""
    at = now(database).astimezone(UTC)
    today = at.replace(hour=8, minute=0, second=0, microsecond=0)
    ahead = today if today > at else today + timedelta(days=1)
    return ahead + timedelta(days=-ahead.weekday() % 7)


def told(database: Database, to: str = "team") -> list[dict[str, list[str]]]:
    """Of each digest, the lines of each section."""
    contents = [NotificationContent.model_validate(each["content"]) for each in messages(database, to)]
    found = [content.digest for content in contents if content.kind == "digest" and content.digest is not None]
    return [{section.title: [line.text for line in section.lines] for section in digest.sections} for digest in found]


def begun(database: Database, *documents: dict[str, Any]) -> datetime:
    """A channel whose first digest is due at this time; it has been looked at before."""
    configure(database, channel(digest="weekly"), *(documents or (route(),)))
    assert digests.plan(database) == 0, "one that is new has nothing to tell of a time before it"
    return monday(database)


def test_a_week_has_one_whoever_looks_and_however_often(shop: Database) -> None:
    due = begun(shop)
    assert digests.plan(shop, due - timedelta(seconds=1)) == 0
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: digests.plan(shop, due), range(8))) == 1
    assert digests.plan(shop, due + WEEK - timedelta(seconds=1)) == 0
    assert digests.plan(shop, due + WEEK) == 1
    assert digests.plan(shop, due + 4 * WEEK + timedelta(days=3)) == 1, "after weeks without a Backend, the latest alone"
    starts = [message["content"]["digest"]["start"] for message in messages(shop)]
    assert [datetime.fromisoformat(start) for start in starts[1:]] == [due, due + WEEK], "nothing is left out"


def test_what_it_says(shop: Database) -> None:
    due = begun(shop)
    soon = waive(shop, table="public.b", rule="b", until=(due + timedelta(days=13)).isoformat())
    waive(shop, until=(due + timedelta(days=15)).isoformat(), at_most=1)
    check_now(shop, {"a": 3}, dataset="sales")
    check_now(shop, dataset="sales")
    check_now(shop, {"a": 3}, table="public.a")
    [found] = [each for each in incidents(shop, name="public.a") if each["closed_at"] is None]
    acting.acknowledge(shop, ME, found["incident_id"], Acknowledgement(assignee="kim"))
    assert digests.plan(shop, due) == 1
    [said] = told(shop)
    assert said["How it stands"] == ["4 gates: 2 open, 1 closed, 1 never checked"]
    [line] = said["Open incidents"]
    assert line.startswith("public.a (shop): closed for ")
    assert line.endswith(", acknowledged by me, assigned to kim")
    [(numbers, mean)] = [lines for title, lines in said.items() if title.startswith("Since ")]
    assert numbers == "3 incidents began, 2 are over"
    assert mean.startswith("Mean time to close: ")
    assert [line.split(",")[0] for line in said["Most trouble"]] == ["public.a (shop): 2 incidents", "sales (shop): 1 incident"]
    assert said["Waivers that end within 14 days"] == [f"public.b (shop): that of b, on {soon.until:%Y-%m-%d %H:%M} UTC"]
    assert said["Never checked"] == ["public.c (shop)"]
    [message] = messages(shop)
    paths = {line["path"] for section in message["content"]["digest"]["sections"] for line in section["lines"]}
    assert {f"/incidents/{found['incident_id']}", "/tables/shop/public.a", "/tables/shop/public.b", "/datasets/sales"} <= paths


def test_each_owner_of_routes_has_one_of_what_those_name(shop: Database) -> None:
    apply(shop, table("public.a", "a", owner="alpha"), table("public.b", "b", owner="beta"), dataset(owner="beta"))
    routes = [
        route("of-alpha", owner="alpha"), route("of-beta", owner="beta", tables=["public.*"]), route("of-gamma", owner="gamma"),
        route("all", on=["stale"]), route("off", owner="delta", active=False), route("other", owner="alpha", channel="other"),
    ]  # fmt: skip
    due = begun(shop, *routes)
    assert digests.plan(shop, due) == 3, "nothing is gamma's"
    owners = {message["content"]["digest"]["owner"]: said for message, said in zip(messages(shop), told(shop), strict=True)}
    assert {owner: said["How it stands"] for owner, said in owners.items()} == {
        "": ["4 gates: 4 never checked"], "alpha": ["1 gate: 1 never checked"], "beta": ["1 gate: 1 never checked"],
    }  # fmt: skip
    assert messages(shop, "other") == []


def test_owners_beyond_the_first_are_told_together(shop: Database) -> None:
    names = [f"owner{number:02}" for number in range(digests.MOST_OWNERS + 2)]
    rules = [table(f"public.{name}", name, owner=name) for name in names]
    apply(shop, *rules)
    due = begun(shop, *(route(name, owner=name) for name in names))
    assert digests.plan(shop, due) == digests.MOST_OWNERS + 1
    sent = {message["content"]["digest"]["owner"]: said for message, said in zip(messages(shop), told(shop), strict=True)}
    assert sent[""]["Never checked"] == ["public.owner10 (shop)", "public.owner11 (shop)"]


def test_a_channel_in_a_storm_gets_it_when_the_storm_is_over(shop: Database) -> None:
    due = begun(shop)
    with shop.transaction() as cursor:
        for _ in range(PER_MINUTE):
            made = NotificationContent(kind="change", made_at=due)
            outbox.add(cursor, "team", made, due)
    assert digests.plan(shop, due) == 0
    delivered(shop, due)
    assert digests.plan(shop, due + timedelta(seconds=30)) == 0
    assert digests.plan(shop, due + timedelta(seconds=61)) == 1


@pytest.mark.parametrize(
    ("changed", "after", "number"),
    [
        ({"digest": {"day": "tuesday"}}, timedelta(days=1, hours=1), 0),
        ({"digest": {"day": "tuesday"}}, timedelta(days=8, hours=1), 1),
        ({"digest": {"day": "saturday"}}, timedelta(days=5, hours=1), 1),
        ({"digest": None}, timedelta(days=30), 0),
        ({"active": False, "digest": "weekly"}, timedelta(days=30), 0),
    ],
)
def test_a_changed_day_makes_no_second_one_of_a_week(
    shop: Database, changed: dict[str, Any], after: timedelta, number: int
) -> None:
    due = begun(shop)
    assert digests.plan(shop, due) == 1
    configure(shop, channel(**changed))
    assert digests.plan(shop, due + after) == number


def test_a_channel_that_gets_digests_again_begins_anew(shop: Database) -> None:
    due = begun(shop)
    configure(shop, channel())
    assert digests.plan(shop, due) == 0
    configure(shop, channel(digest="weekly"))
    assert digests.plan(shop, due + timedelta(hours=1)) == 0, "it is not told of the time in which it wanted none"
    assert digests.plan(shop, due + WEEK) == 1


def test_what_fails_while_it_is_planned_is_planned_again(shop: Database) -> None:
    """A message and that it was planned are one transaction; a channel that fails holds up no other."""
    configure(shop, channel("other", digest="weekly"), route("of-other", channel="other"))
    due = begun(shop)
    with shop.transaction() as cursor:
        cursor.run("alter table stringx.notifications add constraint not_the_other check (channel <> 'other')")
    assert digests.plan(shop, due) == 1
    assert (len(messages(shop)), messages(shop, "other")) == (1, [])
    with shop.transaction() as cursor:
        cursor.run("alter table stringx.notifications drop constraint not_the_other")
    assert digests.plan(shop, due) == 1
    assert (len(messages(shop)), len(messages(shop, "other"))) == (1, 1)
