"""The rule type compare_rows: a table beside a copy of it in which rows are missing, added and changed."""

from typing import Any

from hypothesis import strategies as st

from tests.truth.kinds import BIGINT, CHAR, EVERY, INTEGER, NUMERIC, TEXT, UNEQUAL, UUID, VARCHAR, Kind
from tests.truth.tables import Column, Draft, Row, Table
from tests.truth.truth import Counted, Scope, Tested, rule_type

KEYS = [INTEGER, BIGINT, NUMERIC, UUID, TEXT, VARCHAR]
COMPARED = [kind for kind in (*EVERY, *UNEQUAL) if kind is not CHAR]


@rule_type("compare_rows")
def compare_rows(draft: Draft, wish: str) -> Tested:
    kind = draft.choose(*KEYS)
    kinds = [draft.choose(*COMPARED) for _ in range(draft.choose(1, 1, 2))]
    keys: list[Any] = draft.draw(st.lists(kind.values, min_size=draft.size + 2, max_size=draft.size + 2, unique_by=kind.key))
    mine = keys[: draft.size]
    rows = [[key, *(draft.draw(st.one_of(each.values, st.none())) for each in kinds)] for key in mine]
    theirs = [list(row) for row in rows]
    if wish in ("fail", "free"):
        change = draft.choose("missing", "extra", "different", "all")
        if change in ("missing", "all") or not theirs:
            theirs.append([keys[-1], *(None for _ in kinds)])
        if change in ("extra", "all") and len(theirs) > 1:
            del theirs[0]
        if change in ("different", "all") and theirs:
            theirs[-1][1] = draft.draw(st.one_of(kinds[0].values, st.none()))
        if wish == "fail":
            theirs.append([keys[-2], *(None for _ in kinds)])
    theirs = draft.draw(st.permutations(theirs)) if theirs else theirs
    other = draft.other(len(theirs))
    names = [draft.add(each, [row[place] for row in rows]) for place, each in enumerate((kind, *kinds))]
    for place, (name, each) in enumerate(zip(names, (kind, *kinds), strict=True)):
        other.columns.append(Column(name, each, [row[place] for row in theirs]))
    if wish == "free" and draft.chance() and mine:
        _forget_a_key(draft, names[0])
    return Tested(
        "compare_rows", names[1:], {"other_table": other.written, "key": draft.choose(names[0], names[:1])}, _truth(other, names)
    )


def _forget_a_key(draft: Draft, name: str) -> None:
    """A row whose key is NULL: it is extra."""
    next(column for column in draft.table.columns if column.name == name).cells[0] = None


def _truth(other: Table, names: list[str]) -> Any:
    def by_key(rows: list[Row], table: Table) -> tuple[dict[Any, list[Any]], int]:
        """What is compared of each row, by its key; and how many rows have none."""
        kinds: list[Kind] = [table.kind_of(name) for name in names]
        found = {}
        for row in rows:
            if row[names[0]] is not None:
                values = [None if row[name] is None else kind.key(row[name]) for name, kind in zip(names, kinds, strict=True)]
                found[values[0]] = values[1:]
        return found, len(rows) - len(found)

    def truth(scope: Scope) -> Counted:
        here, without_key = by_key(scope.rows, scope.table)
        there, _ = by_key(other.rows, other)
        pairs = here.keys() & there.keys()
        different = sum(here[key] != there[key] for key in pairs)
        alone = len(here) + len(there) - 2 * len(pairs) + without_key
        return Counted(alone + different, alone + len(pairs))

    return truth
