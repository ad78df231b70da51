"""What DataOps remembers of a rule's earlier points: which checks leave some, and what the rule types make of them."""

from pathlib import Path

import pytest

from database.pool import Database
from tests.support.databases import Target
from tests.support.engine import Engine
from tests.support.memory import Checks, change


@pytest.fixture
def checks(database: Database, engine: Engine, target: Target, tmp_path: Path) -> Checks:
    """Of a table t of 100 rows."""
    target.execute(
        "create table t (n integer, at timestamptz, amount numeric); insert into t select n, now(), n from generate_series(1, 100) n"
    )
    return Checks(database, engine, target, tmp_path)


def test_a_check_is_compared_with_the_one_before(checks: Checks) -> None:
    checks.configure(change(max_increase="20%", max_decrease=50))
    first = checks.rule()
    assert (first.status, first.measured) == ("pass", 100), first.message
    assert first.message == "the number of rows is 100; learning 0 of 1"
    assert first.baseline.learning.model_dump() == {"have": 0, "need": 1}
    checks.target.execute("insert into t select 0 from generate_series(1, 20)")
    second = checks.rule()
    assert second.status == "pass"
    assert (second.baseline.center, second.baseline.low, second.baseline.high) == (100, 50, 120)
    checks.target.execute("insert into t select 0 from generate_series(1, 25)")
    third = checks.rule()
    assert (third.status, third.baseline.center, third.baseline.high) == ("fail", 120, 144)
    assert third.message.startswith("the number of rows is 145; fails unless at least 70 and at most 144; compared with 120 of ")
    assert checks.rule().status == "pass", "the point before is taken as it is"
    assert [(row["status"], row["measured"], row["low"], row["high"]) for row in checks.points()] == [
        ("pass", 100, None, None),
        ("pass", 120, 50, 120),
        ("fail", 145, 70, 144),
        ("pass", 145, 95, 174),
    ]
