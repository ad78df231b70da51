"""The engine's answers on made-up tables against an independent computation in plain Python.

A case is a table with about eight rules of different types; each plan has the rules of some types with the wish that they
pass, fail, have no row, find none by their `where`, or whatever comes (with windows, conditions and thresholds). Deterministic; `--hypothesis-seed=N`
takes other cases, `--long` ten times as many, and smaller ones of what failed (which
takes minutes).
"""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from api.checks.lookup import Configured, InScope
from api.checks.specification import build
from stringx_dataops.contract.catalogue.rule_types import FAMILIES, Catalogue
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Target
from tests.support.documents import plain_judge
from tests.support.engine import Engine
from tests.truth.cases import TYPES, WISHES, Case, Plan, emptied, made_up, plans
from tests.truth.conftest import PROPERTY
from tests.truth.kinds import EVERY, UNEQUAL
from tests.truth.truth import MEANT, MEASURED, TAKES_NO_WHERE, WINDOWED, Answer, same_measure, verdict_of

CATALOGUE = Catalogue.load(ROOT / "stringx")
PLANS = plans()
CLOCK = datetime.now(UTC)


# What compares with earlier checks has its truth in tests/integration/test_remembered_points.py and others there.
ALONE = [found for found in CATALOGUE if found.baseline is None and not found.remembers]


def test_every_type_of_the_catalogue_is_tested() -> None:
    assert sorted(TYPES) == sorted(found.name for found in ALONE)


def test_windows_and_measures_are_the_contracts() -> None:
    assert {found.name for found in ALONE if found.window} == WINDOWED
    assert {found.name for found in ALONE if found.decides == "bounds"} == MEASURED


def test_the_families_that_types_have_a_meaning_for_are_the_catalogues() -> None:
    assert {found.name: set(found.accepts) for found in ALONE if found.accepts is not None} == MEANT


def test_every_family_has_values() -> None:
    assert {kind.family for kind in (*EVERY, *UNEQUAL)} == set(FAMILIES)


def test_every_type_has_a_plan_for_every_case() -> None:
    planned = Counter(pair for plan in PLANS for pair in zip(plan.types, plan.wishes, strict=True))
    assert planned == Counter(
        {(name, wish): 1 for name in TYPES for wish in WISHES if wish != "nowhere" or name not in TAKES_NO_WHERE}
    )


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_the_engine_says_what_is_true(plan: Plan, engine: Engine, truth_target: Target, request: pytest.FixtureRequest) -> None:
    long = request.config.getoption("--long")
    examples, phases = (20, [Phase.generate, Phase.shrink]) if long else (2, [Phase.generate])
    chosen = request.config.getoption("--hypothesis-seed") or "0"
    shown: Counter[tuple[str, str]] = Counter({("", "plans"): 1})

    @seed(f"{chosen} {plan}")
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        phases=phases,
    )
    @given(made_up(plan, CLOCK))
    def agrees(case: Case) -> None:
        case.answers(CLOCK)  # where rounding could decide, another case is made
        truth_target.execute(case.ddl)
        try:
            [outcome], clock = ask(engine, truth_target, [case])
        finally:
            truth_target.execute(case.cleanup)
        count(case, check(case, outcome, clock), shown)

    agrees()
    assert shown["", "tables"] >= examples
    request.node.user_properties.append((PROPERTY, [(type, name, count) for (type, name), count in shown.items()]))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("windowed", [False, True], ids=["no row", "no row in the window"])
def test_an_empty_table_is_judged_by_on_empty_its_row_counts_and_what_looked_elsewhere(
    windowed: bool, engine: Engine, truth_target: Target, request: pytest.FixtureRequest
) -> None:
    chosen = request.config.getoption("--hypothesis-seed") or "0"

    @seed(f"{chosen} {windowed}")
    @settings(
        max_examples=10 if request.config.getoption("--long") else 1,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        phases=[Phase.generate],
    )
    @given(emptied(CLOCK, windowed))
    def agrees(cases: list[Case]) -> None:
        for case in cases:
            case.answers(CLOCK)
        truth_target.execute(cases[0].ddl)
        try:
            outcomes, clock = ask(engine, truth_target, cases)
        finally:
            truth_target.execute(cases[0].cleanup)
        for case, outcome in zip(cases, outcomes, strict=True):
            check(case, outcome, clock)

    agrees()


def ask(engine: Engine, target: Target, cases: list[Case]) -> tuple[list[dict[str, Any]], datetime]:
    """The engine's outcomes of documents that the service accepts, which have one table and window, and the moment of the snapshot."""
    documents = [parse_table(case.document(), CATALOGUE, plain_judge) for case in cases]
    asked = CheckOrder.model_validate({"target": "shop", "table": documents[0].table, "window": cases[0].asked_window()})
    assert asked.window is None or not list(asked.window.faults(documents))
    connection = parse_target(target.document())
    scopes = [InScope(Configured(document, connection, 1, ""), document.rules) for document in documents]
    before = datetime.now(UTC)
    answer = engine.answer(target, build(asked, connection, scopes, CATALOGUE, 60))
    assert answer.outcome is not None, answer.message
    outcome = json.loads(answer.outcome)
    clock = datetime.fromisoformat(outcome["snapshot_at"])
    assert before - timedelta(seconds=1) <= clock <= datetime.now(UTC) + timedelta(seconds=1)
    return outcome["tables"], clock


def check(case: Case, outcome: dict[str, Any], clock: datetime) -> list[Answer]:
    """Every rule's answer and the table's; what differs is told all at once. The expected answers."""
    expected = case.answers(clock)
    wrong = []
    for tested, wanted, found in zip(case.rules, expected, outcome["rules"], strict=True):
        if not agree(wanted, found):
            wrong.append(f"{tested.document(found['id'])}\n  expected {wanted}\n  found    {found}")
        if tested.wish in ("pass", "fail") and wanted.status != tested.wish:
            wrong.append(f"{tested.document(found['id'])} was made to {tested.wish}, and the expected answer is {wanted}")
    verdict = verdict_of(list(zip(case.rules, expected, strict=True)), len(case.inside), case.on_empty)
    facts = {"verdict": verdict, "row_count": len(case.inside), "window_nulls": case.window_nulls}
    wrong += [f"{name}: expected {value}, found {outcome[name]}" for name, value in facts.items() if outcome[name] != value]
    if wrong:
        pytest.fail("\n\n".join([repr(case), f"snapshot at {clock}", *wrong]), pytrace=False)
    return expected


def count(case: Case, expected: list[Answer], shown: Counter[tuple[str, str]]) -> None:
    shown["", "tables"] += 1
    for tested, wanted in zip(case.rules, expected, strict=True):
        shown[tested.type, "pairs"] += 1
        shown.update((tested.type, name) for name in case.shows(tested, wanted.status))
        shown[tested.type, "error"] += wanted.status == "error"


def agree(wanted: Answer, found: dict[str, Any]) -> bool:
    exact = (wanted.status, wanted.failures, wanted.total) == (found["status"], found["failures"], found["total"])
    ahead = wanted.ahead is None or wanted.ahead == ((found.get("found") or {}).get("ahead") or 0)
    return exact and ahead and same_measure(wanted.measured, found["measured"])
