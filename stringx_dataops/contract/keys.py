"""API keys: their form, their scopes, and the hash that is stored."""

import hashlib
import secrets
from typing import Literal, get_args

KeyScope = Literal["trigger", "read", "samples", "configure", "results", "admin"]
SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)
SERVICE_SCOPES: tuple[KeyScope, ...] = ("trigger", "read", "results", "configure")  # configure: it sends trials


def new_key() -> str:
    """A key with 256 random bits; scanners can recognise a leaked key by its prefix."""
    return "sx_" + secrets.token_urlsafe(32)


def hash_key(key: str) -> bytes:
    """The hash that is stored. Plain SHA-256 suffices, because keys are random and cannot be guessed."""
    return hashlib.sha256(key.encode()).digest()
