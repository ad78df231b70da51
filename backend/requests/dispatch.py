"""Sending requests and cancels to DataOps: at once, and again by threads of each web process until they are accepted."""

import json
import logging
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from backend.requests.tracking import SQL, UNSENT, payload
from database.leases import Lease
from database.loops import Loops
from database.notifications import Listener
from database.pool import Database, Row, json_value
from database.queries import losable
from database.sending import Backoff, NotSent, Sender, Takers, look_again_s, one_per_turn
from stringx_dataops.contract import http_answers
from stringx_dataops.contract.http_answers import HttpAnswer
from stringx_dataops.contract.http_posts import TOO_LARGE, Limits, Poster, retry_after_s
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages import batches, requesters
from stringx_dataops.contract.problems import Busy, Conflict
from stringx_dataops.contract.trace_context import TraceContext, columns, read_columns
from web import tracing

LIMITS = Limits(connect_s=3, read_s=10, body_s=5)
MOST = 32  # requests in a post
MOST_BYTES = 512 * 1024  # of their bodies; DataOps takes 1 MiB
_THREADS = 4
_LONGEST_DELAY_S = 60.0
_BUSY = 429
# Repeating the request would not change these answers.
_FINAL = tuple(status for status in range(400, 500) if status not in (401, 403, 408, 421, _BUSY))
_PASSES = (401, 403, 408, 421, _BUSY, 502, 503, 504)  # it is not the batch that is refused: single posts would fare no better
_CLAIM = losable(SQL["claim_unsent_several"])  # what is lost of it is claimed again

FirstSend = Literal["promised", "refused", "gone"]  # gone: nobody tracks the request any more

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Unsent:
    """Something about a request that DataOps has yet to take, leased. `attempts`: those before this one."""

    request_id: str
    attempts: int


@dataclass(frozen=True)
class UnsentRequest(Unsent):
    """The request itself. `is_first`: its client waits for this attempt, so that a busy DataOps is an answer, too."""

    body: dict[str, Any]
    requested_by: str | None = None
    is_first: bool = False
    trace: TraceContext | None = None  # that it belongs to; None: that of the thread


@dataclass(frozen=True)
class UnsentCancel(Unsent):
    """A cancel of a request that DataOps has."""

    check_id: str
    canceled_by: str | None = None


@dataclass(frozen=True)
class Accepted:
    """DataOps has a request, as this check."""

    check_id: str


Message = TypeVar("Message", bound=Unsent)
Answer = TypeVar("Answer")


class _ToDataOps(Sender[Message, Answer]):
    """What sending requests and cancels have in common."""

    backoff = Backoff(_LONGEST_DELAY_S)

    def __init__(self, database: Database, lease: Lease, url: str, poster: Poster) -> None:
        super().__init__(database, lease)
        self.url, self._poster = url, poster

    def store_postponed(self, message: Message, fault: NotSent, delay_s: float) -> bool:
        """Store when it is due again; False if the request was forgotten."""
        ids = {"request_id": message.request_id}
        log.warning("request not sent to DataOps (attempt %d): %s", message.attempts + 1, fault.reason, extra=ids)
        return self.run("postpone", ids | {"worker": self.lease.worker, "delay_s": delay_s, "error": fault.reason})

    def post(self, path: str, body: dict[str, Any] | None, by: str | None) -> HttpAnswer:
        """Post for the key of this name. NotSent if there is no answer, or none that can be read."""
        try:
            headers = requesters.headers(by) | tracing.current_headers()
            if body is None:
                return self._poster.post(self.url + path, headers=headers)
            headers |= {"Content-Type": "application/json"}
            return self._poster.post(self.url + path, data=encoded(body), headers=headers)
        except http_answers.FAULTS as error:
            raise NotSent(http_answers.words_of(error)) from error

    def run(self, name: str, parameters: dict[str, Any]) -> bool:
        """Whether the statement changed a row."""
        with self.database.statements() as cursor:
            return cursor.run(SQL[name], parameters) > 0


