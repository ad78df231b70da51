"""A client of S3 that lists, looks at and reads objects, and nothing else. It talks to one server, follows no redirect, uses no
proxy, and reads an object only as it was when it was looked at. Workers list with it, and the processes of checks read.
"""

import os
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import certifi
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from api.engine.s3_deadline import POOLS, Deadline
from api.engine.s3_faults import Replaced, StorageFault, refusal, tree
from api.engine.s3_signing import Keys, quoted_path, quoted_query, signed

_CONNECT_S, _READ_S = 10.0, 30.0  # for a connection, and until the next bytes come
_LONGEST_S = 120.0  # for an answer, with what is sent again, where nothing else ends it
_SLOWEST = 16 * 1024  # bytes per second: an answer that is read may take longer by as much as it holds
_PAUSES_S = (0.2, 1.0)  # before a request that failed on its way is sent again
_AGAIN = (429, 500, 502, 503, 504)
_MOST_LIST_BYTES = 8 * 1024 * 1024  # of one answer with up to 1,000 names
_MOST_WORDS = 64 * 1024  # bytes of a refusal
_PAGE = 1000
_CONNECTIONS = 300  # that are kept: DuckDB has up to 256 threads
_PART_BYTES = 256 * 1024
_LONGEST_TAG = 200
_WAY = "correct s3.endpoint of the target, or the firewall"
_TOO_LONG = "the storage took too long; name fewer or smaller folders, or check again later"


@dataclass(frozen=True)
class State:
    """What is known of an object at one moment. As long as the tag is the same, so is what it holds."""

    tag: str
    size: int
    modified: str

    @classmethod
    def of(cls, headers: Mapping[str, str], size: int) -> "State":
        """As an answer says it."""
        return cls(headers.get("etag", ""), size, headers.get("last-modified", ""))


@dataclass(frozen=True)
class Page:
    """A part of a list: keys, prefixes that end with the delimiter, and what asks for the next part."""

    keys: list[str]
    folders: list[str]
    next: str | None


