"""Results without the rows that they show: for those who take none, and for keys that may see none."""

from collections.abc import Callable
from typing import Any

Result = dict[str, Any]  # a check's, as JSON


def without_samples(result: Result) -> Result | None:
    """A copy of the result with every `sample` null and everything else as it is, in its order; None if it holds no sample."""
    parts = (result, *(result.get("tables") or ()))
    if all(rule.get("sample") is None for part in parts for rule in part.get("rules") or ()):
        return None
    return with_parts(result, _without_samples)


def hidden(result: Result) -> Result:
    """A copy for a key without the scope `samples`: every `sample` is null and every `sample_hidden` true."""
    return with_parts(result, _hidden)


def with_parts(result: Result, change: Callable[[Result], Result]) -> Result:
    """A new result. `change` is called for the result itself and for each of its tables; each is replaced by what it returns."""
    changed = change(result)
    return changed | {"tables": [change(table) for table in result["tables"]]} if result.get("tables") else changed


def _without_samples(part: Result) -> Result:
    if not part.get("rules"):
        return part
    return part | {"rules": [rule | {"sample": None} if rule.get("sample") is not None else rule for rule in part["rules"]]}


def _hidden(part: Result) -> Result:
    if not part.get("rules"):
        return part
    return part | {"rules": [rule | {"sample": None, "sample_hidden": True} for rule in part["rules"]]}
