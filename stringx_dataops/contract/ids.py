"""Identifiers made here: UUIDv7 (RFC 9562), so that ids sort by the time they were made."""

from uuid_utils import uuid7


def new_id() -> str:
    return str(uuid7())
