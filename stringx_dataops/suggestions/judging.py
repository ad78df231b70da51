"""What a rule would have said of the data that a profile measured."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.globs import name_of_literal
from stringx_dataops.contract.documents.names import parts_of_table
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import ColumnProfile, Profile
from stringx_dataops.suggestions.head_room import in_words
from stringx_dataops.suggestions.reading import moment
from stringx_dataops.suggestions.suggestion import Said

UNKNOWN = Said(status="unknown", words="The profile does not tell.")


class Judge:
    """Judges rules by one profile, from its aggregates alone. Of a sample it is said of the rows that were read."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._columns = {column.name: column for column in profile.columns}

    def said(self, rule: JsonObject) -> Said:
        """What the rule would have said."""
        if rule.get("where") is not None:
            return UNKNOWN
        if (of_table := _OF_TABLES.get(str(rule.get("type")))) is not None:
            return of_table(rule, self._profile) or UNKNOWN
        of_column = _OF_COLUMNS.get(str(rule.get("type")))
        column = self._columns.get(name_of_literal(str(rule.get("column"))))
        if of_column is None or column is None or column.error is not None:
            return UNKNOWN
        return of_column(rule, self._profile, column) or UNKNOWN


def _counted(rule: JsonObject, failures: int, total: int, at_least: bool = False) -> Said | None:
    """By the thresholds of the rule. `at_least`: there may be more failures, so that no pass can be told."""
    words = f"{'At least ' * at_least}{failures:,} of {total:,} rows violate it."
    warns, fails = rule.get("warn_above"), rule.get("fail_above")
    if rule.get("severity") == "warn":
        warns, fails = 0, None
    elif warns is None and fails is None:
        fails = 0
    if _is_above(failures, total, fails):
        return Said(status="fail", words=words)
    if at_least:
        return None
    return Said(status="warn" if _is_above(failures, total, warns) else "pass", words=words)


def _is_above(failures: int, total: int, threshold: object) -> bool:
    if threshold is None:
        return False
    if isinstance(threshold, str):
        return failures * 100 > Decimal(threshold.rstrip("%")) * total
    return failures > int(str(threshold))


def _bounded(rule: JsonObject, value: float | None, what: str) -> Said | None:
    """By bounds in the arguments, and those of a warning."""
    if value is None:
        return None
    arguments = _arguments(rule)
    warn = arguments.get("warn")
    words = f"The {what} is {in_words(value)}."
    if not _is_within(value, arguments):
        return Said(status="fail", words=words)
    return Said(status="pass" if not isinstance(warn, dict) or _is_within(value, warn) else "warn", words=words)


def _is_within(value: float, bounds: JsonObject) -> bool:
    low, high = bounds.get("min"), bounds.get("max")
    below = low is not None and (value < float(low) or (value == float(low) and bool(bounds.get("exclusive_min"))))
    above = high is not None and (value > float(high) or (value == float(high) and bool(bounds.get("exclusive_max"))))
    return not below and not above


def _arguments(rule: JsonObject) -> JsonObject:
    found = rule.get("arguments")
    return found if isinstance(found, dict) else {}


def _not_null(rule: JsonObject, profile: Profile, column: ColumnProfile) -> Said | None:
    return None if column.nulls is None else _counted(rule, column.nulls, profile.rows_read)


def _not_blank(rule: JsonObject, profile: Profile, column: ColumnProfile) -> Said | None:
    if column.nulls is None or column.blanks is None:
        return None
    return _counted(rule, column.nulls + column.blanks, profile.rows_read)


def _accepted_values(rule: JsonObject, profile: Profile, column: ColumnProfile) -> Said | None:
    values = {str(value) for value in _arguments(rule).get("values", ())}
    if column.enum is not None and set(column.enum) <= values:
        return _counted(rule, 0, profile.rows_read)
    if column.top is None or column.nulls is None:
        return None
    beyond = sum(each.count for each in column.top if each.value not in values)
    is_whole = sum(each.count for each in column.top) == profile.rows_read - column.nulls
    return _counted(rule, beyond, profile.rows_read, at_least=not is_whole)


