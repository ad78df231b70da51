"""What a rule would have said of the data that a profile measured."""

from collections.abc import Callable
from decimal import Decimal

from stringx_dataops.contract.documents.globs import name_of_literal
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import ColumnProfile, Profile
from stringx_dataops.suggestions.suggestion import Said

UNKNOWN = Said(status="unknown", words="The profile does not tell.")


def said(rule: JsonObject, profile: Profile) -> Said:
    """From the aggregates alone. Of a sample it is said of the rows that were read."""
    judge = _JUDGES.get(str(rule.get("type")))
    if judge is None or rule.get("where") is not None:
        return UNKNOWN
    name = rule.get("column")
    column = profile.column(name_of_literal(name)) if isinstance(name, str) else None
    if name is not None and (column is None or column.error is not None):
        return UNKNOWN
    return judge(rule, profile, column) or UNKNOWN


def counted(rule: JsonObject, failures: int | None, total: int) -> Said | None:
    """By the thresholds of the rule."""
    if failures is None:
        return None
    words = f"{failures:,} of {total:,} rows violate it."
    warns, fails = rule.get("warn_above"), rule.get("fail_above")
    if rule.get("severity") == "warn":
        warns, fails = 0, None
    elif warns is None and fails is None:
        fails = 0
    if _is_above(failures, total, fails):
        return Said(status="fail", words=words)
    return Said(status="warn" if _is_above(failures, total, warns) else "pass", words=words)


def _is_above(failures: int, total: int, threshold: object) -> bool:
    if threshold is None:
        return False
    if isinstance(threshold, str):
        return failures * 100 > Decimal(threshold.rstrip("%")) * total
    return failures > int(str(threshold))


def _not_null(rule: JsonObject, profile: Profile, column: ColumnProfile | None) -> Said | None:
    return counted(rule, column.nulls, profile.rows_read) if column else None


def _not_blank(rule: JsonObject, profile: Profile, column: ColumnProfile | None) -> Said | None:
    if column is None or column.nulls is None or column.blanks is None:
        return None
    return counted(rule, column.nulls + column.blanks, profile.rows_read)


Judge = Callable[[JsonObject, Profile, ColumnProfile | None], Said | None]
_JUDGES: dict[str, Judge] = {"not_null": _not_null, "not_blank": _not_blank}
