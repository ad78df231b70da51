"""How dbt's adapter reaches Trino: under the name of the check, within a time, and with the password over TLS alone. dbt-trino
has no settings for that. `stringx/trino/plugins` imports it; dbt imports that, and nothing else does.
"""

import os
from typing import Any

import requests
import trino.dbapi
from requests.adapters import BaseAdapter

from api.engine.profile import SESSION_VARIABLE
from stringx_dataops.contract.catalogue.dbt_project import SESSION_NAMES

_CONNECT_S, _ANSWER_S = 10.0, 60.0  # Trino answers within a second, whether or not a query has ended


class _Refused(BaseAdapter):
    """Where an answer over TLS says to go on without: the client would send the password with it."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        raise requests.exceptions.InvalidURL("the server named an address without TLS to go on at")

    def close(self) -> None:
        """Nothing is open."""


def _connect(**options: Any) -> trino.dbapi.Connection:
    """As dbt-trino asks for it, but for the name of the queries' source and for what HTTP may do."""
    session = requests.Session()
    session.trust_env = False  # no proxy, no other authorities, and no password of a .netrc file
    session.verify = options.pop("verify")
    if options["http_scheme"] == "https":
        session.mount("http://", _Refused())
    source = os.environ.get(SESSION_NAMES["trino"]) or os.environ.get(SESSION_VARIABLE, "stringx")
    own = {"source": source, "http_session": session, "request_timeout": (_CONNECT_S, _ANSWER_S)}
    return trino.dbapi.Connection(**options | own)


trino.dbapi.connect = _connect
