"""Two profiles side by side: what differs, by column."""

from collections.abc import Iterator
from typing import Any

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import ColumnProfile, Profile

_FACTS = ("type", "not_null", "is_generated", "comment", "error", "enum")
_COUNTS = ("nulls", "blanks", "padded", "zeros", "negatives", "nan", "infinities", "future", "singles", "most_common")
_VALUES = ("distinct", "min", "max", "mean", "stddev", "quantiles", "length")


def differences(before: Profile, after: Profile) -> list[JsonObject]:
    """What differs between two profiles of a table: the table itself first (`column` is null), then its columns in the order
    of `after`, then those that are gone. Each {column, change: changed | added | removed, measures: [{name, before, after}]};
    without a difference there is none. Counts of rows are compared as shares of the rows that were read, so that a larger
    table alone is no difference; `before` and `after` are those shares then, and the name ends in `_share`."""
    found = [_entry(None, "changed", list(_of_table(before, after)))]
    for column in after.columns:
        if (earlier := before.column(column.name)) is None:
            found.append(_entry(column.name, "added", [{"name": "type", "before": None, "after": column.type}]))
        else:
            found.append(_entry(column.name, "changed", list(_of_column(earlier, before, column, after))))
    gone = [column for column in before.columns if after.column(column.name) is None]
    found += [_entry(column.name, "removed", [{"name": "type", "before": column.type, "after": None}]) for column in gone]
    return [entry for entry in found if entry["measures"]]


def _entry(column: str | None, change: str, measures: list[JsonObject]) -> JsonObject:
    return {"column": column, "change": change, "measures": measures}


def _of_table(before: Profile, after: Profile) -> Iterator[JsonObject]:
    yield from _differing("row_count", before.row_count, after.row_count)
    for name in ("constraints", "foreign_keys"):
        earlier, later = ([each.name for each in getattr(profile, name)] for profile in (before, after))
        yield from _differing(name, sorted(earlier), sorted(later))


def _of_column(earlier: ColumnProfile, before: Profile, later: ColumnProfile, after: Profile) -> Iterator[JsonObject]:
    for name in _FACTS:
        yield from _differing(name, getattr(earlier, name), getattr(later, name))
    for name in _COUNTS:
        counts = (_share(getattr(earlier, name), before.rows_read), _share(getattr(later, name), after.rows_read))
        yield from _differing(f"{name}_share", *counts)
    for group in ("formats", "castable"):
        ones, others = getattr(earlier, group) or {}, getattr(later, group) or {}
        for name in sorted(ones.keys() & others.keys()):
            shares = (_share(ones[name], before.rows_read), _share(others[name], after.rows_read))
            yield from _differing(f"{group}.{name}_share", *shares)
    for name in _VALUES:
        yield from _differing(name, *(_plain(getattr(column, name)) for column in (earlier, later)))


def _differing(name: str, before: Any, after: Any) -> Iterator[JsonObject]:
    if before != after:
        yield {"name": name, "before": before, "after": after}


def _share(count: int | None, rows: int) -> float | None:
    """None without rows: there is nothing to compare then."""
    return None if count is None or not rows else count / rows


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value
