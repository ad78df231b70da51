"""The rule catalogue, read from the dbt project (`macros/rules/rules.yml`): Python knows no rule type by name.

A type's entry says how many columns it takes, which arguments (JSON Schema 2020-12), what its failures and total count,
and the words of its message. A user adds a type by adding a macro and an entry.
"""

import difflib
import json
import logging
import re
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from jsonschema import Draft202012Validator
from jsonschema import validators as json_schema
from jsonschema.exceptions import SchemaError as InvalidSchema
from jsonschema.exceptions import ValidationError as SchemaError

from stringx_dataops.contract.catalogue.bounds import faults_of_bounds
from stringx_dataops.contract.catalogue.dbt_project import fault_of_packages, homes_of_rules
from stringx_dataops.contract.catalogue.schema_words import OF_AN_ENTRY, unknown_keywords
from stringx_dataops.contract.catalogue.words import check_template, filled, listed
from stringx_dataops.contract.custom_sql.conditions import MAX_SQL, is_fragment_of_setting
from stringx_dataops.contract.custom_sql.patterns import fault_of_pattern
from stringx_dataops.contract.custom_sql.queries import Judge, relations_of_query
from stringx_dataops.contract.custom_sql.type_names import fault_of_type_name
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.names import TableName, check_identifier, fault_of_literal_name
from stringx_dataops.contract.documents.reading import MAX_NODES, escape_pointer
from stringx_dataops.contract.documents.values import duration_of, number_of
from stringx_dataops.contract.messages.verdicts import Dimension
from stringx_dataops.contract.problems import MAX_FAULTS, FieldError

Decision = Literal["count", "bounds", "holds"]
_TOLD_FORMATS = ("column", "relation", "duration")
_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,100}")
_LOOK_S = 2.0  # how often to look whether the files have changed
log = logging.getLogger(__name__)
CATALOGUE_FILE = Path("macros") / "rules" / "rules.yml"
# Families of column types; the engine tells which type is of which (stringx/macros/gate/types.sql).
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


def _are_unique(_: Any, wanted: bool, items: Any, whole: dict[str, Any]) -> Iterator[SchemaError]:
    """`uniqueItems` in one pass: the library's own compares each with each where they cannot be sorted."""
    if not wanted or not isinstance(items, list) or len(items) > whole.get("maxItems", MAX_NODES):
        return
    if len({json.dumps(item, sort_keys=True) for item in items}) < len(items):
        yield SchemaError("names one twice; keep one of them")


def _items(validator: Any, schema: Any, items: Any, whole: dict[str, Any]) -> Iterator[SchemaError]:
    """Of a list that is too long, only that is told."""
    if not isinstance(items, list) or len(items) <= whole.get("maxItems", MAX_NODES):
        yield from Draft202012Validator.VALIDATORS["items"](validator, schema, items, whole)


_Validator: Any = json_schema.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"uniqueItems": _are_unique, "items": _items}
)


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


def faults_of_arguments(rule_type: RuleType, arguments: dict[str, Any], pointer: str, judge: Judge) -> Iterator[FieldError]:
    """Every fault of a rule's arguments, by the type's JSON Schema and the formats that name SQL, tables and columns."""
    for error in islice(_Validator(rule_type.arguments).iter_errors(arguments), MAX_FAULTS):
        where = pointer + "".join(f"/{escape_pointer(part)}" for part in error.absolute_path)
        yield FieldError(where, _sentence(error))
    yield from _faults_of_formats(rule_type.arguments, arguments, pointer, judge)
    yield from faults_of_bounds(arguments, rule_type.bounds, pointer)


def faults_of_lengths(rule_type: RuleType, arguments: dict[str, Any], columns: int, pointer: str) -> Iterator[FieldError]:
    """Arguments that pair with the rule's columns (`x-one-per-column`) have as many items."""
    for name, schema in rule_type.arguments.get("properties", {}).items():
        value = arguments.get(name)
        given = len(value) if isinstance(value, list) else 1
        if schema.get("x-one-per-column") and value is not None and columns not in (0, given):
            yield FieldError(f"{pointer}/{escape_pointer(name)}", f"names {given}, and the rule has {columns}; give one for each")


