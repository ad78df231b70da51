"""A table as it is made up: columns with their cells, its SQL, and the rows that a rule looks at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.truth.kinds import DATE, Kind, with_offsets

Row = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

NAMES = [
    "plain", 'qu"ote', "Mixed Case", "select", "user", "per%cent", "%(x)s", "%", "{{ env_var('HOME') }}", "{% raw %}", "emoji 🐘", "back\\slash",
    "dot.ted", "$stringx$", "a'b", "--", ";", " blank ", "x" * 63, "é" * 31, "order", "count", "value", "now()", ":x", "?", "1st", "/* c */", "total",
    "measured", "failures", "UPPER", "upper", "t", "counted", "ctid2", "xmin_", "null", "$1", "q\tt",
]  # fmt: skip
TABLES = [name for name in NAMES if name.isprintable()]  # others are refused where a table is configured


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def cut(name: str, size: int) -> str:
    """The name in so many bytes."""
    return name.encode()[:size].decode(errors="ignore")


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class Column:
    name: str
    kind: Kind
    cells: list[Any]


@dataclass
class Table:
    """A table with its rows; `size` is their number, columns may be added until it is created."""

    schema: str
    name: str
    size: int
    columns: list[Column] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    @property
    def relation(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def written(self) -> str:
        """As a document names it."""
        return self.relation if "." in self.schema else f"{self.schema}.{self.name}"

    @property
    def rows(self) -> list[Row]:
        return [{column.name: column.cells[index] for column in self.columns} for index in range(self.size)]

    def kind_of(self, name: str) -> Kind:
        return next(column.kind for column in self.columns if column.name == name)

    def sql(self) -> str:
        """DDL and rows."""
        columns = [f"{quoted(column.name)} {column.kind.sql}" for column in self.columns]
        columns[1:1] = [f"{quoted(name)} integer" for name in self.dropped]
        lines = [f"create table {self.relation} ({', '.join(columns)});"]
        if self.size:
            names = ", ".join(quoted(column.name) for column in self.columns)
            cells = [[_cell(column, index) for column in self.columns] for index in range(self.size)]
            rows = ",\n  ".join(f"({', '.join(row)})" for row in cells)
            lines.append(f"insert into {self.relation} ({names}) values\n  {rows};")
        lines += [f"alter table {self.relation} drop column {quoted(name)};" for name in self.dropped]
        return "\n".join(lines)


def _cell(column: Column, index: int) -> str:
    value = column.cells[index]
    return "null" if value is None else f"{literal(column.kind.text(value))}::{column.kind.sql}"


class Draft:
    """A table in the making: each rule adds the columns that it looks at, with cells that serve its wish."""

    def __init__(self, draw: Draw, table: Table, timezone: str, clock: datetime) -> None:
        self.draw = draw
        self.table = table
        self.timezone = timezone
        self.clock = clock
        self.others: list[Table] = []
        self.size = table.size

    def new_name(self, table: Table | None = None, names: Sequence[str] = NAMES) -> str:
        taken = {column.name for column in (table or self.table).columns} | set((table or self.table).dropped)
        name = self.draw(st.sampled_from(names))
        return next(found for found in [name, *(f"{cut(name, 60)}{n}" for n in range(2, 99))] if found not in taken)

    def add(self, kind: Kind, cells: Sequence[Any], table: Table | None = None, names: Sequence[str] = NAMES) -> str:
        """A new column; its name."""
        table = table or self.table
        assert len(cells) == table.size
        column = Column(self.new_name(table, names), kind, list(cells))
        table.columns.append(column)
        return column.name

    def other(self, size: int) -> Table:
        """Another table beside this one, without columns yet."""
        name = self.draw(st.sampled_from(TABLES))
        made = Table(self.table.schema, f"{cut(name, 57)} o{len(self.others)}", size)
        self.others.append(made)
        return made

    def choose(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def chance(self) -> bool:
        return bool(self.draw(st.booleans()))

    def maybe_null(self, cells: list[Any], keep: Sequence[int] = ()) -> list[Any]:
        """One cell that is not to be kept becomes NULL, where there is one."""
        free = [index for index in range(len(cells)) if index not in keep]
        if len(free) > 1:
            cells[self.draw(st.sampled_from(free))] = None
        return cells

    def cells(self, wish: str, good: st.SearchStrategy[Any], bad: st.SearchStrategy[Any], nulls: bool = True) -> list[Any]:
        """Cells for a rule about single values: all good, some bad, or as it comes."""
        if wish not in ("pass", "fail"):
            mixed = st.one_of(good, bad, *([st.none()] if nulls else []))
            return [self.draw(mixed) for _ in range(self.size)]
        made = [self.draw(good) for _ in range(self.size)]
        spoiled = (
            self.draw(st.sets(st.integers(0, self.size - 1), min_size=1, max_size=max(1, self.size - 2)))
            if wish == "fail"
            else set()
        )
        for index in sorted(spoiled):
            made[index] = self.draw(bad)
        if nulls:
            safe = min(spoiled) if spoiled else None
            made = self.maybe_null(made, keep=[] if safe is None else [safe])
        return made

    def plain_cells(self, strategy: st.SearchStrategy[Any], nulls: bool = True) -> list[Any]:
        """Cells without an aim, one of them NULL."""
        made = [self.draw(strategy) for _ in range(self.size)]
        return self.maybe_null(made) if nulls else made

    def pool(self, kind: Kind, least: int, most: int | None = None) -> list[Any]:
        """Distinct values of a type."""
        found: list[Any] = self.draw(st.lists(kind.values, min_size=least, max_size=most or least + 2, unique_by=kind.key))
        return found

    def as_argument(self, kind: Kind, value: Any) -> Any:
        """The value as a document may write it."""
        return self.draw(st.sampled_from(kind.arguments(value, ZoneInfo(self.timezone))))

    def as_bound(self, kind: Kind, value: Any) -> tuple[Any, Any]:
        """A bound as a document may write it, and its key: the value, or beside a date a time of that day."""
        if kind is DATE and isinstance(value, date) and self.chance():
            at = datetime.combine(value, time(self.choose(0, 9, 23), 30))
            return self.choose(at.isoformat(" "), *with_offsets(at, ZoneInfo(self.timezone))), kind.key(at)
        return self.as_argument(kind, value), kind.key(value)

    def as_arguments(self, kind: Kind, values: Sequence[Any]) -> list[Any]:
        return [self.as_argument(kind, value) for value in values]
