"""The gate test's answers on Trino against the same independent computation as those on PostgreSQL, on the same made-up tables."""

import json
import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

import pytest
from hypothesis import assume
from hypothesis import strategies as st

from stringx_dataops.contract.gate_test.specification import Specification
from tests.support.trino_tables import TrinoTables
from tests.truth import conditions, shapes
from tests.truth.cases import SCHEMAS, Case
from tests.truth.elsewhere import DraftOfKinds, Elsewhere, Outcome
from tests.truth.kinds import DATE, TIMESTAMP, TIMESTAMPTZ, Endless, Kind
from tests.truth.tables import NAMES, Draw, Table, literal, quoted

TYPES = {
    "integer": "integer", "bigint": "bigint", "smallint": "smallint", "money": "decimal(12, 2)", "real": "real", "double": "double", "text": "varchar", "varchar": "varchar(60)",
    "char": "char(6)", "boolean": "boolean", "date": "date", "timestamp": "timestamp(6)", "timestamptz": "timestamp(6) with time zone", "time": "time(6)", "uuid": "uuid", "json": "json",
    "bytea": "varbinary",
}  # fmt: skip


Values = st.SearchStrategy[Any]


class TrinoDraft(DraftOfKinds):
    """Names in lower case, and no infinite days: Trino has no others."""

    kinds = frozenset(TYPES)
    schemas: ClassVar[dict[str, str]] = {}  # those of this process alone, as all share a server

    def __init__(self, draw: Draw, table: Table, *others: Any) -> None:
        table.name, table.schema = table.name.lower(), self.schemas.get(table.schema, table.schema)
        super().__init__(draw, table, *others)

    def add(self, kind: Kind, cells: Sequence[Any], table: Table | None = None, names: Sequence[str] = NAMES) -> str:
        assume(all(map(_is_finite, cells)))
        return super().add(kind, cells, table, names)

    def cells(self, wish: str, good: Values, bad: Values, nulls: bool = True) -> list[Any]:
        return super().cells(wish, _finite(good), _finite(bad), nulls)

    def new_name(self, table: Table | None = None, names: Sequence[str] = NAMES) -> str:
        return super().new_name(table, [name for name in names if name == name.lower()])

    def other(self, size: int) -> Table:
        made = super().other(size)
        made.name = made.name.lower().replace(".", "_")  # a document would name a catalog
        return made


def _finite(values: Values) -> Values:
    """Without infinite days. A filter of alternatives would be one of each of them, and those of infinite days have no other value."""
    return st.tuples(values).filter(lambda one: _is_finite(*one)).map(lambda one: one[0])


def _is_finite(value: Any) -> bool:
    return not isinstance(value, Endless)


def constant(kind: Kind, value: Any) -> str:
    """A value as Trino's SQL. Conditions compare no floating point numbers: NaN is compared with nothing there."""
    assume(kind.family != "float")
    return cell(kind, value)


def cell(kind: Kind, value: Any) -> str:
    if value is None:
        return "null"
    if kind.family == "bytes":
        return f"x'{value.hex()}'"
    if kind.family == "json":
        return f"json_parse({literal(kind.text(value))})"
    text = value.isoformat() if isinstance(value, datetime) else kind.text(value)
    if kind.family == "boolean":
        return "true" if value else "false"
    if kind.family == "float":
        text = "NaN" if math.isnan(value) else str(value).replace("inf", "Infinity")
    if kind.family == "timestamp":
        text = text.replace("T", " ")
        return f"cast(timestamp {literal(text)} as {TYPES[kind.name]})"
    return f"cast({literal(text)} as {TYPES[kind.name]})"


def ddl(table: Table) -> list[str]:
    """The table and its rows; no column is dropped."""
    columns = ", ".join(f"{quoted(column.name)} {TYPES[column.kind.name]}" for column in table.columns)
    rows = [", ".join(cell(column.kind, column.cells[index]) for column in table.columns) for index in range(table.size)]
    filled = [f"insert into {table.relation} values ({'), ('.join(rows)})"] if rows else []
    return [f"create table {table.relation} ({columns})", *filled]


@pytest.fixture
def on_trino(trino_memory: TrinoTables, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    def ask(case: Case, spec: Specification) -> Outcome:
        tables = [case.table, *case.others]
        trino_memory.execute(*(statement for table in tables for statement in ddl(table)))
        try:
            answer = trino_memory.answer(spec)
        finally:
            trino_memory.execute(*(f"drop table {table.relation}" for table in tables))
        assert answer.outcome is not None, answer.message
        outcome = json.loads(answer.outcome)
        return outcome["tables"][0], datetime.fromisoformat(outcome["snapshot_at"])

    plain, odd = SCHEMAS
    monkeypatch.setattr(TrinoDraft, "schemas", {plain: trino_memory.schema, odd: f"{odd} {trino_memory.schema}"})
    trino_memory.execute(f"create schema {quoted(TrinoDraft.schemas[odd])}")
    found = Elsewhere("trino", TrinoDraft, "on Trino ", ask, types_a_table=5)
    found.use(monkeypatch)
    for module in (conditions, shapes):
        monkeypatch.setattr(module, "constant", constant)
    of_kinds = {kind.name: (kind, kind.values) for kind in (DATE, TIMESTAMP, TIMESTAMPTZ)}
    for kind, values in of_kinds.values():
        object.__setattr__(kind, "values", _finite(values))
    yield found
    trino_memory.execute(f"drop schema {quoted(TrinoDraft.schemas[odd])}")
    for kind, values in of_kinds.values():
        object.__setattr__(kind, "values", values)


@pytest.mark.timeout(1200)
def test_trino_says_what_is_true(on_trino: Elsewhere, request: pytest.FixtureRequest) -> None:
    on_trino.says_what_is_true(request)


@pytest.mark.timeout(1200)
def test_trino_decides_each_group_as_if_its_rows_were_the_table(on_trino: Elsewhere, request: pytest.FixtureRequest) -> None:
    on_trino.decides_each_group(request)
