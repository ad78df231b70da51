"""The board of the front page: the present states as the Backend has stored them. They are read every few seconds and kept in a
file, so that the web application needs no database. It is a picture with a date: whether a step may run, the Backend says."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from database.loops import Loop
from database.pool import Database, Row
from portal.state import SQL
from stringx_dataops.contract.files import write_whole
from stringx_dataops.contract.messages.history import State
from web.look import formats

EVERY_S = 5.0
OLD_S = 60.0  # a board that is older says so
MOST = 50  # rows per kind; the dashboard has all of them
KINDS = ("table", "dataset")
_FILE = ".board.json"
_OVERDUE = "nobody has looked at it since its check may have become too old, or its rules changed: the Backend does that"


@dataclass(frozen=True)
class BoardRow:
    """A table or dataset. `why` is the first reason that is more than a verdict; times are texts, in UTC."""

    target: str
    name: str
    state: str
    since: str
    why: str
    recent: list[str]
    score: str
    owner: str
    checked_at: str
    waived: list[str] = field(default_factory=list)  # rules


@dataclass(frozen=True)
class Board:
    """`at` is when it was read, in seconds since 1970; `counts` are by kind and state, `rows` by kind."""

    at: float
    counts: dict[str, dict[str, int]]
    rows: dict[str, list[BoardRow]]

    @property
    def as_of(self) -> str:
        """When it was read."""
        return f"{datetime.fromtimestamp(self.at, UTC):%Y-%m-%d %H:%M:%S} UTC"

    @property
    def is_old(self) -> bool:
        """Whether the process that reads it has stopped, or cannot."""
        return time.time() - self.at > OLD_S

    def more(self, kind: str) -> int:
        """How many are configured beyond the rows."""
        return max(0, sum(self.counts[kind].values()) - len(self.rows[kind]))


def loop(database: Database, folder: Path) -> Loop:
    """Writes the board every few seconds."""

    def turn(_: Loop) -> float:
        write(database, folder)
        return EVERY_S

    return Loop("board", turn)


def write(database: Database, folder: Path) -> None:
    """Put the board as it stands into its file."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / _FILE, json.dumps(asdict(read(database))))


def read(database: Database) -> Board:
    """The board as it stands."""
    with database.transaction() as cursor:
        at = time.time()
        found = {kind: cursor.all(SQL["board"], {"kind": kind, "most": MOST}) for kind in KINDS}
        numbers = cursor.all(SQL["counts"])
    counts = {kind: dict.fromkeys(get_args(State), 0) for kind in KINDS}
    for row in numbers:
        counts[row["kind"]][row["state"]] = row["number"]
    return Board(at, counts, {kind: [_row(row) for row in rows] for kind, rows in found.items()})


def stored(folder: Path) -> Board | None:
    """The board of the file; None before the first one, or where another release has written it."""
    try:
        content = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        rows = {kind: [BoardRow(**row) for row in content["rows"][kind]] for kind in KINDS}
        return Board(content["at"], content["counts"], rows)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _row(row: Row) -> BoardRow:
    return BoardRow(
        target=row["target"],
        name=row["name"],
        state=row["state"],
        since=_moment(row["since"]),
        why=_OVERDUE if row["is_overdue"] and row["state"] == "stale" else _why(row["reasons"]),
        recent=row["recent"],
        score="" if row["score"] is None else formats.share(row["score"]),
        owner=row["owner"],
        checked_at=_moment(row["checked_at"]),
        waived=row["waived"],
    )


def _why(reasons: Sequence[str]) -> str:
    return next((reason for reason in reasons if not reason.startswith("verdict ")), "")


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
