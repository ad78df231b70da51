"""Profiles as they are stored: tracked with their request, finished by its result, listed, looked up, deleted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from database import audit
from database.keys import is_seen, seen_targets
from database.pool import Cursor, Database, Row, json_value
from database.queries import load_queries
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.audit import subject
from stringx_dataops.contract.messages.checks import CheckResult, rfc3339
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages
from stringx_dataops.contract.messages.profiles import MAX_PROFILE_BYTES, MOST_PROFILES, Profile, ProfileSettings, ProfileView
from stringx_dataops.contract.messages.requesters import cleaned
from stringx_dataops.contract.problems import Conflict, NotFound

SQL = load_queries(Path(__file__).with_suffix(".sql"))
PAGES = Pages("profiles", texts=2)  # positions: created_at, id
FILTERS = ("target", "table")
_EVERY: dict[str, Any] = dict.fromkeys(("id", "request_id", "at", "after", *FILTERS)) | {"seen": None, "limit": 1}
_REASON = 1000  # characters
_UNREADABLE = "another release of the Backend has stored this profile, and this one cannot read it: measure the table again"


def track(cursor: Cursor, request_id: str, body: JsonObject, requested_by: str | None) -> None:
    """Write down that a profile was asked for, in the transaction that tracks its request. `body` is the request's."""
    cursor.run(
        SQL["track"],
        {
            "profile_id": new_id(),
            "request_id": request_id,
            "target": body["target"],
            "table": body["table"],
            "settings": json_value(body.get("profile") or {}),
            "requested_by": cleaned(requested_by) if requested_by is not None else None,
        },
    )


def finish(cursor: Cursor, result: CheckResult, is_new: bool) -> None:
    """Store what a result measured, once, in the transaction that stores it; and forget the table's oldest profiles above
    MOST_PROFILES. A result without a profile ends it, too. `is_new`: it was asked of DataOps directly, and is tracked now;
    another that is not there was deleted."""
    assert result.table is not None  # a profile is of a table
    named = {"request_id": result.request_id, "target": result.target, "table": result.table}
    if cursor.one(SQL["is_known"], named | {"check_id": result.check_id}) is None:
        if not is_new:
            return
        asked = result.asked or {}
        track(cursor, result.request_id, asked | {"target": result.target, "table": result.table}, result.requested_by)
    profile = _storable(result.profile)
    reason = result.reason or ("the result holds no profile that this release can read" if result.status == "succeeded" else None)
    ended = {
        "check_id": result.check_id,
        "status": result.status if profile is not None or result.status != "succeeded" else "errored",
        "reason": reason[:_REASON] if profile is None and reason else None,
        "finished_at": result.finished_at,
        "snapshot_at": result.snapshot_at,
        "row_count": profile.row_count if profile is not None else None,
        "profile": json_value(profile.as_json()) if profile is not None else None,
    }
    cursor.run(SQL["finish"], named | ended)
    cursor.run(SQL["forget_oldest"], named | {"most": MOST_PROFILES})


def page(database: Database, filters: Mapping[str, Any], wanted: Page = FIRST) -> PageJson:
    """A page of profiles, newest first, without what was measured. `filters` are some of FILTERS."""
    at, after = wanted.after or (None, None)
    given = {name: filters.get(name) for name in FILTERS}
    position = {"at": at, "after": after, "limit": wanted.limit + 1, "seen": seen_targets()}
    with database.transaction() as cursor:
        rows = cursor.all(SQL["page"], _EVERY | given | position)
    return PAGES.answer(wanted, [(_position(row), view(row).model_dump(mode="json")) for row in rows])


def find(database: Database, profile_id: str) -> ProfileView:
    """NotFound if there is none with this id, or it is of a target that the caller does not see."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["page"], _EVERY | {"id": profile_id})
    if row is None or not is_seen(row["target"]):
        raise NotFound(f"there is no profile {profile_id}")
    return view(row)


def of_request(database: Database, request_id: str) -> ProfileView:
    """The profile that a request asks for. Conflict if this request_id asks for a check, or for a profile that was deleted."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["page"], _EVERY | {"request_id": request_id})
    if row is None or not is_seen(row["target"]):
        raise Conflict(f"the profile of request {request_id} was deleted; ask under another request_id")
    return view(row)


def delete(database: Database, profile_id: str) -> None:
    """Delete a profile; a request that has not ended goes on. NotFound as in `find`."""
    found = find(database, profile_id)
    with database.transaction() as cursor:
        if cursor.run(SQL["delete"], {"id": profile_id}):
            of = subject("table", found.target, found.table)
            audit.record_asked(cursor, "profile.deleted", of, {"profile_id": profile_id, "request_id": found.request_id})


def view(row: Row) -> ProfileView:
    """A row of `page`. A profile of another release that this one cannot read is none, and the reason says so."""
    profile = readable(row["profile"])
    return ProfileView(
        profile_id=str(row["profile_id"]),
        request_id=row["request_id"],
        target=row["target"],
        table=row["table_name"],
        status=row["status"],
        reason=_UNREADABLE if profile is None and row["profile"] is not None else row["reason"],
        requested_by=row["requested_by"],
        at=row["created_at"],
        snapshot_at=row["snapshot_at"],
        row_count=row["row_count"],
        settings=_settings(row["settings"]),
        profile=profile,
    )


def readable(stored: JsonObject | None) -> Profile | None:
    """A stored profile; None if there is none, or another release has written what this one cannot read."""
    try:
        return Profile.model_validate(stored, extra="ignore") if stored is not None else None
    except ValueError:
        return None


def _settings(stored: JsonObject) -> ProfileSettings:
    try:
        return ProfileSettings.model_validate(stored, extra="ignore")
    except ValueError:  # of another release
        return ProfileSettings()


def _storable(profile: JsonObject | None) -> Profile | None:
    """None if it is missing, of another release's shape, or too large."""
    found = readable(profile)
    return found if found is None or len(found.model_dump_json().encode()) <= 2 * MAX_PROFILE_BYTES else None


def _position(row: Row) -> tuple[str, str]:
    return rfc3339(row["created_at"]), str(row["profile_id"])
