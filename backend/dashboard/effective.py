"""What a table has from the defaults and rule sets of its target, as the page of its document shows it."""

from dataclasses import dataclass
from typing import Any

from backend.configuration import store
from database.pool import Database
from stringx_dataops.contract.problems import NotFound

_RULES = 200  # on the page


@dataclass(frozen=True)
class RuleFromSet:
    """A rule that a set gives the table. `what`: its type and columns."""

    id: str
    what: str
    description: str
    rule_set: str
    overridden: list[str]


@dataclass(frozen=True)
class FromElsewhere:
    """Fields from defaults, as (name, value in words), and rules from sets; `more_rules` are left out."""

    fields: list[tuple[str, str]]
    rules: list[RuleFromSet]
    more_rules: int = 0

    @property
    def is_more(self) -> bool:
        """Whether there is anything that the table's own document does not say."""
        return bool(self.fields or self.rules)


def from_elsewhere(database: Database, target: str, table: str) -> FromElsewhere | None:
    """None if the table is not configured."""
    try:
        document = store.find_effective(database, target, table).document
    except NotFound:
        return None
    origins = document["origins"]
    fields = [(name, _words(document, name)) for name, source in origins["fields"].items() if source == "defaults"]
    rules = [
        RuleFromSet(rule["id"], _what(rule), rule["description"], origin["rule_set"], origin["overridden"])
        for rule in document["rules"]
        if (origin := origins["rules"][rule["id"]])["from"] == "rule_set"
    ]
    return FromElsewhere(fields, rules[:_RULES], max(0, len(rules) - _RULES))


def _words(document: dict[str, Any], name: str) -> str:
    value: Any = document
    for part in name.split("."):
        value = value[part]
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _what(rule: dict[str, Any]) -> str:
    columns = rule["columns"] or ([rule["column"]] if rule["column"] else [])
    words = f"{rule['type']} of {', '.join(columns)}" if columns else str(rule["type"])
    return words if rule["active"] is True else f"{words}, active: {str(rule['active']).lower()}"
