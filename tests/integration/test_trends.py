"""Since when a rule has its status, and its value a day and a week before."""

from datetime import timedelta

import pytest

from backend.insights import trend
from backend.insights.history import RuleName
from backend.insights.trend import Since, Trend
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.problems import NotFound
from tests.support.datasets import check_now
from tests.support.history import RULE, move


def now(database: Database) -> Trend:
    return trend.of_rule(database, RULE)


def checked(database: Database, failures: int, days: int, *, hours: int = 0) -> CheckResult:
    """A check that found so many failures, so long ago."""
    found = check_now(database, {"a": failures}, table="public.a")
    move(database, found.check_id, days, hours=hours)
    return found


def in_error(database: Database, days: int) -> None:
    found = checked(database, 0, days)
    with database.transaction() as cursor:
        cursor.run(
            f"update stringx.rule_points set status = 'error', failures = null, total = null where check_id = '{found.check_id}'"
        )


def test_a_rule_fails_since_its_first_failure_and_errors_between_do_not_end_that(shop: Database) -> None:
    with pytest.raises(NotFound, match="no check of table"):
        now(shop)
    checked(shop, 3, 40)
    assert (now(shop).status, now(shop).is_first) == ("fail", True)
    assert [each.is_first for each in trend.since_of_rules(shop, "shop", "public.a", ["a"]).values()] == [True]
    checked(shop, 0, 30)
    assert (now(shop).status, now(shop).is_first) == ("pass", False)
    first = checked(shop, 2, 20)
    in_error(shop, 10)
    checked(shop, 4, 5)
    found = now(shop)
    assert (found.status, found.is_first) == ("fail", False)
    assert found.since is not None
    assert first.snapshot_at is not None
    assert found.since == first.snapshot_at - timedelta(days=20)
    assert trend.since_of_rules(shop, "shop", "public.a", ["a", "none"]) == {"a": Since(found.since, is_first=False)}
    in_error(shop, 2)
    in_error(shop, 1)
    found = now(shop)
    assert found.status == "error"
    assert found.now is not None
    assert found.since is not None
    assert trend.since_of_rules(shop, "shop", "public.a", ["a"]) == {"a": Since(found.since, is_first=False)}
    assert found.since > found.now.at, "it is in error since the first of the last errors; its value is older"


def test_the_values_of_a_day_and_a_week_before_are_the_last_ones_then(shop: Database) -> None:
    checked(shop, 9, 30)
    checked(shop, 1, 9)
    checked(shop, 2, 7, hours=1)
    checked(shop, 7, 6, hours=23)
    checked(shop, 4, 1, hours=1)
    in_error(shop, 1)
    checked(shop, 5, 0)
    found = now(shop)
    values = [point.failures if point else None for point in (found.now, found.day_ago, found.week_ago)]
    assert values == [5, 4, 2]


def test_what_is_older_than_a_week_before_is_no_value_of_then(shop: Database) -> None:
    checked(shop, 9, 30)
    checked(shop, 5, 0)
    found = now(shop)
    assert (found.day_ago, found.week_ago) == (None, None)


def test_another_table_has_its_own(shop: Database) -> None:
    checked(shop, 3, 1)
    with pytest.raises(NotFound):
        trend.of_rule(shop, RuleName("shop", "public.b", "b"))
