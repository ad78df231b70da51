"""Messages that are sent until they are accepted: how long they wait, and what is stored of an attempt."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from api.delivery import sender as results
from backend.requests import dispatch
from database.leases import POST_LEASE_S, Lease
from database.pool import Database
from database.sending import Backoff, NotSent, Sender
from stringx_dataops.contract.http_answers import HttpAnswer
from stringx_dataops.contract.http_posts import Limits, retry_after_s
from stringx_dataops.contract.messages.batches import answers_in, as_alone

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Letter:
    name: str
    attempts: int


class Postman(Sender[Letter, str]):
    """Sends the letters of a list; `refused` are sent again."""

    backoff = Backoff(longest_s=60.0)

    def __init__(self, *letters: Letter, refused: tuple[str, ...] = ()) -> None:
        super().__init__(Database("postgresql://nowhere"), Lease("postman"))
        self.letters, self.refused = list(letters), refused
        self.done: list[tuple[str, str]] = []
        self.postponed: list[tuple[str, str, float]] = []

    def claim(self) -> Letter | None:
        return self.letters.pop(0) if self.letters else None

    def send(self, message: Letter) -> str:
        if message.name in self.refused:
            raise NotSent("busy", retry_after_s=100.0)
        return f"took {message.name}"

    def mark_done(self, message: Letter, answer: str) -> bool:
        self.done.append((message.name, answer))
        return True

    def store_postponed(self, message: Letter, fault: NotSent, delay_s: float) -> bool:
        self.postponed.append((message.name, fault.reason, delay_s))
        return False


def test_an_accepted_message_is_marked_done_with_its_answer() -> None:
    postman = Postman(Letter("a", 0))
    assert postman.send_next()
    assert (postman.done, postman.postponed) == ([("a", "took a")], [])
    assert not postman.send_next(), "none is due"


def test_a_message_that_is_not_accepted_waits_at_least_as_long_as_the_receiver_asks() -> None:
    postman = Postman(refused=("a",))
    assert not postman.deliver(Letter("a", 3)), "the lease was lost"
    ((name, reason, delay_s),) = postman.postponed
    assert (name, reason) == ("a", "busy")
    assert 100.5 <= delay_s <= 108.5
    assert postman.done == []


def test_whoever_has_delivered_or_postponed_a_message_claims_the_next() -> None:
    postman = Postman(Letter("b", 0), Letter("c", 0), refused=("a",))
    b = postman.deliver_and_claim(Letter("a", 0))
    assert b == Letter("b", 0)
    assert postman.deliver_and_claim(b) == Letter("c", 0)
    assert [name for name, _ in postman.done] == ["b"]


@pytest.mark.parametrize(
    ("backoff", "attempts", "longest_s"),
    [
        (dispatch.RequestSender.backoff, 0, 1.5),
        (dispatch.RequestSender.backoff, 5, 32.5),
        (dispatch.RequestSender.backoff, 6, 60.5),
        (dispatch.CancelSender.backoff, 1000, 60.5),
        (results.ResultSender.backoff, 1, 2.5),
        (results.ResultSender.backoff, 9, 512.5),
        (results.ResultSender.backoff, 10, 600.5),
        (results.ResultSender.backoff, 1000, 600.5),
    ],
)
def test_delays_double_up_to_a_bound_with_full_jitter(backoff: Backoff, attempts: int, longest_s: float) -> None:
    delays = [backoff.delay_s(attempts) for _ in range(2000)]
    assert 0.5 <= min(delays) < 0.5 + longest_s / 20
    assert longest_s * 19 / 20 < max(delays) <= longest_s


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None), ("", None), ("0", 0.0), (" 7 ", 7.0), ("9" * 400, 60.0), ("-1", None), ("1.5", None), ("²", None), ("soon", None),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0), ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0), ("Fri, 01 Jan 2027 12:00:00 GMT", 60.0),
        ("Thu, 01 Jan 2026 12:00:30 -0000", None),
    ],
)  # fmt: skip
def test_a_receiver_names_the_wait_in_seconds_or_by_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, 60.0, NOW) == seconds
    is_date = header is not None and "GMT" in header
    assert retry_after_s(header, 60.0) == (None if is_date else seconds), "without a clock, a date says nothing"


@pytest.mark.parametrize("limits", [results.LIMITS, dispatch.LIMITS])
def test_a_lease_outlasts_a_post(limits: Limits) -> None:
    assert limits.together_s < POST_LEASE_S


@pytest.mark.parametrize(
    ("answer", "header"),
    [
        ("503", None),
        ('503, "retry_after_s": 2.4', "2"),
        ('503, "retry_after_s": 1e308', str(int(1e308))),
        ('503, "retry_after_s": 1e999', "none"),
        ('503, "retry_after_s": -1', "none"),
        ("99", "none"),
        ('503, "problem": []', "none"),
    ],
)
def test_an_answer_of_a_batch_is_that_of_a_single_post_or_none(answer: str, header: str | None) -> None:
    body = f'{{"answers": [{{"id": "a", "status": {answer}}}]}}'.encode()
    found = answers_in(HttpAnswer(200, {}, body), ["a"])
    assert ("none" if found is None else as_alone(found[0]).headers.get("Retry-After")) == header
