"""Results of several checks in one post, to a receiver that says it takes that; single posts to every other one."""

import json
from collections.abc import Mapping, Sequence

import requests

from api.delivery import outbox
from api.delivery.handover import Handover
from api.delivery.outbox import SQL, Leased
from api.delivery.sender import Credentials, Refusal, ResultSender, require_acknowledged, traced
from database.pool import Cursor, Database
from database.queries import losable
from database.sending import NotSent, Takers
from stringx_dataops.contract import http_answers, signatures
from stringx_dataops.contract.http_posts import retry_after_s
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.messages.batches import MessageAnswer, answers_in, as_alone
from web import tracing

MOST = 32  # messages in a post
MOST_BYTES = 512 * 1024  # of results in it; many a proxy takes no more than 1 MiB
_LONGEST_RETRY_AFTER_S = 3600.0
_PASSES = (401, 403, 408, 421, 429, 502, 503, 504)  # it is not the batch that is refused: single posts would fare no better


class NotTaken(Exception):
    """A receiver did not take a batch, or it is not known that it did: its messages are to be posted one by one."""


class ResultDeliverer:
    """Delivers what its process hands over, and what is due in the outbox, one thread's: what is due together goes together,
    nothing waits for company."""

    def __init__(self, database: Database, credentials: Credentials, handover: Handover) -> None:
        self._database = database
        self._sender = ResultSender(database, credentials)
        self._takers = Takers()
        self._handover = handover
        self._was_handed = False  # whether the last messages were; the others go next then

    def claim(self) -> list[Leased] | None:
        """What this process hands over or, in turn, the message that has been due for longest, with others that may go along."""
        if not self._was_handed and (handed := self._handed()):
            return handed
        with self._database.statements() as cursor:
            return self._claimed(cursor, (), {}) or self._handed()

    def deliver_and_claim(self, messages: list[Leased]) -> list[Leased] | None:
        """Two round trips to the database, and one to the receiver, if all are acknowledged at the first attempt."""
        if len(messages) == 1:
            return self._deliver_one(messages[0])
        try:
            faults = self._post(messages)
        except NotTaken:
            self._takers.refused(messages[0].origin)
            self._release(messages)
            return self.claim()
        except NotSent as why:
            self._takers.forget(messages[0].origin)
            faults = [why] * len(messages)
        delivered = [message for message, fault in zip(messages, faults, strict=True) if fault is None]
        for message, fault in zip(messages, faults, strict=True):
            if fault is not None:
                self._sender.postpone_by_backoff(message, fault)
        if not delivered:
            return self.claim()
        with self._database.statements() as cursor:
            if any(message.attempts > 1 for message in delivered):
                cursor.run(SQL["due_now"], {"origin": delivered[0].origin})
            return self._next(
                cursor, SQL["delivered_several"], {"message_ids": [str(message.message_id) for message in delivered]}
            )

    def _deliver_one(self, message: Leased) -> list[Leased] | None:
        try:
            self._takers.note(message.origin, self._sender.send(message), MOST)
        except NotSent as fault:
            self._sender.postpone_by_backoff(message, fault)
            return self.claim()
        if message.attempts > 1:
            self._sender.mark_done(message, 0)
            return self.claim()
        with self._database.statements() as cursor:
            return self._next(cursor, SQL["delivered"], {"message_id": message.message_id})

    def _post(self, messages: Sequence[Leased]) -> list[NotSent | None]:
        """Why each is not acknowledged, None if it is. NotSent if that is so of all, for one reason; NotTaken."""
        body = _body(messages)
        headers = {"Content-Type": "application/json"} | signatures.sign(
            self._sender.signing_secrets, new_id(), body, messages[0].now
        )
        try:
            with tracing.spans("post result", "client", [traced(message) for message in messages]):
                answer = self._sender.poster.post(messages[0].address, data=body.encode(), headers=headers)
        except requests.ConnectionError as error:
            raise Refusal(http_answers.words_of(error)) from error
        except http_answers.FAULTS as error:
            raise NotTaken from error
        if answer.status in _PASSES:
            wait_s = retry_after_s(answer.headers.get("Retry-After"), _LONGEST_RETRY_AFTER_S, messages[0].now)
            raise Refusal(f"status {answer.status}", wait_s)
        if (answers := answers_in(answer, [str(message.message_id) for message in messages])) is None:
            raise NotTaken
        return [_fault(*each) for each in zip(messages, answers, strict=True)]

    def _next(self, cursor: Cursor, mark: str, marked: Mapping[str, object]) -> list[Leased] | None:
        """What goes next. `mark`: the statement that marks those that went before as delivered; if that is lost, they are posted
        again, and stored once."""
        of_mark = {**marked, **self._sender.lease.parameters}
        if self._was_handed or not self._handover.waits:
            return self._claimed(cursor, (mark,), of_mark) or self._handed()
        cursor.run(losable(mark), of_mark)
        return self._handed() or self._claimed(cursor, (), {})

    def _handed(self) -> list[Leased] | None:
        """What this process hands over."""
        handed = self._handover.take(self._takers.origins(), MOST_BYTES)
        self._was_handed = bool(handed)
        return handed or None

    def _claimed(self, cursor: Cursor, before: Sequence[str], parameters: Mapping[str, object]) -> list[Leased] | None:
        self._was_handed = False
        origins = self._takers.origins()
        bounds = {"batching": list(origins), "most": min(origins.values(), default=1), "bytes": MOST_BYTES}
        rows = cursor.all(losable(*before, SQL["claim_several"]), {**parameters, **bounds, **self._sender.lease.parameters})
        messages = [Leased(**row) for row in rows]
        alike = [message for message in messages if message.address == messages[0].address]
        if len(alike) < len(messages):  # BACKEND_URL has another path than it had
            self._release([message for message in messages if message not in alike])
        return alike or None

    def _release(self, messages: Sequence[Leased]) -> None:
        outbox.release(self._database, messages, self._sender.lease.worker)


def _body(messages: Sequence[Leased]) -> str:
    """The JSON of a ResultBatch; each result is as it would be alone."""
    results = ",".join(f'{{"id":{json.dumps(str(message.message_id))},"result":{message.body}}}' for message in messages)
    return f'{{"results":[{results}]}}'


def _fault(message: Leased, answer: MessageAnswer) -> NotSent | None:
    """As it would be of the same answer to a single post."""
    alone = as_alone(answer)
    try:
        require_acknowledged(message, alone.status, alone.headers, alone, None)
    except NotSent as fault:
        return fault
    return None
