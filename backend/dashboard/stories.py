"""The story of a request in words: what happened when, what has yet to happen, and what it asked for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from backend.insights.stories import Facts
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.requests import RequestView
from web.look import formats

_MIDNIGHT = re.compile(r"T00:00:00(?:\.0+)?(?:Z|[+-]\d\d:\d\d)?$")
_LONGEST = 500  # characters of an error
_LISTED = 20  # rules or dimensions that a request names
_WAYS = {
    "http": "over HTTP",
    "cli": "from the command line",
    "kafka": "by a Kafka message",
    "dashboard": "in the dashboard",
    "schedule": "as its cron says, or as somebody had it run",
}


@dataclass(frozen=True)
class Step:
    """Something that happened at a time, or has yet to happen (None). `order` is its place where its own clock or an
    acknowledgement would put it elsewhere. `gap_ms`: since the step before; None if it is the first, or not known."""

    name: str
    at: datetime | None
    details: tuple[str, ...] = ()
    is_fault: bool = False
    order: datetime | None = None
    gap_ms: int | None = None


def headline(view: RequestView, *, is_profile: bool = False) -> str:
    """What the status means, in plain words beside the verdict. The verdict is that of the rules, and no fault of the request.
    `is_profile`: the request measures the table, and no rule is decided."""
    match view.status:
        case "queued":
            return "waits for its turn"
        case "running":
            return "the check is running"
        case "succeeded":
            return "the table was measured" if is_profile else "the check ran to its end; this is its verdict"
        case "errored":
            return "the check could not be completed"
        case "canceled":
            return "the check was canceled before it ended"
        case "timed_out":
            return "the check was stopped at its timeout"
        case _:
            assert_never(view.status)


def steps(view: RequestView, facts: Facts) -> list[Step]:
    """In the order of time; what has yet to happen comes last."""
    check = view.checks[0] if view.checks else None
    found = [*_asked(view, facts), *_ran(facts, check), *_ended(view, facts, check)]
    known = [step for step in found if step.at is not None]
    known.sort(key=lambda step: step.order or step.at or facts.created_at)
    return [*_with_gaps(known), *(step for step in found if step.at is None)]


def asked_for(body: dict[str, Any]) -> list[tuple[str, str]]:
    """What narrows the check, and its budget, as names and values; a whole check has no more than `All rules`."""
    named = [("Rules", "rule_ids"), ("Kinds", "kinds"), ("Dimensions", "dimensions")]
    narrowed = [(words, _listed(body[name])) for words, name in named if body.get(name)]
    window = body.get("window")
    if window:
        narrowed.append(("Window", window_words(window)))
    if "profile" in body:
        narrowed = [("Asked for", "a profile of the table")]
    timeout = [("Timeout", formats.duration(int(body["timeout_s"]) * 1000))] if body.get("timeout_s") else []
    return [*(narrowed or [("Asked for", "all rules, all rows")]), *timeout]


def window_words(window: dict[str, Any]) -> str:
    """Such as `ordered_at from 2026-01-01 to before 2026-01-02`."""
    column = str(window.get("column") or "the table's window column")
    bounds = [f"{word} {window[name]}" for name, word in (("from", "from"), ("to", "to before")) if window.get(name) is not None]
    return " ".join([column, *bounds])


def window_in_short(window: dict[str, Any]) -> str:
    """Such as `window from 2026-01-01 to before 2026-01-02`: without times if both are a midnight, wherever. For lists, beside a
    link to the request, which has all of it."""
    bounds = {name: str(window[name]) for name in ("from", "to") if window.get(name) is not None}
    if all(_MIDNIGHT.search(bound) for bound in bounds.values()):
        bounds = {name: _MIDNIGHT.sub("", bound) for name, bound in bounds.items()}
    words = {"from": "from", "to": "to before"}
    return " ".join(["window", *(f"{words[name]} {bound}" for name, bound in bounds.items())])


def _asked(view: RequestView, facts: Facts) -> Iterator[Step]:
    way = "of DataOps directly" if facts.asked_at_dataops else _WAYS[view.source]
    by = f"by {facts.requested_by}, " if facts.requested_by and view.source != "kafka" else ""
    yield Step("Asked", facts.created_at, (f"{by}{way}",))
    if facts.canceled_at is not None:
        yield Step("Cancel asked for", facts.canceled_at, (f"by {facts.canceled_by}",) if facts.canceled_by else ())
    if facts.asked_at_dataops:
        return
    tried = (f"{_attempts(facts.send_attempts)} failed",) if facts.send_attempts else ()
    error = (f"last error: {_short(facts.send_error)}",) if facts.send_error else ()
    if facts.sent_at is not None:  # when DataOps' answer came; DataOps has queued it just before
        queued_at = facts.queued_at or (view.checks[0].queued_at if view.checks else None)
        yield Step("Sent to DataOps", min(facts.sent_at, queued_at or facts.sent_at), tried + error)
    elif not view.ended:
        again = (f"next try at {formats.exact(facts.next_send_at)}",) if facts.send_attempts else ()
        yield Step("Sent to DataOps", None, ("not yet", *tried, *error, *again), is_fault=bool(facts.send_attempts))


def _ran(facts: Facts, check: CheckResult | None) -> Iterator[Step]:
    queued_at = check.queued_at if check is not None else facts.queued_at
    started_at = check.started_at if check is not None else facts.started_at
    attempt = check.attempt if check is not None else facts.attempt or 0
    earlier = check.earlier_attempts if check is not None and check.earlier_attempts else facts.earlier_attempts
    if queued_at is not None:
        leader = check.joined if check is not None else None
        shared = (f"shares the run of check {leader}, which was waiting with the same request",) if leader else ()
        yield Step("Queued", queued_at, shared)
    for each in earlier:
        ran = each.started_at is not None and each.ended_at >= each.started_at
        took = (f"after {_between(each.started_at, each.ended_at)}",) if ran and each.started_at is not None else ()
        yield Step(f"Attempt {each.attempt} ended without a result", each.ended_at, (each.why, *took), is_fault=True)
    left_out = attempt - 1 - len(earlier)
    if left_out > 0 and earlier:
        yield Step(f"{_attempts(left_out, ' more')} ended without a result", earlier[-1].ended_at)
    is_waiting = check is None and facts.check_status == "queued"
    if started_at is not None and not is_waiting:
        yield Step("Started", started_at, (f"attempt {attempt}",) if attempt > 1 else ())
    if is_waiting:
        yield Step("Started", None, ("not yet: it waits for its turn",))
    if check is not None and check.snapshot_at is not None:  # by the target's clock
        low, high = check.started_at or check.queued_at, check.finished_at or check.snapshot_at
        yield Step("Snapshot", check.snapshot_at, order=max(low, min(check.snapshot_at, high)))


def _ended(view: RequestView, facts: Facts, check: CheckResult | None) -> Iterator[Step]:
    ended_at = check.finished_at if check is not None else facts.finished_at or facts.check_finished_at
    if ended_at is None:
        if facts.check_status == "running":
            yield Step("Ended", None, ("not yet: it is running",))
        return
    by = facts.canceled_by or facts.check_canceled_by
    status = check.status if check is not None else facts.check_status or view.status
    details = [status.replace("_", " ")] + ([f"by {by}"] if status == "canceled" and by else [])
    details += [f"verdict {view.verdict}"] if view.verdict and status != "canceled" else []
    details += [f"took {formats.duration(check.duration_ms)}"] if check is not None and check.duration_ms is not None else []
    yield Step("Ended", ended_at, tuple(details), is_fault=status in ("errored", "timed_out"))
    if facts.received_at is not None:
        yield Step("Stored by the Backend", facts.received_at, order=max(ended_at, facts.received_at))
    yield from _delivered(facts)


def _delivered(facts: Facts) -> Iterator[Step]:
    """The way of the result from DataOps; nothing if DataOps has deleted what it knew."""
    if not facts.delivery_attempts and facts.next_attempt_at is None:
        return
    attempts = _attempts(facts.delivery_attempts or 0)
    if facts.delivered_at is not None:
        yield Step("Delivery acknowledged", facts.delivered_at, (attempts,))
        return
    error = (f"last error: {_short(facts.delivery_error)}",) if facts.delivery_error else ()
    if facts.given_up_at is not None:
        yield Step("Delivery given up", facts.given_up_at, (attempts, *error), is_fault=True)
    else:
        yield Step("Delivered", None, ("not yet", attempts, *error), is_fault=bool(error))


def _with_gaps(found: list[Step]) -> Iterator[Step]:
    before = None
    for step in found:
        at = step.order or step.at
        assert at is not None  # those without a time are not here
        gap = None if before is None else round((at - before).total_seconds() * 1000)
        yield Step(step.name, step.at, step.details, step.is_fault, step.order, gap if gap is None or gap >= 0 else 0)
        before = at


def _attempts(number: int, more: str = "") -> str:
    return f"{number:,}{more} attempt{'' if number == 1 else 's'}"


def _between(start: datetime, end: datetime) -> str:
    return formats.duration(round((end - start).total_seconds() * 1000))


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - _LISTED:,} more" if len(words) > _LISTED else ""
    return ", ".join(words[:_LISTED]) + more


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def gap(milliseconds: int | None) -> str:
    """The time since the step before, such as `+ 12 ms`."""
    return "" if milliseconds is None else f"+ {formats.duration(milliseconds)}"
