"""CSV files hold values as they are; values that a spreadsheet may run are known."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.dashboard import csv_files

TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"))


@given(st.lists(TEXTS, min_size=1, max_size=4), st.data())
def test_what_was_written_is_read_again(names: list[str], data: st.DataObject) -> None:
    row = data.draw(st.lists(TEXTS | st.integers(), min_size=len(names), max_size=len(names)))
    written = csv_files.line(names) + csv_files.line(row)
    assert list(csv.reader(io.StringIO(written, newline=""))) == [names, [str(value) for value in row]]


def test_null_is_nothing_and_an_empty_text_is_quoted() -> None:
    rows = ["a", "b"], [None, ""], [True, 1.5], [["x"], "="]
    assert [csv_files.line(row) for row in rows] == ['"a","b"\r\n', ',""\r\n', "true,1.5\r\n", '"[""x""]","="\r\n']


@pytest.mark.parametrize(
    ("value", "expected"),
    [("=1+1", True), ("@sum", True), ("-1+1", True), ("+49 30", True), ("\t=1", True), ("-5", False), ("+1.5e3", False), (-5, False),
     ("", False), (None, False), ("a=1", False)],
)  # fmt: skip
def test_values_that_a_spreadsheet_may_run(value: Any, expected: bool) -> None:
    assert csv_files.may_be_formula(value) is expected
