"""Each rule type on rows that violate it, against plain SQL written by hand."""

import pytest

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule
from tests.support.readings import COUNTED, DBT, MEASURED, READINGS


@pytest.mark.parametrize(("tested", "truth"), COUNTED, ids=[f"{t['type']}-{i}" for i, (t, _) in enumerate(COUNTED)])
def test_failures_and_total_are_what_plain_sql_counts(engine: Engine, target: Target, tested: dict, truth: str) -> None:
    target.execute(READINGS)
    ((failures, total),) = target.query(truth)
    found = engine.rules(target, gate("readings", tested))["r"]
    assert (found["reason"], found["failures"], found["total"]) == (None, failures, total)
    assert found["status"] == ("fail" if failures else "pass")


@pytest.mark.parametrize(("tested", "truth", "status"), MEASURED, ids=[f"{t['type']}-{i}" for i, (t, *_) in enumerate(MEASURED)])
def test_a_measure_is_what_plain_sql_gives(engine: Engine, target: Target, tested: dict, truth: str, status: str) -> None:
    target.execute(READINGS)
    ((measured, total),) = target.query(truth)
    found = engine.rules(target, gate("readings", tested, sample_columns=["read_at"]))["r"]
    assert (found["reason"], found["failures"], found["total"], found["status"]) == (None, None, total, status)
    assert None in (measured, found["measured"]) or float(found["measured"]) == pytest.approx(float(measured)) if "read_at" not in tested["columns"] else found["measured"] == measured  # fmt: skip
    assert (measured is None) == (found["measured"] is None)


@pytest.mark.parametrize(("tested", "truth"), DBT, ids=[str(i) for i in range(len(DBT))])
def test_dbts_own_tests_count_what_they_count(engine: Engine, target: Target, tested: dict, truth: str) -> None:
    target.execute(READINGS)
    ((failures,),) = target.query(truth)
    found = engine.rules(target, gate("readings", tested))["r"]
    assert (found["reason"], found["failures"], found["total"]) == (None, failures, None)
    assert found["status"] == ("fail" if failures else "pass")


@pytest.mark.parametrize(
    ("tested", "reason"),
    [
        (rule("r", "dbt", "id", test="no_such"), "no test no_such"),
        (rule("r", "dbt", "id", test="nowhere.unique"), "no test nowhere.unique"),
        (rule("r", "dbt", "id", test="unique", arguments={"colour": 1}), "takes no argument colour"),
        (rule("r", "dbt", "id", test="relationships", arguments={"to": {"ref": "nope"}, "field": "x"}), "no model nope"),
        (rule("r", "dbt", "id", test="relationships", arguments={"to": {"relation": "public.nope"}, "field": "x"}), 'relation "public.nope" does not exist'),
    ],
)  # fmt: skip
def test_a_dbt_test_that_cannot_be_called_is_an_error_of_its_own(
    engine: Engine, target: Target, tested: dict, reason: str
) -> None:
    target.execute(READINGS)
    found = engine.rules(target, gate("readings", tested, rule("good", "not_null", "id")))
    assert (found["r"]["status"], found["good"]["status"]) == ("error", "pass")
    assert reason in found["r"]["reason"]
