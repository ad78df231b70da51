"""dbt's severity, warn_if and error_if as thresholds of a rule: the same verdict for every number of failures, or none."""

import math
import re
from dataclasses import dataclass

from stringx_dataops.contract.json_types import JsonObject

_COMPARISON = re.compile(r"\s*(>=|<=|<>|!=|=|>|<)\s*([-+]?[0-9]{1,15}(?:\.[0-9]{0,15})?)\s*")
ALWAYS_ZERO = "!= 0"  # what dbt compares with if a test says nothing


class Inexact(Exception):
    """No rule of a native type says the same; the text says why."""


@dataclass(frozen=True)
class Thresholds:
    """How many failures it takes to warn and to fail; None: no number does."""

    warn: int | None
    fail: int | None

    @property
    def are_of_zero(self) -> bool:
        """Whether any failure decides at once, so that it does not matter how failures are counted."""
        return self.warn in (None, 1) and self.fail in (None, 1)

    def of_counts(self) -> JsonObject:
        """The fields of a rule that counts failures."""
        if (self.warn, self.fail) == (None, 1):
            return {}
        if (self.warn, self.fail) == (1, None):
            return {"severity": "warn"}
        named = {"warn_above": self.warn, "fail_above": self.fail}
        return {name: number - 1 for name, number in named.items() if number is not None}


def thresholds_of(config: JsonObject) -> Thresholds:
    """The thresholds of a test's config. Raises Inexact if a rule's thresholds cannot say the same."""
    severity = str(config.get("severity") or "error").lower()
    if severity not in ("warn", "error"):
        raise Inexact(f"severity {severity!r} is neither warn nor error")
    fail = None if severity == "warn" else _fewest("error_if", config.get("error_if"))
    warn = _fewest("warn_if", config.get("warn_if"))
    if fail is not None and warn is not None and warn >= fail:
        warn = None
    if warn is None and fail is None:
        raise Inexact("it neither warns nor fails, whatever it finds")
    return Thresholds(warn, fail)


def _fewest(name: str, comparison: object) -> int | None:
    """The smallest number of failures for which a comparison holds, if it holds for all above it as well; None if for none."""
    text = ALWAYS_ZERO if comparison is None else str(comparison)
    match = _COMPARISON.fullmatch(text)
    if match is None:
        raise Inexact(f"{name}: {text} is no comparison with a number")
    number = float(match[2])
    if match[1] in ("<", "<=", "=") and (number < 0 or (number == 0 and match[1] == "<")):
        return None
    if match[1] == ">" or (match[1] in ("!=", "<>") and number == 0):
        fewest = math.floor(number) + 1
    elif match[1] == ">=":
        fewest = math.ceil(number)
    else:
        raise Inexact(f"{name}: {text} does not hold for every larger number")
    if fewest < 1:
        raise Inexact(f"{name}: {text} holds for no failure, too")
    return fewest
