"""The same truth where tables of several checks are read by one run, as workers do with small checks that wait: each table has the
answers that it has alone, whatever rules and names the others have, also those which a worker would not decide so."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import UnsatisfiedAssumption

from api.checks.lookup import Configured, InScope
from api.checks.specification import build, together
from api.worker import company
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.gate_test.specification import Specification
from stringx_dataops.contract.messages.trials import CheckOrder
from tests.support.databases import Target
from tests.support.documents import plain_judge
from tests.support.engine import Engine
from tests.truth.cases import Case, Plan, made_up
from tests.truth.test_truth import CATALOGUE, CLOCK, PLANS, check

TABLES = 8  # in a run


@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore:Using `assume` outside a property-based test")
def test_tables_that_are_read_together_have_their_own_truth(
    engine: Engine, truth_target: Target, request: pytest.FixtureRequest
) -> None:
    examples = 10 if request.config.getoption("--long") else 1
    cases = [case for plan in PLANS for case in made(plan, examples)]
    company_of = decided = 0
    for group in grouped(cases):
        for case in group:
            truth_target.execute(case.ddl)
        try:
            decided += hold_to_the_truth(engine, truth_target, group)
        finally:
            for case in group:
                truth_target.execute(case.cleanup)
        company_of += len(group) if len(group) > 1 else 0
    assert company_of >= len(PLANS) * examples - TABLES, "most tables are read with others"
    assert decided > len(PLANS) * examples / 5, "a worker decides many of them so"


def made(plan: Plan, examples: int) -> list[Case]:
    """So many cases of a plan, after the simplest one. Each is made by itself: the data of several are too much for one example."""
    found: list[Case] = []

    @seed(f"together {plan}")
    @settings(
        max_examples=examples + 1,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        phases=[Phase.generate],
    )
    @given(made_up(plan, CLOCK))
    def collect(case: Case) -> None:
        case.answers(CLOCK)  # where rounding could decide, another case is made
        found.append(case)

    collect()
    return found[1 : examples + 1]


def grouped(cases: Iterable[Case]) -> list[list[Case]]:
    """Groups whose tables can be there at the same time; a table of the same name in another schema can."""
    groups: list[tuple[list[Case], set[str]]] = []
    for case in cases:
        own = {table.relation for table in (case.table, *case.others)}
        group, names = next(
            ((group, names) for group, names in groups if len(group) < TABLES and not own & names), ([], set[str]())
        )
        if not group:
            groups.append((group, names))
        group.append(case)
        names |= own
    return [group for group, _ in groups]


def built_of(case: Case, target: Target) -> Specification:
    connection = parse_target(target.document())
    document = parse_table(case.document(), CATALOGUE, plain_judge)
    asked = CheckOrder.model_validate({"target": "shop", "table": document.table, "window": case.asked_window()})
    return build(asked, connection, [InScope(Configured(document, connection, 1, ""), document.rules)], CATALOGUE, 60)


def fitting(case: Case, target: Target) -> Case:
    """The case without the rules that are never read with other tables."""
    built = built_of(case, target)
    (table,) = built["tables"]
    fits = [company.is_self_contained({**built, "tables": [{**table, "rules": [rule]}]}) for rule in table["rules"]]
    return replace(case, rules=[rule for rule, fit in zip(case.rules, fits, strict=True) if fit])


def hold_to_the_truth(engine: Engine, target: Target, group: Sequence[Case]) -> int:
    """How many of the tables are as they should be, and a worker would decide them so."""
    cases = [fitting(case, target) for case in group]
    specifications = [built_of(case, target) for case in cases]
    answer = engine.answer(target, together(specifications, 200))
    assert answer.outcome is not None, answer.message
    outcome = json.loads(answer.outcome)
    clock = datetime.fromisoformat(outcome["snapshot_at"])
    settled = 0
    for case, built, found in zip(cases, specifications, outcome["tables"], strict=True):
        with suppress(UnsatisfiedAssumption):  # at the moment of the snapshot, rounding could decide
            check(case, found, clock)
            settled += company.is_settled(built, {**outcome, "tables": [found]})
    return settled
