"""Identifiers: UUIDv7 (RFC 9562), so that ids sort by the time at which they were made."""

import os
import time
from uuid import UUID

try:
    import uuid_utils  # counts up within a millisecond, too; installed with the services
except ImportError:
    uuid_utils = None  # type: ignore[assignment]


def new_id() -> str:
    """A new UUIDv7 in its usual text form, 36 characters."""
    return str(_uuid7() if uuid_utils is None else uuid_utils.uuid7())


def _uuid7() -> UUID:
    """RFC 9562, section 5.7: 48 bits of milliseconds since 1970, 74 random bits between version and variant."""
    number = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10), "big")
    return UUID(int=number & ~(0xF << 76 | 0b11 << 62) | 0x7 << 76 | 0b10 << 62)
