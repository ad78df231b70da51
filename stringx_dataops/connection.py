"""HTTP with the Backend: where it is, with which key, and plain words when it does not answer.

What HTTP needs is imported with the first request, so that a program starts fast.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from stringx_dataops import __version__
from stringx_dataops.contract.settings import ROOT
from stringx_dataops.contract.variables import SettingsError, secret
from stringx_dataops.errors import Away, Misconfigured, Refused, Undecided

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from stringx_dataops.contract.http_content import HttpAnswer

LARGEST = 512 * 1024 * 1024  # bytes of an answer: a whole configuration, a page of results
_NO_CONTENT = 204
USER_AGENT = f"stringx-client/{__version__}"


@dataclass(frozen=True)
class Connection:
    """One server and one key. `key_from` says in messages where the key is from. `uses_proxies`: HTTP_PROXY and NO_PROXY count;
    a loopback address is never reached through a proxy. `timeout_s`: for an answer, where a call does not say another time.

    Threads may share it: every request has a session of its own.
    """

    server: str
    key: str = field(repr=False)
    key_from: str
    _: KW_ONLY
    user_agent: str = USER_AGENT
    uses_proxies: bool = True
    timeout_s: float = 30

    @property
    def advice(self) -> str:
        """How to say where the Backend is."""
        option = "--server" if self.user_agent.startswith("stringx-cli/") else "url"
        return f"give its address by {option} or STRINGX_BACKEND_URL"

    def require_valid_key(self) -> None:
        """Raises Misconfigured if the key cannot stand in a header."""
        if not self.key.isascii() or not self.key.isprintable() or " " in self.key:
            raise Misconfigured(f"the key from {self.key_from} holds a character that no key has; copy it again")

    def get(self, path: str, query: dict[str, Any] | None = None, timeout_s: float | None = None) -> dict[str, Any]:
        """The answer of the Backend as JSON; Refused, Undecided or Away if there is none, as for the methods below."""
        return self._ask("GET", path, timeout_s, params=query or {})

    def post(self, path: str, query: dict[str, Any], timeout_s: float | None = None) -> dict[str, Any]:
        """Post without a body."""
        return self._ask("POST", path, timeout_s, params=query)

    def post_json(self, path: str, body: dict[str, Any], timeout_s: float | None = None) -> dict[str, Any]:
        """Post a JSON body."""
        return self._ask("POST", path, timeout_s, json=body)

    def post_yaml(self, path: str, body: str, query: dict[str, str]) -> dict[str, Any]:
        """Post a YAML body, and wait for up to two minutes."""
        headers = {"Content-Type": "application/yaml"}
        return self._ask("POST", path, 120, data=body.encode(), params=query, headers=headers)

    def delete(self, path: str) -> None:
        """Delete what is there."""
        self.exchange("DELETE", path)

    def send(self, method: str, path: str, timeout_s: float, **options: Any) -> "HttpAnswer":
        """The whole answer, whatever its status; one of `http.FAULTS` if there is none. `options`: params, json, data,
        headers."""
        from stringx_dataops import http

        headers = options.pop("headers", {}) | {"User-Agent": self.user_agent, "Accept-Encoding": "identity"}
        return http.send(
            method,
            self.server + path,
            timeout_s=timeout_s,
            largest=LARGEST,
            uses_proxies=self.uses_proxies and not _is_loopback(self.server),
            headers=headers | {"Authorization": f"Bearer {self.key}"},
            json_body=options.pop("json", None),
            **options,
        )

    def exchange(
        self, method: str, path: str, timeout_s: float | None = None, accepts: Sequence[int] = (), **options: Any
    ) -> "HttpAnswer":
        """The whole answer, with its headers; raises as `get` does, except for problems whose status the caller `accepts`."""
        answer = self._answer(method, path, timeout_s, **options)
        if answer.status != _NO_CONTENT and not (answer.status in accepts and answer.is_problem):
            self._read(answer)
        return answer

    def _ask(self, method: str, path: str, timeout_s: float | None, **options: Any) -> dict[str, Any]:
        return self._read(self._answer(method, path, timeout_s, **options))

    @contextmanager
    def download(self, method: str, path: str, timeout_s: float) -> Iterator["HTTPResponse"]:
        """An answer of status 200 to be read piece by piece, each within `timeout_s`. Raises as `get` does, also of what is read
        within the block."""
        from stringx_dataops import http
        from stringx_dataops.contract.http_content import HttpAnswer

        with self._in_plain_words(timeout_s):
            found = http.stream(
                method,
                self.server + path,
                timeout_s=timeout_s,
                uses_proxies=self.uses_proxies and not _is_loopback(self.server),
                headers={"User-Agent": self.user_agent, "Accept-Encoding": "identity", "Authorization": f"Bearer {self.key}"},
            )
            with found as response:
                if isinstance(response, HttpAnswer):
                    self._read(response)
                    raise Undecided(f"{self.server} answered {response.status}; {self.advice}")
                yield response

    def _answer(self, method: str, path: str, timeout_s: float | None, **options: Any) -> "HttpAnswer":
        if not path.startswith("/"):  # it would become a part of the server's name
            raise ValueError(f"path is {path!r}; give a path such as /api/v1/waivers")
        within_s = self.timeout_s if timeout_s is None else timeout_s
        with self._in_plain_words(within_s):
            return self.send(method, path, within_s, **options)

    @contextmanager
    def _in_plain_words(self, within_s: float) -> Iterator[None]:
        """Faults of HTTP as Away or Undecided."""
        import ssl

        from stringx_dataops import http
        from stringx_dataops.contract.http_content import Unreadable

        try:
            yield
        except Unreadable as error:
            raise Away(f"the answer of {self.server} cannot be read: {error}") from error
        except http.FAULTS as error:
            cause = getattr(error, "reason", error)  # of URLError: why nothing was sent
            if isinstance(cause, TimeoutError):
                raise Away(f"no answer from {self.server} within {within_s:.0f} s; is the Backend overloaded?") from error
            if isinstance(cause, ssl.SSLCertVerificationError):
                trust = "set SSL_CERT_FILE to the certificate of its authority"
                raise Undecided(f"the certificate of {self.server} is not trusted ({cause.verify_message}); {trust}") from error
            raise Away(f"nothing answers at {self.server}; start the service, or {self.advice}") from error

    def _read(self, answer: "HttpAnswer") -> dict[str, Any]:
        body, status = answer.content, answer.status
        if 200 <= status < 300 and not answer.body:  # the Backend says something, unless it is cut off among its headers
            raise Away(f"the answer of {self.server} cannot be read: status {status}, an empty body")
        if not isinstance(body, dict) or not (200 <= status < 300 or (status >= 400 and "detail" in body)):
            stranger = f"{self.server} answered {status}, not as a StringX Backend does; {self.advice}"
            raise Away(stranger) if status >= 500 else Undecided(stranger)
        if status < 400:
            return body
        detail, given = str(body["detail"]), body.get("errors")
        errors = [error for error in given if _is_error(error)] if isinstance(given, list) else []
        if status in (401, 403):
            raise Undecided(f"{detail} (the key is from {self.key_from})")
        if status in (429, 502, 503, 504):
            raise Away(detail)
        if status >= 500:
            raise Undecided(detail)
        raise Refused([f"{error['pointer']}: {error['message']}".removeprefix(": ") for error in errors] or [detail], errors)


def address_of(url: str | None) -> str:
    """The address that is given, else that of the environment. Raises Misconfigured if it is none."""
    text = url or os.environ.get("STRINGX_BACKEND_URL") or f"http://127.0.0.1:{os.environ.get('BACKEND_PORT') or 5002}"
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port or an IPv6 address that is none
        valid = False
    if valid and "@" in parts.netloc:
        raise Misconfigured("the server's address holds a user's name; leave it out, the key is all that the Backend asks for")
    if not valid:
        raise Misconfigured(f"the server is {text!r}; give an address such as http://127.0.0.1:5002")
    return text.rstrip("/")


def key_of(key: str | None) -> tuple[str, str]:
    """The key that is given, else that of the environment, and where it is from. Raises Misconfigured if there is none."""
    if key is not None:
        return key.strip(), "the argument key"
    default = _home() / "api-key"
    try:
        found = secret("STRINGX_API_KEY", default)
    except SettingsError as error:
        raise Misconfigured(str(error)) from error
    if found is None:
        raise Misconfigured(f"no key: set STRINGX_API_KEY or STRINGX_API_KEY_FILE ({default} is not there)")
    return found, key_source(default)


def key_source(default: Path) -> str:
    """Where the key is from: the variable that gives it, or the default file."""
    given = [name for name in ("STRINGX_API_KEY", "STRINGX_API_KEY_FILE") if os.environ.get(name)]
    return given[0] if given else str(default)


def path_of(*parts: str) -> str:
    """A path under /api/v1 with each part escaped."""
    return "/api/v1/" + "/".join(quote(part, safe="") for part in parts)


def require(connection: Connection, answer: dict[str, Any], *fields: str) -> dict[str, Any]:
    """The answer, or Undecided where another service than the Backend gave it."""
    if missing := [field for field in fields if field not in answer]:
        wrong = f"{connection.server} is no StringX Backend (its answer has no {missing[0]}); {connection.advice}"
        raise Undecided(wrong)
    return answer


def _is_error(error: Any) -> bool:
    """Whether it says what is wrong with a field."""
    return isinstance(error, dict) and isinstance(error.get("pointer"), str) and isinstance(error.get("message"), str)


def _is_loopback(server: str) -> bool:
    """Whether an address names this very machine, by name or number."""
    import ipaddress
    import socket

    host = (urlsplit(server).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        try:
            number = ipaddress.ip_address(socket.inet_aton(host))  # 127.1 is a number, too
        except OSError:
            return False
    mapped = getattr(number, "ipv4_mapped", None) or number
    return bool(mapped.is_loopback or mapped.is_unspecified)


def _home() -> Path:
    """That of the checkout or image; what is installed elsewhere has ~/.stringx."""
    default = ROOT / ".stringx" if (ROOT / "launch").is_dir() else Path("~/.stringx")
    try:
        return Path(os.environ.get("STRINGX_HOME") or default).expanduser()
    except RuntimeError as error:
        named = os.environ.get("STRINGX_HOME")
        raise Misconfigured(f"STRINGX_HOME is {named!r}: no such user; give an absolute path") from error
