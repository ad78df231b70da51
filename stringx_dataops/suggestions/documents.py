"""The document of a table with suggestions that somebody has accepted."""

from collections.abc import Iterable

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import Profile
from stringx_dataops.suggestions.suggestion import Suggestion


def document_with(document: JsonObject | None, profile: Profile, suggestions: Iterable[Suggestion]) -> JsonObject:
    """The document, as it is stored, with the rules added at its end; a new one if there is none. Rules whose id it has already
    are left out: they were accepted before."""
    found = document or {"apiVersion": "stringx/v1", "target": profile.target, "table": profile.table}
    rules = list(found.get("rules") or ())
    ids = {rule.get("id") for rule in rules if isinstance(rule, dict)}
    return found | {"rules": [*rules, *(each.rule for each in suggestions if each.id not in ids)]}
