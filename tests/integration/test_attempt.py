"""The watchdog of an attempt ends a check that is out of time, whatever else fails."""

import threading

import pytest

from api.targets.postgres.sessions import PostgresSessions
from api.worker import attempt
from api.worker.attempt import Attempt, RunHandle
from database.pool import Database
from tests.support.queue import ask, claimed


@pytest.mark.parametrize("address", [{"host": "\ud800"}, {"port": object()}])
def test_a_check_that_cannot_be_canceled_on_its_target_is_killed(
    queue: Database, monkeypatch: pytest.MonkeyPatch, address: dict[str, str]
) -> None:
    monkeypatch.setattr(attempt, "_KILL_AFTER_S", 0.5)
    ask(queue, timeout_s=1)
    made = Attempt(claimed(queue))
    tries, killed = iter([OSError("not yet"), None]), threading.Event()

    def kill() -> None:
        if (error := next(tries)) is not None:
            raise error
        killed.set()

    with made.watchdog(RunHandle(PostgresSessions(address, "stringx nobody"), 0.1, lambda: None, kill)):
        assert killed.wait(60)
    assert made.stopped == "timed_out"
