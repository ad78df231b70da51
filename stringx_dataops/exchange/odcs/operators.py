"""ODCS's comparisons (`mustBe…`) as thresholds of rules, and back."""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.foreign import Mapping

NAMES = (
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo",
    "mustBeBetween", "mustNotBeBetween",
)  # fmt: skip
WARNINGS = ("info", "warning", "warn", "low", "minor", "trivial")  # severities that do not fail; as datacontract-cli has it
BETWEEN = "mustBeBetween is read with both ends, as tools do; ODCS's own text leaves them out"


class Lost(Exception):
    """No rule says the same; the text says why."""


@dataclass(frozen=True)
class Comparison:
    """An operator with its number, or its two numbers."""

    name: str
    value: Any

    @property
    def sql(self) -> str:
        """What follows a value in SQL."""
        signs = {
            "mustBe": "=", "mustNotBe": "<>", "mustBeGreaterThan": ">", "mustBeGreaterOrEqualTo": ">=", "mustBeLessThan": "<",
            "mustBeLessOrEqualTo": "<=",
        }  # fmt: skip
        if self.name in signs:
            return f"{signs[self.name]} {self.value}"
        low, high = self.value
        return f"{'not ' if self.name == 'mustNotBeBetween' else ''}between {low} and {high}"

    def bounds(self) -> JsonObject:
        """Bounds of a measured rule. Raises Lost."""
        match self.name, self.value:
            case "mustBe", value:
                return {"min": value, "max": value}
            case "mustBeGreaterThan", value:
                return {"min": value, "exclusive_min": True}
            case "mustBeGreaterOrEqualTo", value:
                return {"min": value}
            case "mustBeLessThan", value:
                return {"max": value, "exclusive_max": True}
            case "mustBeLessOrEqualTo", value:
                return {"max": value}
            case "mustBeBetween", (low, high):
                return {"min": low, "max": high}
        raise Lost(f"{self.name} has no bounds on both sides")

    def most(self, percent: bool) -> int | str:
        """How many bad rows there may be: a count, or a share such as 5%. Raises Lost."""
        value = self.value
        if self.name == "mustBeBetween":
            low, value = self.value
            if low > 0:
                raise Lost(f"mustBeBetween: at least {low} bad rows is no threshold of a rule")
        elif self.name == "mustBe" and value != 0:
            raise Lost(f"mustBe {value}: exactly so many bad rows is no threshold of a rule")
        elif self.name == "mustBeLessThan" and (percent or value <= 0):
            raise Lost(f"mustBeLessThan {value}: a rule fails above a share, not at it; write mustBeLessOrEqualTo")
        elif self.name not in ("mustBe", "mustBeLessThan", "mustBeLessOrEqualTo"):
            raise Lost(f"{self.name}: bad rows are counted, and a rule fails above a number of them")
        if value < 0:
            raise Lost(f"{self.name} {value}: there are never fewer than 0 bad rows")
        if percent and value != 0:
            if value > 100:
                raise Lost(f"{self.name} {value}: more than 100 percent")
            return f"{Decimal(str(value)).normalize():f}%"
        fewest = -(-value // 1) - 1 if self.name == "mustBeLessThan" else value // 1
        return int(fewest)


def comparison_of(check: Mapping) -> Comparison:
    """The one comparison of a check. Raises Lost."""
    given = [name for name in NAMES if check.get(name) is not None]
    if len(given) != 1:
        raise Lost(f"has {len(given)} comparisons (mustBe…) in place of one")
    value = check[given[0]]
    wanted = 2 if given[0].endswith("Between") else 1
    numbers = value if wanted == 2 else [value]
    if (
        not isinstance(numbers, list)
        or len(numbers) != (2 if given[0].endswith("Between") else 1)
        or not all(map(_is_number, numbers))
    ):
        raise Lost(f"{given[0]} {value} is no number")
    return Comparison(given[0], value)


def thresholds(check: Mapping) -> JsonObject:
    """The threshold of a rule that counts bad rows, as fields of a rule. Raises Lost."""
    unit = str(check.get("unit") or "rows").strip().lower()
    if unit not in ("rows", "percent", "percentage", "%"):
        raise Lost(f"unit {unit} is neither rows nor percent")
    most = comparison_of(check).most(unit != "rows")
    if warns(check):
        return {"severity": "warn"} if most == 0 else {"warn_above": most}
    return {} if most == 0 else {"fail_above": most}


def warns(check: Mapping) -> bool:
    """Whether a check does not fail, by its severity."""
    return str(check.get("severity") or "").strip().lower() in WARNINGS


def written(rule: JsonObject) -> JsonObject | None:
    """The comparison, unit and severity of a rule with one threshold; None if it has two."""
    warn, fail = rule.get("warn_above"), rule.get("fail_above")
    if warn is not None and fail is not None:
        return None
    most = 0 if rule.get("severity") == "warn" or (warn is None and fail is None) else warn if fail is None else fail
    severity = {"severity": "warning"} if warn is not None or rule.get("severity") == "warn" else {}
    if isinstance(most, str):
        share = Decimal(most.rstrip("%"))
        return {"mustBeLessOrEqualTo": int(share) if share == int(share) else float(share), "unit": "percent", **severity}
    return {"mustBe": 0, **severity} if most == 0 else {"mustBeLessOrEqualTo": most, **severity}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
