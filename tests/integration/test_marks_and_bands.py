"""A mark from the person who sets it to DataOps' next result: real checks by dbt, marked at the Backend."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from backend.gates import gate
from backend.incidents.story import story
from backend.insights import history
from backend.insights.history import RuleName, Span
from database.pool import Database
from stringx_dataops.contract.messages.baselines import Baseline
from stringx_dataops.contract.messages.checks import CheckResult
from tests.support.dashboard import opened
from tests.support.databases import Target
from tests.support.datasets import CATALOGUE, now
from tests.support.engine import Engine
from tests.support.incidents import incidents
from tests.support.memory import Checks, change, unusual

OF_RULE = "/api/v1/tables/shop/public.t/rules/r"


@pytest.fixture
def checks(database: Database, engine: Engine, target: Target, tmp_path: Path) -> Checks:
    """Of a table t of 100 rows."""
    target.execute("create table t as select n from generate_series(1, 100) n")
    return Checks(database, engine, target, tmp_path)


@pytest.fixture
def client(database: Database, internal_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    with opened(database, internal_url, tmp_path_factory.mktemp("home")) as client:
        yield client


def mark(client: FlaskClient, check: CheckResult, word: str) -> None:
    path, headers = f"{OF_RULE}/points/{check.check_id}", {"Authorization": "Bearer sx_owner"}
    answer = client.post(path, json={"mark": word}, headers=headers)
    assert answer.status_code == 200, answer.text


def baseline_of(check: CheckResult) -> Baseline:
    found = check.rules[0].baseline
    assert found is not None
    return found


def names(check: CheckResult, other: CheckResult) -> bool:
    """Whether it was compared with the other one."""
    return other.check_id in {point.check_id for point in baseline_of(check).compared_with}


def test_an_excluded_point_leaves_the_next_band_and_an_expected_one_is_put_in(checks: Checks, client: FlaskClient) -> None:
    checks.configure(unusual(season="none", learn=5, adapt=50))
    assert baseline_of(checks.check()).learning is not None
    checks.history([100, 102, 98, 101, 99, 100, 103, 97] * 2, timedelta(hours=1), now(checks.database))
    usual = checks.check()
    checks.target.execute("insert into t select n from generate_series(1, 900) n")
    flagged = checks.check()
    assert (usual.rules[0].status, flagged.rules[0].status, flagged.rules[0].measured) == ("pass", "warn", 1000)
    assert names(flagged, usual)
    before = checks.check()
    assert (names(before, usual), names(before, flagged)) == (True, False), "what was flagged is in no later band"
    mark(client, usual, "exclude")
    mark(client, flagged, "expected")
    after = checks.check()
    assert (names(after, usual), names(after, flagged)) == (False, True)
    assert baseline_of(after).points == baseline_of(before).points, "one has left, one was put in"
    for each in (usual, flagged):
        mark(client, each, "none")
    again = checks.check()
    assert (names(again, usual), names(again, flagged)) == (True, False)
    items = history.points(checks.database, CATALOGUE, RuleName("shop", "public.t", "r"), Span())["items"]
    assert [each["check_id"] for each in items[:1]] == [again.check_id]
    shown, made = items[0]["baseline"], baseline_of(again)
    assert made.center is not None
    assert (shown["center"], shown["low"], shown["high"]) == (float(made.center), made.low, made.high)
    assert (shown["points"], shown["words"]) == (made.points, made.words)


def test_a_change_is_not_taken_against_an_excluded_point(checks: Checks, client: FlaskClient) -> None:
    checks.configure(change(max_increase="50%", max_decrease="50%"))
    usual = checks.check()
    checks.target.execute("delete from t where n > 10")
    outage = checks.check()
    checks.target.execute("insert into t select n from generate_series(11, 100) n")
    assert (outage.verdict, checks.check().verdict) == ("fail", "fail"), "up as far as it had gone down"
    mark(client, outage, "exclude")
    after = checks.check()
    assert after.verdict == "pass"
    assert not names(after, outage)
    assert baseline_of(outage).center == usual.rules[0].measured == 100
    page = client.get(f"{OF_RULE}/history", headers={"Authorization": "Bearer sx_owner"}).get_json()["items"]
    assert [item["mark"] for item in page] == [None, None, "exclude", None]
    assert page[0]["fail_at"] == {"max_increase": "50%", "max_decrease": "50%"}


def test_a_window_is_not_compared_with_an_excluded_window(checks: Checks, client: FlaskClient) -> None:
    checks.target.execute("alter table t add day date; insert into t select n % 10, '2026-01-01' from generate_series(1, 100) n")
    checks.target.execute("insert into t select n, '2026-01-02' from generate_series(1, 10) n")
    checks.target.execute("insert into t select n, '2026-01-03' from generate_series(1, 100) n")
    checks.configure(change(max_increase="50%"))
    days = [{"column": "day", "from": f"2026-01-0{day}", "to": f"2026-01-0{day + 1}"} for day in (1, 2, 3)]
    first, outage, after = (checks.check(window=day) for day in days)
    assert [each.verdict for each in (first, outage, after)] == ["pass", "pass", "fail"]
    assert names(after, outage)
    mark(client, outage, "exclude")
    again = checks.check(window=days[2])
    assert (again.verdict, names(again, first), names(again, outage)) == ("pass", True, False)


def test_an_incident_and_its_gate_say_why_a_value_was_unusual(checks: Checks) -> None:
    checks.configure(unusual(season="none", learn=5, severity="error"))
    checks.check()
    checks.history([100, 102, 98, 101, 99, 100, 103, 97], timedelta(hours=1), now(checks.database))
    checks.check()
    checks.target.execute("truncate t")
    checks.target.execute("insert into t select 1")
    failed = checks.check()
    assert failed.verdict == "fail"
    words = baseline_of(failed).words
    assert words
    (incident,) = incidents(checks.database)
    told = story(checks.database, incident["incident_id"])
    assert words in told.findings["public.t"]["r"]
    assert any(words in reason for reason in gate.of_table(checks.database, "shop", "public.t").reasons)
