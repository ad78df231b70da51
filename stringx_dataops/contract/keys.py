"""API keys: how they look and what they may do."""

import hashlib
import secrets
from typing import Literal, get_args

KeyScope = Literal["trigger", "read", "configure", "results", "admin"]
SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)
SERVICE_SCOPES: tuple[KeyScope, ...] = ("trigger", "read", "results")


def new_key() -> str:
    """A key of 256 random bits, recognisable in a leak by its prefix."""
    return "sx_" + secrets.token_urlsafe(32)


def hash_key(key: str) -> bytes:
    """What is stored; a key has full entropy, so that a plain SHA-256 cannot be reversed."""
    return hashlib.sha256(key.encode()).digest()
