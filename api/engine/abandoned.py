"""What a process that runs dbt does when nobody waits for its check any more, just before it ends: an adapter whose queries would
go on without it says here how they are ended."""

import logging
from collections.abc import Callable

_calls: list[Callable[[], None]] = []

log = logging.getLogger(__name__)


def when_abandoned(call: Callable[[], None]) -> None:
    """Have this called then. It takes a few seconds at most."""
    _calls.append(call)


def end() -> None:
    """Call them all, whatever fails."""
    for call in _calls:
        try:
            call()
        except Exception as error:
            log.warning("queries of an abandoned check may go on: %s", error)
