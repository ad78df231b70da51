"""Badges as they are stored: made, listed, revoked, and looked up by their token."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.history.state import StateName
from database import audit
from database.configuration import Refusals
from database.keys import Caller, is_seen, seen_targets
from database.pool import Cursor, Database, Row
from database.queries import load_queries
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.messages.audit import subject
from stringx_dataops.contract.messages.badges import MOST_OF_ONE, TOKEN, Badge, NewBadge
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages
from stringx_dataops.contract.messages.requesters import cleaned
from stringx_dataops.contract.problems import Conflict, NotFound

SQL = load_queries(Path(__file__).with_suffix(".sql"))
PAGES = Pages("badges", texts=2)  # positions: created_at, id
FILTERS = ("target", "table", "dataset")


@dataclass(frozen=True)
class Shown:
    """What a badge shows."""

    label: str
    state: StateName


def create(database: Database, caller: Caller, asked: NewBadge, public_url: str | None) -> Badge:
    """A new badge. NotFound without such a table or dataset, Conflict if it has too many."""
    kind, name = ("table", asked.table) if asked.table is not None else ("dataset", asked.dataset or "")
    named = {"kind": kind, "target": asked.target, "name": name}
    with database.transaction() as cursor:
        _require_configured(cursor, asked, named)
        cursor.run(SQL["lock"], named)
        if _number(cursor, named) >= MOST_OF_ONE:
            raise Conflict(f"{name} has {MOST_OF_ONE} badges; delete one that nobody shows any more")
        made = named | {"id": new_id(), "token": secrets.token_hex(16), "label": asked.label, "by": cleaned(caller.name)}
        row = cursor.one(SQL["create"], made)
        assert row is not None
        badge = _read(row, public_url)
        audit.record(cursor, caller, "badge.created", _audited(row), {"id": badge.id, "label": badge.label})
    return badge


def page(database: Database, filters: Mapping[str, str | None], public_url: str | None, wanted: Page = FIRST) -> PageJson:
    """A page of badges as JSON, the newest first. `filters` are some of FILTERS."""
    at, badge_id = wanted.after or (None, None)
    given: dict[str, Any] = {name: filters.get(name) for name in FILTERS}
    given |= {"at": at, "id": badge_id, "limit": wanted.limit + 1, "seen": seen_targets()}
    with database.transaction() as cursor:
        rows = cursor.all(SQL["page"], given)
    found = [((rfc3339(row["created_at"]), str(row["badge_id"])), _read(row, public_url).model_dump(mode="json")) for row in rows]
    return PAGES.answer(wanted, found)


def delete(database: Database, caller: Caller, badge_id: str) -> None:
    """Revoke a badge, so that its address shows nothing. Raises NotFound."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["find"], {"id": badge_id})
        if row is None or not is_seen(row["target"]) or not cursor.run(SQL["delete"], {"id": badge_id}):
            raise NotFound(f"there is no badge {badge_id}")
        audit.record(cursor, caller, "badge.deleted", _audited(row), {"id": badge_id, "label": row["label"]})


def shown(database: Database, token: str) -> Shown | None:
    """What the badge with this token shows; None if there is none, or what it shows is not configured any more. Anybody may ask,
    so a text that is no token costs no look at the database."""
    if not TOKEN.fullmatch(token):
        return None
    with database.transaction() as cursor:
        row = cursor.one(SQL["shown"], {"token": token})
    return None if row is None else Shown(row["label"], row["state"])


def _require_configured(cursor: Cursor, asked: NewBadge, named: Mapping[str, str]) -> None:
    row = cursor.one(SQL["is_configured"], named)
    if row is None or not row["is_configured"] or not is_seen(asked.target):
        refusals = Refusals(cursor)
        if asked.table is not None:
            raise refusals.table(asked.target, asked.table)
        raise refusals.dataset(named["name"], asked.target)


def _number(cursor: Cursor, named: Mapping[str, str]) -> int:
    row = cursor.one(SQL["count"], named)
    return int(row["number"]) if row is not None else 0


def _audited(row: Row) -> str:
    return subject("badge", row["target"], row["name"])


def _read(row: Row, public_url: str | None) -> Badge:
    path = f"/badges/{row['token']}.svg"
    return Badge(
        id=str(row["badge_id"]),
        target=row["target"],
        table=row["name"] if row["subject_kind"] == "table" else None,
        dataset=row["name"] if row["subject_kind"] == "dataset" else None,
        label=row["label"],
        path=path,
        url=f"{public_url}{path}" if public_url else None,
        created_at=row["created_at"],
        created_by=row["created_by"],
    )
