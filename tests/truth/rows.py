"""Rules that each row meets by itself: presence, lists of values, bounds, comparisons, conditions."""

from collections.abc import Callable
from datetime import datetime, time

from hypothesis import assume
from hypothesis import strategies as st

from tests.truth.conditions import OPERATORS, Condition, draw_condition, either, missing, negation
from tests.truth.kinds import (
    BIGINT,
    BOOLEAN,
    BYTEA,
    CASH,
    CHAR,
    DATE,
    DOUBLE,
    EVERY,
    FEW,
    INET,
    INTEGER,
    INTEGER_ARRAY,
    INTERVAL,
    JSONB,
    MANY_VALUED,
    MONEY,
    MOOD,
    NAN,
    NUMERIC,
    ORDERED,
    PAIR,
    PLAIN_JSON,
    RANGE,
    REAL,
    SMALLINT,
    TEXT,
    TEXT_ARRAY,
    TEXTS,
    TEXTUAL,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UNEQUAL,
    UUID,
    VARBIT,
    Endless,
    JsonNull,
    Kind,
    shown,
)
from tests.truth.tables import Draft, Row
from tests.truth.truth import Tested, outside, row_rule, rule_type, undecided

# Texts that are no value of the type.
MISFITS = {INTEGER: "2,5", BIGINT: "many", NUMERIC: "1,5", DOUBLE: "x", REAL: "x", BOOLEAN: "maybe", DATE: "2026-02-30", TIMESTAMPTZ: "soon", UUID: "abc", MOOD: "angry", INET: "10.0.0.300", BYTEA: "\\xg", PAIR: "(1", RANGE: "[2,1]"}  # fmt: skip
ASCII_BLANKS = " \t\n\r\f\v"


def _kinds(draft: Draft, kinds: list[Kind], most: int) -> list[Kind]:
    return [draft.choose(*kinds) for _ in range(draft.choose(*range(1, most + 1)))]


Values = Callable[[Kind], st.SearchStrategy[object]]


def _spread(draft: Draft, wish: str, kinds: list[Kind], good: Values, bad: Values, nulls: bool) -> list[str]:
    """Columns of a rule about several."""
    names = []
    for number, kind in enumerate(kinds):
        aim = wish if wish != "fail" or number == 0 or draft.chance() else "pass"
        names.append(draft.add(kind, draft.cells(aim, good(kind), bad(kind), nulls=nulls)))
    return names


def _values(kind: Kind) -> st.SearchStrategy[object]:
    return kind.values


def _nulls(kind: Kind) -> st.SearchStrategy[object]:
    return st.none()


@rule_type("not_null")
def not_null(draft: Draft, wish: str) -> Tested:
    names = _spread(draft, wish, _kinds(draft, [*EVERY, *UNEQUAL], 3), _values, _nulls, nulls=wish == "fail")
    if wish == "free" and draft.choose(*range(8)) == 7:
        return undecided("not_null", [*names, "no such column"], {})
    return row_rule("not_null", names, {}, lambda row: any(row[name] is None for name in names))


# What holds nothing, by the family of the column's type; of the others nothing does.
BLANKS: dict[str, list[object]] = {
    "text": ["", " ", "\t", "\n \r", "\x0b\x0c", "   "], "bytes": [b""], "bit": [""], "array": [[]], "range": [()], "json": [JsonNull(), "", " \t", {}, []],
}  # fmt: skip


def is_blank(kind: Kind, value: object) -> bool:
    if kind.family == "text" or (kind.family == "json" and isinstance(value, str)):
        return not str(value).strip(ASCII_BLANKS)
    if kind.family == "json":
        return isinstance(value, JsonNull) or value in ({}, [])
    return kind.family in ("bytes", "bit", "array", "range") and not value


@rule_type("not_blank")
def not_blank(draft: Draft, wish: str) -> Tested:
    emptiable = [JSONB, PLAIN_JSON, BYTEA, VARBIT, INTEGER_ARRAY, TEXT_ARRAY, RANGE]
    kinds = _kinds(draft, draft.choose([*TEXTUAL], emptiable, [*EVERY, *UNEQUAL]), 2)

    def good(kind: Kind) -> st.SearchStrategy[object]:
        return kind.values.filter(lambda value: not is_blank(kind, value))

    def bad(kind: Kind) -> st.SearchStrategy[object]:
        blanks = [blank for blank in BLANKS.get(kind.family, []) if kind is not CHAR or blank == ""]
        return st.sampled_from([None, *blanks])

    names = _spread(draft, wish, kinds, good, bad, nulls=wish == "fail")
    by_name = dict(zip(names, kinds, strict=True))

    def blank(row: Row) -> bool:
        return any(row[name] is None or is_blank(kind, row[name]) for name, kind in by_name.items())

    return row_rule("not_blank", names, {}, blank)


