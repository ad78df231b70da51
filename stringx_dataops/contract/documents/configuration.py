"""Configuration documents: a table with its rules, and a target. Parsed here, once, for the API, files and Kafka alike."""

import hashlib
import ipaddress
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError, ValidationInfo, field_validator

from stringx_dataops.contract.catalogue.rule_types import (
    Catalogue,
    RuleType,
    faults_of_arguments,
    faults_of_lengths,
    sql_of_arguments,
)
from stringx_dataops.contract.custom_sql.conditions import MAX_TOKENS, are_too_many
from stringx_dataops.contract.custom_sql.queries import Judge
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.fields import (
    SENT,
    AtMost,
    Column,
    Condition,
    Duration,
    Flag,
    FunctionName,
    Host,
    Memory,
    Model,
    PasswordFile,
    PasswordVariable,
    RequiredAuth,
    RuleId,
    Table,
    TargetName,
    Whole,
    Words,
    parse_model,
    schema_of,
)
from stringx_dataops.contract.documents.names import fault_of_literal_name
from stringx_dataops.contract.documents.reading import escape_pointer
from stringx_dataops.contract.documents.values import duration_of
from stringx_dataops.contract.documents.written import holds_plain, settle
from stringx_dataops.contract.messages.verdicts import Dimension, Gate, Kind, Mode
from stringx_dataops.contract.problems import MAX_FAULTS, FieldError, Invalid, invalid

API_VERSION = "stringx/v1"
MOST_COLUMNS = 1600  # of a table of PostgreSQL
MOST_RULES = 5000
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,12})?)\s*%")


