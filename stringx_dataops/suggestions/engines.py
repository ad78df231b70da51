"""What can be suggested for a table of each engine: no rule that the engine would refuse."""

import re
from dataclasses import dataclass
from functools import cached_property

from stringx_dataops.contract.adapters import DEFAULT_ADAPTER, Adapter
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.documents.globs import name_of_literal
from stringx_dataops.contract.documents.rules import Rule, faults_of_rule
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import Profile

# The types of columns that column_type is suggested for, by the engine's names without digits.
_NAMES: dict[Adapter, tuple[str, ...]] = {
    "postgres": (
        "smallint", "integer", "bigint", "numeric", "real", "double precision", "boolean", "date", "uuid", "json", "jsonb",
        "timestamp without time zone", "timestamp with time zone",
    ),
    "duckdb": (
        "tinyint", "smallint", "integer", "bigint", "hugeint", "decimal", "real", "double", "boolean", "date", "uuid", "json",
        "timestamp", "timestamp with time zone",
    ),
    "trino": (
        "tinyint", "smallint", "integer", "bigint", "decimal", "real", "double", "boolean", "date", "uuid", "json", "timestamp",
        "timestamp with time zone",
    ),
}  # fmt: skip
_LENGTH = re.compile(r"\([0-9, ]+\)")
# Families of columns, where an engine other than PostgreSQL has a rule type for some only (its `refusals.sql`).
_COMPARED = frozenset(("integer", "decimal", "float", "text", "boolean", "date", "timestamp", "time", "uuid", "enum"))
_FAMILIES = {
    "unique": _COMPARED | {"bytes"},
    "aggregate": _COMPARED | {"bytes"},
    "accepted_values": _COMPARED,
    "relationship": _COMPARED,
}
# Blanks around a text, and what a text in UTF-8 looks like that was read in another encoding.
_UNCLEAN = r"^\s|\s$|[\x01-\x1F\x7F\uFFFD]|[\u00C2\u00C3][^A-Za-z ]|\u00E2\u20AC"
_UNCLEAN_ELSEWHERE = "^ | $|\ufffd|[\u00c2\u00c3][^A-Za-z ]|\u00e2\u20ac"  # without classes and escapes, which differ


@dataclass(frozen=True)
class Engine:
    """The engine of a table's target."""

    adapter: Adapter = DEFAULT_ADAPTER

    @cached_property
    def judge(self) -> Judge:
        """Judges conditions and patterns in its dialect."""
        from stringx_dataops.contract.custom_sql.dialects import dialect_of  # takes a while, and few tables need it

        return Judge(dialect_of(self.adapter))

    @property
    def unclean(self) -> str:
        """A pattern of texts with blanks around them, or traces of another encoding."""
        return _UNCLEAN if self.adapter == DEFAULT_ADAPTER else _UNCLEAN_ELSEWHERE

    @property
    def without_capitals(self) -> str:
        """Characters of ASCII that are printed, without blanks and capital letters, as within brackets of a pattern."""
        return "!-@[-~" if self.adapter == DEFAULT_ADAPTER else r"!-@\[-~"

    def type_of(self, written: str) -> str | None:
        """A column's type as a rule names it; None if no rule is suggested for it."""
        name = _LENGTH.sub("", written)
        if self.adapter == "duckdb":
            name = {"FLOAT": "real"}.get(name, name.lower())
        return name if name in _NAMES[self.adapter] else None

    def takes(self, rule: JsonObject, profile: Profile, catalogue: Catalogue) -> bool:
        """Whether its checks decide the rule. What is suggested for PostgreSQL is made for it."""
        if self.adapter == DEFAULT_ADAPTER:
            return True
        families = _FAMILIES.get(rule["type"])
        named = Rule.model_validate({"id": "suggested", **rule})
        of_columns = {column.name: column.family for column in profile.columns}
        if families and not families.issuperset(of_columns.get(name_of_literal(name), "") for name in named.all_columns):
            return False
        return not any(faults_of_rule(named, catalogue, "", self.judge))

    def adapted(self, rule: JsonObject) -> JsonObject:
        """The rule without what PostgreSQL alone has: constraints that prove it."""
        return rule if self.adapter == DEFAULT_ADAPTER else {name: value for name, value in rule.items() if name != "verify"}
