"""The rules in a table document, and their validation against the catalogue of rule types."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from stringx_dataops.contract.catalogue.argument_faults import faults_of_arguments, faults_of_lengths, one_per_column
from stringx_dataops.contract.catalogue.rule_types import Catalogue, RuleType
from stringx_dataops.contract.catalogue.words import listed
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.documents.fields import (
    AtMost,
    Column,
    Condition,
    Flag,
    Model,
    Owner,
    RuleId,
    Tags,
    WebAddress,
    Words,
)
from stringx_dataops.contract.documents.globs import check_glob, is_column_glob, is_literal, name_of_literal
from stringx_dataops.contract.documents.groups import Per, faults_of_groups
from stringx_dataops.contract.documents.rule_messages import MAX_MESSAGE, check_message
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.verdicts import Dimension, Kind
from stringx_dataops.contract.problems import FieldError

MOST_COLUMNS = 1600  # PostgreSQL's limit for a table
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


Threshold = Annotated[
    int | str,
    BeforeValidator(_threshold, json_schema_input_type=int | str),
    Field(examples=[0, 10, "1.5%"], description="failures above which it trips: a count, or a share of the total"),
]


class _Named(Model):
    id: RuleId


class _Typed(_Named):
    type: str


class RuleFields(_Named):
    """What a rule has beside its type. A column's name with a `*` or `?` stands for the columns that match."""

    column: Column | None = None
    columns: Annotated[list[Column], Field(min_length=1), AtMost(MOST_COLUMNS)] | None = None
    arguments: JsonObject = {}
    kind: Kind = "engineering"
    dimension: Dimension | None = None
    warn_above: Threshold | None = None
    fail_above: Threshold | None = None
    severity: Literal["error", "warn"] | None = None
    where: Condition | None = None
    verify: Literal["scan", "constraint"] = "scan"
    description: Words = ""
    owner: Owner = ""
    tags: Tags = []
    runbook: WebAddress | None = None
    message: Annotated[str, StringConstraints(max_length=MAX_MESSAGE), AfterValidator(check_message)] | None = None
    per: Per | None = None
    new_groups: Literal["warn", "fail"] | None = None
    missing_groups: Literal["warn", "fail"] | None = None
    active: Flag | Literal["shadow"] = True

    @property
    def is_shadow(self) -> bool:
        """Whether it runs and is reported, and counts in nothing."""
        return self.active == "shadow"


class Rule(RuleFields, _Typed):
    """One rule of a table or a rule set, before its type's defaults are applied. Its fields are in the order of its bases."""

    @property
    def all_columns(self) -> list[str]:
        """The columns from `column` or `columns`; empty if the rule names none."""
        return self.columns if self.columns is not None else [self.column] if self.column is not None else []

    @property
    def column_globs(self) -> list[str]:
        """Those of its columns that are patterns for whatever matches."""
        return [column for column in self.all_columns if is_column_glob(column) and not is_literal(column)]

    @property
    def named_columns(self) -> list[str]:
        """The columns, with the name itself in place of one that is written as a pattern because it has a `*` or `?`."""
        return [name_of_literal(column) for column in self.all_columns]

    @property
    def group_columns(self) -> list[str]:
        """The columns of `per`, as they are spelled in the database; empty if the rule is decided for all rows together."""
        named = [self.per] if isinstance(self.per, str) else self.per or []
        return [name_of_literal(column) for column in named]

    @property
    def thresholds(self) -> tuple[int | str | None, int | str | None]:
        """(warn_above, fail_above) with defaults: a count as int, a share as text such as `1.5%`; None never trips."""
        if self.severity == "warn":
            return 0, None
        if self.warn_above is None and self.fail_above is None:
            return None, 0
        return self.warn_above, self.fail_above


def faults_of_rule(rule: Rule, catalogue: Catalogue, pointer: str, judge: Judge) -> Iterator[FieldError]:
    """Every fault of one rule, by its type's entry in the catalogue. `judge` checks its custom SQL."""
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
    if judge.dialect.adapter not in rule_type.engines:
        yield FieldError(f"{pointer}/type", f"{rule.type} is not possible on {judge.dialect.adapter}; {_engines(rule_type)}")
    yield from _faults_of_globs(rule, rule_type, pointer)
    if len(set(rule.all_columns)) < len(rule.all_columns):
        yield FieldError(f"{pointer}/columns", "names a column twice")
    if rule.where is not None:
        fault = judge.fault_of_condition(rule.where) if rule_type.where else f"{rule.type} takes none; leave it out"
        if fault:
            yield FieldError(f"{pointer}/where", fault)
    if rule.verify == "constraint" and not rule_type.constraint:
        yield FieldError(f"{pointer}/verify", f"no constraint can prove {rule.type}; leave it out, it is scanned")
    yield from faults_of_groups(rule, rule_type, pointer)
    yield from faults_of_arguments(rule_type, rule.arguments, f"{pointer}/arguments", judge)
    if not rule.column_globs:
        yield from faults_of_lengths(rule_type, rule.arguments, len(rule.all_columns), f"{pointer}/arguments")
    yield from _faults_of_thresholds(rule, rule_type, pointer)


def _engines(rule_type: RuleType) -> str:
    return f"it runs on {listed(sorted(rule_type.engines))}: take another type, or leave the rule out"


def _faults_of_globs(rule: Rule, rule_type: RuleType, pointer: str) -> Iterator[FieldError]:
    """Faults of columns that are patterns."""
    for index, column in enumerate(rule.all_columns):
        if not is_column_glob(column) or is_literal(column):
            continue
        place = f"{pointer}/column" if rule.columns is None else f"{pointer}/columns/{index}"
        if rule_type.max_columns is not None and rule_type.max_columns <= 1:
            words = f"{column} stands for several columns, and {rule_type.name} takes one; a literal * or ? is written [*] or [?]"
            yield FieldError(place, words)
        elif one_per_column(rule_type):
            yield FieldError(
                place, f"{column} stands for several columns, and {rule_type.name} pairs each with another; name them"
            )
        else:
            try:
                check_glob(column)
            except ValueError as error:
                yield FieldError(place, str(error))


def _faults_of_thresholds(rule: Rule, rule_type: RuleType, pointer: str) -> Iterator[FieldError]:
    given = {name: value for name in ("warn_above", "fail_above") if (value := getattr(rule, name)) is not None}
    if rule.severity is not None and given:
        yield FieldError(f"{pointer}/severity", f"stands beside {' and '.join(given)}; keep one of the two")
    if rule_type.decides == "bounds":
        if rule.severity == "warn" and rule_type.severity is None:
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