def relations_of_arguments(rule_type: RuleType, arguments: dict[str, Any]) -> list[list[str]]:
    """The other tables that a rule reads, as [schema, name], or [name] where its SQL gives no schema."""
    found: list[list[str]] = []
    for name, schema in rule_type.arguments.get("properties", {}).items():
        value = arguments.get(name)
        if schema.get("format") == "sql-query" and isinstance(value, str):
            found += [relation for relation in relations_of_query(value) if relation not in found]
        elif schema.get("format") == "relation" and isinstance(value, str):
            table = TableName.parse(value)
            found.append([table.schema, table.name])
    return found


def columns_of_arguments(rule_type: RuleType, arguments: dict[str, Any]) -> list[str]:
    """The columns that a rule reads by its arguments, of its own table or another."""
    found: list[str] = []
    for name, schema in rule_type.arguments.get("properties", {}).items():
        forms = [form for part in (schema, *schema.get("anyOf", ())) for form in (part, part.get("items", {}))]
        if any(form.get("format") == "column" for form in forms) and not schema.get("x-wanted"):
            value = arguments.get(name) or []
            found += [value] if isinstance(value, str) else value
    return found


def custom_sql_of_arguments(rule_type: RuleType, arguments: dict[str, Any]) -> list[str]:
    """The names of the arguments that hold SQL of the user's."""
    properties = rule_type.arguments.get("properties", {})
    return [name for name in arguments if properties.get(name, {}).get("format", "").startswith("sql-")]


def sql_of_arguments(rule_type: RuleType, arguments: dict[str, Any]) -> Iterator[str]:
    """Custom SQL, and the texts of a dbt test's arguments, which are judged as such."""
    for name, schema in rule_type.arguments.get("properties", {}).items():
        value = arguments.get(name)
        if schema.get("format", "").startswith("sql-") and isinstance(value, str):
            yield value
        elif schema.get("x-test-arguments"):
            yield from (text for _, text in _texts_of(value))


def _sentence(error: SchemaError) -> str:
    schema, wanted = _mapping(error.schema), error.validator_value
    match error.validator:
        case "required":
            return f"the argument {str(error.message).split(' ')[0]} is missing"
        case "additionalProperties":
            known = sorted(schema.get("properties", {}))
            return f"{error.message.split('(')[-1].rstrip(')')}; known arguments: {', '.join(known) or 'none'}"
        case "type":
            return f"must be of type {' or '.join(wanted) if isinstance(wanted, list) else wanted}"
        case "enum":
            return f"must be one of {', '.join(map(str, wanted if isinstance(wanted, list) else []))}"
        case "anyOf" | "oneOf" | "minProperties" | "pattern":
            return str(schema.get("errorMessage") or "fits none of the forms that this type takes")
        case "maxItems" | "minItems":
            return f"has {len(_list(error.instance)):,} items; it takes at {_MOST[error.validator]} {wanted:,}"
        case "maxLength" | "minLength":
            return f"has {len(str(error.instance)):,} characters; it takes at {_MOST[error.validator]} {wanted:,}"
        case _:
            return error.message[:200]


_MOST = {"maxItems": "most", "maxLength": "most", "minItems": "least", "minLength": "least"}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(schema: object) -> dict[str, Any]:
    return schema if isinstance(schema, dict) else {}


def _faults_of_formats(schema: dict[str, Any], value: Any, pointer: str, judge: Judge) -> Iterator[FieldError]:
    if schema.get("x-test-arguments"):
        yield from _faults_of_test_arguments(value, pointer)
    elif isinstance(value, dict):
        for name, part in schema.get("properties", {}).items():
            if name in value:
                yield from _faults_of_formats(part, value[name], f"{pointer}/{escape_pointer(name)}", judge)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value[: schema.get("maxItems")]):
            yield from _faults_of_formats(schema["items"], item, f"{pointer}/{index}", judge)
    elif isinstance(value, str):
        forms = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
        if not any(value in form.get("enum", ()) for form in forms):
            for form in forms:
                if fault := _fault_of_format(form, value, judge):
                    yield FieldError(pointer, fault)
    if isinstance(value, list):
        for form in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from _faults_of_formats(form, value, pointer, judge)