@rule_type("is_null")
def is_null(draft: Draft, wish: str) -> Tested:
    names = _spread(draft, wish, _kinds(draft, [*EVERY, *UNEQUAL], 3), _nulls, _values, nulls=True)
    return row_rule("is_null", names, {}, lambda row: any(row[name] is not None for name in names))


def listed(draft: Draft, wish: str, type: str) -> Tested:
    """accepted_values and rejected_values: some values of a pool are listed, cells come from both halves."""
    fold = draft.choose(True, False, False)
    kind = draft.choose(*TEXTUAL, *TEXTUAL, INET, UUID, MOOD) if fold else draft.choose(*EVERY)
    letters = st.text("aAbBéÉñ'%\\ 1", max_size=3)
    if fold and kind in TEXTUAL:
        pool = draft.draw(st.lists(letters, min_size=3, max_size=6, unique_by=str.lower))
    else:
        pool = draft.pool(kind, 2, 6 if kind in MANY_VALUED else 2)
    cut = draft.choose(*range(1, len(pool))) if wish != "free" else draft.choose(*range(len(pool) + 1))
    inside, others = pool[:cut], pool[cut:]

    def swap(text: str) -> str:
        return text.swapcase() if fold and draft.chance() else text

    values = [swap(shown(kind, value)) if fold else draft.as_argument(kind, value) for value in inside]
    if values and draft.chance():
        values.append(values[0])
    good, bad = st.sampled_from(inside or pool), st.sampled_from(others or pool)
    if type == "rejected_values":
        good, bad = bad, good
    name = draft.add(kind, [swap(cell) if fold and cell and kind in TEXTUAL else cell for cell in draft.cells(wish, good, bad)])
    arguments: dict[str, object] = {"values": values}
    if fold or draft.choose(False, False, True):
        arguments["case_sensitive"] = not fold
    if wish == "free" and not fold and kind in MISFITS and draft.choose(*range(6)) == 5:
        return undecided(type, [name], arguments | {"values": [*values, MISFITS[kind]]})

    def key(value: object) -> object:
        return shown(kind, value).lower() if fold else kind.key(value)

    keys = [key(value) for value in inside]
    wanted = type == "accepted_values"
    return row_rule(type, [name], arguments, lambda row: row[name] is not None and (key(row[name]) in keys) is not wanted)


@rule_type("accepted_values")
def accepted_values(draft: Draft, wish: str) -> Tested:
    return listed(draft, wish, "accepted_values")


@rule_type("rejected_values")
def rejected_values(draft: Draft, wish: str) -> Tested:
    return listed(draft, wish, "rejected_values")


@rule_type("between")
def between(draft: Draft, wish: str) -> Tested:
    kind = draft.choose(*NUMBERS, *ORDERED) if draft.chance() else draft.choose(DATE, TIMESTAMP, TIMESTAMPTZ, *ORDERED)
    pool = sorted(draft.pool(kind, 5), key=kind.key)
    low, high = pool[1], pool[-2]  # NaN is the last
    form = draft.choose("both", "min", "max")
    arguments: dict[str, object] = {}
    bounds: list[object] = [None, None]
    if form != "max":
        arguments["min"], bounds[0] = draft.as_bound(kind, low)
    if form != "min":
        arguments["max"], bounds[1] = draft.as_bound(kind, high)
    for name in ("exclusive_min", "exclusive_max"):
        if draft.chance():
            arguments[name] = draft.chance()

    def violates(value: object) -> bool:
        return value is not None and outside(kind.key(value), *bounds, arguments)

    bad = [value for value in pool if violates(value)]
    good = [value for value in pool if not violates(value)]
    assume({"pass": good, "fail": bad}.get(wish, True))
    column = draft.add(kind, draft.cells(wish, st.sampled_from(good or bad), st.sampled_from(bad or good)))
    if wish == "free" and kind in MISFITS and draft.choose(*range(6)) == 5:
        return undecided("between", [column], {"min": MISFITS[kind]})
    return row_rule("between", [column], arguments, lambda row: violates(row[column]))


