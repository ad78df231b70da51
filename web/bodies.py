"""Reading bodies and answering JSON."""

import json
from typing import Any

from flask import Response, request

from contract.documents import MAX_BODY_BYTES, MAX_STREAM_BYTES, read_json, read_yaml
from contract.problems import Malformed, TooLarge, UnsupportedMediaType

_JSON = ("application/json",)
_YAML = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")


def json_body() -> Any:
    """The JSON value of the request; refused where it is no JSON, too large, or declared as something else."""
    _require_type(*_JSON)
    return read_json(_bytes())


def document_body() -> Any:
    """One document, as JSON or YAML by its Content-Type."""
    _require_type(*_JSON, *_YAML)
    if request.mimetype in _JSON:
        return read_json(_bytes())
    documents = read_yaml(_bytes())
    if len(documents) != 1:
        raise Malformed(f"the body holds {len(documents)} YAML documents; send exactly one")
    return documents[0]


def document_stream() -> list[Any]:
    """All documents of a YAML stream, which may be larger than other bodies; a JSON body is one document, or a list of them."""
    _require_type(*_JSON, *_YAML)
    if request.mimetype in _YAML:
        return read_yaml(_bytes(MAX_STREAM_BYTES))
    value = read_json(_bytes())
    return value if isinstance(value, list) else [value]


def raw_body() -> bytes:
    """The bytes, for a signature."""
    return _bytes(limit=64 * MAX_BODY_BYTES)


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Response(body, status, headers, content_type="application/json")


def _require_type(*accepted: str) -> None:
    if request.mimetype not in accepted:
        given = f"is {request.mimetype}" if request.mimetype else "is missing"
        raise UnsupportedMediaType(f"Content-Type {given}; send {' or '.join(accepted[:2])}")


def _bytes(limit: int = MAX_BODY_BYTES) -> bytes:
    if request.content_length is not None and request.content_length > limit:
        raise TooLarge(f"the body is over {limit // 1024} KiB; send less")
    data = request.stream.read(limit + 1)
    if len(data) > limit:
        raise TooLarge(f"the body is over {limit // 1024} KiB; send less")
    return data
