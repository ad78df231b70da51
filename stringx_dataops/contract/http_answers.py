"""The answer of another program over HTTP, as the services ask each other: read with a bound in size and time, whatever comes."""

import time
from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3

from stringx_dataops.contract.http_content import HttpAnswer, Unreadable, in_one_line, is_uuid

__all__ = [
    "FAULTS",
    "LARGEST",
    "WITHIN_S",
    "HttpAnswer",
    "Unreadable",
    "in_one_line",
    "is_uuid",
    "new_session",
    "read",
    "read_raw",
    "words_of",
]

LARGEST = 16 * 1024 * 1024  # bytes: more than an answer with a whole result has
WITHIN_S = 10.0  # for the body, once its header is there
_PIECE = 64 * 1024
_WORDS = 80  # characters of an encoding that an error quotes
FAULTS = (requests.RequestException, urllib3.exceptions.HTTPError, Unreadable, OSError, ValueError)  # of a post and its answer


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
    return _read(response.status_code, response.headers, response.raw, response.close, largest, within_s)


def read_raw(response: urllib3.BaseHTTPResponse, largest: int = LARGEST, within_s: float = WITHIN_S) -> HttpAnswer:
    """The same of a request that urllib3 has sent, with `preload_content=False`."""
    return _read(response.status, response.headers, response, response.close, largest, within_s)


def _read(
    status: int, headers: Mapping[str, str], raw: Any, close: Callable[[], None], largest: int, within_s: float
) -> HttpAnswer:
    body, until = bytearray(), time.monotonic() + within_s
    try:
        encoding = headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            raise Unreadable(status, headers, f"Content-Encoding {in_one_line(encoding, _WORDS)}, not asked for")
        while piece := raw.read1(_PIECE):
            body += piece
            if len(body) > largest:
                raise Unreadable(status, headers, f"more than {largest} bytes")
            if time.monotonic() > until:
                raise Unreadable(status, headers, f"no whole answer within {within_s:.0f} s")
        if (left := getattr(raw, "length_remaining", None)) not in (None, 0):
            raise Unreadable(status, headers, f"{left} bytes are missing")
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        close()
        raise Unreadable(status, headers, f"cut off: {type(error).__name__}") from error
    except Unreadable:
        close()
        raise
    return HttpAnswer(status, headers, bytes(body))
