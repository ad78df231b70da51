"""What `dataops profile` prints."""

from typing import Any

import pytest

from stringx_dataops.cli.profile_lines import lines
from stringx_dataops.profiles import TableProfile

COLUMN = {"type": "text", "family": "text", "error": None, "nulls": 0, "values_hidden": True}


def printed(*columns: dict[str, Any], rows: int = 1000, **changes: Any) -> str:
    profile = {
        "relation": "table", "row_count": rows, "is_estimated": False, "sample": None, "snapshot_at": "2026-01-01T00:00:00Z", "key_shares": [],
        "foreign_keys": [], "notes": [], "columns": [COLUMN | {"name": f"c{n}"} | column for n, column in enumerate(columns)],
    }  # fmt: skip
    answer = {
        "profile_id": "1", "request_id": "r", "target": "nyc", "table": "public.t", "status": "succeeded", "at": "2026-01-01T00:00:00Z",
        "profile": profile | changes, "suggestions": [],
    }  # fmt: skip
    return "\n".join(lines(TableProfile.of(answer)))


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"nulls": 1}, "0.1%"),
        ({"nulls": 999}, "99.9%"),
        ({"nulls": 1000}, "100%"),
        ({"distinct": 1000}, "1,000 unique"),
        ({"formats": {"email": 1000, "url": 0}}, "email"),
        ({"formats": {"email": 950}}, "email 95%"),
        ({"error": "division by zero"}, "not measured: division by zero"),
        ({"family": "boolean", "zeros": 500}, "50% false"),
        ({"mean": 1.5, "stddev": None}, "mean 1.5"),
        ({"length": {"min": 2, "max": 9, "mean": 4.0}}, "length 2 to 9"),
        ({"future": 10}, "1% in the future"),
        ({"top": [{"value": "a\x1b[31m", "count": 500}]}, "often a\\x1b[31m"),
    ],
)
def test_what_is_worth_knowing_of_a_column(column: dict[str, Any], words: str) -> None:
    assert words in printed(column)


def test_shares_are_never_rounded_to_none_or_all() -> None:
    assert "<0.1%" in printed({"nulls": 1}, rows=1_000_000)
    assert ">99.9%" in printed({"nulls": 999_999}, rows=1_000_000)
    assert "often" not in printed({"top": [{"value": "a", "count": 3}]}), "three of a thousand"


def test_a_sample_and_keys_are_told() -> None:
    text = printed(
        {"distinct": 5},
        is_estimated=True,
        sample={"rows": 10},
        key_shares=[{"columns": ["c0"], "share": 1, "origin": "constraint"}],
    )
    assert "about 1,000 rows, 1 column, a sample of 10, " in text
    assert "key: c0 (by a constraint)" in text


def test_what_failed_says_why() -> None:
    answer = {
        "profile_id": "1",
        "request_id": "r",
        "target": "nyc",
        "table": "public.t",
        "status": "errored",
        "reason": "no such table",
        "at": "2026-01-01T00:00:00Z",
    }
    found = TableProfile.of(answer)
    assert (lines(found), bool(found), found.has_ended) == (["nyc/public.t: errored: no such table"], False, True)


def test_suggestions_that_could_not_be_made_are_no_silence() -> None:
    answer = {
        "profile_id": "1", "request_id": "r", "target": "nyc", "table": "public.t", "status": "succeeded", "at": "2026-01-01T00:00:00Z",
        "profile": {"relation": "table", "row_count": 1, "snapshot_at": "2026-01-01T00:00:00Z", "columns": [], "key_shares": [], "foreign_keys": [], "notes": []},
        "suggestions": [], "suggestions_fault": "the suggestions could not be made",
    }  # fmt: skip
    assert lines(TableProfile.of(answer))[-1] == "the suggestions could not be made"
