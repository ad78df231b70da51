"""What a rule measures, as a hash: its points and its memory count only for the same."""

import hashlib
import json

from stringx_dataops.contract.adapters import DEFAULT_ADAPTER, Adapter
from stringx_dataops.contract.catalogue.rule_types import RuleType
from stringx_dataops.contract.documents.rules import Rule
from stringx_dataops.contract.json_types import JsonObject, JsonSchema


def remembers(rule: Rule, rule_type: RuleType) -> bool:
    """Whether the rule leaves a state for its next check."""
    return rule_type.leaves_state(rule.arguments) or rule.new_groups is not None or rule.missing_groups is not None


def definition_of(rule: Rule, rule_type: RuleType, adapter: Adapter = DEFAULT_ADAPTER) -> str:
    """A hash of the columns, the groups, the `where` and those arguments that say what is measured (`x-defines`). Thresholds do
    not change it. Neither do the type and the engine, unless the rule remembers a state, which only rules of its type on this
    engine can read: each has its own hashes of groups and names of types."""
    properties = rule_type.arguments.get("properties", {})
    measured = {
        name: _without_defaults(rule.arguments.get(name), part) for name, part in properties.items() if part.get("x-defines")
    }
    parts = [rule.type if remembers(rule, rule_type) else None, rule.named_columns, rule.group_columns, rule.where, measured]
    if remembers(rule, rule_type) and adapter != DEFAULT_ADAPTER:
        parts.append(adapter)
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _without_defaults(value: object, schema: JsonSchema) -> object:
    if not isinstance(value, dict):
        return schema.get("default") if value is None else value
    parts: JsonObject = schema.get("properties", {})
    return {name: item for name, item in value.items() if parts.get(name, {}).get("default") != item}
