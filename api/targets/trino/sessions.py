"""The queries of a check on its cluster, seen and ended from outside: by their source, which is the attempt's name. This goes by
Trino's REST API: a statement that ends another one could itself have to wait for its turn there.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from api.engine.profile import PASSWORD_VARIABLE, SESSION_VARIABLE
from stringx_dataops.contract.http_answers import FAULTS, new_session, read, words_of
from stringx_dataops.contract.problems import Unavailable

# In the order in which a query goes through them: asked for in this order, none that moves on meanwhile is missed. Those that
# have ended are not listed, because their texts may be large.
_STATES = ("QUEUED", "WAITING_FOR_RESOURCES", "DISPATCHING", "PLANNING", "STARTING", "RUNNING", "FINISHING")
_LARGEST = 64 * 1024 * 1024  # bytes of the queries in one state, of all users that this one may see
_CONNECT_S, _ANSWER_S = 5.0, 5.0


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = f"Bearer {self._token}"
        return r


@dataclass(frozen=True)
class TrinoSessions:
    """Those of one attempt, whose process has this environment."""

    environment: Mapping[str, str]

    def cancel(self) -> int:
        """End its queries; how many there were. Unavailable where the cluster cannot be asked."""
        with self._session() as session:
            found = self._queries(session)
            for query_id in found:
                address = f"{self._url}/{quote(query_id, safe='')}"
                with session.delete(address, stream=True, timeout=(_CONNECT_S, _ANSWER_S)) as answer:
                    status = answer.status_code
                if status >= 400 and status not in (404, 410):  # it has ended by itself
                    raise Unavailable(f"the target does not end the query {query_id} (HTTP {status})")
            return len(found)

    def is_connected(self) -> bool:
        """Whether one of its queries is there; Unavailable as above."""
        with self._session() as session:
            return bool(self._queries(session))

    def keeps_waiting(self, seconds: float) -> bool:
        """Never: nobody waits for locks of a query."""
        return False

    def _queries(self, session: requests.Session) -> list[str]:
        """Their ids."""
        name, user = self.environment[SESSION_VARIABLE], self.environment["STRINGX_TARGET_USER"]
        found: dict[str, None] = {}
        for state in _STATES:
            headers = {"Accept-Encoding": "identity"}
            with session.get(
                self._url, params={"state": state}, headers=headers, stream=True, timeout=(_CONNECT_S, _ANSWER_S)
            ) as sent:
                answer = read(sent, _LARGEST)
            if answer.status != 200:
                raise Unavailable(f"the target does not tell its queries (HTTP {answer.status})")
            for each in json.loads(answer.body):
                of: dict[str, Any] = each["session"]
                if of.get("source") == name and of.get("user") == user:
                    found[str(each["queryId"])] = None
        return list(found)

    @property
    def _url(self) -> str:
        named = self.environment
        return f"{named['STRINGX_TARGET_SCHEME']}://{named['STRINGX_TARGET_HOST']}:{named['STRINGX_TARGET_PORT']}/v1/query"

    @contextmanager
    def _session(self) -> Iterator[requests.Session]:
        try:
            with new_session() as session:
                session.headers["X-Trino-User"] = self.environment["STRINGX_TARGET_USER"]
                session.verify = _verified_by(self.environment["STRINGX_TARGET_SSLROOTCERT"])
                session.auth = self._secret()
                yield session
        except (*FAULTS, KeyError, TypeError, AttributeError) as error:
            raise Unavailable(f"the target does not answer: {words_of(error)}") from error

    def _secret(self) -> AuthBase | None:
        match self.environment["STRINGX_TARGET_METHOD"]:
            case "ldap":
                return HTTPBasicAuth(self.environment["STRINGX_TARGET_USER"], self.environment[PASSWORD_VARIABLE])
            case "jwt":
                return _Bearer(self.environment[PASSWORD_VARIABLE])
            case _:
                return None


def _verified_by(authorities: str) -> bool | str:
    return authorities if os.path.isabs(authorities) else authorities != "False"
