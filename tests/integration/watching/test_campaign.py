"""By the database's clock: gates flip at random from several threads, while processes that plan and send are killed at random
statements. In the end whoever listens knows how every gate is, and of every incident."""

import itertools
import random
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest

from backend.notifications.planning import Planner
from backend.requests import tracking
from database.pool import Database
from tests.integration.watching import world as worlds
from tests.integration.watching.mortal import Mortal
from tests.integration.watching.stage import Stage
from tests.integration.watching.test_killed import forget_leases
from tests.integration.watching.world import Check, Subject
from tests.support.history import states
from tests.support.incidents import incidents
from tests.support.processes import eventually
from tests.support.receivers import Receiver, http_receiver
from tests.support.watching import channel, configure, messages, route

TABLES, THREADS, FLIPS, DEATHS = 24, 3, 600, 60


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_killed_the_last_word_is_right(shop: Database, internal_url: str, seed: int) -> None:
    stage = Stage(shop)
    stage.configure(worlds.make(seed, TABLES, 1, datetime.now(UTC)), [])
    configure(shop, channel(), route())
    with http_receiver() as receiver:
        mortals = [Mortal(internal_url, NOTIFY_TEAM=receiver.url) for _ in range(2)]
        storing = [
            threading.Thread(target=flip, args=(stage, random.Random(f"{seed} {place}"), place), daemon=True)
            for place in range(THREADS)
        ]
        try:
            for thread in storing:
                thread.start()
            killed = kill(shop, mortals, random.Random(seed))
            for thread in storing:
                thread.join()
            settle(shop, mortals[0])
        finally:
            for mortal in mortals:
                mortal.end()
    assert killed > DEATHS // 4
    require_all_told(shop, receiver)


def flip(stage: Stage, chance: random.Random, place: int) -> None:
    """Each thread has tables of its own."""
    for _ in range(FLIPS // THREADS):
        name = f"public.t{chance.randrange(place, TABLES, THREADS):03d}"
        found = stage.result(Check(datetime.now(UTC), Subject("table", name), ((name, chance.choice(["pass", "fail"])),)))
        assert tracking.store(stage.database, found.request_id, found)
        time.sleep(0.02)


def kill(database: Database, mortals: list[Mortal], chance: random.Random) -> int:
    """One plans while another sends; each may die of it."""
    killed = 0
    for turn in itertools.count():
        if turn >= DEATHS:
            return killed
        planner, sender = chance.sample(mortals, 2)
        planner.begin(datetime.now(UTC), chance.choice([None, *range(20)]))
        sender.begin(None, chance.choice([None, None, *range(4)]))
        killed += planner.was_killed() + sender.was_killed()
        forget_leases(database)
    raise AssertionError


def settle(database: Database, mortal: Mortal) -> None:
    def is_quiet() -> bool:
        Planner(database).turn()
        forget_leases(database)
        mortal.begin(None)
        mortal.was_killed()
        with database.transaction() as cursor:
            left = cursor.all("""select 1 as left from stringx.events where not is_routed union all select 1 from stringx.notices
                union all select 1 from stringx.notifications where delivered_at is null and withdrawn_at is null""")
        return not left

    with database.transaction() as cursor:  # as if the minute that holds up a channel of many messages were over
        cursor.run(
            "update stringx.notifications set delivered_at = delivered_at - interval '2 minutes', planned_at = planned_at - interval '2 minutes'"
        )
    eventually(is_quiet, 120, "the end of all that is to be told")


def require_all_told(database: Database, receiver: Receiver) -> None:
    heard: dict[str, dict[str, Any]] = {}
    for post in receiver.posts:  # what comes twice has the same id
        assert heard.setdefault(post.headers["webhook-id"], post.json) == post.json
    assert list(heard) == [message["notification_id"] for message in messages(database)], "in their order"
    last: dict[str, str] = {}
    for event in heard.values():
        data = event["data"]
        for item in [*data["items"], *data["also"]] if "items" in data else [data]:
            last[item["table"]] = item["what"]
    gates = {name: state["gate"] for name, state in states(database).items() if name in last}
    assert {name: {"closed": "closed", "open": "opened"}[gate] for name, gate in gates.items()} == last
    said = defaultdict(list)
    with database.transaction() as cursor:
        for row in cursor.all(
            "select incident_id::text, kind from stringx.notified where incident_id is not null order by notified_id"
        ):
            said[row["incident_id"]].append(row["kind"])
    for incident in incidents(database):
        kinds = said[incident["incident_id"]]
        allowed = [["closed"]] if incident["closed_at"] is None else [["closed", "over"], ["over", "over"]]
        assert kinds in allowed, (incident, kinds)
