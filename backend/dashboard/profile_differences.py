"""Two profiles side by side: each difference as a row with what it was, what it is, and a word for the change."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from stringx_dataops.contract.json_types import JsonObject
from web.look import formats

MOST = 500  # rows on the page
_LONGEST = 100  # characters of a value
_WORDS = {
    "row_count": "rows", "foreign_keys": "foreign keys", "not_null": "NOT NULL", "is_generated": "generated",
    "nulls_share": "NULL", "blanks_share": "blank", "padded_share": "with a blank at an end",
    "zeros_share": "zero", "negatives_share": "negative", "nan_share": "not a number", "infinities_share": "infinite",
    "future_share": "in the future", "singles_share": "values that occur once", "most_common_share": "the most frequent value",
    "distinct": "distinct values", "stddev": "standard deviation", "min": "smallest", "max": "largest",
}  # fmt: skip
_VALUES = ("min", "max", "quantiles")  # of rows: of a column that may be shown in one of the two, there is nothing to compare
_PARTS = {"0.5": "median", "min": "shortest", "max": "longest", "mean": "mean length"}


@dataclass(frozen=True)
class Change:
    """`word`: added, removed, more, less or changed."""

    column: str | None
    what: str
    before: str
    after: str
    word: Literal["added", "removed", "more", "less", "changed"]


def changes(found: list[JsonObject]) -> list[Change]:
    """A row per measure that differs, as `backend.profiles.comparison` finds them."""
    return [change for entry in found for change in _of(entry)]


def _of(entry: JsonObject) -> Iterator[Change]:
    for measure in entry["measures"]:
        name, before, after = measure["name"], measure["before"], measure["after"]
        if name in _VALUES and None in (before, after):
            continue
        if entry["change"] in ("added", "removed"):
            yield Change(entry["column"], "column", _shown("", before), _shown("", after), entry["change"])
        elif isinstance(before, dict) and isinstance(after, dict):
            for part in [each for each in before if each in after and before[each] != after[each]]:
                yield _change(entry["column"], _part(name, part), before[part], after[part])
        else:
            yield _change(entry["column"], name, before, after)


def _change(column: str | None, name: str, before: Any, after: Any) -> Change:
    word: Literal["more", "less", "changed"] = "changed"
    if _is_number(before) and _is_number(after):
        word = "more" if after > before else "less"
    return Change(column, _words(name), _shown(name, before), _shown(name, after), word)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _part(name: str, part: str) -> str:
    if name == "quantiles":
        return "median" if part == "0.5" else f"{float(part):.0%} of the values are below"
    return _PARTS.get(part, part) if name == "length" else f"{name}.{part}"


def _words(name: str) -> str:
    if name.startswith(("formats.", "castable.")):
        kind, _, rest = name.partition(".")
        return f"{'looks like' if kind == 'formats' else 'reads as'} {rest.removesuffix('_share')}"
    return _WORDS.get(name, name.replace("_", " "))


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_number(value):
        return formats.share(value) if name.endswith("_share") else formats.number(value)
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
