"""Parameters that several routes read: how long to wait, the idempotency key."""

from collections.abc import Mapping

from flask import request

from contract.checks import MAX_WAIT_S, CheckRequest
from contract.fields import parse_model
from contract.problems import FieldError, invalid


def wait_seconds(arguments: Mapping[str, str]) -> float:
    """`?wait=`, 0 where it is not given."""
    text = arguments.get("wait", "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_WAIT_S:  # NaN fails it too
        raise invalid([FieldError("/wait", f"is {text!r}; give seconds from 0 to {MAX_WAIT_S}")])
    return seconds


def idempotency_key(asked: CheckRequest) -> CheckRequest:
    """The request with the header `Idempotency-Key` as its request_id; Invalid where the two differ."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return asked
    if asked.request_id is not None and asked.request_id != key:
        raise invalid([FieldError("/request_id", "differs from the header Idempotency-Key; send one of them")])
    return parse_model(CheckRequest, asked.model_dump(by_alias=True) | {"request_id": key})
