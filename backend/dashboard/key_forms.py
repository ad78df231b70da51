"""The forms of keys: one to be made, and how long the secret before a rotation stays valid. And a key as a row of their list."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, assert_never

from stringx_dataops.contract.keys import OWNER, SCOPES, SERVICE, KeyScope
from stringx_dataops.contract.messages.keys import DEFAULT_OVERLAP, KeyItem
from stringx_dataops.contract.problems import StringXError

LIVES = (("7d", "7 days"), ("30d", "30 days"), ("90d", "90 days"), ("365d", "1 year"), ("", "never"))
OVERLAPS = (("0s", "at once"), ("1h", "in 1 hour"), (DEFAULT_OVERLAP, "in 24 hours"), ("7d", "in 7 days"), ("30d", "in 30 days"))
_SOON = timedelta(days=7)
_DEFAULT_LIFE = "90d"
_FIELDS = ("name", "scopes", "targets", "expires_in")


def scope_words(scope: KeyScope) -> str:
    """What a scope is for."""
    match scope:
        case "read":
            return "see tables, gates, results and history"
        case "trigger":
            return "ask for checks and cancel them"
        case "samples":
            return "see rows that rules found"
        case "configure":
            return "change rules, try them"
        case "results":
            return "post results, as DataOps does"
        case "admin":
            return "change targets, make keys, read the audit log"
        case _:
            assert_never(scope)


@dataclass(frozen=True)
class KeyForm:
    """The form of a new key as it was filled in. `faults` by field; of no single field under the empty name."""

    name: str = ""
    scopes: Collection[str] = ("read",)
    is_limited: bool = False
    targets: Collection[str] = ()
    expires_in: str = _DEFAULT_LIFE
    faults: Mapping[str, str] = field(default_factory=dict)
    status: int = 200

    def asked(self) -> dict[str, Any]:
        """As the body of `POST /api/v1/keys` has it."""
        limits = {"targets": list(self.targets)} if self.is_limited else {}
        life = {"expires_in": self.expires_in} if self.expires_in else {}
        return {"name": self.name, "scopes": list(self.scopes), **limits, **life}

    def refused(self, error: StringXError) -> "KeyForm":
        """The same with the faults of an error."""
        faults: dict[str, str] = {}
        for each in error.errors:
            name = each.pointer.split("/")[1] if each.pointer.startswith("/") else ""
            faults.setdefault(name if name in _FIELDS else "", each.message)
        faults = faults or {"": error.detail}
        return KeyForm(self.name, self.scopes, self.is_limited, self.targets, self.expires_in, faults, error.status)


def grantable(scopes: Collection[str]) -> list[tuple[KeyScope, str]]:
    """The scopes that somebody with these may give to a key, each with what it is for."""
    return [(scope, scope_words(scope)) for scope in SCOPES if scope in scopes]


@dataclass(frozen=True)
class KeyRow:
    """A key as a row. `state` is valid, expired or revoked; `is_short`: it ends within a week; `has_old_secret`: the
    secret before its rotation is valid, too."""

    key: KeyItem
    state: str
    is_short: bool
    has_old_secret: bool
    may_rotate: bool
    may_revoke: bool


def rows(keys: Sequence[KeyItem], now: datetime) -> list[KeyRow]:
    """Each key as a row."""
    return [_row(key, now) for key in keys]


def _row(key: KeyItem, now: datetime) -> KeyRow:
    state = "revoked" if key.revoked_at else "expired" if key.expires_at and key.expires_at <= now else "valid"
    is_valid = state == "valid"
    return KeyRow(
        key,
        state,
        is_short=is_valid and key.expires_at is not None and key.expires_at - now < _SOON,
        has_old_secret=is_valid and key.previous_until is not None and key.previous_until > now,
        may_rotate=is_valid and key.name not in (OWNER, SERVICE),
        may_revoke=is_valid and key.name != SERVICE,
    )
