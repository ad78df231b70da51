"""The catalogue of rule types, read from the dbt project (`macros/rules/rules.yml`). Python code names no rule type.

A type's entry gives the number of its columns, its arguments (JSON Schema 2020-12), what its failures and total count, and the
text of its message. Users add a type with a macro and an entry.
"""

import difflib
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypedDict, get_args

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError as InvalidSchema

from stringx_dataops.contract.adapters import ADAPTERS, DEFAULT_ADAPTER
from stringx_dataops.contract.catalogue.dbt_project import fault_of_packages, homes_of_rules
from stringx_dataops.contract.catalogue.schema_words import OF_AN_ENTRY, unknown_keywords
from stringx_dataops.contract.catalogue.words import check_template, filled, listed
from stringx_dataops.contract.json_types import JsonObject, JsonSchema
from stringx_dataops.contract.messages.verdicts import Dimension

Decision = Literal["count", "bounds", "holds"]
BaselineKind = Literal["change", "unusual"]  # how DataOps makes the bounds of a rule from its earlier points
Severity = Literal["error", "warn"]
_SHOWN_FORMATS = ("column", "relation", "duration")  # formats of arguments whose values a message may show
_LOOK_S = 2.0  # how often to check whether the files have changed
log = logging.getLogger(__name__)
CATALOGUE_FILE = Path("macros") / "rules" / "rules.yml"
# Families of column types; the engine tells which type is of which (stringx/macros/engines/postgres/types.sql).
FAMILIES = (
    "text", "integer", "decimal", "float", "money", "boolean", "date", "timestamp", "time", "interval", "uuid", "network",
    "bytes", "bit", "json", "array", "range", "enum", "composite", "other",
)  # fmt: skip
ANY = "any"


class ColumnLimits(TypedDict):
    """How many columns a rule takes; `max` is None for any number."""

    min: int
    max: int | None


class RuleTypeJson(TypedDict):
    """A rule type as the API lists it."""

    type: str
    description: str
    dimension: Dimension
    shape: str
    columns: ColumnLimits
    window: bool
    where: bool
    constraint: bool
    per: bool
    types: dict[str, str]
    decides: Decision
    failures: str | None
    total: str | None
    arguments: JsonSchema
    example: JsonObject
    baseline: BaselineKind | None
    remembers: bool
    engines: list[str]


