"""The rule catalogue, read from the dbt project (`macros/rules/rules.yml`): Python knows no rule type by name.

A type's entry says how many columns it takes, which arguments (JSON Schema 2020-12), what its failures and total count,
and the words of its message. A user adds a type by adding a macro and an entry.
"""

import difflib
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError as InvalidSchema

from stringx_dataops.contract.catalogue.dbt_project import fault_of_packages, homes_of_rules
from stringx_dataops.contract.catalogue.schema_words import OF_AN_ENTRY, unknown_keywords
from stringx_dataops.contract.catalogue.words import check_template, filled, listed
from stringx_dataops.contract.messages.verdicts import Dimension

Decision = Literal["count", "bounds", "holds"]
_TOLD_FORMATS = ("column", "relation", "duration")
_LOOK_S = 2.0  # how often to look whether the files have changed
log = logging.getLogger(__name__)
CATALOGUE_FILE = Path("macros") / "rules" / "rules.yml"
# Families of column types; the engine tells which type is of which (stringx/macros/engines/postgres/types.sql).
FAMILIES = (
    "text", "integer", "decimal", "float", "money", "boolean", "date", "timestamp", "time", "interval", "uuid", "network",
    "bytes", "bit", "json", "array", "range", "enum", "composite", "other",
)  # fmt: skip
ANY = "any"


@dataclass(frozen=True)
class RuleType:
    """One entry of the catalogue."""

    name: str
    description: str
    dimension: Dimension
    shape: str
    min_columns: int
    max_columns: int | None
    window: bool
    failures: str | None
    total: str | None
    finding: str
    arguments: dict[str, Any]
    example: dict[str, Any]
    decides: Decision
    met: str
    bounds: dict[str, str]
    unit: str  # of what is measured: `seconds`, or none
    where: bool
    constraint: bool  # whether one of the database's may be its proof (`verify: constraint`)
    types: dict[str, str] | None  # what it means for families of column types; None: a macro that is not told the types
    about_rows: bool  # whether it looks at the table's rows, so that on_empty replaces it where there is none

    @property
    def takes_test_arguments(self) -> bool:
        """Whether it runs a test of others, which puts arguments into SQL as it likes."""
        return any(schema.get("x-test-arguments") for schema in self.arguments.get("properties", {}).values())

    @property
    def measured(self) -> bool:
        """Whether the rule has bounds on a measure in place of thresholds on a count of failures."""
        return self.decides == "bounds"

    @property
    def accepts(self) -> list[str] | None:
        """The families of column types that it has a meaning for; None: all."""
        if not self.types or ANY in self.types:
            return None
        return [family for families in self.types for family in families.split(", ")]

    def words(
        self,
        met: bool,
        columns: list[str],
        arguments: Mapping[str, Any],
        measured: str = "",
        found: Mapping[str, Any] | None = None,
    ) -> str:
        """The finding, or what stands in its place where the rule is met, with its gaps filled in: the rule's columns, those of
        its arguments that may be told, what was measured, and what else the rule's statement `found`."""
        values = {"type": self.name} | {name: listed(value) for name, value in (found or {}).items()}
        values |= {name: listed(value) for name, value in self._told(arguments)}
        values |= {"columns": " or ".join(columns), "together": " and ".join(columns), "measured": measured}
        return filled(self.met if met and self.met else self.finding, values)

    def _told(self, arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Arguments that may stand in a message: choices among words of the catalogue, names of columns and tables, durations,
        and what is marked `x-told`; never a list's values, a pattern or a condition."""
        for name, schema in self.arguments.get("properties", {}).items():
            forms = [schema, *schema.get("anyOf", ())]
            if schema.get("x-told") or any("enum" in form or form.get("format") in _TOLD_FORMATS for form in forms):
                value = arguments.get(name, schema.get("default") if "enum" in schema else None)
                yield name, schema["x-words"].get(value, value) if "x-words" in schema else value

    def as_json(self) -> dict[str, Any]:
        return {
            "type": self.name,
            "description": self.description,
            "dimension": self.dimension,
            "shape": self.shape,
            "columns": {"min": self.min_columns, "max": self.max_columns},
            "window": self.window,
            "where": self.where,
            "constraint": self.constraint,
            "types": self.types or {},
            "decides": self.decides,
            "failures": self.failures,
            "total": self.total,
            "arguments": self.arguments,
            "example": self.example,
        }


class Catalogue:
    """All rule types of one dbt project, by name; read again, in every process, when their files change."""

    def __init__(self, project_dir: Path, types: dict[str, RuleType], state: list[tuple[str, int]]) -> None:
        self._project_dir = project_dir
        self._read = types
        self._state = state  # of the files
        self._looked_at = time.monotonic()

    @classmethod
    def load(cls, project_dir: Path) -> "Catalogue":
        """Read the project's rules.yml, after that of the package `stringx` where it has one; ValueError says in one line what
        keeps it from being read."""
        if fault := fault_of_packages(project_dir):
            raise ValueError(fault)
        state = _state_of_files(project_dir)
        return cls(project_dir, _read_all(project_dir), state)

    @property
    def _types(self) -> dict[str, RuleType]:
        """What stands in the files now; what was read before where they cannot be read."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_S:
            return self._read
        self._looked_at = now
        state = _state_of_files(self._project_dir)
        if state != self._state:
            self._state = state
            try:
                self._read = _read_all(self._project_dir)
                log.info("the rule types have changed and were read again")
            except ValueError as error:
                log.error("the rule types have changed, and are used as they were before: %s", error)
        return self._read

    def __iter__(self) -> Iterator[RuleType]:
        return iter(self._types.values())

    def get(self, name: str) -> RuleType | None:
        return self._types.get(name)

    @property
    def default_dimensions(self) -> dict[str, Dimension]:
        """The dimension of each type's rules that name none."""
        return {rule_type.name: rule_type.dimension for rule_type in self}

    def fault_of_type(self, name: str) -> str:
        """One sentence for a name that the catalogue does not have."""
        close = difflib.get_close_matches(name[:100], self._types, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(self._types))}"
        return f"{name[:100]!r} is no rule type; {hint}"


