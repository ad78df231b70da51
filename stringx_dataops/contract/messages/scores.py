"""Scores of a check: the mean of its rules' shares of passing rows. A rule that counts nothing has the share 0 or 1."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import nextafter

from stringx_dataops.contract.messages.verdicts import RuleStatus


@dataclass(frozen=True)
class Scored:
    """The parts of a rule's result that its score depends on."""

    dimension: str
    status: RuleStatus
    failures: int | None
    total: int | None


def scores(rules: Sequence[Scored]) -> dict[str, float | None]:
    """`overall` and one entry per dimension, from 0 to 1; `overall` is None without decided rules.

    Scores have six decimals, or more if they would otherwise be rounded to 0 or 1. Rules with the status `error` do not count.
    """
    shares: dict[str, list[Fraction]] = defaultdict(list)
    for rule in rules:
        if rule.status == "error":
            continue
        share = _share(rule)
        shares["overall"].append(share)
        shares[rule.dimension].append(share)
    return {"overall": None} | {name: _shown(sum(values, Fraction()) / len(values)) for name, values in shares.items()}


def _share(rule: Scored) -> Fraction:
    if rule.failures is None or rule.total is None:
        return Fraction(1 if rule.status in ("pass", "warn") else 0)
    return Fraction(1) if rule.total == 0 else max(Fraction(0), 1 - Fraction(rule.failures, rule.total))


def _shown(score: Fraction) -> float:
    rounded = round(float(score), 6)
    return rounded if 0 < rounded < 1 or rounded == score else quotient(score.numerator, score.denominator)


def quotient(part: int, whole: int) -> float:
    """part / whole as the nearest double, but 0 or 1 only if the quotient is exactly that."""
    ratio = part / whole
    if ratio == 1 and part != whole:
        return nextafter(1.0, 0.0 if part < whole else 2.0)
    return ratio or (nextafter(0.0, 1.0) if part else 0.0)
