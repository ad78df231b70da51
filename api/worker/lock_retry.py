"""Repeating a run that did not get its locks. The gate test waits for one lock at a time and takes the others at once or not at
all, so that it is never in a deadlock with a loader. If a lock is not free, the test fails, and is run again here."""

import random
import time
from collections.abc import Callable

from api.engine.run_result import DbtRunResult
from api.targets.engine import RefusedLock
from stringx_dataops.contract.gate_test.specification import Specification

_SHORTEST_S, _LONGEST_S = 0.02, 0.3


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return True


def run_with_locks(
    run: Callable[[Specification], DbtRunResult],
    specification: Specification,
    refused_lock: Callable[[str], RefusedLock | None],
    pause: Callable[[float], bool] = _sleep,
) -> DbtRunResult:
    """Repeat `run` until it gets its locks. After `lock_timeout_ms` the rules on the locked relations are left undecided, and
    the others are decided. `refused_lock` is the engine's. `pause` waits for so many seconds, and returns whether to go on."""
    until = time.monotonic() + specification["lock_timeout_ms"] / 1000
    lock_failed: list[str] = []
    while True:
        result = run(specification)
        refused = None if result.outcome or result.timed_out else refused_lock(result.message or "")
        if refused is None:
            return result
        name = refused.relation
        if time.monotonic() < until:
            # random, so that two that collide do not collide again; no secret
            if not pause(random.uniform(_SHORTEST_S, _LONGEST_S)):  # noqa: S311
                return result
            specification = specification | {"lock_first": name}
        elif name is None or name in lock_failed:
            return result
        else:
            lock_failed = [*lock_failed, name]
            specification = specification | {"lock_failed": lock_failed}
