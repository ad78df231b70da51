"""What the page of a profile shows of each column: numbers in words, and bars of the most frequent values."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from stringx_dataops.contract.messages.profiles import ColumnProfile, Profile
from web.look import formats

MOST_TOP = 8  # values of a column on the page
_MOST_LABELS = 20  # of an enum type
_LONGEST = 80  # characters of a value
_COUNTS = (
    ("blanks", "blank"),
    ("padded", "with a blank at an end"),
    ("zeros", "zero"),
    ("negatives", "negative"),
    ("nan", "not a number"),
    ("infinities", "infinite"),
    ("future", "in the future"),
)
_AGES = {"1h": "the last hour", "1d": "the last day", "7d": "the last 7 days", "30d": "the last 30 days"}


@dataclass(frozen=True)
class Bar:
    """A value with how many rows have it."""

    value: str
    words: str
    drawn: Markup


@dataclass(frozen=True)
class ColumnRow:
    """A column on the page. `facts`: what its values are like, in words. `hidden`: its values may not be shown."""

    column: ColumnProfile
    marks: list[str]
    nulls: str
    empty: Markup
    distinct: str
    facts: list[tuple[str, str]]
    top: list[Bar]
    hidden: bool


def rows(profile: Profile, skip: int, limit: int) -> list[ColumnRow]:
    """The columns of a page of the profile, in the table's order."""
    keys = [set(each.columns) for each in profile.key_shares if each.origin == "constraint"]
    return [_row(column, profile.rows_read, {column.name} in keys) for column in profile.columns[skip : skip + limit]]


def bar(share: float) -> Markup:
    """A share of 1 as a bar; the words beside it say it too."""
    width = round(100 * min(1.0, max(0.0, share)), 2)
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="8"/><rect class="part" width="{}" height="8"/></svg>'
    ).format(max(width, 0.8) if width else 0)


def _row(column: ColumnProfile, read: int, is_key: bool) -> ColumnRow:
    nulls = column.nulls
    marks = [
        word
        for word, holds in (
            ("key", is_key),
            ("NOT NULL", column.not_null),
            ("generated", column.is_generated),
            ("identity", column.is_identity),
        )
        if holds
    ]
    return ColumnRow(
        column=column,
        marks=marks,
        nulls="–" if nulls is None else "none" if not nulls else counted(nulls, read),
        empty=bar(nulls / read) if nulls and read else Markup(""),
        distinct=_distinct(column, read),
        facts=list(_facts(column, read)),
        top=[_bar(each.value, each.count, read) for each in (column.top or ())[:MOST_TOP]],
        hidden=column.values_hidden and column.error is None,
    )


def _bar(value: str, count: int, read: int) -> Bar:
    return Bar(_short(value), counted(count, read), bar(count / read if read else 0))


def counted(count: int, read: int) -> str:
    """So many of the rows that were read."""
    return f"{formats.number(count)} ({formats.share(count / read)})" if read else formats.number(count)


def _distinct(column: ColumnProfile, read: int) -> str:
    if column.distinct is None:
        return "–"
    words = formats.number(column.distinct)
    filled = read - (column.nulls or 0)
    if column.is_distinct_exact and filled and column.distinct == filled:
        return f"{words}, each once"
    return words if column.is_distinct_exact else f"about {words}"


def _facts(column: ColumnProfile, read: int) -> Iterator[tuple[str, str]]:
    if column.min is not None or column.max is not None:
        yield "from, to", f"{_short(column.min or '–')} … {_short(column.max or '–')}"
    if quantiles := column.quantiles:
        if "0.5" in quantiles:
            yield "median", _short(quantiles["0.5"])
        if "0.05" in quantiles and "0.95" in quantiles:
            yield "90% lie in", f"{_short(quantiles['0.05'])} … {_short(quantiles['0.95'])}"
    if column.mean is not None:
        yield "mean", formats.number(column.mean) + (f" ± {formats.number(column.stddev)}" if column.stddev is not None else "")
    if (length := column.length) is not None:
        span = formats.number(length.min) if length.min == length.max else f"{length.min:,} to {length.max:,}"
        yield "length", span if length.min == length.max else f"{span}, mean {formats.number(round(length.mean, 1))}"
    for name, words in _COUNTS:
        if count := getattr(column, name):
            yield ("false" if name == "zeros" and column.family == "boolean" else words), counted(count, read)
    for found, words in ((column.formats, "looks like"), (column.castable, "reads as")):
        fitting = [f"{name} {formats.share(count / read)}" for name, count in (found or {}).items() if count and read]
        if fitting:
            yield words, ", ".join(fitting)
    if recent := {name: count for name, count in (column.recent or {}).items() if count}:
        name, count = next(iter(recent.items()))
        yield f"in {_AGES.get(name, name)}", counted(count, read)
    if labels := column.enum:
        more = f" and {len(labels) - _MOST_LABELS} more" if len(labels) > _MOST_LABELS else ""
        yield "labels", ", ".join(labels[:_MOST_LABELS]) + more


def _short(value: str) -> str:
    text = value if value.strip() else "(blank)"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
