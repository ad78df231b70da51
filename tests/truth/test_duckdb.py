"""The gate test's answers on DuckDB against the same independent computation as those on PostgreSQL, on the same made-up tables.

Columns are of the types that both have. Each type that DuckDB has is made to pass, to fail, to have no row, to find none by its `where`, and to do whatever comes. A
rule that DuckDB refuses for its column's type has to be an error, and counts as one.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from api.checks.lookup import Configured, InScope
from api.checks.specification import build
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.messages.trials import CheckOrder
from tests.support.documents import plain_judge
from tests.support.duckdb_target import DuckdbFiles
from tests.truth import cases
from tests.truth import grouped as truth_of_groups
from tests.truth.cases import SCHEMAS, WISHES, Case, Plan, made_up
from tests.truth.grouped import Grouped, grouped
from tests.truth.kinds import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    MONEY,
    MOOD,
    PLAIN_JSON,
    REAL,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    VARCHAR,
    Kind,
)
from tests.truth.tables import NAMES, Draft, Table, quoted
from tests.truth.test_groups import check as check_groups
from tests.truth.test_truth import ALONE, CATALOGUE, agree
from tests.truth.truth import TAKES_NO_WHERE, Undecided, verdict_of

KINDS = {
    kind.name: kind
    for kind in (
        INTEGER, BIGINT, SMALLINT, MONEY, REAL, DOUBLE, TEXT, VARCHAR, BOOLEAN, DATE, TIMESTAMP, TIMESTAMPTZ, TIME, UUID, MOOD, PLAIN_JSON,
    )
}  # fmt: skip
TYPES = [found.name for found in ALONE if "duckdb" in found.engines]
REFUSED = "on DuckDB "
TYPES_A_TABLE = 8
CLOCK = datetime.now(UTC)
TARGET = {
    "apiVersion": "stringx/v1",
    "kind": "Target",
    "name": "shop",
    "host": "h",
    "dbname": "d",
    "user": "u",
    "password_file": "p",
}


class DuckdbDraft(Draft):
    """A table whose columns are of types that DuckDB has, with names that differ by more than upper and lower case."""

    def choose(self, *options: Any) -> Any:
        had = [option for option in options if (option.name in KINDS if isinstance(option, Kind) else option != "ks")]
        assume(had)
        return super().choose(*had)

    def add(self, kind: Kind, cells: Sequence[Any], table: Table | None = None, names: Sequence[str] = NAMES) -> str:
        assume(kind.name in KINDS)
        return super().add(kind, cells, table, names)

    def new_name(self, table: Table | None = None, names: Sequence[str] = NAMES) -> str:
        taken = {column.name.lower() for column in (table or self.table).columns} | set((table or self.table).dropped)
        free = [name for name in names if name.lower() not in taken]
        return super().new_name(table, free or names)


def duckdb_plans() -> list[Plan]:
    """Each type with each wish, several types on a table."""
    found: list[Plan] = []
    for wish in WISHES:
        types = [name for name in TYPES if wish != "nowhere" or name not in TAKES_NO_WHERE]
        for start in range(0, len(types), TYPES_A_TABLE):
            chosen = sorted(types[start:][:TYPES_A_TABLE], key=lambda name: name in cases.LAST)
            found.append(Plan(len(found), tuple(chosen), (wish,) * len(chosen)))
    return found


@pytest.fixture(autouse=True)
def only_what_duckdb_has(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (cases, truth_of_groups):
        monkeypatch.setattr(module, "Draft", DuckdbDraft)


Made = TypeVar("Made")


def each(made: st.SearchStrategy[Made], name: object, request: pytest.FixtureRequest, compare: Callable[[Made], None]) -> None:
    """Compares two examples of a strategy, the same in each run; another seed takes others, and `--long` ten times as many. Where none of a seed's has
    columns that DuckDB has, which depends on the present day and time, the next seed is taken."""
    chosen = request.config.getoption("--hypothesis-seed") or "0"
    for attempt in ("", " again", " once more"):
        try:
            return _take(made, f"{chosen} {name}{attempt}", request, compare)
        except Unsatisfiable:
            continue
    pytest.fail(f"no example of {name}", pytrace=False)


def _take(made: st.SearchStrategy[Made], chosen: str, request: pytest.FixtureRequest, compare: Callable[[Made], None]) -> None:
    @seed(chosen)
    @settings(
        max_examples=20 if request.config.getoption("--long") else 2,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        phases=[Phase.generate],
    )
    @given(made)
    def take(one: Made) -> None:
        compare(one)

    take()


@pytest.mark.timeout(600)
def test_duckdb_says_what_is_true(files: DuckdbFiles, request: pytest.FixtureRequest) -> None:
    statuses: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []

    def compare(case: Case) -> None:
        case.answers(CLOCK)  # where rounding could decide, another case is made
        outcome, clock = ask(files, case, case.document())
        found = list(faults(case, outcome, clock, statuses))
        wrong.extend([*found, repr(case)] if found else [])

    for plan in duckdb_plans():
        each(made_up(plan, CLOCK), plan, request, compare)
    for number in range(10):  # both examples of a type may have had columns that DuckDB refuses
        for wish, ends in (("fail", ("fail", "warn")), ("pass", ("pass",))):
            for type in TYPES:
                if not any(statuses[type, status] for status in ends):
                    each(made_up(Plan(number, (type,), (wish,)), CLOCK), f"{type} {wish} {number}", request, compare)
    if wrong:
        pytest.fail("\n\n".join(["answers differ", *wrong[:12]]), pytrace=False)
    fails = {type for type in TYPES if statuses[type, "fail"] or statuses[type, "warn"]}
    assert fails == set(TYPES)
    assert {type for type in TYPES if statuses[type, "pass"]} == set(TYPES)


@pytest.mark.timeout(600)
def test_duckdb_decides_each_group_as_if_its_rows_were_the_table(files: DuckdbFiles, request: pytest.FixtureRequest) -> None:
    types = [name for name in TYPES if (entry := CATALOGUE.get(name)) is not None and entry.per]
    decided: set[str] = set()

    def compare(made: Grouped) -> None:
        for tested in made.case.rules:
            made.answers(tested, CLOCK)
        outcome, clock = ask(files, made.case, made.document())
        undecide_refused(made.case, outcome)
        rules = zip(made.case.rules, outcome["rules"], strict=True)
        decided.update(tested.type for tested, found in rules if found.get("groups"))
        check_groups(made, outcome | {"clock": clock.isoformat()})

    for number in range(4):
        plan = Plan(number, tuple(types[number::4]), ("fail" if number % 2 else "free",) * len(types[number::4]))
        each(grouped(plan, CLOCK), f"groups {plan}", request, compare)
    assert decided == set(types)


def ask(files: DuckdbFiles, case: Case, written: dict[str, Any]) -> tuple[dict[str, Any], datetime]:
    """The outcome of the case's table in a new file, and the moment of the snapshot."""
    document = parse_table(written, CATALOGUE, plain_judge)
    asked = CheckOrder.model_validate({"target": "shop", "table": document.table, "window": case.asked_window()})
    target = parse_target(TARGET)
    spec = build(asked, target, [InScope(Configured(document, target, 1, ""), document.rules)], CATALOGUE, 60)
    schemas = [f"create schema {quoted(schema)}" for schema in SCHEMAS]
    types = f"""create type {MOOD.sql} as enum ('sad', 'ok', 'very happy', 'it''s'); create type pair as struct(n integer, t varchar);
    create type small as integer"""
    answer = files.answer(files.file(*schemas, types, case.ddl), spec)
    assert answer.outcome is not None, answer.message
    outcome = json.loads(answer.outcome)
    return outcome["tables"][0], datetime.fromisoformat(outcome["snapshot_at"])


def undecide_refused(case: Case, outcome: dict[str, Any]) -> None:
    """Rules that DuckDB refuses for their columns have to be errors."""
    for tested, found in zip(case.rules, outcome["rules"], strict=True):
        if (found["reason"] or "").startswith(REFUSED):
            tested.truth = lambda _: Undecided()


def faults(case: Case, outcome: dict[str, Any], clock: datetime, statuses: Counter[tuple[str, str]]) -> Iterator[str]:
    """What differs from the expected answers."""
    undecide_refused(case, outcome)
    expected = case.answers(clock)
    for tested, wanted, found in zip(case.rules, expected, outcome["rules"], strict=True):
        statuses[tested.type, found["status"]] += 1
        if not agree(wanted, found):
            yield f"{tested.document(found['id'])}\n  expected {wanted}\n  found    {found}"
    verdict = verdict_of(list(zip(case.rules, expected, strict=True)), len(case.inside), case.on_empty)
    told = {"verdict": verdict, "row_count": len(case.inside), "window_nulls": case.window_nulls}
    for name, value in told.items():
        if outcome[name] != value:
            yield f"{name}: expected {value}, found {outcome[name]}"
