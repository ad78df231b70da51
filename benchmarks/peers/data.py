"""The tables: eight columns of the usual types, the integers unique and in no order; and what plain SQL says of them."""

from collections.abc import Sequence
from typing import Any

from benchmarks.peers.rules import COLUMNS, STATUSES, Rule
from benchmarks.peers.verdicts import Truth

CLEAN, PROVED, FAULTY = "orders", "proved_orders", "faulty_orders"
FAULTY_ROWS = 10_000
_FILL = """
create table {table} as
select n as id, (array[{statuses}])[1 + n % {number}] as status, (n % 100000)::numeric(12, 2) / 100 as amount,
       (n % 9973) * 0.37::double precision as price, timestamptz '2026-01-01' + n * interval '1 second' as sold_at,
       date '2026-01-01' + n % 365 as sold_on, md5(n::text)::uuid::text as code, n % 3 > 0 as paid
from generate_series(1, {rows}) n
order by hashint4(n)
"""
# Integers that occur twice, one three times; three unknown values in eleven rows; NULLs in some columns, none in others.
_FAULTS = """
update faulty_orders set id = id - 1 where id in (20, 40, 60, 80, 100, 120);
update faulty_orders set id = 19 where id = 21;
update faulty_orders set status = (array['lost', 'NEW', ''])[1 + id % 3] where id between 1001 and 1011;
update faulty_orders set status = null where id between 2001 and 2005;
update faulty_orders set amount = null where id % 1000 = 500;
update faulty_orders set sold_at = null where id between 3001 and 3003;
update faulty_orders set code = null where id = 4001;
"""


def named(kind: str, rows: int) -> str:
    return f"{kind}_{rows}"


def clean(rows: int) -> list[str]:
    """Statements that make a table and a twin of it whose constraints prove what the rules say."""
    proved = named(PROVED, rows)
    not_null = ", ".join(f"alter column {column} set not null" for column in COLUMNS)
    return [
        _filled(named(CLEAN, rows), rows),
        f"create table {proved} as table {named(CLEAN, rows)}",
        f"alter table {proved} add primary key (id), {not_null}",
        f"vacuum (analyze) {named(CLEAN, rows)}",
        f"vacuum (analyze) {proved}",
    ]


def faulty() -> list[str]:
    return [_filled(FAULTY, FAULTY_ROWS), _FAULTS, f"vacuum (full, analyze) {FAULTY}"]


def _filled(table: str, rows: int) -> str:
    statuses = ", ".join(f"'{status}'" for status in STATUSES)
    return _FILL.format(table=table, statuses=statuses, number=len(STATUSES), rows=rows)


def truth_statement(rules: Sequence[Rule], table: str) -> str:
    """One row of counts, as `truth` reads them: of each rule the violating rows, then their distinct values, then, for `unique`,
    all rows of a value that occurs again."""
    parts = []
    for rule in rules:
        if rule.violates is None:
            known = f"from {table} where {rule.column} is not null"
            again = f"(select {rule.column}, count(*) as n {known} group by {rule.column} having count(*) > 1)"
            parts.append(
                f"(select coalesce(sum(n) - count(*), 0) from {again} a), (select count(*) from {again} b),"
                f" (select coalesce(sum(n), 0) from {again} c)"
            )
        else:
            violating = f"count(*) filter (where {rule.violates})"
            values = f"count(distinct {rule.column}) filter (where {rule.violates})"
            parts.append(f"{violating}, {values}, {violating}")
    return f"select {', '.join(parts)} from {table}"


def truth(rules: Sequence[Rule], row: Sequence[Any]) -> Truth:
    names = ("rows", "values", "sharing")
    counts = [dict(zip(names, map(int, row[start : start + 3]), strict=True)) for start in range(0, len(row), 3)]
    return dict(zip((rule.id for rule in rules), counts, strict=True))
