"""Profiles as if a table had been measured, for what is made of them."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from stringx_dataops.contract.messages.profiles import QUANTILES, ColumnProfile, Profile, TopValue
from stringx_dataops.suggestions import History, Suggestion, suggest
from tests.support.documents import CATALOGUE

AT = datetime(2026, 3, 1, tzinfo=UTC)


def numbers(name: str, values: list[float | None], shown: bool = True, family: str = "integer", **more: Any) -> ColumnProfile:
    """A column of numbers."""
    there = sorted(value for value in values if value is not None)
    mean = sum(there) / len(there)
    spread = (sum((value - mean) ** 2 for value in there) / max(len(there) - 1, 1)) ** 0.5
    at = {share: _text(there[max(0, -(-len(there) * int(float(share) * 100) // 100) - 1)]) for share in QUANTILES}
    measured = {
        "mean": mean,
        "stddev": spread,
        "zeros": sum(value == 0 for value in there),
        "negatives": sum(value < 0 for value in there),
        **({"min": _text(there[0]), "max": _text(there[-1]), "quantiles": at} if shown else {}),
    }
    kind = {"integer": "integer", "float": "double precision"}[family]
    return _column(name, kind, family, [None if value is None else _text(value) for value in values], shown, measured | more)


def texts(name: str, values: list[str | None], shown: bool = True, **more: Any) -> ColumnProfile:
    """A column of texts of ASCII; formats and shapes are what the test says."""
    lengths = [len(value) for value in values if value is not None]
    measured = {
        "blanks": sum(value is not None and not value.strip() for value in values),
        "padded": sum(value is not None and value != value.strip(" ") for value in values),
        "length": {"min": min(lengths), "max": max(lengths), "mean": sum(lengths) / len(lengths)},
    }
    return _column(name, "text", "text", values, shown, measured | more)


def moments(name: str, values: list[str | None], shown: bool = True, family: str = "date", **more: Any) -> ColumnProfile:
    """A column of dates or moments, as PostgreSQL writes them."""
    there = sorted(value for value in values if value is not None)
    measured = {"future": 0, **({"min": there[0], "max": there[-1]} if shown else {})}
    kind = {"date": "date", "timestamp": "timestamp with time zone"}[family]
    return _column(name, kind, family, values, shown, measured | more)


def _text(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _column(name: str, kind: str, family: str, values: list[str | None], shown: bool, measured: Any) -> ColumnProfile:
    counts = Counter(value for value in values if value is not None)
    top = [TopValue(value=value, count=count) for value, count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))]
    known = {
        "name": name,
        "type": kind,
        "family": family,
        "nulls": sum(value is None for value in values),
        "distinct": len(counts),
        "singles": sum(count == 1 for count in counts.values()),
        "most_common": max(counts.values()),
        "values_hidden": not shown,
        "top": top[:50] if shown else None,
    }
    return ColumnProfile.model_validate(known | measured)


def profile(rows: int, *columns: ColumnProfile, **more: Any) -> Profile:
    """A table of these columns, each with so many rows."""
    known = {"target": "shop", "table": "public.orders", "relation": "table", "snapshot_at": AT, "row_count": rows}
    return Profile.model_validate(known | {"columns": list(columns)} | more)


def suggested(measured: Profile, document: Any = None, history: History | None = None) -> dict[str, Suggestion]:
    """By their ids."""
    found = suggest(measured, CATALOGUE, document, history)
    assert len({each.id for each in found}) == len(found)
    return {each.id: each for each in found}
