"""The same truth where tables of several checks are read by one run, as workers do with small checks that wait: each table has the
answers that it has alone, whatever rules and names the others have, also those which a worker would not decide so."""

import json
from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from api.checks.lookup import Configured, InScope
from api.checks.specification import build, together
from api.worker import company
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.messages.trials import CheckOrder
from tests.support.databases import Target
from tests.support.documents import plain_judge
from tests.support.engine import Engine
from tests.truth.cases import Case, made_up
from tests.truth.test_truth import CATALOGUE, CLOCK, PLANS, check

TABLES = 6  # in a run
GROUPS = [PLANS[place : place + TABLES] for place in range(0, len(PLANS), TABLES)]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("number", range(len(GROUPS)))
def test_tables_that_are_read_together_have_their_own_truth(
    number: int, engine: Engine, truth_target: Target, request: pytest.FixtureRequest
) -> None:
    @seed(f"together {number}")
    @settings(
        max_examples=10 if request.config.getoption("--long") else 1,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        phases=[Phase.generate],
    )
    @given(st.tuples(*(made_up(plan, CLOCK) for plan in GROUPS[number])))
    def agree(cases: tuple[Case, ...]) -> None:
        for case in cases:
            case.answers(CLOCK)
        chosen = apart(cases)
        try:
            for case in chosen:
                truth_target.execute(case.ddl)
            hold_to_the_truth(engine, truth_target, chosen)
        finally:
            for case in chosen:
                truth_target.execute(case.cleanup)

    agree()


def apart(cases: Sequence[Case]) -> list[Case]:
    """Those whose tables can be there at the same time."""
    chosen, names = [], set[str]()
    for case in cases:
        own = {table.relation for table in (case.table, *case.others)}
        if not own & names:
            chosen.append(case)
            names |= own
    return chosen


def hold_to_the_truth(engine: Engine, target: Target, cases: Sequence[Case]) -> None:
    connection = parse_target(target.document())
    members = []
    for case in cases:
        document = parse_table(case.document(), CATALOGUE, plain_judge)
        asked = CheckOrder.model_validate({"target": "shop", "table": document.table, "window": case.asked_window()})
        built = build(asked, connection, [InScope(Configured(document, connection, 1, ""), document.rules)], CATALOGUE, 60)
        if company.is_self_contained(built):
            members.append((case, built))
    assert len(members) > 1, "nothing to read together"
    answer = engine.answer(target, together([built for _, built in members], 200))
    assert answer.outcome is not None, answer.message
    outcome = json.loads(answer.outcome)
    clock = datetime.fromisoformat(outcome["snapshot_at"])
    for (case, _), found in zip(members, outcome["tables"], strict=True):
        check(case, found, clock)
