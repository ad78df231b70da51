"""API keys: their form, their names, their scopes, and the hash that is stored."""

import hashlib
import re
import secrets
import string
from typing import Literal, get_args

KeyScope = Literal["trigger", "read", "samples", "configure", "results", "admin"]
SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)
SERVICE_SCOPES: tuple[KeyScope, ...] = ("trigger", "read", "results", "configure")  # configure: it sends trials
OWNER, SERVICE = "api-key", "service-key"  # names of the keys that the first start makes; each lies in a file of its name
UNKNOWN = "unknown"  # who was refused, in the audit log
ITSELF, UPGRADE = "stringx", "upgrade"  # who did what time or an upgrade brings
# No key has one of these names, in whatever case; kafka stands where a key would, in what messages have asked for.
RESERVED = frozenset({OWNER, SERVICE, UNKNOWN, ITSELF, UPGRADE, "kafka"})
_PUBLIC = 8  # letters
_FORM = re.compile(rf"(sx_[a-z]{{{_PUBLIC}}})_\S+")


def new_key() -> str:
    """A key with 256 random bits behind a public part: sx_<8 letters>_<secret>."""
    public = "".join(secrets.choice(string.ascii_lowercase) for _ in range(_PUBLIC))
    return f"sx_{public}_{secrets.token_urlsafe(32)}"


def prefix_of(key: str) -> str | None:
    """The public part, sx_ included; None for keys of another form, which are valid too."""
    found = _FORM.fullmatch(key)
    return found[1] if found else None


def hash_key(key: str) -> bytes:
    """The hash of a key. Plain SHA-256 suffices, because keys are random and cannot be guessed."""
    return hashlib.sha256(key.encode()).digest()


def stored_hash(key: str, *, is_limited: bool) -> bytes:
    """What is stored of a key; `stringx.valid_keys` (0023_keys.sql) finds it, and says why limited keys are hashed twice."""
    once = hash_key(key)
    return hashlib.sha256(once).digest() if is_limited else once
