"""Profiles that would be too large lose what matters least, and say so."""

import json
from datetime import UTC, datetime

import pytest

from api.worker.profiling import bounded
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import MAX_PROFILE_BYTES, ColumnProfile, Profile, TopValue, without_values


def profile(columns: int, top: int, comment: int, labels: int = 0, name: str = "c") -> JsonObject:
    values = [TopValue(value="x" * 150, count=n) for n in range(top)]
    made = [
        ColumnProfile(
            name=f"{name}{n}",
            type="text",
            family="text",
            comment="y" * comment,
            top=values or None,
            enum=["z" * 60] * labels or None,
        )
        for n in range(columns)
    ]
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Profile(target="t", table="s.t", relation="table", snapshot_at=moment, row_count=1, columns=made).as_json()


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (profile(1600, 0, 0), []),
        (profile(400, 50, 0), ["only the ten most frequent values of a column"]),
        (profile(1200, 50, 100), ["only the ten most frequent values of a column", "no most frequent values"]),
        (
            profile(1600, 10, 1000),
            ["only the ten most frequent values of a column", "no most frequent values", "no comments of columns"],
        ),
    ],
)
def test_what_is_left_out_is_said(made: JsonObject, words: list[str]) -> None:
    found = bounded(made)
    assert len(json.dumps(found).encode()) <= MAX_PROFILE_BYTES
    assert [note.partition(": ")[2] for note in found["notes"]] == words
    assert len(found["columns"]) == len(made["columns"])
    Profile.model_validate(found)


def test_the_last_columns_go_if_nothing_else_helps() -> None:
    made = profile(1600, 0, 0, labels=40, name="n" * 55)
    found = bounded(made)
    assert len(json.dumps(found).encode()) <= MAX_PROFILE_BYTES
    assert 100 < len(found["columns"]) < 1600
    assert found["notes"][-1].endswith(f"only {len(found['columns'])} columns")


def test_values_are_hidden_and_nothing_else() -> None:
    made = profile(1, 2, 0)
    (column,) = without_values(made)["columns"]
    assert column == made["columns"][0] | {"values_hidden": True, "min": None, "max": None, "quantiles": None, "top": None}
