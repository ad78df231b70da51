"""Rules about the table's columns, queries, and dbt's own tests."""

from collections import Counter
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from tests.truth.conditions import constant, draw_condition
from tests.truth.kinds import (
    BIGINT,
    BOOLEAN,
    CHAR,
    DATE,
    DOMAIN,
    DOUBLE,
    EVERY,
    INTEGER,
    INTEGER_ARRAY,
    JSONB,
    MANY_VALUED,
    MONEY,
    MOOD,
    NUMERIC,
    PAIR,
    SMALLINT,
    TEXT,
    TEXT_ARRAY,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    VARCHAR,
)
from tests.truth.measures import counted
from tests.truth.tables import NAMES, Draft, quoted
from tests.truth.truth import Counted, Held, Scope, Tested, rule_type


@rule_type("column_count")
def column_count(draft: Draft, wish: str) -> Tested:
    return counted(draft, wish, "column_count", len(draft.table.columns))


@rule_type("columns")
def columns(draft: Draft, wish: str) -> Tested:
    mode = draft.choose(None, "exact", "contains", "ordered")
    there = [column.name for column in draft.table.columns]
    foreign = [name for name in NAMES if name not in there]
    listed = list(there)
    if mode == "contains":
        listed = draft.draw(st.lists(st.sampled_from(there), min_size=1, unique=True))
    elif mode != "ordered" and draft.chance():
        listed = list(draft.draw(st.permutations(listed)))
    if wish == "fail" or (wish not in ("pass",) and draft.chance()):
        change = draft.choose("add", "add two") if mode == "contains" else draft.choose("add", "remove", "swap", "move")
        if change.startswith("add"):
            listed[0:0] = foreign[: 2 if change == "add two" else 1]
        elif change == "remove" and len(listed) > 1:
            del listed[draft.draw(st.integers(0, len(listed) - 1))]
        elif change == "swap":
            listed[0], listed[-1] = listed[-1], listed[0]
        else:
            listed.append(listed.pop(0))
    if wish != "pass" and draft.choose(*range(5)) == 4:
        listed = [*(name.upper() for name in listed[:1]), *listed[1:]]  # names are not folded
        assume(len(set(listed)) == len(listed))
    arguments: dict[str, Any] = {"names": listed} | ({} if mode is None else {"mode": mode})

    def truth(scope: Scope) -> Counted:
        found = [column.name for column in scope.table.columns]
        missing = [name for name in listed if name not in found]
        unexpected = [name for name in found if name not in listed] if mode != "contains" else []
        shared = ([name for name in listed if name in found], [name for name in found if name in listed])
        moved = sum(one != other for one, other in zip(*shared, strict=True)) if mode == "ordered" else 0
        return Counted(len(missing) + len(unexpected) + moved, None)

    assume(wish not in ("pass", "fail") or (set(listed) ^ set(there) if mode != "ordered" else listed != there) or wish == "pass")
    return Tested("columns", [], arguments, truth)


ALIASES = {
    INTEGER: ["integer", "int4", "int", "INTEGER"],
    BIGINT: ["bigint", "int8"],
    SMALLINT: ["smallint", "int2"],
    NUMERIC: ["numeric", "decimal"],
    MONEY: ["numeric(12,2)", "decimal(12, 2)", "numeric", "pg_catalog.numeric(12,2)"],
    DOUBLE: ["double precision", "float8", "float", "float(53)", "float(25)"],
    TEXT: ["text", "Text"],
    VARCHAR: ["varchar(60)", "character varying(60)", "varchar", "character varying"],
    CHAR: ["char(6)", "character(6)"],
    BOOLEAN: ["boolean", "bool"],
    DATE: ["date"],
    TIMESTAMP: ["timestamp", "timestamp without time zone", "TIMESTAMP  without time zone"],
    TIMESTAMPTZ: ["timestamptz", "timestamp with time zone"],
    UUID: ["uuid"],
    TEXT_ARRAY: ["text[]"],
    INTEGER_ARRAY: ["integer[]", "int4[]", "int array", "integer[3]"],
    JSONB: ["jsonb"],
    MOOD: ['public."Mo""od"', '"Mo""od"'],
    DOMAIN: ["small", "public.small"],
}
OTHER_SIZES = {
    MONEY: ["numeric(12,3)", "numeric(13,2)", "numeric(12)"],
    DOUBLE: ["float(24)", "real"],
    VARCHAR: ["varchar(59)", "char(60)"],
    CHAR: ["char(7)", "varchar(6)"],
}


@rule_type("column_type")
def column_type(draft: Draft, wish: str) -> Tested:
    kind = draft.choose(*ALIASES)
    column = draft.add(kind, draft.plain_cells(kind.values))
    same_base = {MONEY: [NUMERIC], NUMERIC: [MONEY], DOMAIN: [INTEGER]}.get(kind, [])
    others = [alias for other, names in ALIASES.items() if other is not kind and other not in same_base for alias in names]
    wrong = [draft.choose(*others, *OTHER_SIZES.get(kind, []) * 9) for _ in range(draft.choose(1, 1, 2))]
    right = draft.choose(*ALIASES[kind])
    met = wish == "pass" or (wish != "fail" and draft.chance())
    if draft.chance():
        arguments: dict[str, Any] = {"type": right if met else wrong[0]}
    else:
        arguments = {"types": [*wrong, right] if met else wrong}
    return Tested("column_type", [column], arguments, lambda _: Held(met, None))


