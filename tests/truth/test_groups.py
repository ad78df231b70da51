"""Rules that are decided for each group, against the oracles of the same rules on each group's rows alone.

As in test_truth.py the tables are made up, and deterministic.
"""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from api.checks.lookup import Configured, InScope
from api.checks.specification import build
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.messages.trials import CheckOrder
from tests.support.databases import Target
from tests.support.documents import plain_judge
from tests.support.engine import Engine
from tests.truth.cases import RULES_A_TABLE, Plan
from tests.truth.grouped import ORDER, Grouped, expected, grouped
from tests.truth.test_truth import CATALOGUE, CLOCK
from tests.truth.truth import MAKERS, MEASURED, WINDOWED, Answer, same_measure

TYPES = [name for name in MAKERS if (found := CATALOGUE.get(name)) is not None and found.per]
TABLES = -(-len(TYPES) // RULES_A_TABLE)
PLANS = [
    Plan(number, types := tuple(TYPES[number::TABLES]), (wish,) * len(types))
    for number in range(TABLES)
    for wish in ("free", "fail")
]


def test_all_row_types_and_the_promised_others_can_be_decided_for_each_group() -> None:
    promised = {"unique", "relationship", "outliers", "monotonic", "row_count", "aggregate", "freshness"}
    assert {found.name for found in CATALOGUE if found.shape == "row"} | promised <= set(TYPES)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_each_group_is_decided_as_if_its_rows_were_the_table(
    plan: Plan, engine: Engine, truth_target: Target, request: pytest.FixtureRequest
) -> None:
    long = request.config.getoption("--long")
    chosen = request.config.getoption("--hypothesis-seed") or "0"

    @seed(f"groups {chosen} {plan}")
    @settings(
        max_examples=40 if long else 3,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        phases=[Phase.generate],
    )
    @given(grouped(plan, CLOCK))
    def agrees(made: Grouped) -> None:
        for tested in made.case.rules:
            made.answers(tested, CLOCK)  # where rounding could decide, another case is made
        truth_target.execute(made.case.ddl)
        try:
            outcome = ask(engine, truth_target, made)
        finally:
            truth_target.execute(made.case.cleanup)
        check(made, outcome)

    agrees()


def ask(engine: Engine, target: Target, made: Grouped) -> dict[str, Any]:
    document = parse_table(made.document(), CATALOGUE, plain_judge)
    asked = CheckOrder.model_validate({"target": "shop", "table": document.table, "window": made.case.asked_window()})
    connection = parse_target(target.document())
    scope = InScope(Configured(document, connection, 1, ""), document.rules)
    answer = engine.answer(target, build(asked, connection, [scope], CATALOGUE, 60))
    assert answer.outcome is not None, answer.message
    found: dict[str, Any] = json.loads(answer.outcome)
    return found["tables"][0] | {"clock": found["snapshot_at"]}


def check(made: Grouped, outcome: dict[str, Any]) -> None:
    clock = datetime.fromisoformat(outcome["clock"])
    wrong, marks = [], []
    for tested, found in zip(made.case.rules, outcome["rules"], strict=True):
        answers = made.answers(tested, clock)
        wanted = expected(tested, answers)
        groups = found.get("groups") or {}
        told = {name: found[name] if name in found else groups.get(name) for name in wanted}
        if told != wanted:
            wrong.append(f"{tested.document(found['id'])}\n  expected {wanted}\n  found    {told} {found['reason']}")
        elif answers is not None and not same_groups(answers, groups["worst"]):
            wrong.append(f"{tested.document(found['id'])}\n  expected {answers}\n  found    {groups['worst']}")
        if answers is None:
            marks.append("warn" if tested.only_warns else "error")
        elif made.case.inside or (tested.type not in WINDOWED and answers):
            marks.append(wanted["status"])
    if not made.case.inside:
        marks.append(made.case.on_empty)
    verdict = next((mark for mark in ("fail", "error", "warn") if mark in marks), "pass")
    if outcome["verdict"] != verdict:
        wrong.append(f"verdict: expected {verdict}, found {outcome['verdict']}")
    if wrong:
        pytest.fail("\n\n".join([repr(made), *wrong]), pytrace=False)


def same_groups(wanted: list[Answer], found: list[dict[str, Any]]) -> bool:
    """The same groups in whatever order, the worst statuses first."""
    left = list(wanted)
    for group in found:
        match = next((answer for answer in left if is_answer(answer, group)), None)
        if match is None:
            return False
        left.remove(match)
    places = [ORDER.index(group["status"]) for group in found]
    return not left and places == sorted(places, reverse=True)


def is_answer(answer: Answer, group: dict[str, Any]) -> bool:
    exact = (answer.status, answer.failures, answer.total) == (group["status"], group["failures"], group["total"])
    return exact and (answer.failures is not None or same_measure(answer.measured, group["measured"]))


def test_measured_types_are_known() -> None:
    assert {name for name in TYPES if (found := CATALOGUE.get(name)) is not None and found.measured} <= MEASURED
