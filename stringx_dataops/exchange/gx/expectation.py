"""One expectation: what its kwargs hold, and how it makes a rule of a column."""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.gx.conditions import NoRule, sql_of
from stringx_dataops.exchange.making import Check, Maker, both
from stringx_dataops.exchange.sql import quoted
from stringx_dataops.exchange.zones import Zone, share_above

_SAYS_NOTHING = frozenset(
    ("batch_id", "table", "result_format", "include_config", "catch_exceptions", "meta", "notes", "description", "id")
)
_STRICT_IS_IGNORED = (
    "expect_column_value_lengths_to_be_between",
    "expect_column_unique_value_count_to_be_between",
    "expect_table_row_count_to_be_between",
)
ROWS = ("row_condition", "condition_parser")


@dataclass(frozen=True)
class Expectation:
    """An expectation with what its rule needs. `old` is the format of 0.18."""

    maker: Maker
    check: Check
    kind: str
    kwargs: JsonObject
    old: bool = False

    # what kwargs hold

    def known(self, *names: str) -> None:
        """Raises NoRule for a field that changes the meaning and is not looked at."""
        for name, value in self.kwargs.items():
            if name not in names and name not in _SAYS_NOTHING and value is not None and value is not False:
                raise NoRule(f"the field {name!r} is not taken up")

    def text(self, name: str) -> str:
        """A text that must be there."""
        value = self.kwargs.get(name)
        if not isinstance(value, str) or not value:
            raise NoRule(f"{name} must be a text")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts that must be there."""
        value = self.kwargs.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise NoRule(f"{name} must be a list of texts")
        return value

    def all_values(self, name: str) -> list[Any]:
        """A list of values."""
        value = self.kwargs.get(name)
        if not isinstance(value, list) or not all(item is None or isinstance(item, (str, int, float)) for item in value):
            raise NoRule(f"{name} must be a list of values")
        if odd := next((item for item in value if isinstance(item, float) and not math.isfinite(item)), None):
            raise NoRule(f"{name} holds {odd}, which is no number that SQL compares with")
        return value

    def values(self, name: str) -> list[Any]:
        """The same without NULL."""
        return [item for item in self.all_values(name) if item is not None]

    def flag(self, name: str) -> bool:
        """Whether a field is true."""
        value = self.kwargs.get(name)
        if value is not None and not isinstance(value, bool):
            raise NoRule(f"{name} must be true or false")
        return value is True

    def failing(self) -> Zone:
        """Where a measure fails by min_value, max_value, strict_min and strict_max."""
        low, high = self.bound("min_value"), self.bound("max_value")
        if low is None and high is None:
            raise NoRule("has neither min_value nor max_value, so that it always passes")
        low_open, high_open = self.flag("strict_min"), self.flag("strict_max")
        if (low_open or high_open) and self.old and self.kind in _STRICT_IS_IGNORED:
            self.lose("strict_min and strict_max, which Great Expectations 0.18 ignores here")
            low_open = high_open = False
        return Zone(low, high, low_open, high_open, outside=True)

    def bound(self, name: str) -> Decimal | None:
        """A number, or None."""
        value = self.kwargs.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not Decimal(str(value)).is_finite():
            raise NoRule(f"{name} must be a number")
        return Decimal(str(value))

    def where(self) -> str | None:
        """The rows that it looks at."""
        return sql_of(self.kwargs.get("row_condition"), self.kwargs.get("condition_parser"))

    def above(self) -> str | None:
        """The share of unexpected rows above which it fails; None if any is too many."""
        mostly = self.kwargs.get("mostly")
        if mostly is None:
            return None
        if isinstance(mostly, bool) or not isinstance(mostly, (int, float)) or not 0 <= mostly <= 1:
            raise NoRule("mostly must be a share from 0 to 1")
        failing = Zone(low=(1 - Decimal(str(mostly))) * 100, low_open=True)
        share = share_above(failing)
        if share is None:
            raise NoRule(f"the share {mostly} has more than twelve decimals")
        return share if mostly != 1 else None

    # what makes rules

    def lose(self, words: str) -> None:
        """A part of the expectation that its rule does not say."""
        self.maker.collector.lose(self.check.place, f"{self.kind}: {words}")

    def named(self, name: str, where: str | None) -> Check:
        """The check, named after what it looks at."""
        check = self.check
        return Check(check.table, check.place, name, check.description, where)

    def column_rule(self, of: str, rule: JsonObject, nulls: bool = False) -> None:
        """A rule about a column's values. A share is of those that are not NULL, unless NULL is looked at."""
        column, share = self.text("column"), self.above()
        where = both(self.where(), f"{quoted(column)} is not null" if share is not None and not nulls else None)
        self.maker.plain(self.named(f"{column}_{of}", where), **rule, column=column, where=where, fail_above=share)

    def condition_rule(self, of: str, sql: str) -> None:
        """A condition on a column's values."""
        self.column_rule(of, {"type": "expression", "arguments": {"sql": sql}})
