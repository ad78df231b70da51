"""Random tables: a column of each kind under an odd name, few distinct values, NULLs; and the same rows in Python."""

import datetime as dt
import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from psycopg2.extras import Json

from tests.conftest import Target

NAMES = [
    "plain", "Mixed Case", "select", 'qu"ote', "a'b", "per%cent", "%(x)s", "{{ env_var('HOME') }}", "emoji 🐘", "back\\slash", "x" * 63,
    "dot.ted", "$stringx$", "ünïcode", "tab\there", "{% raw %}", "--", "a;b", "count", "values", "order", "1st", " ", "stringx.r0", "k1", "bounds",
]  # fmt: skip
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
_TEXTS = [
    "a",
    "A",
    "b",
    "ab",
    "aB",
    "",
    " ",
    "\t\n",
    "it's",
    '"q"',
    "100%",
    "a_b",
    "a\\b",
    "{{ 1 }}",
    "🐘",
    "é",
    "zzz",
    "12",
    "-1.5",
    "line\nbreak",
    "a%b",
]


@dataclass(frozen=True)
class Kind:
    """A type of column: its SQL, and few values, so that they repeat."""

    sql: str
    values: st.SearchStrategy[Any]


_DAYS = st.integers(-3, 70).map(lambda n: dt.date(2026, 2, 20) + dt.timedelta(days=n))
_MOMENTS = st.builds(
    lambda day, minutes: dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=minutes), _DAYS, st.sampled_from([0, 10, 45, 300, 1439])
)  # fmt: skip
KINDS = {
    "int": Kind("integer", st.integers(-2, 9)),
    "big": Kind("bigint", st.sampled_from([-(2**63), -1, 0, 1, 2, 3, 10**15, 2**63 - 1])),
    "num": Kind("numeric(12,2)", st.integers(-300, 900).map(lambda n: Decimal(n * 5) / 100)),
    "flt": Kind("double precision", st.sampled_from([-1.5, -0.25, 0.0, 0.5, 1.0, 2.25, 8.0, 1e6])),
    "txt": Kind('text collate "C"', st.sampled_from(_TEXTS)),
    "tx2": Kind('varchar(20) collate "C"', st.sampled_from(["a", "A", "b", "ab"])),
    "boo": Kind("boolean", st.booleans()),
    "day": Kind("date", _DAYS),
    "loc": Kind("timestamp", _MOMENTS),
    "mom": Kind("timestamptz", _MOMENTS.map(lambda moment: moment.replace(tzinfo=dt.UTC))),
    "rec": Kind("timestamptz", st.integers(-5, 3).map(lambda days: NOW + dt.timedelta(days=days, minutes=7))),
    "uid": Kind("uuid", st.integers(1, 4).map(lambda n: uuid.UUID(int=n))),
    "arr": Kind("integer[]", st.sampled_from([[1], [1, 2], [2, 1], []])),
    "jso": Kind("jsonb", st.sampled_from([{"a": 1}, [1, 2], "x", 5])),
    "fmt": Kind("text", st.nothing()),  # filled by the rules that need texts of a form
}


@dataclass(frozen=True)
class Table:
    """`columns`: kind -> name; each row: kind -> value. `key` numbers the rows in an order of their own."""

    name: str
    columns: dict[str, str]
    rows: list[dict[str, Any]]
    other_name: str
    other_rows: list[dict[str, Any]]  # of `int`, `txt`, `num`
    other_columns: dict[str, str]

    def create(self, target: Target) -> None:
        for name, columns, rows in ((self.name, self.columns, self.rows), (self.other_name, self.other_columns, self.other_rows)):
            target.execute(f"drop table if exists {quoted(name)}")
            target.execute(
                f"create table {quoted(name)} (" + ", ".join(f"{quoted(columns[k])} {sql_type(k)}" for k in columns) + ")"
            )
            if rows:
                places = ", ".join("(" + ", ".join(["%s"] * len(columns)) + ")" for _ in rows)
                values = [_adapted(kind, row[kind]) for row in rows for kind in columns]
                target.execute(f"insert into {quoted(name).replace('%', '%%')} values {places}", values)

    def ddl(self) -> str:
        return ", ".join(f"{self.columns[kind]!r} {sql_type(kind)}" for kind in self.columns)


def sql_type(kind: str) -> str:
    return "integer" if kind == "key" else KINDS[kind].sql


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def plain(value: Any) -> Any:
    """A value that can be hashed and compared: what equality in SQL compares."""
    return json.dumps(value, sort_keys=True) if isinstance(value, (list, dict)) else value


def _adapted(kind: str, value: Any) -> Any:
    return Json(value) if kind == "jso" and value is not None else str(value) if isinstance(value, uuid.UUID) else value


@st.composite
def tables(draw: st.DrawFn, size: str, texts: list[str], nulls: bool) -> Table:
    """`size`: empty or some; `texts` are the values of the column of formatted texts."""
    kinds = list(KINDS)
    names = draw(st.permutations(NAMES))
    columns = {"key": names[0]} | {kind: names[n + 1] for n, kind in enumerate(kinds)}
    count = 0 if size == "empty" else draw(st.integers(1, 12))
    order = draw(st.permutations(range(count)))

    def row(number: int) -> dict[str, Any]:
        found: dict[str, Any] = {"key": order[number]}
        for kind in kinds:
            values = st.sampled_from(texts) if kind == "fmt" else KINDS[kind].values
            found[kind] = draw(st.one_of(st.none(), values, values, values) if nulls else values)
        return found

    others = ["key", "int", "txt", "num"]
    rows = [row(number) for number in range(count)]
    other_rows = [
        {"key": n} | {kind: draw(st.one_of(st.none(), KINDS[kind].values, KINDS[kind].values)) for kind in others[1:]}
        for n in range(draw(st.integers(0, 8)))
    ]
    if rows and draw(st.booleans()):  # often the same values, so that the comparisons hold as well
        other_rows = [{kind: row[kind] for kind in others} for row in rows]
    return Table(
        names[len(kinds) + 1],
        columns,
        rows,
        names[len(kinds) + 2],
        other_rows,
        {kind: names[n + 3] for n, kind in enumerate(others)},
    )
