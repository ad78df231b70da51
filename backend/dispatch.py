"""Sending tracked requests to DataOps: at once, and again by threads of each web process until they are accepted."""

import logging
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import requests as http

from backend.requests import SQL, UNSENT, payload
from contract.problems import Busy, Conflict, StringXError
from database.leases import POST_LEASE_S
from database.notifications import Listener
from database.pool import Database

_TIMEOUT_S = (3, 10)  # connect, read: together within a lease
_LOOK_AGAIN_S = 2.0
_THREADS = 4
_SHORTEST_DELAY_S, _LONGEST_DELAY_S = 0.5, 60.0
_FINAL = tuple(status for status in range(400, 500) if status not in (401, 403, 408, 429))  # it will say the same tomorrow

First = Literal["goes on", "refused", "gone"]  # gone: nobody tracks the request any more

log = logging.getLogger(__name__)
_kept = threading.local()


@dataclass(frozen=True)
class Sender:
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
        if response.status_code in (409, 429):
            self._run("forget", {"request_id": request_id, "worker": self.name})
            if response.status_code == 409:
                raise Conflict(_detail(response))
            raise Busy(_detail(response), retry_after_s=int(_retry_after_s(response) or 5))
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

    def _try(
        self, request_id: str, body: dict[str, Any], attempts: int, final: Sequence[int]
    ) -> tuple[http.Response | None, bool]:
        """An answer with one of the final statuses; otherwise it is sent or postponed, and whether that is written down: it is
        not where the request has been forgotten meanwhile."""
        try:
            response = self._post("/api/v1/quality-checks", body)
        except http.RequestException as error:
            return None, self._postpone(request_id, attempts, type(error).__name__)
        if response.status_code in (200, 202):
            return None, self._run("sent", {"request_id": request_id, "check_id": response.json()["check_id"]}) > 0
        if response.status_code in final:
            return response, False
        why = f"status {response.status_code}: {_detail(response)}"
        return None, self._postpone(request_id, attempts, why, _retry_after_s(response))

    def _refuse(self, request_id: str, response: http.Response) -> None:
        reason = f"DataOps refused the request: {_detail(response)}"
        self._run("refuse", {"request_id": request_id, "reason": reason})
        self._run("notify", {"payload": payload(request_id)})

    def _cancel(self, request_id: str, check_id: str, attempts: int) -> None:
        try:
            response = self._post(f"/api/v1/quality-checks/{check_id}/cancel", None)
        except http.RequestException as error:
            self._postpone(request_id, attempts, type(error).__name__)
            return
        if response.status_code in (200, 202, 404):  # it comes as a result, or there is nothing to cancel
            self._run("cancel_sent", {"request_id": request_id, "worker": self.name})
        else:
            self._postpone(request_id, attempts, f"status {response.status_code}: {_detail(response)}")

    def _post(self, path: str, body: dict[str, Any] | None) -> http.Response:
        """Over a connection that the thread keeps; once more where DataOps has closed it: a request_id is taken once."""
        if not hasattr(_kept, "session"):
            _kept.session = http.Session()
            _kept.session.trust_env = False  # a proxy of the machine is none of the way between the two services
        headers = {"Authorization": f"Bearer {self.service_key}"}
        send = partial(_kept.session.post, self.url + path, json=body, headers=headers, timeout=_TIMEOUT_S, allow_redirects=False)
        try:
            response: http.Response = send()
        except (http.ConnectTimeout, http.ReadTimeout):
            raise
        except http.ConnectionError:
            response = send()
        return response

    def _postpone(self, request_id: str, attempts: int, why: str, retry_after_s: float | None = None) -> bool:
        log.warning("request not sent to DataOps (attempt %d): %s", attempts + 1, why, extra={"request_id": request_id})
        jittered = random.uniform(0, min(_LONGEST_DELAY_S, 2.0 ** min(attempts, 10)))  # noqa: S311 (no secret)
        delay_s = _SHORTEST_DELAY_S + jittered + (retry_after_s or 0.0)
        return self._run("postpone", {"request_id": request_id, "worker": self.name, "delay_s": delay_s}) > 0

    def _run(self, name: str, parameters: dict[str, Any]) -> int:
        with self.database.statements() as cursor:
            return cursor.run(SQL[name], parameters)


def start(sender: Sender, listener: Listener) -> None:
    """Send what Kafka brought, and again what could not be sent, in daemon threads: one waits while another writes."""

    def run() -> None:
        while True:
            try:
                listener.wait_for(UNSENT, sender.send_next, _LOOK_AGAIN_S)
            except StringXError as error:
                log.warning("%s", error)
                threading.Event().wait(1)

    for number in range(_THREADS):
        threading.Thread(target=run, name=f"dispatch-{number}", daemon=True).start()


def _retry_after_s(response: http.Response) -> float | None:
    """As DataOps gives it, in seconds."""
    text = response.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_DELAY_S) if text.isdigit() else None


def _detail(response: http.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"status {response.status_code}"
