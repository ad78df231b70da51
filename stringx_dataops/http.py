"""HTTP for the client, with the standard library: what is installed elsewhere stays small, and starts fast."""

import http.client
import json
import os
import ssl
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from stringx_dataops.contract.http_content import HttpAnswer, Unreadable, in_one_line

FAULTS = (OSError, http.client.HTTPException, Unreadable, ValueError)  # of a request and its answer
_PIECE = 64 * 1024
_LARGEST_PROBLEM = 1 << 20


def send(
    method: str,
    url: str,
    *,
    timeout_s: float,
    largest: int,
    uses_proxies: bool,
    headers: Mapping[str, str],
    params: Mapping[str, Any] | None = None,
    json_body: Any = None,
    data: bytes | None = None,
) -> HttpAnswer:
    """The whole answer, whatever its status: no redirect is followed, no cookie kept, no ~/.netrc read. One of FAULTS if there is
    none. `timeout_s` holds for each step, and for the body as a whole."""
    query = urlencode(params or {}, doseq=True)
    sent = dict(headers)
    if json_body is not None:
        data = json.dumps(json_body, allow_nan=False).encode()
        sent["Content-Type"] = "application/json"
    request = urllib.request.Request(f"{url}?{query}" if query else url, data, sent, method=method)  # noqa: S310 - http or https
    with _opener(url, uses_proxies).open(request, timeout=timeout_s) as response:
        return _read(response, largest, timeout_s)


@contextmanager
def stream(
    method: str, url: str, *, timeout_s: float, uses_proxies: bool, headers: Mapping[str, str]
) -> Iterator[http.client.HTTPResponse | HttpAnswer]:
    """An answer of status 200 to be read piece by piece, each within `timeout_s`; every other answer as a whole. FAULTS as
    `send`, and of reading."""
    request = urllib.request.Request(url, None, dict(headers), method=method)  # noqa: S310 - http or https
    with _opener(url, uses_proxies).open(request, timeout=timeout_s) as response:
        yield response if response.status == HTTPStatus.OK else _read(response, _LARGEST_PROBLEM, timeout_s)


def _opener(url: str, uses_proxies: bool) -> urllib.request.OpenerDirector:
    """Without the handlers that raise for a status, follow redirects, and open files."""
    made = urllib.request.OpenerDirector()
    made.add_handler(urllib.request.ProxyHandler(_proxies() if uses_proxies else {}))
    made.add_handler(urllib.request.HTTPHandler())
    if urlsplit(url).scheme == "https":
        bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        found = ssl.create_default_context()
        if bundle:
            found.load_verify_locations(*((None, bundle) if os.path.isdir(bundle) else (bundle, None)))
        made.add_handler(urllib.request.HTTPSHandler(context=found))
    return made


def _proxies() -> dict[str, str]:
    """Those of the environment, ALL_PROXY where a scheme has none of its own. NO_PROXY is looked at with each request."""
    found = urllib.request.getproxies()
    return {scheme: address for scheme in ("http", "https") if (address := found.get(scheme) or found.get("all"))}


def _read(response: http.client.HTTPResponse, largest: int, within_s: float) -> HttpAnswer:
    status, left = response.status, response.length
    headers = cast(Mapping[str, str], response.headers)  # in whatever case a name is asked for
    encoding = headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise Unreadable(status, headers, f"Content-Encoding {in_one_line(encoding, 80)}, not asked for")
    body, until = bytearray(), time.monotonic() + within_s
    try:
        while (left is None or len(body) < left) and (piece := response.read1(_PIECE)):
            body += piece
            if len(body) > largest:
                raise Unreadable(status, headers, f"more than {largest} bytes")
            if time.monotonic() > until:
                raise Unreadable(status, headers, f"no whole answer within {within_s:.0f} s")
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise Unreadable(status, headers, f"cut off: {type(error).__name__}") from error
    if left is not None and len(body) < left:
        raise Unreadable(status, headers, f"{left - len(body)} bytes are missing")
    return HttpAnswer(status, headers, bytes(body))
