"""Rules that each row meets by itself: presence, lists of values, bounds, comparisons, conditions."""

from hypothesis import strategies as st

from tests.truth.conditions import OPERATORS, Condition, draw_condition, either, missing, negation
from tests.truth.kinds import (
    BIGINT,
    BOOLEAN,
    CHAR,
    DATE,
    DOUBLE,
    EVERY,
    INTEGER,
    MANY_VALUED,
    MONEY,
    MOOD,
    NUMERIC,
    ORDERED,
    SMALLINT,
    TEXT,
    TEXTS,
    TEXTUAL,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    Kind,
)
from tests.truth.tables import Draft, Row
from tests.truth.truth import Tested, outside, row_rule, rule_type, undecided

# Texts that are no value of the type.
MISFITS = {INTEGER: "2.5", BIGINT: "many", NUMERIC: "1,5", DOUBLE: "x", BOOLEAN: "maybe", DATE: "2026-02-30", TIMESTAMPTZ: "soon", UUID: "abc", MOOD: "angry"}  # fmt: skip
ASCII_BLANKS = " \t\n\r\f\v"


def _kinds(draft: Draft, kinds: list[Kind], most: int) -> list[Kind]:
    return [draft.choose(*kinds) for _ in range(draft.choose(*range(1, most + 1)))]


def _spread(
    draft: Draft, wish: str, kinds: list[Kind], spoil: dict[str, st.SearchStrategy[object]] | None, blank: bool
) -> list[str]:
    """Columns of a rule about several; with `blank` the violation is a NULL, else it is a value."""
    names = []
    for number, kind in enumerate(kinds):
        bad = (spoil or {}).get(kind.name, st.none()) if blank else kind.values
        good = kind.values if blank else st.none()
        if spoil and kind in TEXTUAL:
            good = kind.values.filter(lambda text: text.strip(ASCII_BLANKS) != "")
        aim = wish if wish != "fail" or number == 0 or draft.chance() else "pass"
        names.append(draft.add(kind, draft.cells(aim, good, bad, nulls=wish == "fail" or not blank)))
    return names


@rule_type("not_null")
def not_null(draft: Draft, wish: str) -> Tested:
    names = _spread(draft, wish, _kinds(draft, EVERY, 3), None, blank=True)
    if wish == "free" and draft.choose(*range(8)) == 7:
        return undecided("not_null", [*names, "no such column"], {})
    return row_rule("not_null", names, {}, lambda row: any(row[name] is None for name in names))


@rule_type("not_blank")
def not_blank(draft: Draft, wish: str) -> Tested:
    blanks = st.one_of(st.none(), st.sampled_from(["", " ", "\t", "\n \r", "\x0b\x0c", "   "]))
    kinds = _kinds(draft, [*TEXTUAL, INTEGER, DATE, BOOLEAN], 2)
    names = _spread(draft, wish, kinds, {kind.name: blanks for kind in TEXTUAL}, blank=True)

    def blank(row: Row) -> bool:
        return any(row[name] is None or (isinstance(row[name], str) and not row[name].strip(ASCII_BLANKS)) for name in names)

    return row_rule("not_blank", names, {}, blank)


@rule_type("is_null")
def is_null(draft: Draft, wish: str) -> Tested:
    names = _spread(draft, wish, _kinds(draft, EVERY, 3), None, blank=False)
    return row_rule("is_null", names, {}, lambda row: any(row[name] is not None for name in names))


def listed(draft: Draft, wish: str, type: str) -> Tested:
    """accepted_values and rejected_values: some values of a pool are listed, cells come from both halves."""
    fold = draft.choose(True, False, False)
    kind = draft.choose(*TEXTUAL) if fold else draft.choose(*EVERY)
    letters = st.text("aAbBéÉñ'%\\ 1", max_size=3)
    if fold:
        pool = draft.draw(st.lists(letters, min_size=3, max_size=6, unique_by=str.lower))
    else:
        pool = draft.pool(kind, 2, 6 if kind in MANY_VALUED else 2)
    cut = draft.choose(*range(1, len(pool))) if wish != "free" else draft.choose(*range(len(pool) + 1))
    inside, others = pool[:cut], pool[cut:]

    def swap(text: str) -> str:
        return text.swapcase() if fold and draft.chance() else text

    values = [draft.as_argument(kind, swap(value) if fold else value) for value in inside]
    if values and draft.chance():
        values.append(values[0])
    good, bad = st.sampled_from(inside or pool), st.sampled_from(others or pool)
    if type == "rejected_values":
        good, bad = bad, good
    name = draft.add(kind, [swap(cell) if fold and cell else cell for cell in draft.cells(wish, good, bad)])
    arguments: dict[str, object] = {"values": values}
    if fold or draft.choose(False, False, True):
        arguments["case_sensitive"] = not fold
    if wish == "free" and kind in MISFITS and draft.choose(*range(6)) == 5:
        return undecided(type, [name], arguments | {"values": [*values, MISFITS[kind]]})

    def key(value: object) -> object:
        return str(value).lower() if fold else kind.key(value)

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
    kind = draft.choose(*ORDERED)
    pool = sorted(draft.pool(kind, 5), key=kind.key)
    low, high = pool[1], pool[-2]
    form = draft.choose("both", "min", "max")
    arguments: dict[str, object] = {}
    if form != "max":
        arguments["min"] = draft.as_argument(kind, low)
    if form != "min":
        arguments["max"] = draft.as_argument(kind, high)
    for name in ("exclusive_min", "exclusive_max"):
        if draft.chance():
            arguments[name] = draft.chance()
    bounds = (kind.key(low) if form != "max" else None, kind.key(high) if form != "min" else None)

    def violates(value: object) -> bool:
        return value is not None and outside_of(kind, value, bounds, arguments)

    bad = [value for value in pool if violates(value)]
    good = [value for value in pool if not violates(value)]
    column = draft.add(kind, draft.cells(wish, st.sampled_from(good), st.sampled_from(bad or good)))
    if wish == "free" and kind in MISFITS and draft.choose(*range(6)) == 5:
        return undecided("between", [column], {"min": MISFITS[kind]})
    return row_rule("between", [column], arguments, lambda row: violates(row[column]))


def outside_of(kind: Kind, value: object, bounds: tuple[object, object], arguments: dict[str, object]) -> bool:
    return outside(kind.key(value), *bounds, arguments)


FAMILIES = [
    (INTEGER, BIGINT), (INTEGER, NUMERIC), (NUMERIC, MONEY), (SMALLINT, INTEGER), (DOUBLE, DOUBLE), (TEXT, TEXT), (TEXT, TEXT), (DATE, DATE),
    (TIMESTAMP, TIMESTAMP), (TIMESTAMPTZ, TIMESTAMPTZ), (BOOLEAN, BOOLEAN), (CHAR, CHAR), (UUID, UUID),
]  # fmt: skip


@rule_type("compare")
def compare(draft: Draft, wish: str) -> Tested:
    left, right = draft.choose(*FAMILIES)
    op = draft.choose(*OPERATORS)
    null_passes = draft.choose(None, True, False)
    shared = st.sampled_from(draft.pool(left, 2))
    one = st.one_of(left.values, shared) if left is right else left.values
    other = st.one_of(right.values, shared) if left is right else right.values
    test = OPERATORS[op]

    def met(pair: tuple[object, object]) -> bool:
        return test(left.key(pair[0]), right.key(pair[1]))

    pairs = st.tuples(one, other)
    equal = st.builds(lambda value: (value, value), shared) if left is right else pairs
    mixed = st.one_of(pairs, equal)
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