def _between(rule: JsonObject, profile: Profile, column: ColumnProfile) -> Said | None:
    """A pass if all values lie inside; what violates is known only by quantiles, as a share at least."""
    if column.min is None or column.max is None or column.nan:
        if _arguments(rule) == {"min": 0} and column.negatives is not None and not column.nan:
            return _counted(rule, column.negatives, profile.rows_read)
        return None
    arguments, read = _arguments(rule), moment if column.family in ("date", "timestamp") else float
    if column.family not in ("date", "timestamp", "integer", "decimal", "float"):
        return None
    least, most = read(column.min), read(column.max)
    if isinstance(least, datetime) and least.tzinfo is not None:  # shown in the document's time zone
        arguments = {name: f"{value}T00:00:00+00:00" for name, value in arguments.items()}
    low, high = ((read(str(arguments[name])) if name in arguments else None) for name in ("min", "max"))
    if least is None or most is None or arguments.get("exclusive_min") or arguments.get("exclusive_max"):
        return None
    if (low is None or least >= low) and (high is None or most <= high):  # type: ignore[operator]
        return Said(status="pass", words=f"The values lie between {column.min} and {column.max}.")
    if isinstance(least, float):
        return _counted(rule, _outside(column, profile, low, high), profile.rows_read, at_least=True)  # type: ignore[arg-type]
    return _counted(rule, 1, profile.rows_read, at_least=True)


def _outside(column: ColumnProfile, profile: Profile, low: float | None, high: float | None) -> int:
    """How many values are surely outside, by the quantiles."""
    values = profile.rows_read - (column.nulls or 0)
    found = 1
    for share, text in (column.quantiles or {}).items():
        if low is not None and float(text) < low:
            found = max(found, int(values * float(share)))
        if high is not None and float(text) > high:
            found = max(found, int(values * (1 - float(share))))
    return found


def _length(rule: JsonObject, profile: Profile, column: ColumnProfile) -> Said | None:
    lengths = column.length
    if lengths is None:
        return None
    if _is_within(lengths.min, _arguments(rule)) and _is_within(lengths.max, _arguments(rule)):
        return Said(status="pass", words=f"The texts have {lengths.min:,} to {lengths.max:,} characters.")
    return _counted(rule, 1, profile.rows_read, at_least=True)


def _share_of(field: str, argument: str) -> "OfColumn":
    def judge(rule: JsonObject, profile: Profile, column: ColumnProfile) -> Said | None:
        counts = getattr(column, field) or {}
        fitting = counts.get(_arguments(rule).get(argument))
        if fitting is None or column.nulls is None:
            return None
        return _counted(rule, profile.rows_read - column.nulls - fitting, profile.rows_read)

    return judge


def _not_in_future(rule: JsonObject, profile: Profile, column: ColumnProfile) -> Said | None:
    if column.future is None:
        return None
    if column.future and parse_duration(str(_arguments(rule).get("tolerance", "0s"))):
        return None  # they may lie within the tolerance
    return _counted(rule, column.future, profile.rows_read)


def _aggregate(rule: JsonObject, profile: Profile, column: ColumnProfile) -> Said | None:
    function, read = _arguments(rule).get("function"), profile.rows_read
    if function == "null_ratio" and column.nulls is not None and read:
        return _bounded(rule, column.nulls / read, "share of NULLs")
    if column.nan or column.infinities:
        return None
    if function == "avg":
        return _bounded(rule, column.mean, "mean")
    if function == "stddev":
        return _bounded(rule, column.stddev, "standard deviation")
    if column.distinct is None or not column.is_distinct_exact or profile.sample is not None:
        return None
    if function == "distinct_count":
        return _bounded(rule, column.distinct, "number of different values")
    return None


def _compare(rule: JsonObject, profile: Profile, column: ColumnProfile) -> Said | None:
    """From rows that were looked at, as if the others were like them: a rule with a share alone."""
    arguments = _arguments(rule)
    for each in profile.comparisons:
        if (each.column, each.other_column) == (column.name, arguments.get("other_column")) and isinstance(
            rule.get("fail_above"), str
        ):
            holding = {"<=": each.at_most, ">=": each.at_least}.get(str(arguments.get("operator")))
            return None if holding is None else _counted(rule, each.rows - holding, each.rows)
    return None


