"""What tests of the history share: states and points as they stand, and moving a check into the past."""

from typing import Any

from backend.history import upkeep
from backend.insights import board, history
from backend.insights.history import RuleName, Span
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.pages import FIRST, Page
from tests.support.datasets import CATALOGUE

ALL = Span()
RULE = RuleName("shop", "public.a", "a")


def states(database: Database, kind: str = "table", **filters: str) -> dict[str, dict[str, Any]]:
    """By name, in the order of the board."""
    name = "table" if kind == "table" else "dataset"
    return {item[name]: item for item in board.page(database, kind, filters)["items"]}


def refreshed(database: Database) -> None:
    while upkeep.refresh_states(database):
        continue


def taken_up(database: Database) -> None:
    while upkeep.take_up(database, 400):
        continue


def points(database: Database, rule: RuleName = RULE, page: Page = FIRST) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = history.points(database, CATALOGUE, rule, ALL, page)["items"]
    return found


def with_rule(found: CheckResult, **changes: Any) -> CheckResult:
    """The result, its first rule changed."""
    return found.model_copy(update={"rules": [found.rules[0].model_copy(update=changes)]})


def move(database: Database, check_id: str, days: int, *, hours: int = 0) -> None:
    """As if the check had been so long ago."""
    with database.transaction() as cursor:
        for moved in ("check_points", "rule_points"):
            cursor.run(
                f"update stringx.{moved} set at = at - make_interval(hours => {days * 24 + hours}) where check_id = '{check_id}'"
            )