class RequestSender(_ToDataOps[UnsentRequest, Accepted | HttpAnswer]):
    """Sends tracked requests until DataOps accepts or refuses them."""

    def __init__(self, database: Database, lease: Lease, url: str, poster: Poster) -> None:
        super().__init__(database, lease, url, poster)
        self.takers = Takers()

    def claim(self) -> UnsentRequest | None:
        """The unsent request that has been due for longest."""
        with self.database.statements() as cursor:
            row = cursor.one(SQL["claim_unsent"], self.lease.parameters)
        return _unsent(row) if row is not None else None

    def send_next_together(self) -> bool:
        """Lease the requests that are due, as many as DataOps takes at once, and deliver them; False if none is due."""
        most = self.takers.origins().get(self.url, 1)
        with self.database.statements() as cursor:
            rows = cursor.all(_CLAIM, self.lease.parameters | {"most": most, "bytes": MOST_BYTES})
        messages = [_unsent(row) for row in rows]
        if len(messages) > 1:
            self._deliver_together(messages)
        elif messages:
            self.deliver(messages[0])
        return bool(messages)

    def _deliver_together(self, messages: list[UnsentRequest]) -> None:
        """Each is accepted, refused or postponed by its own answer. If the batch itself is not taken, none was tried."""
        try:
            answer = self._post_together(messages)
        except NotSent as why:
            self.takers.forget(self.url)
            for message in messages:
                self.postpone_by_backoff(message, why)
            return
        ids = [message.request_id for message in messages]
        if (answers := batches.answers_in(answer, ids)) is None:
            self.takers.refused(self.url)
            with self.database.statements() as cursor:
                cursor.run(SQL["release_unsent"], {"ids": ids, "worker": self.lease.worker})
            return
        accepted: list[dict[str, str]] = []
        for message, own in zip(messages, answers, strict=True):
            try:
                found = self.read(message, batches.as_alone(own))
            except NotSent as fault:
                self.postpone_by_backoff(message, fault)
                continue
            if isinstance(found, Accepted):
                accepted.append({"request_id": message.request_id, "check_id": found.check_id})
            else:
                self.mark_done(message, found)
        with self.database.statements() as cursor:
            cursor.run(SQL["sent_several"], {"sent": json_value(accepted)})

    def _post_together(self, messages: list[UnsentRequest]) -> HttpAnswer:
        """NotSent if DataOps is away, or does not take anything now."""
        checks = [{"request": each.body, "requested_by": each.requested_by, **columns(each.trace)} for each in messages]
        with tracing.spans("send to DataOps", "client", [(message.trace, _about(message)) for message in messages]):
            answer = self.post("/api/v1/quality-checks/batch", {"checks": checks}, None)
        if answer.status in _PASSES:
            raise NotSent(f"status {answer.status}: {answer.detail()}", _retry_after_s(answer))
        return answer

    def send(self, message: UnsentRequest) -> Accepted | HttpAnswer:
        """The check, or the answer that refuses the request for good; NotSent for everything else."""
        with tracing.span("send to DataOps", "client", message.trace, _about(message)):
            answer = self.post("/api/v1/quality-checks", message.body, message.requested_by)
        if answer.status in (200, 202):
            self.takers.note(self.url, batches.taken_at_once(answer.headers), MOST)
        return self.read(message, answer)

    def read(self, message: UnsentRequest, answer: HttpAnswer) -> Accepted | HttpAnswer:
        """What an answer to this request says, as in `send`."""
        if answer.status in (200, 202):
            check_id = answer.field("check_id")
            if not http_answers.is_uuid(check_id) or answer.field("request_id") not in (None, message.request_id):
                raise NotSent(f"no answer of DataOps: {answer.described()}")
            return Accepted(check_id)
        is_final = answer.status in _FINAL or (answer.status == _BUSY and message.is_first)
        if is_final and (answer.is_problem or answer.status == TOO_LARGE):
            return answer
        raise NotSent(f"status {answer.status}: {answer.detail()}", _retry_after_s(answer))

    def mark_done(self, message: UnsentRequest, answer: Accepted | HttpAnswer) -> bool:
        """Mark the request as sent or as refused; False if it was forgotten, or had ended before it was refused."""
        if isinstance(answer, Accepted):
            return self.run("sent", {"request_id": message.request_id, "check_id": answer.check_id})
        reason = f"DataOps refused the request: {answer.detail()}"
        refused = self.run("refuse", {"request_id": message.request_id, "reason": reason})
        self.run("notify", {"payload": payload(message.request_id)})
        return refused

    def forget(self, message: UnsentRequest) -> None:
        """Delete a request that DataOps did not take, unless another attempt meanwhile had another end."""
        self.run("forget", {"request_id": message.request_id, "worker": self.lease.worker})


