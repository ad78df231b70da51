"""How dbt's adapter reaches Trino: under the name of the check, within a time, and with the password over TLS alone. dbt-trino
has no settings for that. `plugins/trino/` imports it; dbt imports that, and nothing else does.
"""

import os
import time
from collections import deque
from contextlib import suppress
from typing import Any

import requests
import trino.dbapi
from requests.adapters import BaseAdapter

from api.engine import abandoned
from api.engine.profile import SESSION_VARIABLE
from stringx_dataops.contract.catalogue.dbt_project import SESSION_NAMES

_CONNECT_S, _ANSWER_S = 10.0, 60.0  # Trino answers within a second, whether or not a query has ended
_END_S = 1.0  # in which a query that is just being sent becomes known


class _Refused(BaseAdapter):
    """Where an answer over TLS says to go on without: the client would send the password with it."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        raise requests.exceptions.InvalidURL("the server named an address without TLS to go on at")

    def close(self) -> None:
        """Nothing is open."""


class _Session(requests.Session):
    """Sends no statement any more once nobody waits for the check."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # no proxy, no other authorities, and no password of a .netrc file

    def post(self, *arguments: Any, **options: Any) -> requests.Response:
        if _is_abandoned:
            raise requests.exceptions.RequestException("nobody waits for the check any more")
        return super().post(*arguments, **options)


class _Connection(trino.dbapi.Connection):  # type: ignore[misc]  # the client is not looked at
    """Its latest cursors are kept, so that their queries can be ended."""

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        cursor = super().cursor(*arguments, **options)
        _cursors.append(cursor)
        return cursor


_cursors: deque[Any] = deque(maxlen=100)
_is_abandoned = False


def connect(**options: Any) -> _Connection:
    """As dbt-trino asks for it, but for the name of the queries' source and for what HTTP may do."""
    session = _Session()
    session.verify = options.pop("verify")
    if options["http_scheme"] == "https":
        session.mount("http://", _Refused())
    source = os.environ.get(SESSION_NAMES["trino"]) or os.environ.get(SESSION_VARIABLE, "stringx")
    own = {"source": source, "http_session": session, "request_timeout": (_CONNECT_S, _ANSWER_S)}
    return _Connection(**options | own)


def _end_queries() -> None:
    """Trino would let a query go on for five minutes after its client has gone."""
    global _is_abandoned
    _is_abandoned = True
    until = time.monotonic() + _END_S
    while time.monotonic() < until:
        for cursor in list(_cursors):
            with suppress(Exception):  # it has ended, or Trino cannot be reached
                cursor.cancel()
        time.sleep(0.1)


trino.dbapi.connect = connect
abandoned.when_abandoned(_end_queries)
