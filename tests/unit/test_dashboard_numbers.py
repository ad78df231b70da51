"""What a rule has found, in the cell of a table."""

from backend.dashboard.views import numbers


def test_failures_that_are_no_rows_are_no_share_of_rows() -> None:
    assert numbers(2, None, 2.0, None) == "2"
    assert numbers(0, None, 0.0, None) == "0"
    assert numbers(3, 200, 0.015, None) == "3 of 200 (1.50%)"
    assert numbers(None, 200, None, 41) == "41"