class CancelSender(_ToDataOps[UnsentCancel, None]):
    """Sends cancels until DataOps takes them, or does not know the check."""

    def claim(self) -> UnsentCancel | None:
        """The unsent cancel that has been due for longest."""
        with self.database.statements() as cursor:
            row = cursor.one(SQL["claim_cancel"], self.lease.parameters)
        if row is None:
            return None
        return UnsentCancel(row["request_id"], row["send_attempts"], str(row["check_id"]), row["canceled_by"])

    def send(self, message: UnsentCancel) -> None:
        """NotSent unless the check ends, or there is nothing to cancel."""
        answer = self.post(f"/api/v1/quality-checks/{message.check_id}/cancel", None, message.canceled_by)
        is_taken = answer.status in (200, 202) and http_answers.is_uuid(answer.field("check_id"))
        if not is_taken and not (answer.status == 404 and answer.is_problem):
            raise NotSent(answer.described())

    def mark_done(self, message: UnsentCancel, answer: None) -> bool:
        """Mark the cancel as sent."""
        return self.run("cancel_sent", {"request_id": message.request_id, "worker": self.lease.worker})


class Dispatcher:
    """Sends to the DataOps at an address, in the name of one process. A request_id is taken once, so a post may be repeated."""

    def __init__(self, database: Database, url: str, service_key: str, name: str) -> None:
        lease, poster = Lease(name), Poster(service_key, LIMITS, resends=True)
        self.name = name
        self._requests = RequestSender(database, lease, url, poster)
        self._cancels = CancelSender(database, lease, url, poster)

    def send_first(self, request_id: str, body: dict[str, Any], requested_by: str | None = None) -> FirstSend:
        """Try once while the client waits: the client that made the request, and each that repeats it meanwhile. Conflict or Busy
        if DataOps says so; the request is forgotten then, unless another attempt meanwhile had another end."""
        message = UnsentRequest(request_id, 0, body, requested_by, is_first=True)
        try:
            answer = self._requests.send(message)
        except NotSent as fault:
            return "promised" if self._requests.postpone_by_backoff(message, fault) else "gone"
        if isinstance(answer, HttpAnswer) and answer.status in (409, _BUSY):
            self._requests.forget(message)
            if answer.status == 409:
                raise Conflict(answer.detail())
            raise Busy(answer.detail(), retry_after_s=int(_retry_after_s(answer) or 5))
        is_stored = self._requests.mark_done(message, answer)
        if isinstance(answer, HttpAnswer):
            return "refused"
        return "promised" if is_stored else "gone"

    def send_next(self) -> bool:
        """Try the requests that are due, else the cancel that has been due for longest; False if none is due."""
        return self._requests.send_next_together() or self._cancels.send_next()


def start(dispatcher: Dispatcher, listener: Listener, loops: Loops) -> None:
    """Starts daemon threads that send requests from Kafka, and requests and cancels that could not be sent before. There are
    several, so that one can write while another waits for an answer."""
    for number in range(_THREADS):
        loops.start(f"dispatch-{number}", one_per_turn(dispatcher.send_next, listener, UNSENT, look_again_s(number)))


def encoded(body: JsonObject) -> bytes:
    """A body as it is sent: compact, because a trial's may be as long as DataOps takes."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _unsent(row: Row) -> UnsentRequest:
    trace = read_columns(row)
    return UnsentRequest(row["request_id"], row["send_attempts"], row["body"], row["requested_by"], trace=trace)


def _about(message: UnsentRequest) -> tracing.Attributes:
    """What the span of an attempt says."""
    return {"request_id": message.request_id, "attempt": message.attempts + 1}


def _retry_after_s(answer: HttpAnswer) -> float | None:
    """As DataOps gives it, in seconds."""
    return retry_after_s(answer.headers.get("Retry-After"), _LONGEST_DELAY_S)