def _threshold(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("must be a count such as 10 or a share such as 1%")
    if isinstance(value, str):
        match = _SHARE.fullmatch(value.strip())
        if match is None or Decimal(match.group(1)) > 100:
            raise ValueError(
                "must be a share from 0% to 100% with at most 12 decimals, such as 1.5%, or a whole count without quotes"
            )
        return f"{match.group(1)}%"
    if isinstance(value, float):
        raise ValueError("a count is a whole number; for a share write it with %, such as 1.5%")
    if value < 0:
        raise ValueError("must not be negative")
    return value


def _timeout(text: str) -> str:
    if not 1 <= parse_duration(text) <= 86400:
        raise ValueError("must lie between 1s and 24h")
    return text


def _pause(text: str) -> str:
    if not 0.001 <= parse_duration(text) <= 86400:
        raise ValueError("must lie between 1ms and 24h")  # PostgreSQL reads 0 as for ever
    return text


def _target_name(name: str) -> str:
    if name == "datasets":
        raise ValueError("the name datasets is taken by the API; choose another")
    return name


_zones = cache(available_timezones)  # it reads the zones' folder, which takes 12 ms


def _timezone(name: str) -> str:
    if name not in _zones():
        raise ValueError("is no time zone; write an IANA name such as Europe/Berlin or UTC")
    return str(ZoneInfo(name))


Timeout = Annotated[Duration, AfterValidator(_timeout)]
Threshold = Annotated[
    int | str,
    BeforeValidator(_threshold, json_schema_input_type=int | str),
    Field(examples=[0, 10, "1.5%"], description="failures above which it trips: a count, or a share of the total"),
]


class GateSettings(Model):
    """How verdicts turn into open and closed."""

    on_error: Gate = "closed"
    on_warn: Gate = "open"
    max_age: Duration | None = None


class Rule(Model):
    """One rule of a table, as written."""

    id: RuleId
    type: str
    column: Column | None = None
    columns: Annotated[list[Column], Field(min_length=1), AtMost(MOST_COLUMNS)] | None = None
    arguments: dict[str, Any] = {}
    kind: Kind = "engineering"
    dimension: Dimension | None = None
    warn_above: Threshold | None = None
    fail_above: Threshold | None = None
    severity: Literal["error", "warn"] | None = None
    where: Condition | None = None
    verify: Literal["scan", "constraint"] = "scan"
    description: Words = ""
    active: Flag = True

    @property
    def all_columns(self) -> list[str]:
        return self.columns if self.columns is not None else [self.column] if self.column is not None else []

    @property
    def thresholds(self) -> tuple[int | str | None, int | str | None]:
        """(warn_above, fail_above) with the defaults filled in; None never trips."""
        if self.severity == "warn":
            return 0, None
        if self.warn_above is None and self.fail_above is None:
            return None, 0
        return self.warn_above, self.fail_above


class TableDocument(Model):
    """One table's configuration."""

    apiVersion: Literal["stringx/v1"]
    kind: Literal["Table"] = "Table"
    target: TargetName
    table: Table
    description: Words = ""
    owner: Annotated[str, StringConstraints(max_length=200)] = ""
    timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    mode: Mode = "async"
    timeout: Timeout = "5m"
    on_empty: Literal["fail", "warn", "pass"] = "fail"
    window_column: Column | None = None
    key: Annotated[list[Column], AtMost(MOST_COLUMNS)] = []
    sample_rows: Annotated[Whole, Field(ge=0, le=100)] = 5
    sample_columns: Annotated[list[Column], AtMost(MOST_COLUMNS)] = []
    gate: GateSettings = GateSettings()
    rules: Annotated[list[Rule], Field(max_length=MOST_RULES)] = []

    @property
    def active_rules(self) -> list[Rule]:
        return [rule for rule in self.rules if rule.active]


class TargetDocument(Model):
    """A database whose tables are checked; holds where the password is, never the password."""

    apiVersion: Literal["stringx/v1"]
    kind: Literal["Target"]
    name: Annotated[TargetName, AfterValidator(_target_name)]
    adapter: Literal["postgres"] = "postgres"
    host: Host
    port: Annotated[Whole, Field(ge=1, le=65535)] = 5432
    dbname: Column
    user: Column
    password_env: PasswordVariable | None = None
    password_file: PasswordFile | None = None
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] | None = None
    sslrootcert: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    require_auth: RequiredAuth | None = None
    lock_timeout: Annotated[Duration, AfterValidator(_pause)] = "5s"
    work_mem: Memory | None = None
    max_parallel_workers_per_gather: Annotated[Whole, Field(ge=0, le=64)] | None = None
    max_concurrent_checks: Annotated[Whole, Field(ge=1, le=100)] = 4
    yield_after: Annotated[Duration, AfterValidator(_pause)] | Literal["off"] = "off"
    allow_functions: Annotated[list[FunctionName], AtMost(1000)] = []
    allow_arguments: Literal["checked", "unchecked"] = "checked"  # of dbt tests: unchecked ones run as SQL, whatever they say
    dbt_schema: Column = "public"  # STRINGX_TARGET_SCHEMA: of the dbt project's models that name none

    @field_validator("password_file")
    @classmethod
    def _names_one_password(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and info.data.get("password_env"):
            raise ValueError("password_env and password_file are both given; keep one")
        folder, slash, _ = (value or "").rpartition("/")
        if slash and folder != info.data.get("name", folder):
            raise ValueError(f"lies in the folder of the target {folder}, whose files serve that target alone")
        return value

    @field_validator("require_auth")
    @classmethod
    def _names_each_once(cls, value: str | None) -> str | None:
        if value and len(set(value.split(","))) < value.count(",") + 1:
            raise ValueError("names a way to authenticate twice; keep one")
        return value

    @property
    def database_hash(self) -> str:
        """Names what is checked: the server, the database, the role, which decides what can be seen, and the schema of models."""
        named = [self.adapter, self.host, self.port, self.dbname, self.user, self.dbt_schema]
        return hashlib.sha256(json.dumps(named, ensure_ascii=False).encode()).hexdigest()[:16]

    @property
    def tls(self) -> str:
        """The sslmode that is used: verify-full unless said otherwise, prefer on a socket or loopback."""
        return self.sslmode or ("prefer" if self._is_local() else "verify-full")

    @property
    def authentication(self) -> str:
        """The require_auth that is used: unless said otherwise, only a server whose certificate is verified may ask for
        the password in clear text. Empty where any way will do."""
        return self.require_auth or ("" if self.tls in ("verify-ca", "verify-full") else "!password")

    def _is_local(self) -> bool:
        if self.host.startswith("/") or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_target(value: Any, pointer: str = "") -> TargetDocument:
    """A target from its document; Invalid with every fault."""
    places = islice(_with_variable(value, ""), MAX_FAULTS)
    errors = [FieldError(f"{pointer}{place}", "holds ${, and variables are not filled in") for place in places]
    try:
        document = parse_model(TargetDocument, value, pointer)
    except Invalid as fault:
        known = {error.pointer for error in errors}
        raise invalid([*errors, *(other for other in fault.errors if other.pointer not in known)]) from fault
    if errors:
        raise invalid(errors)
    return document


def _with_variable(value: Any, pointer: str) -> Iterator[str]:
    """The places of texts that hold `${`."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _with_variable(item, f"{pointer}/{escape_pointer(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _with_variable(item, f"{pointer}/{index}")
    elif isinstance(value, str) and "${" in value:
        yield pointer


def parse_table(
    value: Any, catalogue: Catalogue, allow_functions: Callable[[str], Collection[str]], pointer: str = ""
) -> TableDocument:
    """A table from its document, each rule held against the catalogue; Invalid with every fault.

    `allow_functions` gives, for a target's name, the functions that its custom SQL may call beyond the built-in ones.
    """
    errors: list[FieldError] = []
    value = settle(_with_arguments(value, catalogue, pointer, errors), schema_of(TableDocument), pointer, errors)
    document = None
    try:
        document = parse_model(TableDocument, value, pointer)
    except Invalid as fault:
        errors += fault.errors
    if isinstance(value, dict):
        errors += _faults_of_document(value, pointer)
    rules = _readable_rules(value)
    target = value.get("target") if isinstance(value, dict) else None
    judge = Judge(allow_functions(target) if isinstance(target, str) else ())
    if are_too_many(_custom_sql(rules, catalogue)):
        words = f"hold more than {MAX_TOKENS:,} words and signs of custom SQL; make views of it, or leave rules out"
        raise invalid([*errors, FieldError(f"{pointer}/rules", words)])
    for index, rule in rules:
        errors += faults_of_rule(rule, catalogue, f"{pointer}/rules/{index}", judge)
        if len(errors) > MAX_FAULTS:
            raise invalid(errors)
    last_of = {rule.id: index for index, rule in rules}
    for rule_id, times in Counter(rule.id for _, rule in rules).items():
        if times > 1:
            last = last_of[rule_id]
            errors.append(FieldError(f"{pointer}/rules/{last}/id", f"{rule_id!r} is used {times} times; make it unique"))
    if errors or document is None:
        raise invalid(errors)
    return document


def _with_arguments(value: Any, catalogue: Catalogue, pointer: str, errors: list[FieldError]) -> Any:
    """The document, in which each rule's arguments are read as the schema of its type says."""
    rules = value.get("rules") if isinstance(value, dict) else None
    if not isinstance(rules, list) or not holds_plain(rules):
        return value
    found = []
    for index, rule in enumerate(rules):
        rule_type = catalogue.get(rule["type"]) if isinstance(rule, dict) and isinstance(rule.get("type"), str) else None
        if rule_type is not None and "arguments" in rule:
            place = f"{pointer}/rules/{index}/arguments"
            rule = rule | {"arguments": settle(rule["arguments"], rule_type.arguments, place, errors)}
        found.append(rule)
    return value | {"rules": found}


def _faults_of_document(value: dict[str, Any], pointer: str) -> Iterator[FieldError]:
    """What is refused when it is configured, and taken where an earlier release has stored it."""
    name, gate = value.get("table"), value.get("gate")
    if isinstance(name, str) and (fault := fault_of_literal_name(name)):
        yield FieldError(f"{pointer}/table", fault)
    yield from faults_of_gate(gate, pointer)


def faults_of_gate(gate: Any, pointer: str) -> Iterator[FieldError]:
    """Of the settings as they were written."""
    if isinstance(gate, dict) and duration_of(gate.get("max_age")) == 0:
        yield FieldError(f"{pointer}/gate/max_age", "is no time at all; such a gate never opens")


def _readable_rules(value: Any) -> list[tuple[int, Rule]]:
    """The rules that are well-formed by themselves, so that their faults are told together with the document's."""
    rules = value.get("rules") if isinstance(value, dict) else None
    found = []
    for index, item in enumerate(rules[:MOST_RULES] if isinstance(rules, list) else []):
        try:
            found.append((index, Rule.model_validate(item, context=SENT)))
        except ValidationError:
            continue  # its faults stand among the document's already
    return found


def _custom_sql(rules: list[tuple[int, Rule]], catalogue: Catalogue) -> set[str]:
    """Each once: what is repeated is judged once."""
    found = {rule.where for _, rule in rules if rule.where is not None}
    for _, rule in rules:
        if (rule_type := catalogue.get(rule.type)) is not None:
            found.update(sql_of_arguments(rule_type, rule.arguments))
    return found


def faults_of_rule(rule: Rule, catalogue: Catalogue, pointer: str, judge: Judge) -> Iterator[FieldError]:
    """Every fault of one rule against its type's entry in the catalogue."""
    rule_type = catalogue.get(rule.type)
    if rule_type is None:
        yield FieldError(f"{pointer}/type", catalogue.fault_of_type(rule.type))
        return
    if rule.column is not None and rule.columns is not None:
        yield FieldError(f"{pointer}/columns", "column and columns are both given; keep one")
    elif len(rule.all_columns) < rule_type.min_columns:
        field = "column" if rule_type.max_columns == 1 else "columns"
        yield FieldError(f"{pointer}/{field}", f"is missing; {rule.type} needs at least {rule_type.min_columns}")
    elif rule_type.max_columns is not None and len(rule.all_columns) > rule_type.max_columns:
        field = "columns" if rule.columns is not None else "column"
        most = f"at most {rule_type.max_columns}" if rule_type.max_columns else "no column"
        yield FieldError(f"{pointer}/{field}", f"{rule.type} takes {most}")
    if len(set(rule.all_columns)) < len(rule.all_columns):
        yield FieldError(f"{pointer}/columns", "names a column twice")
    if rule.where is not None:
        fault = judge.condition(rule.where) if rule_type.where else f"{rule.type} takes none; leave it out"
        if fault:
            yield FieldError(f"{pointer}/where", fault)
    if rule.verify == "constraint" and not rule_type.constraint:
        yield FieldError(f"{pointer}/verify", f"no constraint can prove {rule.type}; leave it out, it is scanned")
    yield from faults_of_arguments(rule_type, rule.arguments, f"{pointer}/arguments", judge)
    yield from faults_of_lengths(rule_type, rule.arguments, len(rule.all_columns), f"{pointer}/arguments")
    yield from _faults_of_thresholds(rule, rule_type, pointer)


def _faults_of_thresholds(rule: Rule, rule_type: RuleType, pointer: str) -> Iterator[FieldError]:
    given = {name: value for name in ("warn_above", "fail_above") if (value := getattr(rule, name)) is not None}
    if rule.severity is not None and given:
        yield FieldError(f"{pointer}/severity", f"stands beside {' and '.join(given)}; keep one of the two")
    if rule_type.decides == "bounds":
        if rule.severity == "warn":
            yield FieldError(f"{pointer}/severity", f"{rule.type} is measured; put its bounds under arguments.warn")
        for name in given:
            yield FieldError(f"{pointer}/{name}", f"{rule.type} is measured; give bounds in arguments (and arguments.warn)")
        return
    if rule_type.decides == "holds":
        for name, value in given.items():
            if value != 0:
                yield FieldError(f"{pointer}/{name}", f"{rule.type} holds or does not, nothing is counted; use severity: warn")
        return
    for name, value in given.items():
        if isinstance(value, str) and rule_type.total is None:
            yield FieldError(f"{pointer}/{name}", f"{rule.type} has no total to take a share of; give a count")
    warn, fail = rule.warn_above, rule.fail_above
    if isinstance(warn, int) and isinstance(fail, int) and warn >= fail:
        yield FieldError(f"{pointer}/warn_above", f"must be below fail_above ({fail})")
    if isinstance(warn, str) and isinstance(fail, str) and Decimal(warn[:-1]) >= Decimal(fail[:-1]):
        yield FieldError(f"{pointer}/warn_above", f"must be below fail_above ({fail})")
