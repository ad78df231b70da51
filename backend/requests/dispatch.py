"""Sending tracked requests to DataOps: at once, and again by threads of each web process until they are accepted."""

import logging
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import requests as http

from backend.requests.tracking import SQL, UNSENT, payload
from database.leases import POST_LEASE_S
from database.loops import Loop, Loops
from database.notifications import Listener
from database.pool import Database
from stringx_dataops.contract import http_answers
from stringx_dataops.contract.http_answers import HttpAnswer
from stringx_dataops.contract.problems import Busy, Conflict

_TIMEOUT_S = (3, 10)  # connect, read: with the body's time together within a lease
_BODY_S = 5.0
_LOOK_AGAIN_S = 2.0
_THREADS = 4
_SHORTEST_DELAY_S, _LONGEST_DELAY_S = 0.5, 60.0
_FINAL = tuple(status for status in range(400, 500) if status not in (401, 403, 408, 421, 429))  # it will say the same tomorrow
_TOO_LARGE = 413  # final, whoever stands between the services and says so

First = Literal["goes on", "refused", "gone"]  # gone: nobody tracks the request any more

log = logging.getLogger(__name__)
_kept = threading.local()


@dataclass(frozen=True)
class Dispatcher:
    """Where DataOps is, and who asks."""

    database: Database
    url: str
    service_key: str
    name: str

    def send_first(self, request_id: str, body: dict[str, Any]) -> First:
        """A try while the client waits, of the one who tracked the request and of each who repeats it meanwhile: Conflict or Busy
        where DataOps says so, and nothing is tracked then, unless another one's try went otherwise."""
        response, noted = self._try(request_id, body, attempts=0, final=(*_FINAL, 429))
        if response is None:
            return "goes on" if noted else "gone"
        if response.status in (409, 429):
            self._run("forget", {"request_id": request_id, "worker": self.name})
            if response.status == 409:
                raise Conflict(response.detail())
            raise Busy(response.detail(), retry_after_s=int(_retry_after_s(response) or 5))
        self._refuse(request_id, response)
        return "refused"

    def send_next(self) -> bool | None:
        """Try the request, or the cancel, that waits longest; None where none is due."""
        claim = {"worker": self.name, "lease_s": POST_LEASE_S}
        with self.database.statements() as cursor:
            unsent = cursor.one(SQL["claim_unsent"], claim)
            cancel = cursor.one(SQL["claim_cancel"], claim) if unsent is None else None
        if unsent is not None:
            refused, _ = self._try(unsent["request_id"], unsent["body"], unsent["send_attempts"], _FINAL)
            if refused is not None:
                self._refuse(unsent["request_id"], refused)
        elif cancel is not None:
            self._cancel(cancel["request_id"], str(cancel["check_id"]), cancel["send_attempts"])
        return True if unsent or cancel else None

    def _try(self, request_id: str, body: dict[str, Any], attempts: int, final: Sequence[int]) -> tuple[HttpAnswer | None, bool]:
        """The answer if its status is final. Otherwise the request is marked as sent or postponed; also whether that was stored
        (not if the request was forgotten meanwhile)."""
        try:
            answer = self._post("/api/v1/quality-checks", body)
        except http_answers.FAULTS as error:
            return None, self._postpone(request_id, attempts, http_answers.words_of(error))
        if answer.status in (200, 202):
            check_id = answer.field("check_id")
            if not http_answers.is_uuid(check_id) or answer.field("request_id") not in (None, request_id):
                return None, self._postpone(request_id, attempts, f"no answer of DataOps: {answer.described()}")
            return None, self._run("sent", {"request_id": request_id, "check_id": check_id}) > 0
        if answer.status in final and (answer.is_problem or answer.status == _TOO_LARGE):
            return answer, False
        why = f"status {answer.status}: {answer.detail()}"
        return None, self._postpone(request_id, attempts, why, _retry_after_s(answer))

    def _refuse(self, request_id: str, answer: HttpAnswer) -> None:
        reason = f"DataOps refused the request: {answer.detail()}"
        self._run("refuse", {"request_id": request_id, "reason": reason})
        self._run("notify", {"payload": payload(request_id)})

    def _cancel(self, request_id: str, check_id: str, attempts: int) -> None:
        try:
            answer = self._post(f"/api/v1/quality-checks/{check_id}/cancel", None)
        except http_answers.FAULTS as error:
            self._postpone(request_id, attempts, http_answers.words_of(error))
            return
        is_taken = answer.status in (200, 202) and http_answers.is_uuid(answer.field("check_id"))
        if is_taken or (answer.status == 404 and answer.is_problem):
            self._run("cancel_sent", {"request_id": request_id, "worker": self.name})  # it ends, or there is nothing to cancel
        else:
            self._postpone(request_id, attempts, answer.described())

    def _post(self, path: str, body: dict[str, Any] | None) -> HttpAnswer:
        """Over a connection that the thread keeps; once more where DataOps has closed it: a request_id is taken once."""
        if not hasattr(_kept, "session"):
            _kept.session = http_answers.new_session()
        headers = {"Authorization": f"Bearer {self.service_key}", "Accept-Encoding": "identity"}
        options = {"timeout": _TIMEOUT_S, "stream": True}
        send = partial(_kept.session.post, self.url + path, json=body, headers=headers, **options)
        try:
            response: http.Response = send()
        except (http.ConnectTimeout, http.ReadTimeout):
            raise
        except http.ConnectionError:
            response = send()
        return http_answers.read(response, within_s=_BODY_S)

    def _postpone(self, request_id: str, attempts: int, why: str, retry_after_s: float | None = None) -> bool:
        log.warning("request not sent to DataOps (attempt %d): %s", attempts + 1, why, extra={"request_id": request_id})
        jittered = random.uniform(0, min(_LONGEST_DELAY_S, 2.0 ** min(attempts, 10)))  # noqa: S311 (no secret)
        delay_s = _SHORTEST_DELAY_S + jittered + (retry_after_s or 0.0)
        return self._run("postpone", {"request_id": request_id, "worker": self.name, "delay_s": delay_s}) > 0

    def _run(self, name: str, parameters: dict[str, Any]) -> int:
        with self.database.statements() as cursor:
            return cursor.run(SQL[name], parameters)


def start(dispatcher: Dispatcher, listener: Listener, loops: Loops) -> None:
    """Send what Kafka brought, and again what could not be sent, in daemon threads: one waits while another writes."""

    def turn(_: Loop) -> None:
        listener.wait_for(UNSENT, dispatcher.send_next, _LOOK_AGAIN_S)

    for number in range(_THREADS):
        loops.start(f"dispatch-{number}", turn)


def _retry_after_s(answer: HttpAnswer) -> float | None:
    """As DataOps gives it, in seconds."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_DELAY_S) if text.isascii() and text.isdigit() else None
