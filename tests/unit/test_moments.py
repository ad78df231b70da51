"""RFC 3339, strictly, and nothing earlier than what was written."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stringx_dataops.contract.messages.moments import parse_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2013-01-31T06:00:00Z", datetime(2013, 1, 31, 6, tzinfo=UTC)),
        ("2013-01-31t06:00:00z", datetime(2013, 1, 31, 6, tzinfo=UTC)),
        ("2013-01-31T06:00:00+01:30", datetime(2013, 1, 31, 4, 30, tzinfo=UTC)),
        ("2013-01-31T06:00:00.5-00:00", datetime(2013, 1, 31, 6, 0, 0, 500_000, tzinfo=UTC)),
        ("2013-01-31T06:00:00.1234560", datetime(2013, 1, 31)),
        ("2013-01-31T06:00:00.1234560000Z", datetime(2013, 1, 31, 6, 0, 0, 123_456, tzinfo=UTC)),
        ("2013-01-31T06:00:00.1234561Z", datetime(2013, 1, 31, 6, 0, 0, 123_457, tzinfo=UTC)),
        ("2013-01-31T06:00:00.9999999Z", datetime(2013, 1, 31, 6, 0, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-12-31T18:59:60-05:00", datetime(2017, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read(text: str, moment: datetime) -> None:
    if moment.tzinfo is None:
        with pytest.raises(ValueError, match="has no offset"):
            parse_moment(text)
    else:
        assert parse_moment(text) == moment


@pytest.mark.parametrize(
    "text",
    ["", "2013-01-31", "2013-01-31 06:00:00Z", "2013-01-31T06:00Z", "20130131T060000Z", "2013-W05-4T06:00:00Z", "2013-01-31T06:00:00+0100",
     "2013-01-31T06:00:00+01", "2013-01-31T06:00:00.Z", "2013-01-31T06:00:00,5Z", "2013-02-30T06:00:00Z", "2013-01-31T24:00:00Z",
     "2013-01-31T06:60:00Z", "2013-01-31T06:00:61Z", "2013-01-31T06:00:60Z", "0000-01-31T06:00:00Z", "2013-01-31T06:00:00+24:00",
     "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "9999-12-31T23:59:60Z", "٢٠١٣-01-31T06:00:00Z", "2013-01-31T06:00:00Z\n", "now", "infinity"],
)  # fmt: skip
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(is no RFC 3339 time|is no moment of the calendar|has second 60)"):
        parse_moment(text)


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.just(UTC)))
def test_what_the_services_write_is_read(moment: datetime) -> None:
    assert parse_moment(moment.isoformat()) == moment
