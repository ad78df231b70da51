"""A process whose children plan messages at a given time, or send one, and may be told before which of their statements they are killed.

Reads lines of JSON `{"now": …, "dies_before": n or null}`, and answers each with the exit status of the child. Without `now` it sends.
"""

import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from typing import Any

from backend.notifications.planning import Planner
from backend.notifications.secrets import Secrets
from backend.notifications.sending import Mailroom, NotificationSender
from database.pool import Cursor, Database
from stringx_dataops.contract.settings import ROOT
from stringx_dataops.contract.signatures import new_secret


class Mortal:
    """What a test holds of it."""

    def __init__(self, url: str, **variables: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, url],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, now: datetime | None, dies_before: int | None = None) -> None:
        """A turn of the planner, which the test may do something beside. Without a time, the next message is sent."""
        assert self._process.stdin is not None
        print(json.dumps({"now": now and now.isoformat(), "dies_before": dies_before}), file=self._process.stdin, flush=True)

    def was_killed(self) -> bool:
        """Waits for the end of that turn."""
        assert self._process.stdout is not None
        status = int(self._process.stdout.readline())
        assert status in (0, -signal.SIGKILL)
        return status != 0

    def end(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait(timeout=30)


def main(url: str) -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _live(url, asked["now"], asked["dies_before"])
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _live(url: str, now: str | None, dies_before: int | None) -> None:
    execute, left = Cursor._execute, dies_before

    def counted(cursor: Cursor, *arguments: Any) -> None:
        nonlocal left
        if left is not None:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        execute(cursor, *arguments)

    Cursor._execute = counted  # type: ignore[method-assign]
    status = 1
    try:
        database = Database(url, size=2)
        if now is not None:
            Planner(database).turn(datetime.fromisoformat(now))
        else:
            mailroom = Mailroom(Secrets(ROOT / "nowhere", [new_secret()]), None)
            NotificationSender(database, mailroom, "mortal").send_next()
            mailroom.processes.close()
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1])
