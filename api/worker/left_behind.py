"""Queries that go on without the process that asked for them, as those of Trino do: they are ended from outside."""

import logging
import time
from collections.abc import Mapping

from api.engine.profile import SESSION_VARIABLE
from api.targets.engine import Engine
from stringx_dataops.contract.problems import Unavailable

_WITHIN_S = 10.0  # a statement that was just being sent is not known yet, and one that was ended may take a moment
_OF_EARLIER_S = 2.0
_PAUSE_S = 0.2
_ATTEMPTS = 10  # before this one, whose queries are looked for

log = logging.getLogger(__name__)


def end(engine: Engine, environment: Mapping[str, str], ids: dict[str, str], within_s: float = _WITHIN_S) -> bool:
    """End the queries of a process that has ended; returns whether none is left. If the target does not answer, its own limit for
    queries without a client ends them."""
    sessions = engine.sessions(environment)
    if not engine.outlives_process or sessions is None:
        return True
    until, fault = time.monotonic() + within_s, "they were ended, and are still there"
    while True:
        try:
            if sessions.cancel() == 0:
                return True
        except Unavailable as error:
            fault = str(error)
        if time.monotonic() > until:
            log.warning("queries of the check may go on: %s", fault, extra=ids)
            return False
        time.sleep(_PAUSE_S)


def end_those_before(engine: Engine, environment: Mapping[str, str], attempt: int, ids: dict[str, str]) -> None:
    """End the queries of earlier attempts at the check: their machine may have ended with their worker and its processes."""
    check, _, _ = environment[SESSION_VARIABLE].rpartition(" ")
    for number in range(max(1, attempt - _ATTEMPTS), attempt):
        if not end(engine, {**environment, SESSION_VARIABLE: f"{check} {number}"}, ids, _OF_EARLIER_S):
            return
