"""The spans of an attempt: how long its check has waited, and the attempt itself, below the request that asked for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from api.worker.attempt import Attempt
from web import tracing


@contextmanager
def of_attempt(attempt: Attempt) -> Iterator[None]:
    """For the time of the block. The attempt's check then belongs to the attempt's span, and so does its result. A check of a
    batch that runs alone after all has a span for that below the first one."""
    check = attempt.check
    if attempt.is_traced:
        with tracing.within(None), tracing.span("attempt alone", parent=check.trace):
            yield
        return
    attempt.is_traced = True
    about = {"check_id": check.check_id, "request_id": check.request_id, **check.named}
    attempted = tracing.span("attempt", "consumer", check.trace, {"attempt": check.attempt, **about})
    with tracing.within(None), attempted as made:  # not below another of its batch
        if check.started_at is not None:  # a claimed check has been started
            earlier = check.earlier_attempts
            since = earlier[-1].ended_at if earlier else check.queued_at
            tracing.record("wait in queue", since, check.started_at, check.trace or made.context, about)
        attempt.check = replace(check, trace=made.context)
        yield