def expressions_of_arguments(rule_type: RuleType, arguments: dict[str, Any], allow_functions: Collection[str]) -> list[str]:
    """The texts among a test's arguments and settings that are plain, or SQL that may be run wherever the test puts it."""
    found: dict[str, None] = {}
    for name, schema in rule_type.arguments.get("properties", {}).items():
        if schema.get("x-test-arguments"):
            texts = _texts_of(arguments.get(name))
            found |= {text: None for key, text in texts if is_fragment_of_setting(key, text, allow_functions)}
    return list(found)


def texts_of_test(rule_type: RuleType, arguments: dict[str, Any]) -> list[str]:
    """All texts among a dbt test's arguments."""
    properties = rule_type.arguments.get("properties", {})
    given = [arguments.get(name) for name, schema in properties.items() if schema.get("x-test-arguments")]
    return [text for value in given for _, text in _texts_of(value)]


def _texts_of(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """(name, text) of each text at any depth."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts_of(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _texts_of(item)


def _faults_of_test_arguments(value: Any, pointer: str) -> Iterator[FieldError]:
    """The arguments of a dbt test, at any depth. Whether a text may be given is decided when the test is rendered."""
    if isinstance(value, dict) and list(value) in (["relation"], ["ref"]):
        ((kind, name),) = value.items()
        fault = (
            "must be a text"
            if not isinstance(name, str)
            else _fault_of(TableName.parse if kind == "relation" else check_identifier, name)
        )
        if fault:
            yield FieldError(f"{pointer}/{kind}", fault)
    elif isinstance(value, dict):
        for key, item in value.items():
            place = f"{pointer}/{escape_pointer(key)}"
            if not _ARGUMENT.fullmatch(key) or key in ("model", "column_name"):
                yield FieldError(place, "is no argument that can be given; the table and the column are the rule's own")
            yield from _faults_of_test_arguments(item, place)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults_of_test_arguments(item, f"{pointer}/{index}")
    elif isinstance(value, str) and "\x00" in value:
        yield FieldError(pointer, "contains a NUL character, which PostgreSQL cannot hold")
    elif isinstance(value, str) and ("{{" in value or "{%" in value):
        yield FieldError(
            pointer, "holds a Jinja expression, which is not evaluated here; write the value itself, or {ref: model}"
        )


def _fault_of_format(form: dict[str, Any], value: str, judge: Judge) -> str | None:
    if len(value) > form.get("maxLength", MAX_SQL):
        return None if "maxLength" in form else f"has {len(value):,} characters; it takes at most {MAX_SQL:,}"
    match form.get("format"):
        case "sql-condition":
            return judge.condition(value)
        case "sql-query":
            return judge.query(value)
        case "duration":
            if fault := _fault_of(parse_duration, value):
                return fault
            return "must be longer than 0s" if "exclusiveMinimum" in form and not duration_of(value) else None
        case "pattern":
            return fault_of_pattern(value)
        case "type":
            return fault_of_type_name(value)
        case "relation":
            return _fault_of(TableName.parse, value) or fault_of_literal_name(value)
        case "column":
            return _fault_of(check_identifier, value)
        case "decimal":
            return _fault_of_decimal(form, number_of(value))
        case _:
            return None


def _fault_of_decimal(form: dict[str, Any], number: Decimal | None) -> str | None:
    """What the schema says of numbers, said of the text of one."""
    if number is None:
        return "must be a number"
    if "minimum" in form and number < form["minimum"]:
        return f"must be at least {form['minimum']}"
    if "maximum" in form and number > form["maximum"]:
        return f"must be at most {form['maximum']}"
    if "exclusiveMinimum" in form and number <= form["exclusiveMinimum"]:
        return f"must be above {form['exclusiveMinimum']}"
    return None


def _fault_of(parse: Any, value: str) -> str | None:
    try:
        parse(value)
    except ValueError as error:
        return str(error)
    return None
