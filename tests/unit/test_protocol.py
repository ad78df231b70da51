"""The messages between a worker and its dbt processes arrive as they were sent, and a password stays out of logs."""

import pytest

from api.engine.protocol import Forked, Loaded, Place, Prepare, Request, RunGateTest, decode, decode_request, encode
from api.engine.run_result import DbtRunResult, out_of_time
from tests.support.engine import gate, rule

PLACE = Place("/runs/1", {"DBT_ENV_SECRET_TARGET_PASSWORD": "s3cret\nß"}, (1, 2))
RUN = RunGateTest(PLACE, "stringx test", gate("orders", rule("known", "not_null", "id")))
RESULT = DbtRunResult("id", "1.10", "line\nbreak", '{"format": "stringx-gate/1"}')


@pytest.mark.parametrize("request_", [Prepare(PLACE), RUN])
def test_a_request_arrives_as_it_was_sent_in_one_line(request_: Request) -> None:
    line = encode(request_)
    assert decode_request(line) == request_
    assert line.count(b"\n") == 1


@pytest.mark.parametrize("message", [Loaded(None), Loaded("no test"), Forked(7), RESULT, out_of_time()])
def test_a_reply_arrives_as_it_was_sent_in_one_line(message: Loaded | Forked | DbtRunResult) -> None:
    line = encode(message)
    assert decode(line, type(message)) == message
    assert line.count(b"\n") == 1


def test_a_prepared_place_is_another_if_anything_of_it_has_changed() -> None:
    for other in (
        Place("/runs/2", PLACE.environment, (1, 2)),
        Place("/runs/1", {}, (1, 2)),
        Place("/runs/1", PLACE.environment, (1, 3)),
    ):
        assert decode_request(encode(Prepare(other))).place != decode_request(encode(RUN)).place


def test_no_password_is_in_what_a_log_would_show() -> None:
    assert "s3cret" not in repr(RUN)
