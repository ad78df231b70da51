"""Posting results to the Backend until they are acknowledged, signed as Standard Webhooks describe, always under one id."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from api.delivery import outbox
from api.delivery.outbox import SQL, Leased
from database.leases import Lease
from database.pool import Database
from database.sending import Backoff, NotSent, Sender
from stringx_dataops.contract import http_answers, signatures
from stringx_dataops.contract.http_answers import HttpAnswer, Unreadable
from stringx_dataops.contract.http_posts import TOO_LARGE, Limits, Poster, retry_after_s
from stringx_dataops.contract.messages.batches import taken_at_once
from stringx_dataops.contract.messages.sizes import smaller
from stringx_dataops.contract.trace_context import TraceContext, of_json
from web import tracing

LIMITS = Limits(connect_s=5, read_s=15, body_s=2, largest=64 * 1024)
_LONGEST_RETRY_AFTER_S = 3600.0
_GONE = 410
_REFUSED = (400, 422)  # the receiver has read it, and does not take it
_REFUSALS = 5  # attempts that a receiver may refuse before less is sent
_LEFT_OUT = ("/rules", "/tables", "/dbt", "/notes")  # in a smaller result

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Credentials:
    """What a post carries besides its body."""

    worker: str
    service_key: str
    signing_secrets: list[str]


def traced(message: Leased) -> tuple[TraceContext | None, tracing.Attributes]:
    """The trace that it belongs to, and what the span of a post says."""
    return of_json(message.body), {"check_id": str(message.check_id), "attempt": message.attempts}


class Refusal(NotSent):
    """Why a post failed. `for_ever`: do not retry. `takes_not`: what the receiver does not take; a smaller result is then sent in
    place of this one, with this text in its note."""

    def __init__(
        self, reason: str, retry_after_s: float | None = None, *, for_ever: bool = False, takes_not: str | None = None
    ) -> None:
        super().__init__(reason, retry_after_s)
        self.for_ever, self.takes_not = for_ever, takes_not


class ResultSender(Sender[Leased, int]):
    """Posts the messages of the outbox one by one. A receiver acknowledges by a status from 200 to 299, and no HTML page.
    The answer is how many messages it takes in one post (`messages.batches`)."""

    backoff = Backoff(longest_s=600.0)

    def __init__(self, database: Database, credentials: Credentials) -> None:
        super().__init__(database, Lease(credentials.worker))
        self.signing_secrets = credentials.signing_secrets
        self.poster = Poster(credentials.service_key, LIMITS)

    def claim(self) -> Leased | None:
        """The message that has been due for longest."""
        with self.database.statements() as cursor:
            row = cursor.one(SQL["claim"], self.lease.parameters)
        return Leased(**row) if row is not None else None

    def send(self, message: Leased) -> int:
        """Post it; Refusal if it is not acknowledged."""
        signed = signatures.sign(self.signing_secrets, str(message.message_id), message.body, message.now)
        headers = {"Content-Type": "application/json"} | signed
        context, about = traced(message)
        with tracing.span("post result", "client", context, about):
            return self._post(message, headers | tracing.current_headers())

    def _post(self, message: Leased, headers: Mapping[str, str]) -> int:
        """Refusal as in `send`."""
        try:
            answer = self.poster.post(message.url, data=message.body.encode(), headers=headers)
        except Unreadable as error:
            is_page = "html" in error.headers.get("Content-Type", "").lower()
            require_acknowledged(message, error.status, error.headers, None, str(error) if is_page else None)
            return taken_at_once(error.headers)
        except http_answers.FAULTS as error:
            raise Refusal(http_answers.words_of(error)) from error
        else:
            is_page = answer.body.lstrip()[:9].lower().startswith((b"<!doctype", b"<html"))
            require_acknowledged(message, answer.status, answer.headers, answer, answer.described() if is_page else None)
            return taken_at_once(answer.headers)

    def mark_done(self, message: Leased, answer: int) -> bool:
        """Mark it as delivered. If earlier attempts failed, all other messages for the receiver are due now: it answers again."""
        with self.database.transaction() as cursor:
            delivered = cursor.run(SQL["delivered"], self._held(message))
            if message.attempts > 1:
                cursor.run(SQL["due_now"], {"origin": message.origin})
        return delivered > 0

    def store_postponed(self, message: Leased, fault: NotSent, delay_s: float) -> bool:
        """Store when it is due again, or give it up: if the receiver wants it no more, if it was tried for three days, or if a
        smaller result is sent in its place."""
        for_ever, takes_not = (fault.for_ever, fault.takes_not) if isinstance(fault, Refusal) else (False, None)
        body = _smaller(message.body, takes_not) if takes_not is not None else None
        gives_up = for_ever or message.expired or body is not None
        log.warning(
            "result not delivered to %s (attempt %d)%s: %s",
            message.origin, message.attempts, ", given up" if gives_up else "", fault.reason,
            extra={"check_id": str(message.check_id)},
        )  # fmt: skip
        stored = {"error": fault.reason, "delay_s": delay_s, "give_up": gives_up}
        with self.database.transaction() as cursor:
            postponed = cursor.run(SQL["postpone"], self._held(message) | stored) > 0
            if postponed and body is not None:
                outbox.put(cursor, str(message.check_id), message.url, body)
        return postponed

    def _held(self, message: Leased) -> dict[str, object]:
        return {"message_id": message.message_id, "worker": self.lease.worker}


def require_acknowledged(
    message: Leased, status: int, headers: Mapping[str, str], answer: HttpAnswer | None, page: str | None
) -> None:
    """Refusal for any status but 2xx, and for a `page` (described): a login or a proxy has answered. `answer`: None if the body
    cannot be read."""
    if 200 <= status < 300:
        if page is not None:
            raise Refusal(page)
        return
    wait_s = retry_after_s(headers.get("Retry-After"), _LONGEST_RETRY_AFTER_S, message.now)
    if status == TOO_LARGE:
        size = len(message.body.encode())
        takes_not = f"no result of this size (status {TOO_LARGE})"
        raise Refusal(f"status {TOO_LARGE}: the receiver takes no result of {size:,} bytes", for_ever=True, takes_not=takes_not)
    if answer is not None and _is_refused(answer):
        refused = f"status {status}: {answer.detail()}"
        gives_in = message.attempts >= _REFUSALS and _may_help(answer)
        raise Refusal(refused, wait_s, takes_not=f"not this result ({refused})" if gives_in else None)
    raise Refusal(f"status {status}", wait_s, for_ever=status == _GONE)


def _is_refused(answer: HttpAnswer) -> bool:
    kind = (answer.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    return answer.status in _REFUSED and kind == "application/problem+json" and answer.is_problem


def _may_help(answer: HttpAnswer) -> bool:
    """Whether a smaller result may be accepted: every field that the receiver names, if any, is left out of it. Other faults pass
    by themselves, such as a wrong clock; then the whole result is accepted."""
    errors = answer.field("errors")
    named = errors if isinstance(errors, list) else []
    pointers = [error.get("pointer") if isinstance(error, dict) else None for error in named]
    return all(isinstance(pointer, str) and pointer.startswith(_LEFT_OUT) for pointer in pointers)


def _smaller(body: str, takes_not: str) -> str | None:
    """A result for a receiver that takes less, so that its request ends: without samples, then without rules."""
    found = smaller(json.loads(body), f"the receiver takes {takes_not}; DataOps has all of it")
    return json.dumps(found, ensure_ascii=False) if found is not None else None
