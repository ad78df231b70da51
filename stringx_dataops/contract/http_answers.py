"""The answer of another program over HTTP: read with a bound in size and time, whatever comes."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from uuid import UUID

import requests
import urllib3

LARGEST = 16 * 1024 * 1024  # bytes: more than an answer with a whole result has
WITHIN_S = 10.0  # for the body, once its header is there
_PIECE = 64 * 1024
_WORDS = 80  # characters of an answer that a log or a reason quotes


class Unreadable(Exception):
    """The answer ended too early, is too large, or came too slowly; the text is one line. Status and headers are known."""

    def __init__(self, response: requests.Response, why: str) -> None:
        super().__init__(f"status {response.status_code}, {why}")
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers


FAULTS = (requests.RequestException, urllib3.exceptions.HTTPError, Unreadable, OSError, ValueError)  # of a post and its answer


@dataclass(frozen=True)
class HttpAnswer:
    """A status, headers, and a body that is there as a whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def content(self) -> Any:
        """The body as JSON; None if it is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def field(self, name: str) -> Any:
        """A field of the body; None if the body is no JSON object, or has no such field."""
        return self.content.get(name) if isinstance(self.content, dict) else None

    @property
    def is_problem(self) -> bool:
        """Whether it is a problem document of RFC 9457, as both services send it."""
        return isinstance(self.field("detail"), str)

    def detail(self) -> str:
        """The detail of a problem document, otherwise a description of the answer; one line of at most 1,000 characters."""
        detail = self.field("detail")
        return in_one_line(detail, 1000) if isinstance(detail, str) and detail.strip() else self.described()

    def described(self) -> str:
        """Status, content type and first words, in one line."""
        kind = in_one_line(self.headers.get("Content-Type") or "no content type", _WORDS)
        words = in_one_line(self.body[: 4 * _WORDS].decode(errors="replace"), _WORDS) or "an empty body"
        return f"status {self.status}, {kind}: {words}"


class _Session(requests.Session):
    """Keeps no cookie and follows no redirect. requests reads all of a redirect's body even where it does not follow."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # a proxy of the machine is none of the way between the two services
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


def new_session() -> requests.Session:
    """Send with `stream=True` and an `Accept-Encoding` of `identity`, then `read`."""
    return _Session()


def words_of(error: BaseException) -> str:
    """Why there is no answer: the class of a fault, or the text of Unreadable."""
    return str(error) if isinstance(error, Unreadable) else type(error).__name__


def read(response: requests.Response, largest: int = LARGEST, within_s: float = WITHIN_S) -> HttpAnswer:
    """The whole answer to a request that was sent with `stream=True`; Unreadable if it cannot be had. Only a connection that was
    read to the end of the answer serves the next request."""
    body, until = bytearray(), time.monotonic() + within_s
    try:
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            raise Unreadable(response, f"Content-Encoding {in_one_line(encoding, _WORDS)}, not asked for")
        while piece := response.raw.read1(_PIECE):
            body += piece
            if len(body) > largest:
                raise Unreadable(response, f"more than {largest} bytes")
            if time.monotonic() > until:
                raise Unreadable(response, f"no whole answer within {within_s:.0f} s")
        if (left := getattr(response.raw, "length_remaining", None)) not in (None, 0):
            raise Unreadable(response, f"{left} bytes are missing")
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        response.close()
        raise Unreadable(response, f"cut off: {type(error).__name__}") from error
    except Unreadable:
        response.close()
        raise
    return HttpAnswer(response.status_code, response.headers, bytes(body))


def is_uuid(value: Any) -> bool:
    """Whether it is the text of a UUID, in the usual form."""
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False


def in_one_line(text: str, longest: int) -> str:
    """Its beginning, without line breaks and what cannot be printed."""
    words = " ".join(text[: 4 * longest].split())
    return "".join(char if char.isprintable() else "?" for char in words)[:longest]
