"""Reads the bodies of requests, and makes JSON responses."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl

from flask import Response, g, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

from stringx_dataops.contract.documents.reading import MAX_BODY_BYTES, MAX_STREAM_BYTES, read_json
from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.messages.sizes import MAX_RESULT_BYTES
from stringx_dataops.contract.problems import Invalid, Malformed, TooLarge, Unavailable, UnsupportedMediaType
from web.connections import SMALL_BODY

MAX_RAW_BYTES = 2 * MAX_RESULT_BYTES  # of a posted result; twice this release's limit, because another release may send more
MOST_BYTES = max(MAX_RAW_BYTES, MAX_STREAM_BYTES)  # of any body
MAX_RAW_NODES = MAX_RAW_BYTES // 2  # a JSON value takes at least two bytes; the sender limits only the bytes
_PIECE = 64 * 1024
_MOST_FIELDS = 100  # of a form
_READ_S = 120
_READERS = threading.BoundedSemaphore(16)  # half of a service's threads, so that long bodies never occupy all of them
_READER_S = 0.5  # how long a request waits for one of these places
_JSON = ("application/json",)
_YAML = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")


def json_body() -> Any:
    """Return the JSON value of the body. Raises UnsupportedMediaType, TooLarge, Malformed or Invalid."""
    _require_type(*_JSON)
    return read_json(_bytes())


def document_body() -> Any:
    """Return the one document of the body, JSON or YAML by its Content-Type. Raises the same errors as `json_body`."""
    _require_type(*_JSON, *_YAML)
    if request.mimetype in _JSON:
        return read_json(_bytes())
    documents = read_yaml(_bytes())
    if len(documents) != 1:
        raise Malformed(f"the body holds {len(documents)} YAML documents; send exactly one")
    return documents[0]


def document_stream(most_bytes: int = MAX_STREAM_BYTES) -> list[Any]:
    """Return all documents of the body: a YAML stream (up to `most_bytes`), a JSON list, or one JSON document.

    Raises the same errors as `json_body`.
    """
    _require_type(*_JSON, *_YAML)
    if request.mimetype in _YAML:
        return read_yaml(_bytes(most_bytes))
    value = read_json(_bytes())
    return value if isinstance(value, list) else [value]


def raw_body() -> bytes:
    """Return the bytes as they were sent, up to MAX_RAW_BYTES, because a signature covers them. Raises TooLarge or Malformed."""
    return _bytes(MAX_RAW_BYTES)


def form_body(limit: int) -> dict[str, str]:
    """Return the fields of an HTML form of at most `limit` bytes; of those with the same name the last. Raises TooLarge or
    Malformed."""
    try:
        fields = parse_qsl(_bytes(limit).decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise Malformed("the form is not URL-encoded UTF-8, or has too many fields; open the page again") from error
    return dict(fields)


def discard() -> None:
    """Read and drop a body that the endpoint does not need. Raises Malformed if it ends early, as for every other body."""
    if request.content_length or "Transfer-Encoding" in request.headers:
        g.said_more = _read(MAX_BODY_BYTES).strip() not in (b"", b"{}")


def require_no_body(instead: str) -> None:
    """Refuse a request whose body said something that was dropped. Raises Invalid with `instead`."""
    if g.get("said_more"):
        raise Invalid(instead)


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON response: compact, and with non-ASCII characters as UTF-8."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Response(body, status, headers, content_type="application/json")


def unless_known(response: Response, etag: str) -> Response:
    """With this ETag; 304 without a body to whoever has it already. If-Match means nothing of what nobody changes: no 412."""
    response.set_etag(etag)
    if "If-Match" not in request.headers:
        response.make_conditional(request)
    return response


def accepted(value: Any, location: str, *, has_ended: bool, replayed: bool) -> Response:
    """What was asked for, which is at `location` from now on: 200 if it has ended, else 202. `replayed`: an earlier request has
    asked for it."""
    headers = {"Location": location} | ({"Idempotent-Replayed": "true"} if replayed else {})
    return answer(value, 200 if has_ended else 202, headers)


def _require_type(*accepted: str) -> None:
    if request.mimetype not in accepted:
        given = f"is {request.mimetype}" if request.mimetype else "is missing"
        raise UnsupportedMediaType(f"Content-Type {given}; send {' or '.join(accepted[:2])}")


def _bytes(limit: int = MAX_BODY_BYTES) -> bytes:
    encodings = [part.strip().lower() for part in request.headers.get("Content-Encoding", "").split(",")]
    if any(encoding not in ("", "identity") for encoding in encodings):
        given = request.headers["Content-Encoding"]
        raise UnsupportedMediaType(f"Content-Encoding is {given}; send the body without an encoding")
    return _read(limit)


def _read(limit: int) -> bytes:
    """Return the whole body. Raises TooLarge beyond `limit` bytes, Malformed if the connection ended before the body did."""
    declared = request.content_length  # None if the body is chunked; gunicorn refuses a request with both headers
    if declared is not None and declared > limit:
        raise TooLarge(f"the body is over {limit // 1024} KiB; send less")
    data = bytearray()
    try:
        with _within(_READ_S):
            while len(data) <= limit and (piece := request.stream.read(min(_PIECE, limit + 1 - len(data)))):
                data += piece
    except (OSError, ClientDisconnected, ParseException) as error:
        raise Malformed("the body ended before it was complete, or its chunks are malformed; send it again, whole") from error
    if len(data) > limit:
        raise TooLarge(f"the body is over {limit // 1024} KiB; send less")
    if declared is not None and len(data) < declared:
        raise Malformed(f"the body ended before it was complete: {len(data)} of {declared} bytes came; send it again, whole")
    return bytes(data)


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """End reading from the client after so many seconds, so that a body sent in drips does not hold its thread.

    Short bodies are exempt: they were complete before the thread got the request. Raises Unavailable if all places for
    readers of long bodies are taken.
    """
    client, declared = request.environ.get("gunicorn.socket"), request.content_length
    if client is None or (declared is not None and declared <= SMALL_BODY):
        yield
        return
    if not _READERS.acquire(timeout=_READER_S):
        raise Unavailable("too many long bodies are being read; try again")

    def stop_reading() -> None:
        with suppress(OSError):  # the connection has ended already
            client.shutdown(socket.SHUT_RD)

    try:
        end = threading.Timer(seconds, stop_reading)
        end.daemon = True
        end.start()
        try:
            yield
        finally:
            end.cancel()
    finally:
        _READERS.release()
