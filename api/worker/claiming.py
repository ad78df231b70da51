"""How the threads of a worker claim: none asks the database while it is known that nothing waits."""

import time
from dataclasses import dataclass, field

from api.checks import claims, lifecycle
from api.worker.attempt import Attempt
from database.notifications import LOOK_AGAIN_S, Listener
from database.pool import Database

_RELY_S = LOOK_AGAIN_S / 2  # shorter than the pause between two looks of a waiting thread, so that each of those looks counts


@dataclass
class Claiming:
    """Claims for one worker; its threads share it. A claim says whether other checks wait. If none does, nobody looks again until
    a notification arrives, or for a second, because notifications may be lost."""

    database: Database
    listener: Listener
    worker: str
    most: int  # checks in a batch
    lease_s: int
    # How many notifications there were when nothing waited, and until when to rely on it.
    _known: tuple[int, float] | None = field(default=None, init=False)

    def next(self) -> list[Attempt]:
        """The next check, or a batch; empty if there is none. If more wait, the next thread is woken."""
        notified = self.listener.notifications(lifecycle.QUEUE)
        known = self._known  # another thread may forget it meanwhile
        if known is not None and known[0] == notified and time.monotonic() < known[1]:
            return []
        self._known = None
        claimed = claims.claim_batch(self.database, self.worker, self.most, self.lease_s)
        if claimed.more_wait:
            self.listener.wake(lifecycle.QUEUE)
        elif self.listener.listens:
            self._known = (notified, time.monotonic() + _RELY_S)
        return [Attempt(check) for check in claimed.checks]
