"""Scores of a check: the mean over its rules of the share of rows that pass (measured rules count 0 or 1)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from contract.verdicts import RuleStatus


@dataclass(frozen=True)
class Scored:
    """What a rule brings to the score."""

    dimension: str
    status: RuleStatus
    failures: int | None
    total: int | None


def scores(rules: Sequence[Scored]) -> dict[str, float | None]:
    """`overall` and one entry a dimension, 0 to 1, six digits; rules in `error` are left out."""
    shares: dict[str, list[float]] = defaultdict(list)
    for rule in rules:
        if rule.status == "error":
            continue
        share = _share(rule)
        shares["overall"].append(share)
        shares[rule.dimension].append(share)
    return {"overall": None} | {name: round(sum(values) / len(values), 6) for name, values in shares.items()}


def _share(rule: Scored) -> float:
    if rule.failures is None or rule.total is None:
        return 1.0 if rule.status in ("pass", "warn") else 0.0
    return 1.0 if rule.total == 0 else max(0.0, 1 - rule.failures / rule.total)
