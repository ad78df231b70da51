"""Clients that wait: how many may, and what becomes of those that go away."""

import json
import socket
import time

import pytest

from api.app import WAITERS
from tests.faults.accounting import accounting
from tests.support.installation import Installation
from tests.support.processes import eventually
from tests.support.tables import CheckedTable


def begin_to_wait(installation: Installation, role: str, table: CheckedTable, name: str) -> socket.socket:
    """A client that has sent a sync request and not read the answer yet."""
    path = "requests" if role == "backend" else "quality-checks"
    asked = {"target": table.target, "table": table.relation, "mode": "sync", "request_id": name, "wait_s": 60}
    body = json.dumps(asked).encode()
    client = socket.create_connection(("127.0.0.1", installation[f"{role}-1"].port))
    head = f"POST /api/v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {installation.key}\r\nContent-Type: application/json\r\n"
    client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return client


@pytest.mark.parametrize("role", ["api", "backend"])
def test_clients_that_go_away_free_their_places_and_lose_nothing(installation: Installation, role: str) -> None:
    table, free = installation.table("dirty", held=True), installation.table("clean")
    names = [f"waits at {role} {number} {table.name}" for number in range(WAITERS)]
    url = installation[f"{role}-1"].url
    with table.held():
        clients = [begin_to_wait(installation, role, table, name) for name in names]
        installation.accepted.update(dict.fromkeys(names, table.relation))
        known = "select 1 from dataops.checks where request_id = any(%s)"
        eventually(lambda: len(installation.rows(known, [names])) == WAITERS, 20, "that all are accepted")
        time.sleep(1)
        began = time.monotonic()
        turned_away = installation.post(free, role, url=url, mode="sync")
        assert turned_away.status_code == 202, "no place is free, and nobody hangs"
        assert time.monotonic() - began < 30
        for client in clients:
            client.close()

        def has_a_place() -> bool:
            return installation.post(free, role, url=url, mode="sync").status_code == 200

        eventually(has_a_place, 15, "a place that is free again")
    for result in installation.results(names):
        assert result["verdict"] == "fail"
    accounting(installation)