NUMBERS = (NUMERIC, REAL, DOUBLE)
# What is compared with what; each value of the first is one of the second, too.
FAMILIES = [
    (INTEGER, BIGINT), (INTEGER, NUMERIC), (MONEY, NUMERIC), (SMALLINT, INTEGER), (INTEGER, DOUBLE), (REAL, DOUBLE), (DATE, TIMESTAMP),
    *((kind, kind) for kind in (*NUMBERS, *NUMBERS, TEXT, TEXT, DATE, TIMESTAMP, TIMESTAMPTZ, BOOLEAN, CHAR, UUID, TIME, INTERVAL, INET, BYTEA, VARBIT,
                                TEXT_ARRAY, INTEGER_ARRAY, RANGE, MOOD, PAIR, CASH)),
]  # fmt: skip


def compares(op: str, one: object, other: object) -> bool:
    """Of two keys. NaN compares with nothing."""
    return op == "!=" if NAN in (one, other) else OPERATORS[op](one, other)


def as_other(value: object, left: Kind, right: Kind) -> object:
    """A value of the one type as one of the other."""
    days = left is DATE and right is TIMESTAMP and not isinstance(value, Endless)
    return datetime.combine(value, time()) if days else value  # type: ignore[arg-type]


@rule_type("compare")
def compare(draft: Draft, wish: str) -> Tested:
    left, right = draft.choose(*FAMILIES)
    op = draft.choose(*OPERATORS)
    null_passes = draft.choose(None, True, False)
    shared = st.sampled_from(draft.pool(left, 2, 2 if left in FEW else 4))

    def met(pair: tuple[object, object]) -> bool:
        return compares(op, left.key(pair[0]), right.key(pair[1]))

    pairs = st.tuples(
        st.one_of(left.values, shared), st.one_of(right.values, shared.map(lambda value: as_other(value, left, right)))
    )
    mixed = st.one_of(
        pairs, st.builds(lambda value: (value, as_other(value, left, right)), shared.filter(lambda value: left.key(value) != NAN))
    )
    nulls = null_passes is not False or wish != "pass"
    cells = draft.cells(wish, mixed.filter(met), mixed.filter(lambda pair: not met(pair)), nulls=False)
    columns: list[list[object]] = [list(side) for side in zip(*cells, strict=True)] or [[], []]
    if nulls and len(cells) > 1:
        broken = next((index for index, pair in enumerate(cells) if not met(pair)), 0)
        columns[0] = draft.maybe_null(columns[0], keep=[broken])
        columns[1] = draft.maybe_null(columns[1], keep=[broken])
    names = draft.add(left, columns[0]), draft.add(right, columns[1])
    arguments = {"operator": op, "other_column": names[1]}
    if null_passes is not None:
        arguments["null_passes"] = null_passes

    def violates(row: Row) -> bool:
        if row[names[0]] is None or row[names[1]] is None:
            return null_passes is False
        return not met((row[names[0]], row[names[1]]))

    return row_rule("compare", [names[0]], arguments, violates)


@rule_type("expression")
def expression(draft: Draft, wish: str) -> Tested:
    kinds = [INTEGER, TEXT, NUMERIC, DATE, BOOLEAN]
    columns = []
    for _ in range(2):
        kind = draft.choose(*kinds)
        values = TEXTS if kind is TEXT else kind.values
        few = st.sampled_from(draft.draw(st.lists(values, min_size=2, max_size=3)))
        draft.add(kind, draft.plain_cells(st.one_of(few, few, values)))
        columns.append(draft.table.columns[-1])
    null_passes = draft.choose(None, True, False)
    condition = draw_condition(draft, columns)

    def breaks(condition: Condition, row: Row) -> bool:
        found = condition.holds(row)
        return found is False or (found is None and null_passes is False)

    def fits(condition: Condition) -> bool:
        return wish not in ("pass", "fail") or any(breaks(condition, row) for row in draft.table.rows) is (wish == "fail")

    always = either(missing(columns[0], False), missing(columns[0], True))
    condition = next(filter(fits, [condition, negation(condition), draw_condition(draft, columns), always, negation(always)]))
    arguments: dict[str, object] = {"sql": condition.sql}
    if null_passes is not None:
        arguments["null_passes"] = null_passes
    named = [column.name for column in columns] if draft.chance() else []
    return row_rule("expression", named, arguments, lambda row: breaks(condition, row))
