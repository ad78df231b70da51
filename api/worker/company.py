"""Whether checks may share a run: the outcome of a table must not depend on the other tables that are in it."""

from stringx_dataops.contract.gate_test.outcome import Outcome, RuleOutcome
from stringx_dataops.contract.gate_test.specification import RuleSpecification, Specification


def is_self_contained(specification: Specification) -> bool:
    """Whether no rule can be seen beforehand to disturb other tables of a run, or to depend on them: one that cannot be decided,
    a dbt test or another rule that may query while it is planned, SQL that casts to types by name."""
    return all(rule.get("typed") and not rule.get("casts") and "fault" not in rule for rule in _rules(specification))


def is_settled(specification: Specification, outcome: Outcome) -> bool:
    """Whether an outcome of this one table is the one that it has alone. It is not sure of what could not be decided, of samples
    that were cut, since all tables share the room for them, and of custom SQL that searched the schemas of all tables' types."""
    searches = outcome.get("searches_schemas")
    if searches is None:  # a copied dbt project has the macros of an older release, which do not say it
        return False
    if searches and any(rule.get("where") is not None or "custom" in rule for rule in _rules(specification)):
        return False
    (table,) = outcome["tables"]
    asked = [rule["id"] for rule in _rules(specification)]
    return "marks" in table and [rule["id"] for rule in table["rules"]] == asked and all(map(_is_whole, table["rules"]))


def _is_whole(rule: RuleOutcome) -> bool:
    is_cut = rule.get("sample_dropped") or (rule["sample"] or {}).get("cut")
    return rule["status"] != "error" and not is_cut


def _rules(specification: Specification) -> list[RuleSpecification]:
    return [rule for table in specification["tables"] for rule in table["rules"]]
