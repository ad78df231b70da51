"""Results without the rows that they show: for those who take none, and for keys that may see none."""

from collections.abc import Callable
from typing import Any

from stringx_dataops.contract.messages.profiles import without_values

Result = dict[str, Any]  # a check's, as JSON


def without_samples(result: Result) -> Result | None:
    """A copy of the result with every `sample` and every `key` of a group null and everything else as it is, in its order;
    None if it holds neither."""
    parts = (result, *(result.get("tables") or ()))
    if not any(_shows_values(rule) for part in parts for rule in part.get("rules") or ()):
        return None
    return with_parts(result, _without_samples)


def hidden(result: Result) -> Result:
    """A copy for a key without the scope `samples`: every `sample` and every `key` of a group is null, every `sample_hidden`
    true, and no column of a profile shows values."""
    found = with_parts(result, _hidden)
    return found | {"profile": without_values(found["profile"])} if found.get("profile") else found


def with_parts(result: Result, change: Callable[[Result], Result]) -> Result:
    """A new result. `change` is called for the result itself and for each of its tables; each is replaced by what it returns."""
    changed = change(result)
    return changed | {"tables": [change(table) for table in result["tables"]]} if result.get("tables") else changed


def _without_samples(part: Result) -> Result:
    if not part.get("rules"):
        return part
    return part | {"rules": [_without_values(rule) if _shows_values(rule) else rule for rule in part["rules"]]}


def _shows_values(rule: Result) -> bool:
    return rule.get("sample") is not None or any(group["key"] is not None for group in rule.get("groups") or ())


def _without_values(rule: Result) -> Result:
    """The rule without its sample, and without the keys of its groups, which are values of rows, too."""
    groups = {"groups": [group | {"key": None} for group in rule["groups"]]} if rule.get("groups") else {}
    return rule | {"sample": None} | groups


def _hidden(part: Result) -> Result:
    if not part.get("rules"):
        return part
    return part | {"rules": [_without_values(rule) | {"sample_hidden": True} for rule in part["rules"]]}