def _freshness(rule: JsonObject, profile: Profile, column: ColumnProfile) -> Said | None:
    latest = moment(column.max) if column.max else None
    if latest is None or latest.tzinfo is None or column.future:
        return None
    age = (profile.snapshot_at - latest).total_seconds()
    most = parse_duration(str(_arguments(rule)["max_age"])) if "max_age" in _arguments(rule) else None
    words = f"The latest value was {age / 3600:.1f} hours old."
    return Said(status="fail" if most is not None and age > most else "pass", words=words)


def _column_type(rule: JsonObject, profile: Profile, column: ColumnProfile) -> Said | None:
    """A pass where the type is written as PostgreSQL writes it; an alias is not looked up."""
    wanted = _arguments(rule)
    types = [wanted["type"]] if "type" in wanted else list(wanted.get("types", ()))
    bare = re.sub(r"\([0-9, ]+\)", "", column.type)
    return Said(status="pass", words=f"Its type is {column.type}.") if {column.type, bare} & set(types) else None


def _unique(rule: JsonObject, profile: Profile) -> Said | None:
    columns = [name_of_literal(name) for name in rule.get("columns") or [str(rule.get("column"))]]
    proved = any(
        each.kind in ("primary_key", "unique") and each.is_valid and set(each.columns) <= set(columns)
        for each in profile.constraints
    )
    if proved:
        return Said(status="pass", words="A constraint of the table holds it.")
    if profile.sample is not None:
        return None
    column = profile.column(columns[0]) if len(columns) == 1 else None
    if column is not None and column.distinct is not None and column.is_distinct_exact and column.nulls is not None:
        return _counted(rule, profile.rows_read - column.nulls - column.distinct, profile.rows_read)
    for key in profile.key_shares:
        if set(key.columns) == set(columns):
            return _counted(rule, profile.rows_read - round(key.share * profile.rows_read), profile.rows_read)
    return None


def _relationship(rule: JsonObject, profile: Profile) -> Said | None:
    """By a foreign key alone."""
    columns = [name_of_literal(name) for name in rule.get("columns") or [str(rule.get("column"))]]
    for key in profile.foreign_keys:
        if key.is_valid and key.columns == columns and _is_table(_arguments(rule).get("to_table"), key.other_table):
            return Said(status="pass", words=f"The foreign key {key.name} holds it.")
    return None


def _is_table(text: object, name: str) -> bool:
    """Whether a rule names the table that the profile names; quotes do not matter."""
    try:
        return isinstance(text, str) and parts_of_table(text) == parts_of_table(name)
    except ValueError:
        return False


def _row_count(rule: JsonObject, profile: Profile) -> Said | None:
    return None if profile.is_estimated else _bounded(rule, profile.row_count, "number of rows")


def _columns(rule: JsonObject, profile: Profile) -> Said | None:
    """Only that columns are there: a profile may have been asked for some of them alone."""
    missing: Sequence[str] = [name for name in _arguments(rule).get("names", ()) if profile.column(name) is None]
    if missing or _arguments(rule).get("mode", "exact") != "contains":
        return None
    return Said(status="pass", words="All of them are there.")


def _unusual(rule: JsonObject, profile: Profile) -> Said | None:
    """One profile alone has no history."""
    return Said(status="pass", words="It learns from checks, and passes until it has seen enough of them.")


OfTable = Callable[[JsonObject, Profile], Said | None]
OfColumn = Callable[[JsonObject, Profile, ColumnProfile], Said | None]
_OF_TABLES: dict[str, OfTable] = {
    "unique": _unique,
    "relationship": _relationship,
    "row_count": _row_count,
    "columns": _columns,
    "unusual": _unusual,
}
_OF_COLUMNS: dict[str, OfColumn] = {
    "not_null": _not_null,
    "not_blank": _not_blank,
    "accepted_values": _accepted_values,
    "between": _between,
    "length": _length,
    "format": _share_of("formats", "format"),
    "castable": _share_of("castable", "to"),
    "not_in_future": _not_in_future,
    "aggregate": _aggregate,
    "compare": _compare,
    "freshness": _freshness,
    "column_type": _column_type,
}
