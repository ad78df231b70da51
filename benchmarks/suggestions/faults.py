"""Faults as loads have them, injected into a copy of a sample. Deterministic: a fault is drawn by its name."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from benchmarks.suggestions.data import DataSet, Row, Table

SOME = 0.03  # of the rows, where a fault is not in all
MOST_COLUMNS = 2  # per fault, that it is injected into
Cell = Callable[[str], str]
_NUMBERS = ("integer", "bigint", "double precision")


@dataclass(frozen=True)
class Fault:
    """`kind`: which; `where`: the columns, or the whole table."""

    kind: str
    where: str
    table: Table

    @property
    def name(self) -> str:
        return f"{self.kind} {self.where}".strip()


def faults(data_set: DataSet, clean: Table) -> Iterator[Fault]:
    """All that can be in this sample; of those of a column, in a few columns."""
    yield Fault("truncated", "", clean.with_rows(clean.rows[: len(clean.rows) // 2]))
    yield Fault("duplicates", "", clean.with_rows([*clean.rows, *_drawn(clean, "duplicates")]))
    yield Fault("loaded twice", "", clean.with_rows(clean.rows * 2))
    for kind, (fits, change, share) in _CELLS.items():
        names = [name for name in clean.names if fits(data_set, clean, name)]
        for name in _some(names, f"{data_set.name} {kind}"):
            yield Fault(kind, name, _changed(clean, name, change(clean, name), share, kind))
    for name in _some(clean.names, f"{data_set.name} constant"):
        if len(set(clean.column(name))) > 1:
            yield Fault("constant", name, _constant(clean, name))
    for name in _some([name for name in clean.names if _type(clean, name) in _NUMBERS], f"{data_set.name} text"):
        types = [("text" if each == name else kind) for each, kind in zip(clean.names, clean.types, strict=True)]
        yield Fault("a number as text", name, replace(clean, types=types))
    yield from _swapped(data_set, clean)


def _type(table: Table, name: str) -> str:
    return table.types[table.names.index(name)]


def _some(names: list[str], seed: str) -> list[str]:
    return random.Random(seed).sample(names, min(MOST_COLUMNS, len(names)))


def _drawn(table: Table, seed: str) -> list[Row]:
    return random.Random(seed).sample(table.rows, max(1, int(len(table.rows) * SOME)))


def _changed(table: Table, name: str, change: Cell | None, share: float, seed: str) -> Table:
    """In this share of the rows that have a value which the change changes; `None` makes NULL."""
    index, generator = table.names.index(name), random.Random(seed)
    can = [
        at
        for at, row in enumerate(table.rows)
        if (value := row[index]) is not None and (change is None or change(value) != value)
    ]
    wanted = len(can) if share == 1 else min(len(can), max(1, round(len(table.rows) * share)))
    chosen = set(can if share == 1 else generator.sample(can, wanted))
    rows: list[Row] = []
    for at, row in enumerate(table.rows):
        value = row[index]
        new = (None if change is None else change(value)) if at in chosen and value is not None else value
        rows.append([*row[:index], new, *row[index + 1 :]])
    return table.with_rows(rows)


def _constant(table: Table, name: str) -> Table:
    index = table.names.index(name)
    value = next(row[index] for row in table.rows if row[index] is not None)
    return table.with_rows([[*row[:index], value, *row[index + 1 :]] for row in table.rows])


def _swapped(data_set: DataSet, clean: Table) -> Iterator[Fault]:
    """The values of two columns of one type."""
    pairs = [
        (one, other)
        for at, one in enumerate(clean.names)
        for other in clean.names[at + 1 :]
        if _type(clean, one) == _type(clean, other) and clean.column(one) != clean.column(other)
    ]
    for one, other in random.Random(f"{data_set.name} swapped").sample(pairs, min(3, len(pairs))):
        first, second = clean.names.index(one), clean.names.index(other)
        rows = [list(row) for row in clean.rows]
        for row in rows:
            row[first], row[second] = row[second], row[first]
        yield Fault("swapped", f"{one} and {other}", clean.with_rows(rows))


def _number(data_set: DataSet, table: Table, name: str) -> bool:
    return _type(table, name) in _NUMBERS and len(set(table.column(name))) > 2


def _measure(data_set: DataSet, table: Table, name: str) -> bool:
    """One that has a unit: positive numbers of many kinds."""
    if _type(table, name) not in _NUMBERS:
        return False
    values = [float(value) for value in table.column(name) if value is not None]
    return len(set(values)) > 10 and min(values) >= 0 and not _is_year(name) and name != "rownames"


def _is_year(name: str) -> bool:
    return "year" in name.lower() or name in ("month", "day", "hour", "minute", "sample.yr")


def _text(data_set: DataSet, table: Table, name: str) -> bool:
    return _type(table, name) == "text"


def _letters(data_set: DataSet, table: Table, name: str) -> bool:
    return _type(table, name) == "text" and any(value and value.swapcase() != value for value in table.column(name))


def _scaled(factor: float, shift: float = 0.0) -> Callable[[Table, str], Cell]:
    def of(table: Table, name: str) -> Cell:
        whole = _type(table, name) != "double precision"
        return lambda value: str(round(float(value) * factor + shift)) if whole else repr(float(value) * factor + shift)

    return of


def _orphan(table: Table, name: str) -> Cell:
    """A key that is in no list, of the same form: letters and digits are others."""
    known = set(table.column(name))

    def other(value: str) -> str:
        generator = random.Random(value)
        for _ in range(100):
            new = re.sub(r"[A-Za-z]", lambda _: generator.choice("QXZJKVWY"), value)
            new = re.sub(r"[0-9]", lambda _: generator.choice("0123456789"), new)
            if new not in known:
                return new
        return f"{value}Q"

    return other


def _mojibake(table: Table, name: str) -> Cell:
    """UTF-8 read as Windows-1252; texts without such letters get the trace of a no-break space."""
    foreign = any(value and not value.isascii() for value in table.column(name))
    if foreign:
        return lambda value: value.encode().decode("cp1252", "replace")
    return lambda value: f"{value}\u00a0".encode().decode("latin-1")


def _century(table: Table, name: str) -> Cell:
    return lambda value: f"{int(value[:4]) - 100:04}{value[4:]}"


Fits = Callable[[DataSet, Table, str], bool]
_CELLS: dict[str, tuple[Fits, Callable[[Table, str], Cell | None], float]] = {
    "nulls": (
        lambda _, table, name: sum(value is None for value in table.column(name)) < len(table.rows) / 5,
        lambda *_: None,
        SOME,
    ),
    "times 1000": (_measure, _scaled(1000), 1),
    "times 1000 in some rows": (_measure, _scaled(1000), SOME),
    "centimetres as inches": (_measure, _scaled(1 / 2.54), 1),
    "Fahrenheit as Celsius": (lambda data, _, name: name in data.fahrenheit, _scaled(5 / 9, -160 / 9), 1),
    "negative": (_measure, _scaled(-1), SOME),
    "sentinel": (_number, lambda *_: lambda _: "-9999", SOME),
    "orphan keys": (lambda data, _, name: name in data.references, _orphan, SOME),
    "mojibake": (_text, _mojibake, SOME),
    "padded": (_text, lambda *_: lambda value: f"{value} ", SOME),
    "letter case": (_letters, lambda *_: str.swapcase, SOME),
    "a century early": (lambda _, table, name: _type(table, name) in ("date", "timestamp"), _century, SOME),
}
