"""The internal database of a whole installation is lost under load, and a standby takes over."""

import threading
import time
from collections.abc import Iterator

import pytest
import requests

from tests.faults.accounting import accounting
from tests.support import standby
from tests.support.installation import FEW_RULE_TYPES, Installation
from tests.support.postgres import Postgres
from tests.support.processes import eventually
from tests.support.tables import CheckedTable

CLIENTS = 6


@pytest.fixture
def pair() -> Iterator[tuple[Installation, Postgres]]:
    """An installation whose processes know both servers, and the standby."""
    made = Installation(rule_types=FEW_RULE_TYPES)
    follower: Postgres | None = None
    try:
        made.start()
        follower = standby.standby_of(made.internal, made.folder / "standby", made._inherited)
        for process in made.processes.values():
            both = f"127.0.0.1:{made.internal.port},127.0.0.1:{follower.port}"
            process.environment["STRINGX_DATABASE_URL"] = made._internal_url(0).replace("127.0.0.1:0", both)
            process.end()
            process.start()
        made.wait_served()
        made.wait_warm()
        made.mark()
        yield made, follower
    finally:
        if follower is not None and follower is not made.internal:
            follower.process.end()
        made.end()


class Clients:
    """They ask again and again, each request under its id until it is accepted."""

    def __init__(self, installation: Installation, tables: list[CheckedTable]) -> None:
        self.installation, self.tables = installation, tables
        self.stop = threading.Event()
        self.asked: list[str] = []
        self.threads = [threading.Thread(target=self._ask, args=[number], daemon=True) for number in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(120)

    def _ask(self, number: int) -> None:
        count = 0
        while not self.stop.is_set():
            count += 1
            request_id, service = f"client-{number}-{count}", ("api", "backend")[count % 2]
            table = self.tables[(number + count) % len(self.tables)]
            while not self._is_accepted(table, service, request_id):
                time.sleep(0.2)
            self.asked.append(request_id)

    def _is_accepted(self, table: CheckedTable, service: str, request_id: str) -> bool:
        url = self.installation[f"{service}-{1 + len(self.asked) % 2}"].url
        try:
            answer = self.installation.post(table, service, url, timeout=60, request_id=request_id, mode="async")
        except requests.RequestException:
            return False
        assert answer.status_code in (200, 202, 500, 503), answer.text
        return answer.status_code in (200, 202)


@pytest.mark.long
def test_what_was_accepted_before_and_meanwhile_is_checked_and_stored_once(pair: tuple[Installation, Postgres]) -> None:
    installation, follower = pair
    tables = [installation.table(kind) for kind in ("clean", "dirty", "warned", "clean")]
    clients = Clients(installation, tables)
    try:
        eventually(lambda: len(clients.asked) >= 60, 120, "a load")
        standby.lose(installation.internal)
        before = len(clients.asked)
        time.sleep(5)
        assert len(clients.asked) <= before + CLIENTS, "nothing is accepted while no server takes writes"
        standby.promote(follower)
        installation.internal = follower
        eventually(lambda: len(clients.asked) >= before + 60, 120, "that all goes on")
    finally:
        clients.end()
    checks = accounting(installation)
    assert set(clients.asked) <= set(checks)
    assert not any(process.runs is False for process in installation.processes.values()), "no process has ended"
