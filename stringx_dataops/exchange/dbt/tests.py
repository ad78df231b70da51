"""A dbt test as its project declares it, whichever file says so."""

import re
from dataclasses import dataclass, field
from typing import Any

from stringx_dataops.contract.documents.names import TableName
from stringx_dataops.contract.json_types import JsonObject

# As dbt tells a text among a test's arguments that it renders (`add_rendered_test_kwargs` of dbt-core).
_RENDERED = re.compile(r"\{\{|\{%|\{#|^\s*(env_var|ref|var|source|doc)\s*\(.+\)\s*$", re.DOTALL)
_NODE = re.compile(r"^\s*(?:\{\{\s*)?(ref|source)\s*\((.*?)\)\s*(?:\}\})?\s*$", re.DOTALL)
_PART = re.compile(r"""\s*(?:(v|version)\s*=\s*)?(?:'([^']*)'|"([^"]*)"|([0-9.]+))\s*""")
BUILT_IN = frozenset({"not_null", "unique", "accepted_values", "relationships"})
# Settings of a test that its verdict depends on, and the others that may stand beside its arguments.
DECIDING = ("severity", "where", "warn_if", "error_if", "fail_calc", "limit", "enabled", "sql_header")
OF_CONFIG = frozenset({*DECIDING, "tags", "store_failures", "store_failures_as", "meta", "database", "schema", "alias", "group"})


class Lost(Exception):
    """The test cannot be said by a rule; the text says why."""


@dataclass(frozen=True)
class Reference:
    """`ref(…)` or `source(…)`: `names` are its texts, `version` that of a ref."""

    kind: str
    names: tuple[str, ...]
    version: str | None = None


@dataclass(frozen=True)
class DbtTest:
    """A generic test. `column` is SQL text as dbt puts it into the test; relations among the arguments are `TableName`s."""

    name: str  # with its package in front where the project says it: dbt_utils.accepted_range
    table: TableName
    place: str
    column: str | None = None
    arguments: JsonObject = field(default_factory=dict)
    config: JsonObject = field(default_factory=dict)
    own_name: str = ""
    description: str = ""
    active: bool = True

    def argument(self, name: str, default: Any = None) -> Any:
        """An argument, or the default if the test has none of this name or it is null."""
        value = self.arguments.get(name)
        return default if value is None else value

    def take_only(self, *names: str) -> None:
        """Raise Lost if there are arguments of other names, which dbt itself would refuse."""
        for name in self.arguments:
            if name not in names:
                raise Lost(f"the dbt test {self.name} has the argument {name}, which it does not take")


def is_rendered(value: Any) -> bool:
    """Whether dbt renders a text in the value, at any depth."""
    if isinstance(value, dict):
        return any(is_rendered(item) for item in value.values())
    if isinstance(value, list):
        return any(is_rendered(item) for item in value)
    return isinstance(value, str) and bool(_RENDERED.search(value))


def reference_of(text: Any) -> Reference | None:
    """The reference that a text is, or None."""
    match = _NODE.match(text) if isinstance(text, str) else None
    if match is None:
        return None
    names: list[str] = []
    version = None
    position, inside = 0, match[2]
    while position < len(inside):
        part = _PART.match(inside, position)
        if part is None or (part.end() < len(inside) and inside[part.end()] != ","):
            return None
        value = next(text for text in part.groups()[1:] if text is not None)
        if part[1]:
            version = value
        else:
            names.append(value)
        position = part.end() + 1
    wanted = (1, 2) if match[1] == "ref" else (2,)
    return Reference(match[1], tuple(names), version) if len(names) in wanted else None


def advice_about_jinja(value: Any) -> str:
    """Why a value that dbt renders is lost."""
    text = next(_texts(value), "")
    return f"holds Jinja ({text[:60]}), which only dbt renders; write the value itself"


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif is_rendered(value):
        yield value
