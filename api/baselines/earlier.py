"""What DataOps knows of a rule's earlier points, and what it makes of them: bounds for the check, and words for its result."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from stringx_dataops.contract.gate_test.specification import BaselineFacts
from stringx_dataops.contract.messages.baselines import MAX_COMPARED, Baseline, ComparedPoint

_MOST_DIGITS = 1_000  # before or after the point
_SAFE_DIGITS = 15  # that a JSON number holds without rounding


@dataclass(frozen=True)
class Earlier:
    """A point of an earlier deciding check. `at`: the moment it stands for. `mark`: what somebody has said of it."""

    at: datetime
    check_id: str
    value: Decimal
    status: Literal["pass", "warn", "fail"] = "pass"
    waived: bool = False
    mark: Literal["expected", "exclude"] | None = None


@dataclass(frozen=True)
class Bounds:
    """Inclusive; None for no bound."""

    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True)
class Made:
    """What a rule is judged by: the bounds that fail, those that warn, and what its result says of them."""

    fails: Bounds
    warns: Bounds
    shown: Baseline
    fault: str | None = None
    says_bounds: bool = False  # whether its words have the bounds

    def facts(self) -> BaselineFacts:
        """As the specification has them."""
        facts: BaselineFacts = {
            "low": _text(self.fails.low),
            "high": _text(self.fails.high),
            "warn_low": _text(self.warns.low),
            "warn_high": _text(self.warns.high),
            "center": None if self.shown.center is None else str(self.shown.center),
            "points": self.shown.points,
            "season": self.shown.season,
            "learning": None if self.shown.learning is None else self.shown.learning.model_dump(),
        }
        return facts if self.fault is None else facts | {"fault": self.fault}


def undecidable(fault: str) -> Made:
    """Of a rule that has nothing to be compared with, and never will."""
    return Made(Bounds(), Bounds(), Baseline(words=fault), fault)


def compared(points: Sequence[Earlier]) -> list[ComparedPoint]:
    """The newest of them, newest first."""
    newest = sorted(points, key=lambda point: point.at, reverse=True)[:MAX_COMPARED]
    return [ComparedPoint(at=point.at, check_id=point.check_id, measured=json_number(point.value)) for point in newest]


def json_number(value: Decimal) -> int | float | str:
    """A number if JSON holds it without rounding, otherwise its text."""
    text = _text(value)
    assert text is not None
    if len(text.lstrip("-").replace(".", "").strip("0")) > _SAFE_DIGITS or value.adjusted() >= _SAFE_DIGITS:
        return text
    return int(value) if value == value.to_integral_value() else float(value)


def _text(value: Decimal | None) -> str | None:
    """All digits, without an exponent and without zeros at its end."""
    if value is None:
        return None
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def number_of_json(value: Any) -> Decimal | None:
    """The finite number that a result has measured; None for anything else, such as a text that was cut, or more digits than are
    kept."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < _MOST_DIGITS else None
