"""Following a request to its end: the Backend keeps each question open, or says when to ask again."""

import time
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import TypeVar

from stringx_dataops.answers import Request
from stringx_dataops.connection import path_of
from stringx_dataops.errors import Away
from stringx_dataops.reading import Reading

POLL_S = 0.5
LONGEST_POLL_S = 30.0  # the Backend keeps a question after a request open for so long
OF_A_REQUEST = ("request_id", "status", "verdict", "checks")
_IN_TIME_S = 0.1  # an answer that comes so little before its time has waited
_T = TypeVar("_T")


@dataclass(frozen=True)
class Following(Reading):
    """The part of a client that follows requests. Threads may share it."""

    _: KW_ONLY
    # By request id: when it may be asked for again, on the monotonic clock, and the latest answer.
    _pauses: dict[str, tuple[float, Request]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def follow(self, request_id: str, until: float, poll_s: float = LONGEST_POLL_S) -> Request:
        """The request after at most `poll_s` seconds, or as soon as it has ended. `until` is on the monotonic clock.

        A Backend where many wait answers at once, and says when to ask again. Until then this returns the answer from before; the
        last question is asked at `until` in any case.
        """
        if (pause := self._pauses.pop(request_id, None)) is not None:
            again_at, found = pause
            left = min(again_at, until) - time.monotonic()
            if left > poll_s:
                self._pauses[request_id] = pause
                time.sleep(poll_s)
                return found
            time.sleep(max(0.0, left))
        begun = time.monotonic()
        patience = round(max(0.0, min(poll_s, until - begun)), 3)

        def ask() -> tuple[Request, float]:
            answer = self.exchange("GET", path_of("requests", request_id), patience + self.timeout_s, params={"wait": patience})
            return self._as(Request.of, answer.content, *OF_A_REQUEST), pause_of(answer.headers)

        found, pause_s = persist(ask, until)
        now = time.monotonic()
        if not found.has_ended and now < begun + patience - _IN_TIME_S:
            self._pauses[request_id] = now + pause_s, found
        return found


def pause_of(headers: Mapping[str, str]) -> float:
    """Seconds until the Backend wants to be asked again, from half a second to half a minute."""
    text = headers.get("Retry-After", "").strip()
    return max(POLL_S, min(float(text), LONGEST_POLL_S)) if text.isascii() and text.isdigit() else POLL_S


def persist(call: Callable[[], _T], until: float) -> _T:
    """Call until there is an answer or the time is over, so that a restart of the service does not end the waiting."""
    while True:
        try:
            return call()
        except Away:
            if time.monotonic() > until:
                raise
            time.sleep(POLL_S)
