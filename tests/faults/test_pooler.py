"""The internal database behind PgBouncer, in front of the second process of each role; and PgBouncer is started anew under load."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random

import pytest
import requests

from tests.faults.accounting import accounting
from tests.support.installation import Installation
from tests.support.pooler import Pooler, pooler
from tests.support.processes import eventually

pytestmark = pytest.mark.long
BACK_WITHIN_S = 90.0  # how long to wait, not how long it may take


@contextmanager
def behind(installation: Installation, mode: str) -> Iterator[Pooler]:
    """The second process of each role reaches the internal database over a pooler alone, and the first worker does nothing."""
    network = installation.to_internal
    before = network.upstreams
    with pooler(installation._internal_url(installation.internal.port), mode) as made:
        network.upstreams = [made.port]
        network.cut()
        installation["worker-1"].pause()
        try:
            yield made
        finally:
            network.upstreams = before
            network.cut()
            installation["worker-1"].resume()


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_behind_a_pooler_that_is_started_anew_nothing_is_lost(installation: Installation, dice: Random, mode: str) -> None:
    tables = [installation.table(kind, 300) for kind in ("clean", "dirty", "warned")]

    def ask(number: int, many: int = 12) -> list[int]:
        """Sync and async, over both services."""
        statuses = []
        for turn in range(many):
            service = ("api", "backend")[(number + turn) % 2]
            waits = {"mode": "sync", "wait_s": 30} if turn % 3 == 0 else {"mode": "async"}
            try:
                answer = installation.post(tables[turn % 3], service, url=installation[f"{service}-2"].url, **waits)
            except requests.RequestException:
                statuses.append(0)
                continue
            assert answer.status_code in (200, 202, 503), answer.text
            statuses.append(answer.status_code)
        return statuses

    with behind(installation, mode) as made, ThreadPoolExecutor(4) as clients:
        eventually(lambda: set(ask(0, 2)) <= {200, 202}, 30, "service through the pooler")
        asked = [clients.submit(ask, number) for number in range(4)]
        for _ in range(2):
            eventually(lambda: any(each.done() for each in asked) or len(installation.accepted) > dice.randrange(6, 20), 60)
            made.stop()
            made.start()
        statuses = {status for each in asked for status in each.result()}
        assert {200, 202} & statuses
        eventually(lambda: set(ask(1, 2)) <= {200, 202}, BACK_WITHIN_S, "service by the pooler that was started anew")
        accounting(installation)
    if mode == "transaction":
        for role in ("api", "backend", "worker"):
            assert "set STRINGX_DATABASE_DIRECT_URL" in installation[f"{role}-2"].output()
