"""A profile as lines for people."""

from collections.abc import Iterator, Sequence
from typing import Any

from stringx_dataops.answers import Raw
from stringx_dataops.cli.output import plural
from stringx_dataops.cli.terminal import Column, columns, faint, folded, plain
from stringx_dataops.profiles import TableProfile

_COLUMNS = (
    Column("column", least=12),
    Column("type", least=10, drops=1),
    Column("null"),
    Column("distinct"),
    Column("least", least=8, drops=3),
    Column("greatest", least=8, drops=2),
    Column("besides", least=20),
)
_MOST_KEYS, _MOST_TOP, _MOST_LABELS = 3, 3, 6
_OFTEN = 0.02  # of the rows: a value that is worth naming
_MOST_OF_ALL = 0.9  # of the values: what they look like


def lines(found: TableProfile) -> list[str]:
    """What was measured: the table, a line per column, keys, constraints, notes; how many rules are suggested."""
    profile = found.profile
    if profile is None:
        return [f"{found.target}/{plain(found.table)}: {found.status}{f': {plain(found.reason)}' if found.reason else ''}"]
    rows = _rows_read(profile)
    said = [_head(found, profile), *columns(_COLUMNS, [_row(column, rows) for column in profile["columns"]])]
    said += [folded(faint(line), 2) for line in _about(profile)]
    if number := len(found.suggestions):
        said.append(f"{plural(number, 'suggested rule')}; --suggest FILE writes {'it' if number == 1 else 'them'}")
    if found.suggestions_fault is not None:
        said.append(plain(found.suggestions_fault))
    return said


def _head(found: TableProfile, profile: Raw) -> str:
    about = "about " if profile.get("is_estimated") else ""
    words = f"{about}{plural(profile['row_count'], 'row')}, {plural(len(profile['columns']), 'column')}"
    if (sample := profile.get("sample")) is not None:
        words += f", a sample of {sample['rows']:,}"
    kind = f" ({profile['relation']})" if profile["relation"] != "table" else ""
    return f"{found.target}/{plain(found.table)}{kind}: {words}, {profile['snapshot_at']}"


def _rows_read(profile: Raw) -> int:
    sample = profile.get("sample")
    rows: int = profile["row_count"] if sample is None else sample["rows"]
    return rows


def _row(column: Raw, rows: int) -> list[str]:
    values = rows - column["nulls"] if column.get("nulls") is not None else None
    distinct = column.get("distinct")
    unique = distinct is not None and distinct == values and distinct > 1
    return [
        column["name"],
        column["type"],
        _share(column.get("nulls"), rows),
        "" if distinct is None else f"{distinct:,}{' unique' if unique else ''}",
        column.get("min") or "",
        column.get("max") or "",
        "; ".join(_besides(column, rows, values)),
    ]


def _share(count: int | None, rows: int) -> str:
    """Never 0% or 100% for what is not exactly that."""
    if count is None or not rows:
        return ""
    percent = 100 * count / rows
    if count == 0:
        return "0"
    if count < rows and round(percent, 1) >= 100:
        return ">99.9%"
    return "<0.1%" if percent < 0.05 else f"{percent:.1f}%".replace(".0%", "%")


def _besides(column: Raw, rows: int, values: int | None) -> Iterator[str]:
    """What is worth knowing besides, the most telling first."""
    if column.get("error"):
        yield f"not measured: {column['error']}"
    for group, words in (("formats", ""), ("castable", "reads as ")):
        for name, count in sorted((column.get(group) or {}).items(), key=lambda each: -each[1]):
            if values and count >= _MOST_OF_ALL * values:
                yield f"{words}{name}{'' if count == values else f' {_share(count, values)}'}"
                break
    if column.get("mean") is not None:
        yield f"mean {_number(column['mean'])}" + (f" ± {_number(column['stddev'])}" if column.get("stddev") is not None else "")
    if (length := column.get("length")) is not None:
        yield f"length {length['min']}" if length["min"] == length["max"] else f"length {length['min']} to {length['max']}"
    counted = (("blanks", "blank"), ("padded", "padded"), ("negatives", "negative"), ("nan", "NaN"), ("infinities", "infinite"))
    zeros = "false" if column["family"] == "boolean" else "zero"
    for name, words in (("zeros", zeros), *counted, ("future", "in the future")):
        if column.get(name):
            yield f"{_share(column[name], rows)} {words}"
    if column.get("enum"):
        yield "one of " + _some([plain(label) for label in column["enum"]], _MOST_LABELS)
    elif column.get("top") and column["top"][0]["count"] >= max(2, _OFTEN * rows):
        yield "often " + _some([plain(each["value"]) for each in column["top"]], _MOST_TOP)
    if column.get("is_generated"):
        yield "generated"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _some(words: Sequence[str], most: int) -> str:
    return ", ".join(words[:most]) + (" …" if len(words) > most else "")


def _about(profile: Raw) -> Iterator[str]:
    keys: list[Any] = [each for each in profile["key_shares"] if each["share"] == 1]
    for each in keys[:_MOST_KEYS]:
        if len(each["columns"]) == len(profile["columns"]) > 1:
            yield "no two rows are the same"
            continue
        origin = "by a constraint" if each["origin"] == "constraint" else "as measured"
        yield f"key: {plain(', '.join(each['columns']))} ({origin})"
    for each in profile["foreign_keys"]:
        there = f"{plain(each['other_table'])} ({plain(', '.join(each['other_columns']))})"
        yield f"references: {plain(', '.join(each['columns']))} → {there}"
    hidden = sum(1 for column in profile["columns"] if column["values_hidden"])
    if hidden:
        of = "all columns" if hidden == len(profile["columns"]) else plural(hidden, "column")
        yield f"values of {of} are hidden: key and sample_columns of the document, and --show, say which may be shown"
    yield from (f"note: {plain(note)}" for note in profile["notes"])
