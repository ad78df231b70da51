"""What tables, targets and datasets share as stored documents: the lock, versions, conditional writes, what would change."""

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from database.pool import Cursor, Row
from stringx_dataops.contract.documents.effective import said, same
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.pages import Page, PageJson, Pages, Position, Sized
from stringx_dataops.contract.problems import PreconditionFailed

M = TypeVar("M", bound=BaseModel)
DOCUMENTS = 32  # that a list has in memory at once: each may have 1 MiB
_LOCK = 7_418_205_333  # any number of ours


@dataclass(frozen=True)
class Stored:
    """A document and the version that its ETag names."""

    document: dict[str, Any]
    version: int
    created: bool = False

    @property
    def etag(self) -> str:
        return f'"{self.version}"'


def lock(cursor: Cursor) -> None:
    """Until the transaction ends: changes of the configuration are taken one after another, so that versions count without
    gaps, and what one document names is there when it is written."""
    cursor.run("select pg_advisory_xact_lock(%(lock)s)", {"lock": _LOCK})


def as_json(document: BaseModel) -> dict[str, Any]:
    """As it was written, with its kind, by which readers tell documents apart; other defaults stay unsaid."""
    kind = getattr(document, "kind", None)
    return ({} if kind is None else {"kind": kind}) | document.model_dump(mode="json", exclude_unset=True)


def with_defaults(value: Any, defaults: dict[str, Any]) -> Any:
    """A document sent to its own path need not repeat what the path says."""
    return defaults | value if isinstance(value, dict) else value


def change_of(row: dict[str, Any] | None, document: BaseModel) -> str:
    """What writing the document would do to what is stored. A row that is not `as_written`, of an earlier release, holds every
    default."""
    if row is None:
        return "created"
    if row["as_written"]:
        return "unchanged" if same(row["document"], as_json(document)) else "updated"
    before = read_stored(type(document), row["document"])
    return "unchanged" if before is not None and same(said(before), said(document)) else "updated"


def read_stored(model: type[M], value: Any) -> M | None:
    """None for what another release stored and this one does not take."""
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def page_of_versions(pages: Pages, page: Page, cursor: Cursor, statement: str, of: dict[str, Any]) -> PageJson:
    """A page of versions as JSON, the newest first: their position is the number."""

    def piece(after: Position | None, limit: int) -> list[Sized]:
        rows = cursor.all(statement, of | {"before": after[0] if after else None, "limit": limit})
        return [((str(row["version"]),), _version(row), row["bytes"] or 0) for row in rows]

    return pages.read(page, piece, DOCUMENTS)


def _version(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("version", "document", "changed_by")} | {"changed_at": rfc3339(row["changed_at"])}


def require_version(if_match: str | None, version: int | None) -> None:
    """PreconditionFailed where If-Match names another version than the stored one, None for nothing stored."""
    if if_match is None or (if_match.strip() == "*" and version is not None):
        return
    if version is None or f'"{version}"' not in [part.strip().removeprefix("W/") for part in if_match.split(",")]:
        stands = f"version {version}" if version is not None else "nothing"
        raise PreconditionFailed(f"If-Match is {if_match}, and {stands} is stored; GET it again and repeat the change")