def _read_all(project_dir: Path) -> dict[str, RuleType]:
    types: dict[str, RuleType] = {}
    homes = homes_of_rules(project_dir)
    for home in homes:
        path = home / CATALOGUE_FILE
        if path.exists() or home is homes[0]:
            types |= _read_types(path)
    return types


def _state_of_files(project_dir: Path) -> list[tuple[str, int]]:
    paths = [home / CATALOGUE_FILE for home in homes_of_rules(project_dir)]
    return [(str(path), path.stat().st_mtime_ns) for path in paths if path.exists()]


def _read_types(path: Path) -> dict[str, RuleType]:
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))["types"]
        return {name: _read_entry(name, entry) for name, entry in entries.items()}
    except OSError as error:
        raise ValueError(f"DBT_PROJECT_DIR: cannot read {path} ({error.strerror})") from error
    except (yaml.YAMLError, InvalidSchema, KeyError, TypeError, AttributeError, ValueError) as error:
        said = str(error).splitlines() or ["it is empty"]
        raise ValueError(f"{path}: an entry is incomplete or wrong: {said[0]}") from error


def _read_entry(name: str, entry: dict[str, Any]) -> RuleType:
    schema = {"type": "object", **entry["arguments"]}
    Draft202012Validator.check_schema(schema)
    for unknown in (*sorted(map(str, set(entry) - OF_AN_ENTRY)), *unknown_keywords(schema)):
        raise ValueError(f"{name}: {unknown!r} is no key of an entry or a schema; a text with a comma or a colon needs quotes")
    if entry["dimension"] not in get_args(Dimension):
        raise ValueError(f"{name}: dimension {entry['dimension']!r} is none of {', '.join(get_args(Dimension))}")
    decides: Any = entry.get("decides") or ("bounds" if entry["failures"] is None else "count")
    if decides not in get_args(Decision):
        raise ValueError(f"{name}: decides {decides!r} is none of {', '.join(get_args(Decision))}")
    types = entry.get("types")
    for family in (part for families in types or () for part in families.split(", ")):
        if family not in (*FAMILIES, ANY):
            raise ValueError(f"{name}: types: {family!r} is none of {', '.join(FAMILIES)}, {ANY}")
    for text in (entry["finding"], entry.get("met", "")):
        check_template(text)
    return RuleType(
        name=name,
        description=entry["description"].strip(),
        dimension=entry["dimension"],
        shape=entry["shape"],
        min_columns=entry["columns"]["min"],
        max_columns=entry["columns"]["max"],
        window=entry["window"],
        failures=entry["failures"],
        total=entry["total"],
        finding=entry["finding"],
        arguments=schema,
        example=entry.get("example", {}),
        decides=decides,
        met=entry.get("met", ""),
        bounds={"min": "min", "max": "max"} | entry.get("bounds", {}),
        unit=entry.get("unit", ""),
        where=entry.get("where", True),
        constraint=entry.get("constraint", False),
        types=types,
        about_rows=entry.get("about_rows", True),
    )
