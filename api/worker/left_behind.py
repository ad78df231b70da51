"""Queries that go on without the process that asked for them, as those of Trino do: they are ended from outside."""

import logging
import time
from collections.abc import Mapping

from api.engine.profile import SESSION_VARIABLE
from api.targets.engine import Engine
from stringx_dataops.contract.problems import Unavailable

_TRIES, _PAUSE_S = 10, 0.2  # a statement that was just being sent is not known yet
_ATTEMPTS = 10  # before this one, whose queries are looked for

log = logging.getLogger(__name__)


def end(engine: Engine, environment: Mapping[str, str], ids: dict[str, str]) -> None:
    """End the queries of a process that has ended. If the target does not answer, its own limit for queries without a client
    ends them."""
    sessions = engine.sessions(environment)
    if not engine.outlives_process or sessions is None:
        return
    try:
        for _ in range(_TRIES):
            if sessions.cancel() == 0:
                return
            time.sleep(_PAUSE_S)
        log.warning("queries of the check go on", extra=ids)
    except Unavailable as error:
        log.warning("queries of the check may go on: %s", error, extra=ids)


def end_those_before(engine: Engine, environment: Mapping[str, str], attempt: int, ids: dict[str, str]) -> None:
    """End the queries of earlier attempts at the check: their machine may have ended with their worker and its processes."""
    for number in range(max(1, attempt - _ATTEMPTS), attempt):
        check, _, _ = environment[SESSION_VARIABLE].rpartition(" ")
        end(engine, {**environment, SESSION_VARIABLE: f"{check} {number}"}, ids)
