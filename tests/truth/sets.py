"""Rules about the rows together: keys, references, sets of values."""

from collections import Counter
from typing import Any

from hypothesis import strategies as st

from tests.truth.conditions import Condition, draw_condition
from tests.truth.kinds import BIGINT, BOOLEAN, EVERY, INTEGER, MANY_VALUED, MONEY, NUMERIC, SMALLINT, TEXT, VARCHAR, Kind
from tests.truth.rows import MISFITS
from tests.truth.tables import Draft, Row, Table
from tests.truth.truth import Counted, Held, Scope, Tested, rule_type, undecided


def distinct_cells(draft: Draft, kind: Kind) -> list[Any]:
    found: list[Any] = draft.draw(st.lists(kind.values, min_size=draft.size, max_size=draft.size, unique_by=kind.key))
    return found


ROOMY = [kind for kind in MANY_VALUED if kind.name not in ("date",)]


@rule_type("unique")
def unique(draft: Draft, wish: str) -> Tested:
    nulls = draft.choose(None, "ignore", "equal")
    kinds = [draft.choose(*ROOMY)] + [draft.choose(*EVERY) for _ in range(draft.choose(0, 0, 1, 2))]
    if wish == "pass":
        columns = [distinct_cells(draft, kinds[0])] + [[draft.draw(kind.values) for _ in range(draft.size)] for kind in kinds[1:]]
        columns[0] = draft.maybe_null(columns[0])
    else:
        pools = [st.sampled_from(draft.pool(kind, 1, 3) if kind in MANY_VALUED else draft.pool(kind, 1, 2)) for kind in kinds]
        columns = [
            [draft.draw(pool if wish == "fail" else st.one_of(pool, st.none())) for _ in range(draft.size)] for pool in pools
        ]
        if wish == "fail":
            for cells in columns:
                cells[1] = cells[0]
                draft.maybe_null(cells, keep=[0, 1])
    names = [draft.add(kind, cells) for kind, cells in zip(kinds, columns, strict=True)]
    keys = [kind.key for kind in kinds]

    def key_of(row: Row) -> tuple[Any, ...] | None:
        cells = [row[name] for name in names]
        if nulls != "equal" and None in cells:
            return None
        return tuple(None if cell is None else (key(cell),) for key, cell in zip(keys, cells, strict=True))

    def truth(scope: Scope) -> Counted:
        whole = Counter(key for row in scope.whole if (key := key_of(row)) is not None)
        inside = Counter(key for row in scope.rows if (key := key_of(row)) is not None)
        repeated = [key for key in inside if whole[key] > 1]
        failures = sum(inside[key] - (inside[key] == whole[key]) for key in repeated)
        return Counted(failures, len(scope.rows), len(repeated))

    return Tested("unique", names, {} if nulls is None else {"nulls": nulls}, truth)


PAIRS = [
    *((kind, kind) for kind in EVERY), (INTEGER, BIGINT), (SMALLINT, INTEGER), (INTEGER, NUMERIC), (MONEY, NUMERIC), (VARCHAR, TEXT), (TEXT, VARCHAR),
]  # fmt: skip


@rule_type("relationship")
def relationship(draft: Draft, wish: str) -> Tested:
    width = draft.choose(1, 1, 2)
    kinds = [draft.choose(*PAIRS) for _ in range(width)]
    pools = [draft.pool(own if own in MANY_VALUED else other, 2, 4 if own in MANY_VALUED else 2) for own, other in kinds]
    if wish == "pass" and not draft.size:
        wish = "free"
    size = draft.choose(*range(1 if wish == "pass" else 0, 6))
    other = draft.other(size)
    theirs = [[draft.draw(st.one_of(st.sampled_from(pool), st.none())) for _ in range(size)] for pool in pools]
    if size:
        for cells, pool in zip(theirs, pools, strict=True):
            cells[0] = pool[0]
    mine = [[draft.draw(st.one_of(st.sampled_from(pool), st.none())) for _ in range(draft.size)] for pool in pools]
    if wish == "pass":
        for index in range(draft.size):
            at = draft.draw(st.sampled_from([n for n in range(size) if all(cells[n] is not None for cells in theirs)]))
            for cells, found in zip(mine, theirs, strict=True):
                cells[index] = found[at]
        mine[0] = draft.maybe_null(mine[0])
    elif wish == "fail":
        for cells, found, pool in zip(mine, theirs, pools, strict=True):
            cells[0] = pool[-1]
            found[:] = [pool[0] if value == pool[-1] else value for value in found]
        draft.maybe_null(mine[0], keep=[0])
    names = [draft.add(own, cells) for (own, _), cells in zip(kinds, mine, strict=True)]
    other_names = [draft.add(kind, cells, other) for (_, kind), cells in zip(kinds, theirs, strict=True)]
    target = other
    if wish == "free" and width == 1 and draft.choose(*range(8)) == 7:
        target, other_names = draft.table, names  # of the table itself: found unless narrowed
    condition: Condition | None = None
    if wish == "free" and draft.chance():
        condition = draw_condition(
            draft,
            [column for column in target.columns if column.name in other_names and column.kind.ordered] or [_flag(draft, target)],
            1,
        )
    arguments: dict[str, Any] = {"to_table": target.written}
    if width == 1 and draft.chance():
        arguments["to_column"] = other_names[0]
    else:
        arguments["to_columns"] = other_names
    if condition:
        arguments["to_where"] = condition.sql

    def key_of(row: Row, table: Table, columns: list[str]) -> tuple[Any, ...] | None:
        cells = [row[name] for name in columns]
        return None if None in cells else tuple(table.kind_of(name).key(cell) for name, cell in zip(columns, cells, strict=True))

    def truth(scope: Scope) -> Counted:
        there = {key_of(row, target, other_names) for row in target.rows if condition is None or condition.holds(row)}
        missing = [key for row in scope.rows if (key := key_of(row, scope.table, names)) is not None and key not in there]
        return Counted(len(missing), len(scope.rows))

    return Tested("relationship", names, arguments, truth)


