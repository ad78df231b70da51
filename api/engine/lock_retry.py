"""Locks that others hold. The gate test waits for one lock at a time and takes the others at once or not at all, so that it is
never in a circle with a loader; where they are not to be had it fails, and is run again here."""

import random
import re
import time
from collections.abc import Callable

from api.engine.command import Answer
from stringx_dataops.contract.gate_test.specification import Specification

# As the server says it; one that speaks another language gets no second attempt.
_NOT_HAD = re.compile(
    r'could not obtain lock on relation "(.+?)"(?:\s|$)|canceling statement due to (lock timeout)|(deadlock) detected'
)
_SHORTEST_S, _LONGEST_S = 0.02, 0.3


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return True


def answer_of(
    run: Callable[[Specification], Answer], specification: Specification, pause: Callable[[float], bool] = _sleep
) -> Answer:
    """What the specification gives once all its locks were had. After `lock_timeout` the rules on what was not to be had are
    undecided, and the others have their verdicts. `pause` waits, and says whether to go on."""
    until = time.monotonic() + specification["lock_timeout_ms"] / 1000
    unlockable: list[str] = []
    while True:
        answer = run(specification)
        refused = None if answer.outcome or answer.timed_out else _NOT_HAD.search(answer.message or "")
        if refused is None:
            return answer
        name = refused.group(1)
        if time.monotonic() < until:
            if not pause(random.uniform(_SHORTEST_S, _LONGEST_S)):  # noqa: S311 (no secret: two that collide should not again)
                return answer
            specification = specification | {"lock_first": name}
        elif name is None or name in unlockable:
            return answer
        else:
            unlockable = [*unlockable, name]
            specification = specification | {"unlockable": unlockable}
