"""Accepts several checks that the Backend sends in one post, each answered by itself."""

import logging
import time
from dataclasses import dataclass
from typing import Any

from api.checks import lifecycle
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.batches import HEADER, MOST, MessageAnswer, answer_of
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.messages.requesters import cleaned, is_name
from stringx_dataops.contract.problems import FieldError, StringXError, Unavailable, invalid
from stringx_dataops.contract.trace_context import read_columns
from web import tracing

TAKES = {HEADER: str(MOST)}
_WITHIN_S = 6.0  # for all of them: the sender waits for 10 s

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ordered:
    """A check as it was sent: `value` is what is to be a CheckRequest; `by`: the key for which a service asks."""

    request_id: str
    value: Any
    by: str
    trace: dict[str, Any]


def read(body: Any, caller: str, *, is_service: bool) -> list[Ordered]:
    """The checks of a batch, each still to be judged. `is_service`: the caller may say for whom it asks. Invalid if the body is
    no batch, because it then says nothing of any."""
    checks = body.get("checks") if isinstance(body, dict) else None
    if not isinstance(checks, list) or not 1 <= len(checks) <= MOST:
        raise invalid([FieldError("/checks", f"must be a list of 1 to {MOST} objects with request")])
    found = []
    for place, each in enumerate(checks):
        request = each.get("request") if isinstance(each, dict) else None
        request_id = request.get("request_id") if isinstance(request, dict) else None
        if not isinstance(request_id, str):
            raise invalid([FieldError(f"/checks/{place}/request/request_id", "must be a text: checks are answered by their ids")])
        named = each.get("requested_by")
        by = named if is_service and isinstance(named, str) and is_name(named) else caller
        trace = {name: each.get(name) for name in ("traceparent", "tracestate")}
        found.append(Ordered(request_id, request, cleaned(by), trace))
    return found


def accept(database: Database, catalogue: Catalogue, ordered: list[Ordered], queue_limit: int) -> list[MessageAnswer]:
    """Accept one after the other, as if each had been sent alone. Unavailable if the database is away before any is accepted."""
    until = time.monotonic() + _WITHIN_S
    answers: list[MessageAnswer] = []
    for each in ordered:
        try:
            if time.monotonic() > until:
                raise Unavailable("not accepted in time; send it again")
            asked = parse_model(CheckRequest, each.value)
            if asked.callback_url is not None:
                raise invalid([FieldError("/callback_url", "is taken in single posts only; leave it out")])
            with tracing.within(read_columns(each.trace)):
                check = lifecycle.accept(database, catalogue, asked, queue_limit, each.by).check
            answers.append(MessageAnswer(id=each.request_id, status=202, check_id=check.check_id))
        except StringXError as fault:
            if isinstance(fault, Unavailable) and not answers:
                raise
            answers.append(answer_of(each.request_id, fault))
        except Exception:  # as of a document that another release has stored, and this one cannot read
            log.exception("a check cannot be accepted", extra={"request_id": each.request_id})
            answers.append(answer_of(each.request_id, StringXError("something went wrong inside the service; its log says what")))
    return answers
