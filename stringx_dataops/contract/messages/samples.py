"""Results without the rows that they show."""

from typing import Any


def without_samples(result: dict[str, Any]) -> dict[str, Any] | None:
    """The result with every `sample` null and everything else as it is, in its order; None where it holds none."""
    rules = [*(result.get("rules") or ()), *(rule for table in result.get("tables") or () for rule in table.get("rules") or ())]
    held = [rule for rule in rules if rule.get("sample") is not None]
    for rule in held:
        rule["sample"] = None
    return result if held else None
