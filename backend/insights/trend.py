"""Since when a rule has its status, and how its value compares with a day and a week ago."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backend.insights.history import RuleName, rule_key
from backend.insights.rules import Point
from database.pool import Database, Row
from database.queries import load_queries

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_MOST = 10_000  # points that are looked at for `since`
_MOST_OF_EACH = 1000  # points, where several rules are looked at
_DAYS = 7  # that a point may be older than the time it stands for


@dataclass(frozen=True)
class Since:
    """When a rule began to have its present status. `is_first`: it never had another one, as far as its points go back."""

    at: datetime
    is_first: bool


@dataclass(frozen=True)
class Trend:
    """`status` is the present one, None before the first check. `since` is when the rule began to have it; errors between do not
    end another status. `is_first`: it never had another one, as far as its points go back. The points are the last ones with a
    value: of now, and of the same time a day and a week before that; None where there is none."""

    status: str | None
    since: datetime | None
    is_first: bool
    now: Point | None
    day_ago: Point | None
    week_ago: Point | None


def of_rule(database: Database, of: RuleName) -> Trend:
    """The trend up to the rule's last point. NotFound if no check has run the rule."""
    with database.transaction() as cursor:
        key = {"rule_key": rule_key(cursor, of)}
        since = cursor.one(SQL["since"], key | {"most": _MOST})
        found = {row["number"]: _point(row) for row in cursor.all(SQL["values"], key | {"days": _DAYS})}
    now, day_ago, week_ago = (found.get(number) for number in range(3))
    if since is None:
        return Trend(None, None, False, now, day_ago, week_ago)
    return Trend(since["status"], since["since"], since["is_first"], now, day_ago, week_ago)


def since_of_rules(database: Database, target: str, table: str, rules: Sequence[str]) -> dict[str, Since]:
    """When each of these rules of a table began to have its present status. Rules without a point are left out."""
    named = {"target": target, "table": table, "rules": list(rules), "most": _MOST_OF_EACH}
    with database.transaction() as cursor:
        return {row["rule_id"]: Since(row["since"], row["is_first"]) for row in cursor.all(SQL["since_of_rules"], named)}


def _point(row: Row) -> Point:
    return Point(**{name: row[name] for name in ("at", "status", "failures", "total", "measured")})