class Client:
    """Of one server. May be used by several threads. `keys` are None for what everybody may read."""

    def __init__(self, endpoint: str | None, region: str, keys: Keys | None, until: float | None = None) -> None:
        """`endpoint` is None for AWS; at `until`, of time.monotonic(), what is asked ends."""
        self._endpoint, self._region, self._keys, self._until = endpoint, region, keys, until
        self._pool = urllib3.PoolManager(maxsize=_CONNECTIONS, ssl_context=_trusting(), cert_reqs="CERT_REQUIRED")
        self._pool.pool_classes_by_scheme = POOLS

    def close(self) -> None:
        """Ends its connections."""
        self._pool.clear()

    def look(self, bucket: str, key: str) -> State:
        """The state of an object. Raises Missing and other faults."""
        place = f"s3://{bucket}/{key}"
        try:
            with self._answer("HEAD", bucket, key, place) as answer:
                return _state(answer.headers, place)
        except StorageFault:
            # An answer to HEAD has no words; that to a request for the first byte says why.
            with self._answer("GET", bucket, key, place, headers={"range": "bytes=0-0"}) as answer:
                answer.read(1)
            raise

    def read(self, bucket: str, key: str, start: int, length: int, state: State) -> bytes:
        """`length` bytes from `start` on, of the object as it was. Raises Replaced if it is another one, and other faults."""
        place = f"s3://{bucket}/{key}"
        wanted = {"range": f"bytes={start}-{start + length - 1}", "if-match": state.tag}
        for pause in (*_PAUSES_S, None):
            with self._answer("GET", bucket, key, place, headers=wanted, length=length) as answer:
                if answer.status != 206:
                    raise StorageFault(f"{place}: the storage does not read parts of objects; correct s3.endpoint")
                # Not every storage takes tag and bytes from one moment.
                part = f"bytes {start}-{start + length - 1}/{state.size}"
                if (answer.headers.get("content-range"), State.of(answer.headers, state.size)) != (part, state):
                    raise Replaced(f"{place}: it was replaced while it was read")
                try:
                    data: bytes = answer.read(length, decode_content=False)
                except (HTTPError, OSError) as error:
                    data, fault = b"", _on_the_way(place, error)
                else:
                    fault = StorageFault(f"{place}: the storage ended its answer too early")
            if len(data) == length:
                return data
            if pause is None:
                raise fault
            time.sleep(pause)
        raise AssertionError

    def page(self, bucket: str, prefix: str, after: str | None) -> Page:
        """Up to 1,000 names that begin with the prefix, down to the next slash. `after` is the `next` of the page before."""
        place = f"s3://{bucket}/{prefix}"
        query = {"list-type": "2", "prefix": prefix, "delimiter": "/", "max-keys": str(_PAGE)}
        if after is not None:
            query["continuation-token"] = after
        with self._answer("GET", bucket, "", place, query) as answer:
            body = self._all_of(answer, place)
        try:
            return _page(body)
        except ValueError as error:
            raise StorageFault(f"{place}: the answer is no list of objects; correct s3.endpoint of the target") from error

    def _all_of(self, answer: urllib3.BaseHTTPResponse, place: str) -> bytes:
        """The body of a list, or a byte more than one may have."""
        body = b""
        try:
            while len(body) <= _MOST_LIST_BYTES and (part := answer.read(_PART_BYTES, decode_content=False)):
                body += part
        except HTTPError as error:
            raise _on_the_way(place, error) from error
        return body

    @contextmanager
    def _answer(
        self,
        method: str,
        bucket: str,
        key: str,
        place: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        length: int = 0,
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """A successful answer, whose body, of about `length` bytes, is to be read. Its connection is used again if all was."""
        seconds = _LONGEST_S + length / _SLOWEST if self._until is None else self._until - time.monotonic()
        answer: urllib3.BaseHTTPResponse | None = None
        try:
            with Deadline(seconds, f"{place}: {_TOO_LONG}") as deadline:
                answer = self._sent(method, bucket, key, place, quoted_query(query or {}), headers or {}, deadline)
                if answer.status not in (200, 206):
                    raise refusal(place, answer.status, answer.headers, _words(answer))
                yield answer
        finally:
            if answer is not None and (answer.length_remaining == 0 or method == "HEAD"):
                answer.release_conn()
            elif answer is not None:
                answer.close()

    def _sent(
        self, method: str, bucket: str, key: str, place: str, query: str, headers: Mapping[str, str], deadline: Deadline
    ) -> urllib3.BaseHTTPResponse:
        """The first answer that is not about the moment, or the last one."""
        scheme, host, path = self._address(bucket, key)
        url = f"{scheme}://{host}{path}" + (f"?{query}" if query else "")
        for pause in (*_PAUSES_S, None):
            left = deadline.left()
            sent = {**headers, "host": host}
            if self._keys is not None:
                sent = signed(method, host, path, query, headers, self._region, self._keys, datetime.now(UTC))
            try:
                answer = self._pool.urlopen(
                    method,
                    url,
                    headers={**sent, "accept-encoding": "identity"},
                    redirect=False,
                    retries=False,
                    preload_content=False,
                    timeout=urllib3.Timeout(connect=min(_CONNECT_S, left), read=min(_READ_S, left)),
                )
            except HTTPError as error:
                if pause is None:
                    raise _on_the_way(place, error) from error
            else:
                if answer.status not in _AGAIN or pause is None:
                    return answer
                answer.close()
            time.sleep(pause)
        raise AssertionError

    def _address(self, bucket: str, key: str) -> tuple[str, str, str]:
        """Scheme, host and quoted path. AWS names a bucket in the host; a certificate has no name for one with a dot."""
        if self._endpoint is not None:
            scheme, _, host = self._endpoint.partition("://")
            return scheme, host, quoted_path(f"/{bucket}/{key}" if key else f"/{bucket}")
        server = f"s3.{self._region}.amazonaws.com" + (".cn" if self._region.startswith("cn-") else "")
        if "." in bucket:
            return "https", server, quoted_path(f"/{bucket}/{key}" if key else f"/{bucket}")
        return "https", f"{bucket}.{server}", quoted_path(f"/{key}")


def _trusting() -> ssl.SSLContext:
    """Trusts the authorities of the system, or of SSL_CERT_FILE; where the system has none those of certifi."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not any(path is not None and os.path.exists(path) for path in (paths.cafile, paths.capath)):
        context.load_verify_locations(certifi.where())
    return context


def _state(headers: Mapping[str, str], place: str) -> State:
    size = headers.get("content-length", "")
    state = State.of(headers, int(size) if size.isascii() and size.isdigit() else -1)
    if not (0 < len(state.tag) <= _LONGEST_TAG and state.tag.isascii() and state.tag.isprintable()) or state.size < 0:
        raise StorageFault(f"{place}: the storage names no ETag or no size, so a change could go unseen; correct s3.endpoint")
    return state


def _page(body: bytes) -> Page:
    """From the answer to ListObjectsV2. ValueError if it is something else."""
    root = tree(body) if len(body) <= _MOST_LIST_BYTES else None
    if root is None or _name(root) != "ListBucketResult":
        raise ValueError("no list")
    keys: list[str] = []
    folders: list[str] = []
    said: dict[str, str] = {}
    for each in root:
        if (kind := _name(each)) in ("Contents", "CommonPrefixes"):
            texts = [part.text or "" for part in each if _name(part) == ("Key" if kind == "Contents" else "Prefix")]
            (keys if kind == "Contents" else folders).extend(texts)
        else:
            said[kind] = each.text or ""
    is_cut = said.get("IsTruncated", "").strip() == "true"
    if not is_cut and said.get("IsTruncated", "").strip() != "false":
        raise ValueError("a list that does not say whether it goes on")
    if is_cut != bool(said.get("NextContinuationToken")):
        raise ValueError("a list that does not say how it goes on")
    return Page(keys, folders, said["NextContinuationToken"] if is_cut else None)


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _words(answer: urllib3.BaseHTTPResponse) -> bytes:
    try:
        return answer.read(_MOST_WORDS, decode_content=False)
    except (HTTPError, OSError):
        return b""


def _on_the_way(place: str, error: Exception) -> StorageFault:
    """The fault of a request without an answer."""
    match error:
        case NameResolutionError():
            words = "the server of the storage is unknown (no such host); correct s3.endpoint or s3.region of the target"
        case NewConnectionError():
            words = f"the storage is unreachable (nothing listens, or there is no route); {_WAY}"
        case ConnectTimeoutError() | ReadTimeoutError():
            words = f"the storage did not answer in time; {_WAY}"
        case SSLError() if "CERTIFICATE_VERIFY_FAILED" not in str(error):
            words = "the storage and the workers cannot agree on TLS; correct s3.endpoint of the target"
        case SSLError():
            words = "the certificate of the storage is not trusted; set SSL_CERT_FILE of the workers to the file of its authority"
        case _:
            words = f"the connection to the storage failed ({type(error).__name__}); check again later"
    return StorageFault(f"{place}: {words}")