@dataclass(frozen=True)
class RuleType:
    """One entry of the catalogue."""

    name: str
    description: str
    dimension: Dimension
    shape: str
    min_columns: int
    max_columns: int | None
    all_by_default: bool  # whether a rule that names no columns is about all of its table
    window: bool  # whether a request's window narrows it
    failures: str | None  # what its failures count, in words; None if it is measured
    total: str | None  # what its total counts, in words; None if it has none
    finding: str  # template of the message
    arguments: JsonSchema
    example: JsonObject  # a rule, as in a table document
    decides: Decision
    met: str  # template of the message if the rule is met; empty: as `finding`
    bounds: dict[str, str]  # the arguments for the lower (`min`) and the upper bound (`max`)
    unit: str  # of the measured value: `seconds`, or empty
    where: bool  # whether it takes a `where`
    constraint: bool  # whether a constraint of the database may prove it (`verify: constraint`)
    per: bool  # whether it can be decided for each group of rows (`per`)
    types: dict[str, str] | None  # its meaning per family of column types; None if its macro does not get the types
    about_rows: bool  # whether it looks at rows; if so, `on_empty` decides in its place for an empty table
    baseline: BaselineKind | None  # its rules' bounds come from their earlier points
    remembers: bool  # whether its rules leave a state for their next check
    remembers_with: str | None  # the argument with which a rule does, of a type whose rules do not otherwise
    severity: Severity | None  # of a measured type whose rules have a severity: that of those that name none
    engines: frozenset[str]  # the adapters whose targets its rules may be about

    @property
    def takes_test_arguments(self) -> bool:
        """Whether it runs a dbt test of another package, which may put its arguments anywhere into SQL."""
        return any(schema.get("x-test-arguments") for schema in self.arguments.get("properties", {}).values())

    def leaves_state(self, arguments: Mapping[str, Any]) -> bool:
        """Whether a rule with these arguments leaves a state for its next check."""
        return self.remembers or (self.remembers_with is not None and arguments.get(self.remembers_with) is not None)

    @property
    def measured(self) -> bool:
        """Whether its rules have bounds for a measured value, instead of thresholds for a count of failures."""
        return self.decides == "bounds"

    def severity_of(self, given: Severity | None) -> Severity:
        """Of a rule that names this severity, or none."""
        return given or self.severity or "error"

    @property
    def accepts(self) -> list[str] | None:
        """The families of column types that it accepts; None means all."""
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
        """The message of a rule: its `finding`, or its `met` if the rule is met and there is one, with the gaps filled in.

        Gaps are filled with the columns, those arguments that a message may show, the measured value, and further values that
        the rule's statement has `found`.
        """
        values = {"type": self.name} | {name: listed(value) for name, value in (found or {}).items()}
        values |= {name: listed(value) for name, value in self._shown(arguments)}
        values |= {"columns": " or ".join(columns), "together": " and ".join(columns), "measured": measured}
        return filled(self.met if met and self.met else self.finding, values)

    def _shown(self, arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Arguments that a message may show: choices from an enum, names of columns and tables, durations, and those marked
        `x-told`, which of an object is a template. Never the values of a list, a pattern or a condition."""
        for name, schema in self.arguments.get("properties", {}).items():
            forms = [schema, *schema.get("anyOf", ())]
            if schema.get("x-told") or any("enum" in form or form.get("format") in _SHOWN_FORMATS for form in forms):
                value = arguments.get(name, schema.get("default") if "enum" in schema else None)
                if isinstance(value, dict):
                    words = {key: part.get("x-words", {}) for key, part in schema.get("properties", {}).items()}
                    parts = {key: listed(words.get(key, {}).get(item, item)) for key, item in value.items()}
                    yield name, filled(str(schema["x-told"]), parts)
                else:
                    yield name, schema["x-words"].get(value, value) if "x-words" in schema else value

    def as_json(self) -> RuleTypeJson:
        """The entry as the API lists it, without the message templates."""
        return {
            "type": self.name,
            "description": self.description,
            "dimension": self.dimension,
            "shape": self.shape,
            "columns": {"min": self.min_columns, "max": self.max_columns},
            "window": self.window,
            "where": self.where,
            "constraint": self.constraint,
            "per": self.per,
            "types": self.types or {},
            "decides": self.decides,
            "failures": self.failures,
            "total": self.total,
            "arguments": self.arguments,
            "example": self.example,
            "baseline": self.baseline,
            "remembers": self.remembers or self.remembers_with is not None,
            "engines": sorted(self.engines),
        }


class Catalogue:
    """All rule types of one dbt project, by name. Each process reads the files again when they change."""

    def __init__(self, project_dir: Path, types: dict[str, RuleType], state: list[tuple[str, int]]) -> None:
        self._project_dir = project_dir
        self._read = types
        self._state = state  # path and modification time of each file
        self._looked_at = time.monotonic()

    @classmethod
    def load(cls, project_dir: Path) -> "Catalogue":
        """Read the rules.yml of the package `stringx`, if the project has it, and then the project's own.

        Raises ValueError in one line if a file cannot be read or an entry is wrong.
        """
        if fault := fault_of_packages(project_dir):
            raise ValueError(fault)
        state = _state_of_files(project_dir)
        return cls(project_dir, _read_all(project_dir), state)

    @property
    def _types(self) -> dict[str, RuleType]:
        """The types in the files now, or those that were read last if the files cannot be read any more."""
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
        """The type of this name, or None."""
        return self._types.get(name)

    @property
    def default_dimensions(self) -> dict[str, Dimension]:
        """By type: the dimension of rules that do not name one."""
        return {rule_type.name: rule_type.dimension for rule_type in self}

    def fault_of_type(self, name: str) -> str:
        """One sentence for an unknown name, with a hint."""
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
        return dict(_types_of(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ValueError(f"DBT_PROJECT_DIR: cannot read {path} ({error.strerror})") from error
    except (yaml.YAMLError, InvalidSchema, KeyError, TypeError, AttributeError, ValueError) as error:
        lines = str(error).splitlines() or ["it is empty"]
        raise ValueError(f"{path}: an entry is incomplete or wrong: {lines[0]}") from error


@lru_cache(maxsize=4)  # to hold the schemas of all arguments against that of schemas takes a quarter of a second
def _types_of(text: str) -> Mapping[str, RuleType]:
    """The types of a rules.yml. Nobody changes them: all catalogues of a process share those of the same text."""
    entries = yaml.load(text, Loader=yaml.CSafeLoader)["types"]
    return {name: _read_entry(name, entry) for name, entry in entries.items()}


def _read_entry(name: str, entry: JsonObject) -> RuleType:
    schema = {"type": "object", **entry["arguments"]}
    Draft202012Validator.check_schema(schema)
    for unknown in (*sorted(map(str, set(entry) - OF_AN_ENTRY)), *unknown_keywords(schema)):
        raise ValueError(f"{name}: {unknown!r} is no key of an entry or a schema; a text with a comma or a colon needs quotes")
    if entry["dimension"] not in get_args(Dimension):
        raise ValueError(f"{name}: dimension {entry['dimension']!r} is none of {', '.join(get_args(Dimension))}")
    decides: Any = entry.get("decides") or ("bounds" if entry["failures"] is None else "count")
    if decides not in get_args(Decision):
        raise ValueError(f"{name}: decides {decides!r} is none of {', '.join(get_args(Decision))}")
    for key, known in (("baseline", BaselineKind), ("severity", Severity)):
        if entry.get(key) not in (None, *get_args(known)):
            raise ValueError(f"{name}: {key} {entry[key]!r} is none of {', '.join(get_args(known))}")
    engines = frozenset(map(str, entry.get("engines", [DEFAULT_ADAPTER])))
    if unknown_engines := sorted(engines.difference(ADAPTERS)):
        raise ValueError(f"{name}: engines: {unknown_engines[0]!r} is none of {', '.join(ADAPTERS)}")
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
        all_by_default=entry["columns"].get("default") == "all",
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
        per=entry.get("per", entry["shape"] == "row"),
        types=types,
        about_rows=entry.get("about_rows", True),
        baseline=entry.get("baseline"),
        remembers=entry.get("remembers") is True,
        remembers_with=entry["remembers"] if isinstance(entry.get("remembers"), str) else None,
        severity=entry.get("severity"),
        engines=engines,
    )
