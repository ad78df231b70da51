"""Repeating a run that did not get its locks. The gate test waits for one lock at a time and takes the others at once or not at
all, so that it is never in a deadlock with a loader. If a lock is not free, the test fails, and is run again here."""

import random
import re
import time
from collections.abc import Callable

from api.engine.run_result import DbtRunResult
from stringx_dataops.contract.gate_test.specification import Specification

# The server's words in English. In another language they are not recognised, and the run is not repeated.
_NO_LOCK = re.compile(
    r'could not obtain lock on relation "(.+?)"(?:\s|$)|canceling statement due to (lock timeout)|(deadlock) detected'
)
_SHORTEST_S, _LONGEST_S = 0.02, 0.3


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return True


def run_with_locks(
    run: Callable[[Specification], DbtRunResult], specification: Specification, pause: Callable[[float], bool] = _sleep
) -> DbtRunResult:
    """Repeat `run` until it gets its locks. After `lock_timeout_ms` the rules on the locked relations are left undecided, and
    the others are decided. `pause` waits for so many seconds, and returns whether to go on."""
    until = time.monotonic() + specification["lock_timeout_ms"] / 1000
    unlockable: list[str] = []
    while True:
        result = run(specification)
        refused = None if result.outcome or result.timed_out else _NO_LOCK.search(result.message or "")
        if refused is None:
            return result
        name = refused.group(1)
        if time.monotonic() < until:
            # random, so that two that collide do not collide again; no secret
            if not pause(random.uniform(_SHORTEST_S, _LONGEST_S)):  # noqa: S311
                return result
            specification = specification | {"lock_first": name}
        elif name is None or name in unlockable:
            return result
        else:
            unlockable = [*unlockable, name]
            specification = specification | {"unlockable": unlockable}
