"""Waits for requests to end; exit codes."""

import time
from collections.abc import Callable

from stringx_dataops.client import Away, Client, path_of
from stringx_dataops.contract.json_types import JsonObject

EXIT: dict[str | None, int] = {"pass": 0, "warn": 0, "fail": 1, "error": 3, "open": 0, "closed": 1}
POLL_S = 0.5
PATIENCE_S = 600


def follow(client: Client, request_id: str, until: float) -> JsonObject:
    """The request after some seconds, or as soon as it has ended. `until` is on the monotonic clock."""
    patience = round(max(0.0, min(30.0, until - time.monotonic())), 3)
    return persist(lambda: client.get(path_of("requests", request_id), {"wait": patience}, patience + 30), until)


def persist(call: Callable[[], JsonObject], until: float) -> JsonObject:
    """Call until there is an answer or the time is over, so that a restart of the service does not end the command."""
    while True:
        try:
            return call()
        except Away:
            if time.monotonic() > until:
                raise
            time.sleep(POLL_S)
