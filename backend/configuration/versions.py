"""Shared by stored targets, tables and datasets: the lock, versions, conditional writes, and comparing documents."""

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from database.pool import Cursor, Row
from stringx_dataops.contract.documents.effective import as_json, same, without_defaults
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.pages import Page, PageJson, Pages, Position, Sized
from stringx_dataops.contract.problems import PreconditionFailed

M = TypeVar("M", bound=BaseModel)
DOCUMENTS = 32  # in memory at the same time while a list is read; each may have 1 MiB
_LOCK = 7_418_205_333  # an arbitrary number for an advisory lock


@dataclass(frozen=True)
class Stored:
    """A stored document. `created` means that the request has created it."""

    document: dict[str, Any]
    version: int
    created: bool = False

    @property
    def etag(self) -> str:
        """The version as the value of an ETag header."""
        return f'"{self.version}"'


def lock(cursor: Cursor) -> None:
    """Lock the configuration until the transaction ends. So versions have no gaps, and documents that another one names cannot
    disappear before it is written."""
    cursor.run("select pg_advisory_xact_lock(%(lock)s)", {"lock": _LOCK})


def with_defaults(value: Any, defaults: dict[str, Any]) -> Any:
    """The document with `defaults` for missing fields, because a document need not repeat the names in its path."""
    return defaults | value if isinstance(value, dict) else value


def change_of(row: dict[str, Any] | None, document: BaseModel) -> str:
    """The change that writing the document makes: `created`, `updated` or `unchanged`.

    A stored row that is not `as_written` is from an earlier release and has every default written out.
    """
    if row is None:
        return "created"
    if row["as_written"]:
        return "unchanged" if same(row["document"], as_json(document)) else "updated"
    before = read_stored(type(document), row["document"])
    return "unchanged" if before is not None and same(without_defaults(before), without_defaults(document)) else "updated"


def read_stored(model: type[M], value: Any) -> M | None:
    """Parse a stored document; None if another release stored it and this one does not accept it."""
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def page_of_versions(pages: Pages, page: Page, cursor: Cursor, statement: str, of: dict[str, Any]) -> PageJson:
    """A page of versions, newest first. Their position in the list is the version number. `of` are the statement's parameters."""

    def piece(after: Position | None, limit: int) -> list[Sized]:
        rows = cursor.all(statement, of | {"before": after[0] if after else None, "limit": limit})
        return [((str(row["version"]),), _version(row), row["bytes"] or 0) for row in rows]

    return pages.read(page, piece, DOCUMENTS)


def _version(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("version", "document", "changed_by")} | {"changed_at": rfc3339(row["changed_at"])}


def require_version(if_match: str | None, version: int | None) -> None:
    """Raise PreconditionFailed if If-Match does not name the stored version. `version` is None if nothing is stored, which
    If-Match names as version 0."""
    if if_match is None or (if_match.strip() == "*" and version is not None):
        return
    if f'"{version or 0}"' not in [part.strip().removeprefix("W/") for part in if_match.split(",")]:
        stands = f"version {version}" if version is not None else "nothing"
        raise PreconditionFailed(f"If-Match is {if_match}, and {stands} is stored; GET it again and repeat the change")
