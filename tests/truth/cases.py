"""Cases: a made-up table with many rules on it, by plans that give every type its pass, fail, NULL and empty case."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from tests.truth import (
    casts,
    copies,
    distributions,
    formats,
    matches,
    measures,
    neighbours,
    rows,
    schemas,
    sets,
    shapes,
    shares,
    texts,
    times,
)
from tests.truth.conditions import compare, draw_condition
from tests.truth.kinds import DATE, EVERY, INTEGER, TEXT, TIMESTAMP, TIMESTAMPTZ, UNEQUAL, Kind
from tests.truth.tables import TABLES, Draft, Draw, Row, Table
from tests.truth.truth import (
    COMPARING,
    HOLDS,
    MAKERS,
    MEANT,
    MEASURED,
    TAKES_NO_WHERE,
    WINDOWED,
    WITHOUT_TOTAL,
    Answer,
    Scope,
    Tested,
    answer_of,
    undecided,
)

# Imported so that their types are registered.
MODULES = (
    rows,
    texts,
    formats,
    casts,
    times,
    sets,
    neighbours,
    measures,
    shares,
    distributions,
    matches,
    shapes,
    schemas,
    copies,
)
TYPES = list(MAKERS)
SHARING = ("distinct_values", "most_common_value", "outliers")  # rules of these that read the same are one statement
LAST = ("column_count", "columns")  # these look at the columns that the others add
SCHEMAS = ("public", 'odd "schema".x')
TIMEZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Europe/Berlin")
WISHES = ("pass", "fail", "empty", "nowhere", "free")
RULES_A_TABLE = 8


@dataclass(frozen=True)
class Plan:
    """Which rules stand on one table, and what each is to show; `empty` plans have no row to look at."""

    number: int
    types: tuple[str, ...]
    wishes: tuple[str, ...]

    @property
    def empty(self) -> bool:
        return self.wishes[0] == "empty"

    def __str__(self) -> str:
        return f"{self.number:02}-{'+'.join(dict.fromkeys(self.wishes))}"


def plans() -> list[Plan]:
    """Each type once with each wish; pass and fail share tables, so that verdicts are mixed. Nowhere: a `where` that finds no row."""
    found: list[Plan] = []
    for wishes in (("pass", "fail"), ("fail", "pass"), ("empty",), ("nowhere",), ("free",)):
        named = [name for name in TYPES if wishes != ("nowhere",) or name not in TAKES_NO_WHERE]
        tables = -(-len(named) // RULES_A_TABLE)
        for number in range(tables):
            types = named[number::tables] if wishes == ("free",) else named[number * RULES_A_TABLE :][:RULES_A_TABLE]
            types = sorted(types, key=lambda name: name in LAST)
            aims = tuple(wishes[index % len(wishes)] for index in range(len(types)))
            found.append(Plan(len(found), tuple(types), aims))
    return found


@dataclass
class Case:
    """One table, its rules, and how it is asked about."""

    table: Table
    others: list[Table]
    rules: list[Tested]
    timezone: str
    on_empty: str
    window: dict[str, Any] | None
    clock: datetime
    inside: list[int] = field(default_factory=list)
    names_column: bool = True  # whether the request names the window's column; else the table's document does

    @property
    def ddl(self) -> str:
        return "\n".join(table.sql() for table in (self.table, *self.others))

    @property
    def cleanup(self) -> str:
        return "".join(f"drop table if exists {table.relation};" for table in (self.table, *self.others))

    def document(self) -> dict[str, Any]:
        return {
            "apiVersion": "stringx/v1",
            "target": "shop",
            "table": self.table.written,
            "timezone": self.timezone,
            "on_empty": self.on_empty,
            **({} if self.window is None or self.names_column else {"window_column": self.window["column"]}),
            "sample_columns": sorted(
                {column for tested in self.rules for column in tested.columns}
            ),  # so that all measures are shown
            "rules": [tested.document(f"r{number}") for number, tested in enumerate(self.rules)],
        }

    def asked_window(self) -> dict[str, Any] | None:
        """The window as a request has it."""
        if self.window is None or self.names_column:
            return self.window
        return {name: bound for name, bound in self.window.items() if name != "column"}

    def window_rows(self) -> list[Row]:
        found = self.table.rows
        return [found[index] for index in self.inside]

    @property
    def window_nulls(self) -> int | None:
        return None if self.window is None else sum(row[self.window["column"]] is None for row in self.table.rows)

    def scope(self, tested: Tested, clock: datetime) -> Scope:
        looked_at = self.window_rows() if tested.type in WINDOWED else self.table.rows
        whole, where = self.table.rows, tested.where
        if where is not None:
            looked_at = [row for row in looked_at if where.holds(row) is True]
            whole = [row for row in whole if where.holds(row) is True]
        return Scope(self.table, looked_at, whole, where is not None, self.timezone, clock)

    def answers(self, clock: datetime) -> list[Answer]:
        return [answer_of(tested, self.scope(tested, clock)) for tested in self.rules]

    def shows(self, tested: Tested, status: str) -> Iterator[str]:
        """Which of the cases pass, fail, NULL and empty a rule is."""
        scope = self.scope(tested, self.clock)
        columns = tested.columns or [column.name for column in self.table.columns]
        if not scope.rows:
            yield "empty"
        elif status in ("pass", "fail", "warn"):
            yield "pass" if status == "pass" else "fail"
        if status != "error" and any(row.get(name) is None for row in scope.rows for name in columns):
            yield "NULL"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("the case above")

    def __repr__(self) -> str:
        """What a failure prints."""
        return "\n".join([self.ddl, json.dumps(self.document(), ensure_ascii=False, indent=1), f"window: {self.window}"])


@st.composite
def made_up(draw: Draw, plan: Plan, clock: datetime) -> Case:
    """A case of a plan."""
    no_rows = plan.empty and draw(st.sampled_from([True, True, False]))
    free = "free" in plan.wishes
    size = (
        0
        if no_rows
        else draw(st.integers(4, 9) if not free else st.one_of(st.integers(1, 14), st.integers(1, 14), st.integers(0, 3)))
    )
    table = Table(draw(st.sampled_from(SCHEMAS)), draw(st.sampled_from(TABLES)), size)
    draft = Draft(draw, table, draw(st.sampled_from(TIMEZONES)), clock)
    when = draft.choose(DATE, TIMESTAMPTZ, TIMESTAMP, INTEGER)
    moment = draft.add(when, draft.plain_cells(_near(when)))
    draft.add(TEXT, draft.plain_cells(st.sampled_from(["a", "b", "it's", "{{ x }}"])))
    draft.add(INTEGER, draft.plain_cells(st.integers(0, 3)))
    base = table.columns[1:]
    if draft.chance():
        table.dropped.append(draft.new_name())
    rules = []
    for type, wish in zip(plan.types, plan.wishes, strict=True):
        tested = MAKERS[type](draft, wish)
        if free and (type in MEANT or type in COMPARING) and draft.choose(*range(6)) == 5:
            tested = refused(draft, tested)
        tested.wish = wish if tested.wish != "error" else "error"
        if wish == "nowhere":
            tested.where = compare(base[-1], ">", 100)
        if free:
            _narrow(draft, tested, base)
            _tolerate(draft, tested)
        rules.append(tested)
        if type in SHARING:
            rules.append(_twin(draft, tested, base, free))
    window, inside = None, list(range(size))
    if (free and draft.chance()) or (plan.empty and not no_rows):
        window, inside = _window(draft, when, moment, nothing=plan.empty)
    case = Case(table, draft.others, rules, draft.timezone, draft.choose("fail", "warn", "pass"), window, clock, inside)
    case.names_column = draft.chance()
    return case


def _twin(draft: Draft, tested: Tested, base: list[Any], free: bool) -> Tested:
    """The same rule once more; in free plans with the same condition or one of its own."""
    twin = replace(tested)
    if free and draft.chance():
        twin.where = None
        _narrow(draft, twin, base)
    return twin


COUNTS: dict[str, dict[str, Any]] = {"pass": {"max": 5}, "warn": {"warn": {"min": 1}}, "fail": {"min": 1}}


@st.composite
def emptied(draw: Draw, clock: datetime, windowed: bool) -> list[Case]:
    """Each type's rule on a table without a row (in the window): alone, with each `on_empty`; and beside a row_count rule, with each of its
    statuses."""
    table = Table(draw(st.sampled_from(SCHEMAS)), draw(st.sampled_from(TABLES)), 6 if windowed else 0)
    draft = Draft(draw, table, draw(st.sampled_from(TIMEZONES)), clock)
    when = draft.choose(DATE, TIMESTAMPTZ, TIMESTAMP, INTEGER)
    column = draft.add(when, draft.plain_cells(_near(when)))
    draft.add(INTEGER, draft.plain_cells(st.integers(0, 3)))
    base = table.columns[1:]
    window, inside = _window(draft, when, column, nothing=True) if windowed else (None, [])
    rules = [MAKERS[type](draft, "free") for type in sorted(TYPES, key=lambda name: name in LAST)]
    for tested in rules:
        _narrow(draft, tested, base)
        _tolerate(draft, tested)
    found = []
    for tested in rules:
        alone: list[tuple[list[Tested], str]] = [([tested], on_empty) for on_empty in ("fail", "warn", "pass")]
        for bounds in COUNTS.values():
            counted = Tested("row_count", [], bounds, measures.counting("row_count", bounds))
            alone.append(([tested, counted], draft.choose("fail", "warn", "pass")))
        for together, on_empty in alone:
            found.append(Case(table, draft.others, together, draft.timezone, on_empty, window, clock, inside))
    return found


def refused(draft: Draft, tested: Tested) -> Tested:
    """The rule on a column of a type that it has no meaning for, or that has no equality where it compares."""
    meant = MEANT.get(tested.type)
    kind = draft.choose(*([found for found in (*EVERY, *UNEQUAL) if found.family not in meant] if meant else UNEQUAL))
    column = draft.add(kind, draft.plain_cells(kind.values))
    arguments = {name: value for name, value in tested.arguments.items() if name != "case_sensitive" or tested.type == "like"}
    if arguments.get("values") == []:
        arguments["values"] = ["x"]
    return undecided(tested.type, [column, *tested.columns[1:]], arguments)


def _near(kind: Kind, year: int = 2026) -> st.SearchStrategy[Any]:
    """Values around the day on which summer time begins in Europe."""
    if kind is INTEGER:
        return st.integers(0, 20).map(lambda number: number + 100 * (year - 2026))
    if kind is DATE:
        return st.dates(date(year, 3, 20), date(year, 4, 5))
    zone = UTC if kind is TIMESTAMPTZ else None
    return st.datetimes(datetime(year, 3, 25), datetime(year, 4, 2), timezones=st.just(zone))


def _narrow(draft: Draft, tested: Tested, base: list[Any]) -> None:
    if tested.type not in TAKES_NO_WHERE and draft.chance():
        tested.where = compare(base[-1], ">", 100) if draft.choose(*range(5)) == 4 else draw_condition(draft, base, 2)


def _tolerate(draft: Draft, tested: Tested) -> None:
    """Thresholds where the type has them."""
    if tested.type in HOLDS:
        tested.severity = draft.choose(None, "warn")
    if tested.type in MEASURED | HOLDS:
        return
    shares = [] if tested.type in WITHOUT_TOTAL else ["0%", "10%", "25%", "33.3%", "50 %", "66.7%", "100%"]
    form = draft.choose("default", "warn", "fail", "both", "severity")
    if form == "severity":
        tested.severity = "warn"
    if form in ("fail", "both"):
        tested.fail_above = draft.choose(0, 1, 3, *shares)
    if form in ("warn", "both"):
        tested.warn_above = draft.choose(0, 1, 2, *shares)
    warn, fail = tested.warn_above, tested.fail_above
    if isinstance(warn, int) and isinstance(fail, int) and warn >= fail:
        tested.fail_above = warn + 1
    if isinstance(warn, str) and isinstance(fail, str) and float(warn.rstrip("% ")) >= float(fail.rstrip("% ")):
        tested.warn_above = None


def _window(draft: Draft, kind: Kind, column: str, nothing: bool) -> tuple[dict[str, Any], list[int]]:
    """A window and the rows in it: from inclusive, to exclusive."""
    year = 2027 if nothing else 2026
    (first, begin), (last, end) = sorted(
        (draft.as_bound(kind, draft.draw(_near(kind, year))) for _ in range(2)), key=lambda bound: bound[1]
    )
    assume(begin < end)
    form = draft.choose("from", "to", "both")
    window = {"from": None if form == "to" else first, "to": None if form == "from" else last}
    if nothing and form == "to":
        window["from"] = first
    cells = next(found.cells for found in draft.table.columns if found.name == column)
    inside = [
        index
        for index, cell in enumerate(cells)
        if cell is not None
        and (window["from"] is None or kind.key(cell) >= begin)
        and (window["to"] is None or kind.key(cell) < end)
    ]
    return {"column": column, **window}, inside
