"""The truth of engines other than PostgreSQL: the same made-up tables and independent answers, as far as an engine has the types.

Each type that the engine has is made to pass, to fail, to have no row, to find none by its `where`, and to do whatever comes. A rule that the engine refuses for its
column's type has to be an error, and counts as one.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
from stringx_dataops.contract.gate_test.specification import Specification
from stringx_dataops.contract.messages.trials import CheckOrder
from tests.support.documents import plain_judge
from tests.truth import cases
from tests.truth import grouped as truth_of_groups
from tests.truth.cases import WISHES, Case, Plan, made_up
from tests.truth.grouped import Grouped, grouped
from tests.truth.kinds import Kind
from tests.truth.tables import NAMES, Draft, Table, cut
from tests.truth.test_groups import check as check_groups
from tests.truth.test_truth import ALONE, CATALOGUE, agree
from tests.truth.truth import TAKES_NO_WHERE, Answer, Tested, Undecided, verdict_of

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
Made = TypeVar("Made")
Outcome = tuple[dict[str, Any], datetime]  # of the table, and the moment of the snapshot


class DraftOfKinds(Draft):
    """A table whose columns are of types that the engine has, with names that differ by more than upper and lower case."""

    kinds: frozenset[str] = frozenset()

    def choose(self, *options: Any) -> Any:
        had = [option for option in options if self._has(option)]
        assume(had)
        return super().choose(*had)

    def _has(self, option: Any) -> bool:
        if isinstance(option, tuple):
            return all(map(self._has, option))
        return option.name in self.kinds if isinstance(option, Kind) else option != "ks"

    def add(self, kind: Kind, cells: Sequence[Any], table: Table | None = None, names: Sequence[str] = NAMES) -> str:
        assume(kind.name in self.kinds)
        return super().add(kind, cells, table, names)

    def new_name(self, table: Table | None = None, names: Sequence[str] = NAMES) -> str:
        taken = {column.name.lower() for column in (table or self.table).columns} | set((table or self.table).dropped)
        free = [name for name in names if name.lower() not in taken]
        name = super().new_name(table, free or names)
        return next(found for found in [name, *(f"{cut(name, 60)}{n}" for n in range(2, 99))] if found.lower() not in taken)


def is_between_infinities(tested: Tested, wanted: Answer, found: dict[str, Any]) -> bool:
    """A quantile that lies between an infinity and another value: on DuckDB the infinity, on PostgreSQL NaN."""
    of_quantile = tested.arguments.get("function") in ("median", "percentile")
    is_nan = isinstance(wanted.measured, float) and math.isnan(wanted.measured)
    return of_quantile and is_nan and found["measured"] in ("Infinity", "-Infinity")


@dataclass
class Elsewhere:
    """An engine, its draft, what it begins its refusals with, and how a case is asked there."""

    adapter: str
    draft: type[DraftOfKinds]
    refused: str
    ask: Callable[[Case, Specification], Outcome]
    types_a_table: int = 8
    is_known: Callable[[Tested, Answer, dict[str, Any]], bool] = lambda tested, wanted, found: (
        False
    )  # a difference that docs/engines.md names

    @property
    def types(self) -> list[str]:
        return [found.name for found in ALONE if self.adapter in found.engines]

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have made-up tables be of the engine's types."""
        for module in (cases, truth_of_groups):
            monkeypatch.setattr(module, "Draft", self.draft)

    def plans(self) -> list[Plan]:
        """Each type with each wish, several types on a table."""
        found: list[Plan] = []
        for wish in WISHES:
            types = [name for name in self.types if wish != "nowhere" or name not in TAKES_NO_WHERE]
            for start in range(0, len(types), self.types_a_table):
                chosen = sorted(types[start:][: self.types_a_table], key=lambda name: name in cases.LAST)
                found.append(Plan(len(found), tuple(chosen), (wish,) * len(chosen)))
        return found

    def says_what_is_true(self, request: pytest.FixtureRequest) -> None:
        """Every plan, and each type until it has passed and failed."""
        statuses: Counter[tuple[str, str]] = Counter()
        wrong: list[str] = []

        def compare(case: Case) -> None:
            case.answers(CLOCK)  # where rounding could decide, another case is made
            outcome, clock = self.ask(case, self.specification(case, case.document()))
            found = list(self.faults(case, outcome, clock, statuses))
            wrong.extend([*found, repr(case)] if found else [])

        for plan in self.plans():
            each(made_up(plan, CLOCK), plan, request, compare)
        for number in range(10):  # both examples of a type may have had columns that are refused
            for wish, ends in (("fail", ("fail", "warn")), ("pass", ("pass",))):
                for type in self.types:
                    if not any(statuses[type, status] for status in ends):
                        each(made_up(Plan(number, (type,), (wish,)), CLOCK), f"{type} {wish} {number}", request, compare)
        if wrong:
            pytest.fail("\n\n".join(["answers differ", *wrong[:12]]), pytrace=False)
        fails = {type for type in self.types if statuses[type, "fail"] or statuses[type, "warn"]}
        assert fails == set(self.types)
        assert {type for type in self.types if statuses[type, "pass"]} == set(self.types)

    def decides_each_group(self, request: pytest.FixtureRequest) -> None:
        """As if its rows were the table."""
        types = [name for name in self.types if (entry := CATALOGUE.get(name)) is not None and entry.per]
        decided: set[str] = set()

        def compare(made: Grouped) -> None:
            for tested in made.case.rules:
                made.answers(tested, CLOCK)
            outcome, clock = self.ask(made.case, self.specification(made.case, made.document()))
            self.undecide_refused(made.case, outcome)
            rules = zip(made.case.rules, outcome["rules"], strict=True)
            decided.update(tested.type for tested, found in rules if found.get("groups"))
            check_groups(made, outcome | {"clock": clock.isoformat()})

        for number in range(4):
            plan = Plan(number, tuple(types[number::4]), ("fail" if number % 2 else "free",) * len(types[number::4]))
            each(grouped(plan, CLOCK), f"groups {plan}", request, compare)
        for number in range(10):  # all examples of a type may have had columns that are refused
            for type in [name for name in types if name not in decided]:
                each(grouped(Plan(number, (type,), ("fail",)), CLOCK), f"groups {type} {number}", request, compare)
        assert decided == set(types)

    def specification(self, case: Case, written: dict[str, Any]) -> Specification:
        document = parse_table(written, CATALOGUE, plain_judge)
        asked = CheckOrder.model_validate({"target": "shop", "table": document.table, "window": case.asked_window()})
        target = parse_target(TARGET)
        return build(asked, target, [InScope(Configured(document, target, 1, ""), document.rules)], CATALOGUE, 60)

    def undecide_refused(self, case: Case, outcome: dict[str, Any]) -> None:
        """Rules that the engine refuses for their columns have to be errors."""
        for tested, found in zip(case.rules, outcome["rules"], strict=True):
            if (found["reason"] or "").startswith(self.refused):
                tested.truth = lambda _: Undecided()

    def faults(self, case: Case, outcome: dict[str, Any], clock: datetime, statuses: Counter[tuple[str, str]]) -> Iterator[str]:
        """What differs from the expected answers."""
        self.undecide_refused(case, outcome)
        expected = case.answers(clock)
        for tested, wanted, found in zip(case.rules, expected, outcome["rules"], strict=True):
            statuses[tested.type, found["status"]] += 1
            if self.is_known(tested, wanted, found):
                assume(wanted.status == found["status"])  # or the table's verdict is another one, too
            elif not agree(wanted, found):
                yield f"{tested.document(found['id'])}\n  expected {wanted}\n  found    {found}"
        verdict = verdict_of(list(zip(case.rules, expected, strict=True)), len(case.inside), case.on_empty)
        told = {"verdict": verdict, "row_count": len(case.inside), "window_nulls": case.window_nulls}
        for name, value in told.items():
            if outcome[name] != value:
                yield f"{name}: expected {value}, found {outcome[name]}"


def each(made: st.SearchStrategy[Made], name: object, request: pytest.FixtureRequest, compare: Callable[[Made], None]) -> None:
    """Compares two examples of a strategy, the same in each run; another seed takes others, and `--long` ten times as many. Where none of a seed's has
    columns that the engine has, which depends on the present day and time, the next seeds are taken."""
    chosen = request.config.getoption("--hypothesis-seed") or "0"
    for attempt in ("", *(f" again {number}" for number in range(9))):
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
