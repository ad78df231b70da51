"""Table documents: the rules and settings of a table."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from stringx_dataops.contract.catalogue.arguments import sql_of_arguments
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.custom_sql.limits import MAX_TOKENS
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.expectations import Expectation
from stringx_dataops.contract.documents.fields import (
    RULE_OF_TABLE,
    SENT,
    AtMost,
    Column,
    Duration,
    Model,
    Owner,
    Table,
    Tags,
    TargetName,
    WebAddress,
    Whole,
    Words,
    parse_model,
    schema_of,
)
from stringx_dataops.contract.documents.names import fault_of_literal_name
from stringx_dataops.contract.documents.overrides import Override, faults_of_overrides
from stringx_dataops.contract.documents.rules import MOST_COLUMNS, Rule, faults_of_rule
from stringx_dataops.contract.documents.values import duration_of
from stringx_dataops.contract.documents.written import holds_plain, resolve_plain
from stringx_dataops.contract.documents.zones import Zone
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.verdicts import Gate, Mode
from stringx_dataops.contract.problems import MAX_FAULTS, FieldError, Invalid, invalid

MOST_RULES = 5000

M = TypeVar("M", bound=BaseModel)


def _timeout(text: str) -> str:
    if not 1 <= parse_duration(text) <= 86400:
        raise ValueError("must lie between 1s and 24h")
    return text


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
    owner: Owner = ""
    tags: Tags = []
    runbook: WebAddress | None = None
    timezone: Zone = "UTC"
    mode: Mode = "async"
    timeout: Timeout = "5m"
    on_empty: Literal["fail", "warn", "pass"] = "fail"
    window_column: Column | None = None
    key: Annotated[list[Column], AtMost(MOST_COLUMNS)] = []
    sample_rows: Annotated[Whole, Field(ge=0, le=100)] = 5
    sample_columns: Annotated[list[Column], AtMost(MOST_COLUMNS)] = []
    gate: GateSettings = GateSettings()
    expected_by: Expectation | None = None
    rules: Annotated[list[Rule], Field(max_length=MOST_RULES)] = []
    overrides: Annotated[list[Override], Field(max_length=MOST_RULES)] = []

    @property
    def active_rules(self) -> list[Rule]:
        """The rules that count in verdicts."""
        return [rule for rule in self.rules if rule.active is True]

    @property
    def running_rules(self) -> list[Rule]:
        """The rules that checks run: active ones and shadows."""
        return [rule for rule in self.rules if rule.active]


def parse_table(
    value: Any, catalogue: Catalogue, judge_of: Callable[[str], Judge], pointer: str = "", *, is_effective: bool = False
) -> TableDocument:
    """A table from its document, each rule held against the catalogue; Invalid with every fault.

    `judge_of` returns, for a target's name, what judges the custom SQL of the document. It must take a name that no target has.
    `is_effective`: the document holds the rules of its sets already (`merging.py`); one that somebody has written has none.
    """
    faults_of = _faults_of_effective if is_effective else _faults
    return parse_with_rules(TableDocument, value, catalogue, judge_of, pointer, faults_of)


def parse_with_rules(
    model: type[M],
    value: Any,
    catalogue: Catalogue,
    judge_of: Callable[[str], Judge],
    pointer: str,
    faults_of: Callable[[JsonObject, str], Iterable[FieldError]],
) -> M:
    """The same for any document with `target` and `rules`; `faults_of` are those that the model does not find."""
    value, errors = _with_arguments(value, catalogue, pointer)
    if isinstance(value, dict):
        errors += faults_of(value, pointer)  # texts are as they were written
    value, faults = resolve_plain(value, schema_of(model), pointer)
    errors += faults
    document = None
    try:
        document = parse_model(model, value, pointer)
    except Invalid as invalid_model:
        errors += invalid_model.errors
    rules = _readable_rules(value)
    named = value if isinstance(value, dict) else {}
    target, table = named.get("target"), named.get("table")
    judge = judge_of(target if isinstance(target, str) else "")
    if isinstance(table, str) and (fault := judge.dialect.fault_of_table(table)) is not None:
        errors.append(FieldError(f"{pointer}/table", fault))
    if judge.dialect.are_too_many(custom_sql_of([rule for _, rule in rules], catalogue)):
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


def _faults(value: JsonObject, pointer: str) -> Iterator[FieldError]:
    """Of a document that somebody has written."""
    yield from faults_of_ids(value, pointer)
    yield from faults_of_overrides(value.get("overrides"), f"{pointer}/overrides")
    yield from _faults_of_effective(value, pointer)


def faults_of_ids(value: JsonObject, pointer: str) -> Iterator[FieldError]:
    """A fault for each id with a dot: only ids of rules that a set gives a table have one."""
    rules = value.get("rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        if isinstance(rule, dict) and isinstance(rule.get("id"), str) and RULE_OF_TABLE.fits(rule["id"]) and "." in rule["id"]:
            words = "has a dot, as only a rule of a set has; to change a set's rule for this table, write it under overrides"
            yield FieldError(f"{pointer}/rules/{index}/id", words)


def _faults_of_effective(value: JsonObject, pointer: str) -> Iterator[FieldError]:
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


def custom_sql_of(rules: Iterable[Rule], catalogue: Catalogue) -> set[str]:
    """All custom SQL of the rules; repeated texts once, because they are parsed once."""
    rules = list(rules)
    texts = {rule.where for rule in rules if rule.where is not None}
    for rule in rules:
        if (rule_type := catalogue.get(rule.type)) is not None:
            texts.update(sql_of_arguments(rule_type, rule.arguments))
    return texts
