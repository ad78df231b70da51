"""Durations as people write them."""

import pytest

from stringx_dataops.contract.documents.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("24h", 86400), ("7d", 604800), ("250ms", 0.25), ("1.5h", 5400), (" 5m ", 300), ("0s", 0)],
)
def test_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 m", "1e3s", "5M", "5m30s", "1.2345s", "inf", "٥m", "off"])
def test_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="write a number and a unit"):
        parse_duration(text)
