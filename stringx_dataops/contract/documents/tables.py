"""Table documents: the rules and settings of a table."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from stringx_dataops.contract.catalogue.arguments import sql_of_arguments
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.custom_sql.limits import MAX_TOKENS
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.fields import (
    SENT,
    AtMost,
    Column,
    Duration,
    Model,
    Table,
    TargetName,
    Whole,
    Words,
    parse_model,
    schema_of,
)
from stringx_dataops.contract.documents.names import fault_of_literal_name
from stringx_dataops.contract.documents.rules import MOST_COLUMNS, Rule, faults_of_rule
from stringx_dataops.contract.documents.values import duration_of
from stringx_dataops.contract.documents.written import holds_plain, resolve_plain
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.verdicts import Gate, Mode
from stringx_dataops.contract.problems import MAX_FAULTS, FieldError, Invalid, invalid

MOST_RULES = 5000


def _timeout(text: str) -> str:
    if not 1 <= parse_duration(text) <= 86400:
        raise ValueError("must lie between 1s and 24h")
    return text


_zones = cache(available_timezones)  # cached, because reading the folder of zones takes 12 ms


def _timezone(name: str) -> str:
    if not _zones():
        raise ValueError("cannot be checked, because this machine knows no time zones; pip install tzdata")
    if name not in _zones():
        raise ValueError("is no time zone; write an IANA name such as Europe/Berlin or UTC")
    return str(ZoneInfo(name))


Timeout = Annotated[Duration, AfterValidator(_timeout)]


class GateSettings(Model):
    """How verdicts open or close the gate. `max_age` is how old a snapshot may be before the gate closes. `decided_by`: full
    checks alone, or checks of a window with all rules, too. `on_changed_rules`: whether a changed set of rules closes the
    gate until the next check."""

    on_error: Gate = "closed"
    on_warn: Gate = "open"
    max_age: Duration | None = None
    decided_by: Literal["full", "window"] = "full"
    on_changed_rules: Literal["closed", "keep"] = "closed"

    @property
    def is_kept(self) -> bool:
        """Whether a changed set of rules leaves the gate as it is until the next check."""
        return self.on_changed_rules == "keep"

    @property
    def by_window(self) -> bool:
        """Whether checks of a window with all rules decide, too."""
        return self.decided_by == "window"


class TableDocument(Model):
    """The configuration of one table."""

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
        """The rules that count in verdicts."""
        return [rule for rule in self.rules if rule.active is True]

    @property
    def running_rules(self) -> list[Rule]:
        """The rules that checks run: active ones and shadows."""
        return [rule for rule in self.rules if rule.active]


def parse_table(value: Any, catalogue: Catalogue, judge_of: Callable[[str], Judge], pointer: str = "") -> TableDocument:
    """A table from its document, each rule held against the catalogue; Invalid with every fault.

    `judge_of` returns, for a target's name, what judges the custom SQL of the document. It must take a name that no target has.
    """
    value, errors = _with_arguments(value, catalogue, pointer)
    value, faults = resolve_plain(value, schema_of(TableDocument), pointer)
    errors += faults
    document = None
    try:
        document = parse_model(TableDocument, value, pointer)
    except Invalid as fault:
        errors += fault.errors
    if isinstance(value, dict):
        errors += _faults_of_document(value, pointer)
    rules = _readable_rules(value)
    target = value.get("target") if isinstance(value, dict) else None
    judge = judge_of(target if isinstance(target, str) else "")
    if judge.dialect.are_too_many(_custom_sql(rules, catalogue)):
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


def _with_arguments(value: Any, catalogue: Catalogue, pointer: str) -> tuple[Any, list[FieldError]]:
    """The document, in which each rule's arguments are read as the schema of its type says, and what is wrong with them."""
    rules = value.get("rules") if isinstance(value, dict) else None
    if not isinstance(rules, list) or not holds_plain(rules):
        return value, []
    found: list[Any] = []
    errors: list[FieldError] = []
    for index, rule in enumerate(rules):
        rule_type = catalogue.get(rule["type"]) if isinstance(rule, dict) and isinstance(rule.get("type"), str) else None
        if rule_type is not None and "arguments" in rule:
            arguments, faults = resolve_plain(rule["arguments"], rule_type.arguments, f"{pointer}/rules/{index}/arguments")
            rule = rule | {"arguments": arguments}
            errors += faults
        found.append(rule)
    return value | {"rules": found}, errors


def _faults_of_document(value: JsonObject, pointer: str) -> Iterator[FieldError]:
    """Faults that no model checks, because stored documents of earlier releases may have them."""
    name, gate = value.get("table"), value.get("gate")
    if isinstance(name, str) and (fault := fault_of_literal_name(name)):
        yield FieldError(f"{pointer}/table", fault)
    yield from faults_of_gate(gate, pointer)


def faults_of_gate(gate: Any, pointer: str) -> Iterator[FieldError]:
    """Faults of the field `gate` as it was written in a table or dataset document."""
    if isinstance(gate, dict) and duration_of(gate.get("max_age")) == 0:
        yield FieldError(f"{pointer}/gate/max_age", "is no time at all; such a gate never opens")


def _readable_rules(value: Any) -> list[tuple[int, Rule]]:
    """The well-formed rules with their indexes, so that their faults are reported together with those of the document."""
    rules = value.get("rules") if isinstance(value, dict) else None
    readable = []
    for index, item in enumerate(rules[:MOST_RULES] if isinstance(rules, list) else []):
        try:
            readable.append((index, Rule.model_validate(item, context=SENT)))
        except ValidationError:
            continue  # its faults are among those of the document already
    return readable


def _custom_sql(rules: list[tuple[int, Rule]], catalogue: Catalogue) -> set[str]:
    """All custom SQL of the rules; repeated texts once, because they are parsed once."""
    texts = {rule.where for _, rule in rules if rule.where is not None}
    for _, rule in rules:
        if (rule_type := catalogue.get(rule.type)) is not None:
            texts.update(sql_of_arguments(rule_type, rule.arguments))
    return texts