@rule_type("sql")
def sql(draft: Draft, wish: str) -> Tested:
    form = draft.choose("where", "group", "join", "union", "with")
    kind = draft.choose(INTEGER, TEXT, DATE, NUMERIC, UUID)
    pool = draft.pool(kind, 3)
    few = st.sampled_from(pool)
    cells = draft.plain_cells(few)
    if form == "group" and wish == "pass":
        cells = draft.maybe_null(draft.draw(st.lists(kind.values, min_size=draft.size, max_size=draft.size, unique_by=kind.key)))
    elif form == "group" and wish == "fail":
        cells[0] = cells[1] = pool[0]
    name = draft.add(kind, cells)
    own, table, key = draft.table.columns[-1], draft.table.relation, kind.key
    column, condition = quoted(name), draw_condition(draft, [draft.table.columns[-1]])
    met = [row for row in draft.table.rows if condition.holds(row)]
    rows = Counter(key(cell) for cell in cells if cell is not None)
    nulls = cells.count(None)
    if form == "group":
        query = f"select {column}, count(*) from {table} where {column} is not null group by {column} having count(*) > 1"
        count = sum(times > 1 for times in rows.values())
    elif form == "join":
        other = draft.other(draft.choose(*range(5)))
        theirs = draft.draw(st.lists(few, min_size=other.size, max_size=other.size))
        other_name = quoted(draft.add(kind, theirs, other))
        query = f"select a.{column} from {table} a left join {other.relation} as b on a.{column} = b.{other_name} where b.{other_name} is null"
        count = nulls + sum(times for value, times in rows.items() if value not in map(key, theirs))
    elif form == "union":
        query = (
            f"select {column} from {table} where {condition.sql}\nunion all select {column} from {table} where {column} is null"
        )
        count = len(met) + nulls
    elif form == "with":
        value = draft.choose(*pool)
        query = f"with found as (select {column} as x from {table} where {column} = {constant(kind, value)} or {column} is null) select x from found where x is not null"
        count = rows[key(value)]
    else:
        query = f"select * from {table} where {condition.sql}"
        count = len(met)
    assume(wish not in ("pass", "fail") or (count > 0) is (wish == "fail"))
    assert own.name == name
    return Tested("sql", [], {"query": query}, lambda _: Counted(count, None))


# A name in a dbt test's arguments may be quoted, and hold words then.
DBT_NAMES = ["plain", "Mixed Case", "per%cent", "UPPER", "1st", "dot.ted", "é" * 31, "x" * 63]
WORDS = ["red", "Green", "b 2", "per%cent", "0", "x-y"]


@rule_type("dbt")
def dbt(draft: Draft, wish: str) -> Tested:
    test = draft.choose("unique", "not_null", "accepted_values", "relationships")
    given: dict[str, Any] = {}
    if test == "accepted_values":
        return dbt_accepted_values(draft, wish)
    kinds = MANY_VALUED if test == "unique" else EVERY
    kind = draft.choose(*(kind for kind in kinds if kind is not PAIR))  # dbt's IS NULL means the fields of a composite value
    pool = draft.pool(kind, 2, 4 if kind in MANY_VALUED else 2)
    if test == "not_null":
        name = draft.add(kind, draft.cells(wish, kind.values, st.none(), nulls=wish != "pass"))
    elif test == "unique":
        cells = draft.plain_cells(st.sampled_from(pool))
        if wish == "pass":
            cells = draft.maybe_null(
                draft.draw(st.lists(kind.values, min_size=draft.size, max_size=draft.size, unique_by=kind.key))
            )
        elif wish == "fail":
            cells[0] = cells[1] = pool[0]
        name = draft.add(kind, cells)
    else:
        other = draft.other(draft.choose(*range(1, 4)))
        theirs = [pool[index % (len(pool) - 1)] for index in range(other.size)]
        given = {"to": {"relation": other.written}}
        cells = draft.cells(wish, st.sampled_from(theirs), st.just(pool[-1]))
        given["field"] = quoted(draft.add(kind, theirs, other, DBT_NAMES))  # dbt puts it into its SQL as it is
        name = draft.add(kind, cells)
        reachable = {kind.key(value) for value in theirs}

    def truth(scope: Scope) -> Counted:
        if test == "not_null":
            return Counted(len(scope.rows) - len(scope.cells(name)), None)
        if test == "unique":
            return Counted(sum(times > 1 for times in Counter(scope.keys(name)).values()), None)
        return Counted(sum(key not in reachable for key in scope.keys(name)), None)

    arguments: dict[str, Any] = {"test": draft.choose(test, f"dbt.{test}")} | ({"arguments": given} if given else {})
    return Tested("dbt", [name], arguments, truth)


def dbt_accepted_values(draft: Draft, wish: str) -> Tested:
    whole = draft.chance()
    kind = INTEGER if whole else TEXT
    pool: list[Any] = [1, 2, 3, 4] if whole else WORDS
    cut = draft.choose(1, 2, 3)
    name = draft.add(kind, draft.cells(wish, st.sampled_from(pool[:cut]), st.sampled_from(pool[cut:])))
    given = {"values": pool[:cut]} | ({"quote": False} if whole and draft.chance() else {})

    def truth(scope: Scope) -> Counted:
        return Counted(len({cell for cell in scope.cells(name) if cell not in pool[:cut]}), None)

    return Tested("dbt", [name], {"test": "accepted_values", "arguments": given}, truth)
