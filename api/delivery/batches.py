"""Results of several checks in one post, to a receiver that says it takes that; single posts to every other one."""

import json
from collections.abc import Sequence

import requests

from api.delivery.outbox import SQL
from api.delivery.sender import Credentials, Leased, Refusal, ResultSender, require_acknowledged, traced
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
# What is lost of these is posted again, and stored once.
_CLAIM = losable(SQL["claim_several"])
_AFTER_SINGLE = losable(SQL["delivered"], SQL["claim_several"])
_AFTER_BATCH = losable(SQL["delivered_several"], SQL["claim_several"])


class NotTaken(Exception):
    """A receiver did not take a batch, or it is not known that it did: its messages are to be posted one by one."""


class ResultDeliverer:
    """Delivers what is due in the outbox, one thread's: what is due together goes together, nothing waits for company."""

    def __init__(self, database: Database, credentials: Credentials) -> None:
        self._database = database
        self._sender = ResultSender(database, credentials)
        self._takers = Takers()

    def claim(self) -> list[Leased] | None:
        """The message that has been due for longest, with others that may go with it."""
        with self._database.statements() as cursor:
            return self._claimed(cursor, _CLAIM, {})

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
            return self._claimed(cursor, _AFTER_BATCH, {"message_ids": [str(message.message_id) for message in delivered]})

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
            return self._claimed(cursor, _AFTER_SINGLE, {"message_id": message.message_id})

    def _post(self, messages: Sequence[Leased]) -> list[NotSent | None]:
        """Why each is not acknowledged, None if it is. NotSent if that is so of all, for one reason; NotTaken."""
        body = _body(messages)
        headers = {"Content-Type": "application/json"} | signatures.sign(
            self._sender.signing_secrets, new_id(), body, messages[0].now
        )
        try:
            with tracing.spans("post result", "client", [traced(message) for message in messages]):
                answer = self._sender.poster.post(address(messages[0].url), data=body.encode(), headers=headers)
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

    def _claimed(self, cursor: Cursor, sql: str, parameters: dict[str, object]) -> list[Leased] | None:
        origins = self._takers.origins()
        bounds = {"batching": list(origins), "most": min(origins.values(), default=1), "bytes": MOST_BYTES}
        rows = cursor.all(sql, parameters | bounds | self._sender.lease.parameters)
        messages = [Leased(**row) for row in rows]
        alike = [message for message in messages if address(message.url) == address(messages[0].url)]
        if len(alike) < len(messages):  # BACKEND_URL has another path than it had
            self._release([message for message in messages if message not in alike])
        return alike or None

    def _release(self, messages: Sequence[Leased]) -> None:
        with self._database.statements() as cursor:
            ids = [str(message.message_id) for message in messages]
            cursor.run(SQL["release"], {"message_ids": ids, "worker": self._sender.lease.worker})


def address(url: str) -> str:
    """Where the receiver of a single post, `…/api/v1/requests/ID/results`, takes several: `…/api/v1/results`."""
    return url.rsplit("/", 3)[0] + "/results"


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
