"""Samples of failing rows as small tables: within a number of bytes for the whole page, whatever rows hold."""

import json
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import escape

from backend.dashboard import csv_files
from backend.insights import stories
from backend.insights.rules import RuleNow
from backend.insights.stories import RuleSample
from database.pool import Database

RULES = 10  # whose samples a page shows
_ROWS, _COLUMNS = 10, 12
_SHOWN, _TITLE = 60, 300  # characters of a value, and of its title
_BYTES = 20_000  # of all samples of a page
_PER_CELL, _PER_TABLE = 30, 800  # bytes of the markup around them


@dataclass(frozen=True)
class Cell:
    """A value as text. `title` is the whole of one that is cut, if it is short enough."""

    text: str
    title: str = ""
    is_null: bool = False

    @property
    def bytes(self) -> int:
        """On the page."""
        return len(f"{escape(self.text)}{escape(self.title)}".encode()) + _PER_CELL


@dataclass(frozen=True)
class SampleTable:
    """The sample of a rule. `left_out`: rows and columns that only the file has. `is_cut`: rows that the check left out."""

    rule: str
    table: str | None
    message: str
    csv_url: str
    columns: list[Cell]
    rows: list[list[Cell]]
    left_out: str
    is_cut: bool
    has_formulas: bool


def tables_of(found: Iterable[tuple[RuleSample, str | None]]) -> list[SampleTable]:
    """For each a table, as many and as much of it as a page has room for. With each sample stands its table, if the check was of
    a dataset."""
    left, made = _BYTES, list[SampleTable]()
    for sample, table in found:
        if len(made) == RULES or left < _PER_TABLE:
            break
        made.append(shown := _table(sample, table, left - _PER_TABLE))
        left -= _PER_TABLE + sum(cell.bytes for row in (shown.columns, *shown.rows) for cell in row)
    return made


def of_table(database: Database, item: dict[str, Any], found: Sequence[RuleNow], scopes: Set[str]) -> dict[str, Any]:
    """What `samples.html` shows of a table's last full check. `item` is the table in a list of states."""
    sees = "samples" in scopes
    has_failing = any(each.points and each.points[-1].status in ("fail", "warn") for each in found)
    shown = stories.samples(database, item["check_id"], item["table"], RULES) if sees and has_failing and item["check_id"] else []
    tables = tables_of((each, item["table"] if each.is_of_dataset else None) for each in shown)
    return {
        "sample_tables": [replace(each, table=None) for each in tables],  # the page names it already
        "has_failing": has_failing,
        "sees_samples": sees,
    }


def csv_url(request_id: str, rule: str, table: str | None) -> str:
    """Where the sample of a request's rule is downloaded."""
    query = {"format": "csv", "rule": rule} | ({"table": table} if table is not None else {})
    return f"/requests/{quote(request_id, safe='')}?{urlencode(query)}"


def _table(found: RuleSample, table: str | None, room: int) -> SampleTable:
    columns = [_cell(name) for name in found.sample.columns[:_COLUMNS]]
    room -= sum(cell.bytes for cell in columns)
    rows: list[list[Cell]] = []
    for row in found.sample.rows[:_ROWS]:
        cells = [_cell(value) for value in row[:_COLUMNS]]
        room -= sum(cell.bytes for cell in cells)
        if room < 0:
            break
        rows.append(cells)
    more = {"rows": len(found.sample.rows) - len(rows), "columns": len(found.sample.columns) - len(columns)}
    return SampleTable(
        rule=found.rule_id,
        table=table,
        message=cut(found.message, _TITLE),
        csv_url=csv_url(found.request_id, found.rule_id, table),
        columns=columns,
        rows=rows,
        left_out=" and ".join(f"{number:,} more {words}" for words, number in more.items() if number > 0),
        is_cut=found.sample.cut,
        has_formulas=any(csv_files.may_be_formula(value) for row in found.sample.rows for value in row),
    )


def _cell(value: Any) -> Cell:
    if value is None:
        return Cell("NULL", is_null=True)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= _SHOWN:
        return Cell(text)
    return Cell(cut(text, _SHOWN), text if len(text) <= _TITLE else "")


def cut(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
