"""The rules in a table document, and their validation against the catalogue of rule types."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from stringx_dataops.contract.catalogue.argument_faults import faults_of_arguments, faults_of_lengths
from stringx_dataops.contract.catalogue.rule_types import Catalogue, RuleType
from stringx_dataops.contract.custom_sql.judge import Judge
from stringx_dataops.contract.documents.fields import AtMost, Column, Condition, Flag, Model, RuleId, Words
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


class Rule(Model):
    """One rule in a table document, before its type's defaults are applied."""

    id: RuleId
    type: str
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
    active: Flag | Literal["shadow"] = True

    @property
    def is_shadow(self) -> bool:
        """Whether it runs and is reported, and counts in nothing."""
        return self.active == "shadow"

    @property
    def all_columns(self) -> list[str]:
        """The columns from `column` or `columns`; empty if the rule names none."""
        return self.columns if self.columns is not None else [self.column] if self.column is not None else []

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
    if len(set(rule.all_columns)) < len(rule.all_columns):
        yield FieldError(f"{pointer}/columns", "names a column twice")
    if rule.where is not None:
        fault = judge.fault_of_condition(rule.where) if rule_type.where else f"{rule.type} takes none; leave it out"
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
