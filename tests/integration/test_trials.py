"""Trials: checks of documents that are not stored. They decide, count and publish nothing."""

from typing import Any

import pytest

from api import metrics as api_metrics
from backend import metrics as backend_metrics
from backend.insights import history
from backend.kafka import results_out
from database.pool import Database
from portal import state as portal
from tests.support.datasets import check_now, claimed, end, gate, table
from tests.support.history import refreshed, states, taken_up
from tests.support.trials import accepted, tracked

TRIED = table("public.a", "a", "another")
NAMES = ["public.a", "public.b", "public.c"]


def moved(database: Database) -> dict[str, Any]:
    """All that trials must leave as it is."""
    refreshed(database)
    taken_up(database)
    families = [*api_metrics.metrics(database), *backend_metrics.metrics(database)]
    with database.transaction() as cursor:
        counts = cursor.one(
            "select (select count(*) from stringx.results) as results, (select count(*) from stringx.check_points) as checks,"
            " (select count(*) from stringx.rule_points) as points, (select count(*) from stringx.publications) as publications,"
            " (select count(*) from stringx.subject_rules) as rules, (select count(*) from stringx.table_versions) as versions,"
            " (select count(*) from dataops.dataset_results) as verdicts"
        )
    gates = [gate(database, name).model_copy(update={"age_s": None}) for name in NAMES]
    about_verdicts = ("stringx_checks", "stringx_requests", "stringx_check_run_seconds", "stringx_check_wait_seconds")
    return {
        "counts": counts,
        "gates": gates,
        "states": states(database),
        "metrics": {family.name: family.samples for family in families if family.name in about_verdicts},
        "history": history.checks_of_table(database, "shop", "public.a")["items"],
        "portal": (portal.fingerprint(database, "shop", NAMES), portal.read(database, "shop", NAMES)),
    }


@pytest.mark.parametrize("before", [None, {}, {"a": 3}], ids=["never_checked", "open", "closed"])
@pytest.mark.parametrize("failures", [{}, {"a": 1}], ids=["passes", "fails"])
def test_a_trial_moves_nothing_before_while_and_after_it_runs(
    shop: Database, before: dict[str, int] | None, failures: dict[str, int]
) -> None:
    results_out.begin(shop)
    if before is not None:
        check_now(shop, before, table="public.a")
    expected = moved(shop)
    trial = tracked(shop, TRIED)
    assert moved(shop) == expected, "tracked"
    accepted(shop, trial.body)
    assert moved(shop) == expected, "waiting"
    check = claimed(shop)
    assert moved(shop) == expected, "running"
    result = end(shop, check, **failures)
    assert moved(shop) == expected, "ended"
    assert (result.trial, result.verdict) == (True, "fail" if failures else "pass")
    assert {rule.id for rule in result.rules} == {"a", "another"}