def _flag(draft: Draft, table: Table) -> Any:
    draft.add(BOOLEAN, [draft.chance() for _ in range(table.size)], table)
    return table.columns[-1]


@rule_type("distinct_values")
def distinct_values(draft: Draft, wish: str) -> Tested:
    kind = draft.choose(*EVERY)
    mode = draft.choose(None, "in", "contain", "equal")
    pool = draft.pool(kind, 2, 5 if kind in MANY_VALUED else 2)
    cut = draft.choose(*range(1, len(pool) + 1))
    present = pool[:cut]
    if wish == "pass":
        cells = [present[index % len(present)] for index in range(draft.size)]
        present = present[: len(cells)]
        listed = {"contain": present[:1], "equal": present}.get(mode or "in", pool)
    elif wish == "fail":
        cells = [pool[0]] + [draft.draw(st.sampled_from(present)) for _ in range(draft.size - 1)]
        listed = pool[1:]
        if mode in ("contain", "equal"):
            cells, listed = [pool[0] for _ in cells], pool[1:]
    else:
        cells = draft.plain_cells(st.sampled_from(pool))
        listed = draft.draw(st.lists(st.sampled_from(pool), max_size=5))
    if wish == "pass":
        draft.maybe_null(cells, keep=range(len(present)))
    elif wish == "fail":
        draft.maybe_null(cells, keep=[0])
    column = draft.add(kind, cells)
    arguments: dict[str, Any] = {"values": draft.as_arguments(kind, [*listed, *listed[:1]])}
    if mode:
        arguments["mode"] = mode
    if wish == "free" and kind in MISFITS and draft.choose(*range(6)) == 5:
        return undecided("distinct_values", [column], arguments | {"values": [MISFITS[kind]]})

    def truth(scope: Scope) -> Counted:
        there, wanted = set(scope.keys(column)), {kind.key(value) for value in listed}
        unlisted = len(there - wanted) if mode != "contain" else 0
        absent = len(wanted - there) if mode in ("contain", "equal") else 0
        return Counted(unlisted + absent, None, len(there))

    return Tested("distinct_values", [column], arguments, truth)


@rule_type("most_common_value")
def most_common_value(draft: Draft, wish: str) -> Tested:
    kind = draft.choose(*EVERY)
    pool = draft.pool(kind, 2, 4 if kind in MANY_VALUED else 2)
    cells = draft.plain_cells(st.sampled_from(pool))
    column = draft.add(kind, cells)
    counts = Counter(kind.key(cell) for cell in cells if cell is not None)
    top = max(counts.values(), default=0)
    frequent = [value for value in pool if counts[kind.key(value)] == top]
    others = [value for value in pool if counts[kind.key(value)] < top]
    ties = draft.choose(None, "pass", "fail")
    if wish == "pass":
        listed = [*(frequent if ties == "fail" else frequent[-1:]), *others[:1]]
    elif wish == "fail":
        listed = [*others, *(frequent[1:] if ties == "fail" else [])]
    else:
        listed = draft.draw(st.lists(st.sampled_from(pool), max_size=3))
    arguments = {"values": draft.as_arguments(kind, listed)} | ({} if ties is None else {"ties": ties})

    def truth(scope: Scope) -> Held:
        found = Counter(scope.keys(column))
        most = {key for key, times in found.items() if times == max(found.values())}
        inside = most & {kind.key(value) for value in listed}
        return Held(bool(inside) and (ties != "fail" or inside == most), len(scope.rows))

    return Tested("most_common_value", [column], arguments, truth)
