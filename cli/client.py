"""Talking to the Backend: where it is, with which key, and plain words when it does not answer."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from contract.environment import ROOT, SettingsError, secret

VERSION = "0.1.0"


class Refused(Exception):
    """The Backend refused the request (exit code 2); the lines are for the person who asked."""

    def __init__(self, lines: list[str], errors: list[dict[str, str]]) -> None:
        super().__init__("\n".join(lines))
        self.errors = errors


class Undecided(Exception):
    """No answer could be had (exit code 3): the service is away, or lets this key not in."""


@dataclass(frozen=True)
class Client:
    """One Backend and one key."""

    server: str
    key: str

    @classmethod
    def from_environment(cls, server: str | None) -> "Client":
        """SettingsError in one line where there is no key, or the server's address is none."""
        address = server or os.environ.get("STRINGX_BACKEND_URL") or _default_server()
        if not address.startswith(("http://", "https://")):
            raise SettingsError(f"the server is {address!r}; give an address such as http://127.0.0.1:5002")
        default = Path(os.environ.get("STRINGX_HOME") or ROOT / ".stringx").expanduser() / "api-key"
        key = secret("STRINGX_API_KEY", default)
        if key is None:
            raise SettingsError(f"no key: set STRINGX_API_KEY or STRINGX_API_KEY_FILE ({default} is not there)")
        return cls(address.rstrip("/"), key)

    def get(self, path: str, query: dict[str, Any] | None = None, timeout_s: float = 30) -> dict[str, Any]:
        return self._send("GET", path, timeout_s, params=query or {})

    def post_json(self, path: str, body: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        return self._send("POST", path, timeout_s, json=body)

    def post_yaml(self, path: str, body: str, query: dict[str, str]) -> dict[str, Any]:
        headers = {"Content-Type": "application/yaml"}
        return self._send("POST", path, 120, data=body.encode(), params=query, headers=headers)

    def _send(self, method: str, path: str, timeout_s: float, **options: Any) -> dict[str, Any]:
        headers = options.pop("headers", {}) | {
            "Authorization": f"Bearer {self.key}",
            "User-Agent": f"stringx-cli/{VERSION}",
        }
        try:
            response = requests.request(method, self.server + path, headers=headers, timeout=timeout_s, **options)
        except requests.Timeout as error:
            raise Undecided(f"no answer from {self.server} within {timeout_s:.0f} s; is the Backend overloaded?") from error
        except requests.RequestException as error:
            raise Undecided(f"nothing answers at {self.server}; start the service, or give --server") from error
        return _read(self.server, response)


def path_of(*parts: str) -> str:
    """A path under /api/v1 with each part escaped."""
    return "/api/v1/" + "/".join(quote(part, safe="") for part in parts)


def _read(server: str, response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.ok and isinstance(body, dict):
        return body
    problem = body if isinstance(body, dict) else {"detail": f"{server} answered {response.status_code}, not as the Backend does"}
    detail, errors = str(problem.get("detail")), list(problem.get("errors", []))
    if response.status_code in (401, 403):
        raise Undecided(f"{detail} (key from STRINGX_API_KEY, STRINGX_API_KEY_FILE or $STRINGX_HOME/api-key)")
    if 400 <= response.status_code < 500 and response.status_code != 429:
        raise Refused([f"{error['pointer']}: {error['message']}" for error in errors] or [detail], errors)
    raise Undecided(detail)


def _default_server() -> str:
    return f"http://127.0.0.1:{os.environ.get('BACKEND_PORT') or 5002}"
