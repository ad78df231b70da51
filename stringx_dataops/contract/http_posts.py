"""Posting to another service: a kept connection per thread, an answer read with bounds, and the wait that the answer asks for."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import requests

from stringx_dataops.contract import http_answers
from stringx_dataops.contract.http_answers import HttpAnswer

TOO_LARGE = 413  # a proxy between the services may say so too, without a problem document


@dataclass(frozen=True)
class Limits:
    """How long a post may take, in seconds, and how large its answer may be, in bytes."""

    connect_s: float
    read_s: float  # until the answer begins
    body_s: float  # from there to its end
    largest: int = http_answers.LARGEST

    @property
    def together_s(self) -> float:
        """The longest that one post takes; the lease of a message is longer."""
        return self.connect_s + self.read_s + self.body_s


class Poster:
    """Posts with a key, or without one. `resends`: post once more if the service has closed the kept connection; only for posts
    that may arrive twice."""

    def __init__(self, key: str | None, limits: Limits, *, resends: bool = False) -> None:
        self._headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key is not None else {})
        self._limits, self._resends = limits, resends
        self._kept = threading.local()

    def post(
        self, url: str, *, data: bytes | None = None, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """The whole answer, whatever its status. One of `http_answers.FAULTS` if there is none: Unreadable if only the body of
        the answer is missing, else an error of the connection."""
        if not hasattr(self._kept, "session"):
            self._kept.session = http_answers.new_session()
        send = partial(
            self._kept.session.post, url, data=data, json=json, headers={**self._headers, **(headers or {})}, stream=True,
            timeout=(self._limits.connect_s, self._limits.read_s),
        )  # fmt: skip
        try:
            response: requests.Response = send()
        except (requests.ConnectTimeout, requests.ReadTimeout):
            raise
        except requests.ConnectionError:
            if not self._resends:
                raise
            response = send()
        return http_answers.read(response, self._limits.largest, self._limits.body_s)


def retry_after_s(header: str | None, longest_s: float, now: datetime | None = None) -> float | None:
    """The wait that a Retry-After header asks for, at most `longest_s`: its seconds, or, if `now` is given, the time until its
    date. None if there is no header, or it is neither."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), longest_s)
    try:
        return min(max(0.0, (parsedate_to_datetime(text) - now).total_seconds()), longest_s) if text and now else None
    except (ValueError, TypeError, OverflowError):
        return None
