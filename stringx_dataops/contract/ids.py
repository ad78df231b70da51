"""Identifiers: UUIDv7 (RFC 9562), so that ids sort by the time at which they were made."""

from uuid_utils import uuid7


def new_id() -> str:
    """A new UUIDv7 in its usual text form, 36 characters."""
    return str(uuid7())
