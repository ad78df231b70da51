"""Posting to another service: a kept connection per thread, an answer read with bounds, and the wait that the answer asks for."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial

import requests
import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import exceptions

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
    that may arrive twice. It follows no redirect, keeps no cookie, and goes by no proxy of the machine. urllib3 itself posts, in
    half of the processor time that requests takes; its faults are named as those of requests."""

    def __init__(self, key: str | None, limits: Limits, *, resends: bool = False) -> None:
        self._headers = {"Accept-Encoding": "identity", "Accept": "*/*"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        self._limits, self._resends = limits, resends
        self._timeout = urllib3.Timeout(connect=limits.connect_s, read=limits.read_s)
        self._kept = threading.local()

    def post(self, url: str, *, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """The whole answer, whatever its status. One of `http_answers.FAULTS` if there is none: Unreadable if only the body of
        the answer is missing, else an error of the connection."""
        if not hasattr(self._kept, "pools"):
            self._kept.pools = urllib3.PoolManager(
                num_pools=4, maxsize=1, cert_reqs="CERT_REQUIRED", ca_certs=DEFAULT_CA_BUNDLE_PATH
            )
        send = partial(self._send, self._kept.pools, url, data, {**self._headers, **(headers or {})})
        try:
            response = send()
        except (requests.ConnectTimeout, requests.ReadTimeout):
            raise
        except requests.ConnectionError:
            if not self._resends:
                raise
            response = send()
        return http_answers.read_raw(response, self._limits.largest, self._limits.body_s)

    def _send(
        self, pools: urllib3.PoolManager, url: str, data: bytes | None, headers: Mapping[str, str]
    ) -> urllib3.BaseHTTPResponse:
        try:
            return pools.urlopen(
                "POST", url, body=data, headers=headers, timeout=self._timeout, retries=False, redirect=False,
                preload_content=False, decode_content=False,
            )  # fmt: skip
        except exceptions.NewConnectionError as error:
            raise requests.ConnectionError(str(error)) from error
        except exceptions.ConnectTimeoutError as error:
            raise requests.ConnectTimeout(str(error)) from error
        except exceptions.ReadTimeoutError as error:
            raise requests.ReadTimeout(str(error)) from error
        except (exceptions.LocationValueError, exceptions.URLSchemeUnknown) as error:
            raise requests.exceptions.InvalidURL(str(error)) from error
        except exceptions.SSLError as error:
            raise requests.exceptions.SSLError(str(error)) from error
        except (exceptions.HTTPError, OSError) as error:
            raise requests.ConnectionError(str(error)) from error


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
