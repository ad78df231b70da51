"""Makes, lists, rotates and revokes keys, for HTTP and for the dashboard. Every function needs a caller with the scope `admin`
and without limits."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from database import audit, configuration
from database.configuration import Refusals
from database.keys import Caller
from database.pool import Cursor, Database, Row
from database.queries import load_queries
from stringx_dataops.contract.documents.fields import did_you_mean
from stringx_dataops.contract.keys import OWNER, SERVICE, new_key, prefix_of, stored_hash
from stringx_dataops.contract.messages.audit import subject
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.keys import KeyItem, MadeKey, NewKey
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages
from stringx_dataops.contract.messages.requesters import cleaned
from stringx_dataops.contract.problems import Conflict, FieldError, Forbidden, NotFound, invalid

SQL = load_queries(Path(__file__).with_suffix(".sql"))
PAGES = Pages("keys")  # positions: the name of a key
_LOCK = 7_418_205_335  # an arbitrary number for an advisory lock: keys change one at a time


def create(database: Database, caller: Caller, asked: NewKey) -> MadeKey:
    """Make a key. Invalid for a target that is not configured, or for targets of a key that administers; Forbidden for a scope
    that the caller lacks; Conflict if a valid key has the name."""
    _require_admin(caller)
    if asked.targets is not None and "admin" in asked.scopes:
        raise invalid([FieldError("/targets", "go with every scope but admin, which is about all targets; leave one out")])
    _require_scopes(caller, asked.scopes)
    key = new_key()
    with database.transaction() as cursor:
        _lock(cursor)
        known = configuration.target_names(cursor)
        unknown = [(index, target) for index, target in enumerate(asked.targets or ()) if target not in known]
        if unknown:
            advice = "configure it first"
            raise invalid(
                [FieldError(f"/targets/{index}", Refusals(cursor).target(name, advice).detail) for index, name in unknown]
            )
        written = {
            "name": asked.name,
            "key_hash": stored_hash(key, is_limited=asked.targets is not None),
            "scopes": asked.scopes,
            "prefix": prefix_of(key),
            "targets": asked.targets,
            "created_by": cleaned(caller.name),
            "life_s": asked.life_s,
        }
        row = cursor.one(SQL["create"], written)
        if row is None:
            raise Conflict(f"a key {asked.name} exists; choose another name, or revoke that key first")
        made = _made(row, key)
        details: dict[str, Any] = {"prefix": made.prefix, "scopes": made.scopes, "targets": made.targets}
        details |= {"expires_at": _moment(row["expires_at"])}
        audit.record(cursor, caller, "key.created", subject("key", asked.name), details)
    return made


def page(database: Database, caller: Caller, wanted: Page = FIRST) -> PageJson:
    """A page of keys by name, ended and revoked ones included; never the keys themselves."""
    _require_admin(caller)
    with database.transaction() as cursor:
        rows = cursor.all(SQL["list"], {"after": wanted.after[0] if wanted.after else None, "limit": wanted.limit + 1})
    return PAGES.answer(wanted, [((row["name"],), _item(row).model_dump(mode="json")) for row in rows])


def find(database: Database, caller: Caller, name: str) -> KeyItem:
    """The key of this name, also one that has ended. NotFound if there is none."""
    _require_admin(caller)
    with database.transaction() as cursor:
        return _item(_find(cursor, name))


def rotate(database: Database, caller: Caller, name: str, overlap_s: float) -> MadeKey:
    """Give a key a new secret; the one before stays valid for `overlap_s` seconds, and one before that ends. NotFound if there is
    no such key; Conflict for one that has ended, or whose secret is not kept here; Forbidden if it has a scope that the caller
    lacks."""
    _require_admin(caller)
    key = new_key()
    with database.transaction() as cursor:
        _lock(cursor)
        before = _find(cursor, name)
        if name in (OWNER, SERVICE):
            raise Conflict(f"the key {name} lies in a file, and is rotated there: docs/operations.md says how")
        if before["is_revoked"] or before["has_expired"]:
            how = "was revoked" if before["is_revoked"] else "has expired"
            raise Conflict(f"the key {name} {how}; make a new one, which may have its name")
        _require_scopes(caller, before["scopes"])
        hashed = stored_hash(key, is_limited=before["targets"] is not None)
        row = cursor.one(SQL["rotate"], {"name": name, "key_hash": hashed, "prefix": prefix_of(key), "overlap_s": overlap_s})
        assert row is not None  # it is locked
        details = {"prefix": row["prefix"], "before": before["prefix"], "previous_until": _moment(row["previous_until"])}
        audit.record(cursor, caller, "key.rotated", subject("key", name), details)
    return _made(row, key)


def revoke(database: Database, caller: Caller, name: str) -> None:
    """End a key from the next request on, and everybody who is signed in with it. One that was revoked before stays so. NotFound
    if there is no such key; Conflict for the services' key, and for the last one that administers without an end."""
    _require_admin(caller)
    with database.transaction() as cursor:
        _lock(cursor)
        before = _find(cursor, name)
        if before["is_revoked"]:
            return
        if name == SERVICE:
            raise Conflict(f"nothing runs without the key {name}, the services' own; docs/operations.md says how to rotate it")
        if "admin" in before["scopes"] and not before["has_expired"] and not _has_other_owner(cursor, name):
            raise Conflict(
                f"without the key {name} nobody could administer for good; make another key with the scope admin"
                " that does not expire first"
            )
        cursor.run(SQL["revoke"], {"name": name})
        audit.record(cursor, caller, "key.revoked", subject("key", name), {"prefix": before["prefix"]})


def _require_admin(caller: Caller) -> None:
    caller.require("admin")
    caller.require_unlimited()


def _require_scopes(caller: Caller, scopes: Sequence[str]) -> None:
    """Forbidden unless the caller has each of them: nobody gets a scope from a key that lacks it."""
    if lacking := [scope for scope in scopes if scope not in caller.scopes]:
        words = "scope" if len(lacking) == 1 else "scopes"
        raise Forbidden(f"{caller.described} lacks the {words} {', '.join(lacking)}, and so cannot give it to another")


def _lock(cursor: Cursor) -> None:
    """Until the transaction ends: two who revoke each other's key at once are two who do so one after the other."""
    cursor.run(SQL["lock"], {"lock": _LOCK})


def _find(cursor: Cursor, name: str) -> Row:
    row = cursor.one(SQL["find"], {"name": name})
    if row is None:
        hint = did_you_mean(name, [each["name"] for each in cursor.all(SQL["names"])])
        raise NotFound(f"there is no key {name[:100]}{hint or '; GET /api/v1/keys lists them'}")
    return row


def _has_other_owner(cursor: Cursor, name: str) -> bool:
    row = cursor.one(SQL["other_owners"], {"name": name})
    return row is not None and row["number"] > 0


def _item(row: Row) -> KeyItem:
    return KeyItem.model_validate({field: row[field] for field in KeyItem.model_fields})


def _made(row: Row, key: str) -> MadeKey:
    return MadeKey(**_item(row).model_dump(), key=key)


def _moment(value: datetime | None) -> str | None:
    return None if value is None else rfc3339(value)
