"""Loops that look every second or two cost an idle Backend one round trip to its database."""

from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from backend.notifications.planning import Planner
from backend.notifications.secrets import Secrets
from backend.notifications.sending import Mailroom, NotificationSender
from backend.schedules import upkeep
from database.loops import Loop
from database.pool import Database
from tests.support.datasets import CATALOGUE, now
from tests.support.schedules import put, schedule
from tests.support.watching import channel, configure, route


def test_without_anything_to_do_they_begin_no_transaction(
    shop: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(shop, channel("team", url_env="NOTIFY_TEAM"), route("all", channel="team"))
    put(shop, schedule(table="public.a"), now(shop) + timedelta(days=1))
    loop = Loop("looks", lambda _: None)
    schedules, planner = upkeep.Turns(shop, CATALOGUE), Planner(shop)
    sender = NotificationSender(shop, Mailroom(Secrets(tmp_path, [], {}), None), "w")
    schedules.look(loop)
    planner.turn()

    def begins() -> NoReturn:
        raise AssertionError("a transaction: three round trips")

    monkeypatch.setattr(shop, "transaction", begins)
    assert schedules.look(loop) == upkeep.LOOK_S
    assert not planner.turn()
    assert sender.claim() is None
