"""Sending tracked requests to DataOps: at once, and again by a thread of each web process until they are accepted."""

import logging
import random
import threading
from dataclasses import dataclass
from typing import Any

import requests as http

from backend.requests import SQL, UNSENT, payload
from contract.problems import StringXError
from database.leases import LEASE_S
from database.notifications import Listener
from database.pool import Database

_TIMEOUT_S = (3, 10)  # connect, read: together within a lease
_LOOK_AGAIN_S = 2.0
_LONGEST_DELAY_S = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sender:
    """Where DataOps is, and who asks."""

    database: Database
    url: str
    service_key: str
    name: str

    def send(self, request_id: str, body: dict[str, Any], attempts: int = 0) -> None:
        """One try: sent, refused for good, or postponed. The caller holds the lease of the request."""
        try:
            response = self._post(body)
        except http.RequestException as error:
            return self._postpone(request_id, attempts, type(error).__name__)
        if response.status_code in (200, 202):
            return self._run("sent", {"request_id": request_id, "check_id": response.json()["check_id"]})
        if 400 <= response.status_code < 500 and response.status_code not in (401, 403, 408, 429):
            reason = f"DataOps refused the request: {_detail(response)}"
            self._run("refuse", {"request_id": request_id, "reason": reason})
            return self._run("notify", {"payload": payload(request_id)})
        return self._postpone(request_id, attempts, f"status {response.status_code}: {_detail(response)}")

    def send_unsent(self) -> bool | None:
        """Try the request that waits longest; None where none is due."""
        with self.database.transaction() as cursor:
            row = cursor.one(SQL["claim_unsent"], {"worker": self.name, "lease_s": LEASE_S})
        if row is None:
            return None
        self.send(row["request_id"], row["body"], row["send_attempts"])
        return True

    def _post(self, body: dict[str, Any]) -> http.Response:
        with http.Session() as session:
            session.trust_env = False  # a proxy of the machine is none of the way between the two services
            return session.post(
                f"{self.url}/api/v1/quality-checks",
                json=body,
                headers={"Authorization": f"Bearer {self.service_key}"},
                timeout=_TIMEOUT_S,
                allow_redirects=False,
            )

    def _postpone(self, request_id: str, attempts: int, why: str) -> None:
        log.warning("request not sent to DataOps (attempt %d): %s", attempts + 1, why, extra={"request_id": request_id})
        delay_s = 0.5 + random.uniform(0, min(_LONGEST_DELAY_S, 2.0 ** min(attempts, 10)))  # noqa: S311 (no secret)
        self._run("postpone", {"request_id": request_id, "worker": self.name, "delay_s": delay_s})

    def _run(self, name: str, parameters: dict[str, Any]) -> None:
        with self.database.transaction() as cursor:
            cursor.run(SQL[name], parameters)


def start(sender: Sender, listener: Listener) -> None:
    """Send again what could not be sent, in a daemon thread."""

    def run() -> None:
        while True:
            try:
                listener.wait_for(UNSENT, sender.send_unsent, _LOOK_AGAIN_S)
            except StringXError as error:
                log.warning("%s", error)
                threading.Event().wait(1)

    threading.Thread(target=run, name="dispatch", daemon=True).start()


def _detail(response: http.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"status {response.status_code}"
