"""Several messages in one post between the services, each answered by itself. Who takes batches says so in the header of every
answer to a single one; others get single posts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stringx_dataops.contract.http_content import HttpAnswer
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.problems import StringXError

HEADER = "Accept-Batches"  # of an answer: how many messages its sender takes in one post, at most
MOST = 100  # messages that a batch may have
_LONGEST_NUMBER = 4  # digits


class PostedResult(BaseModel):
    """A result, and the id of its message, which is the same in every attempt."""

    id: str = Field(min_length=1, max_length=200)
    result: CheckResult


class ResultBatch(BaseModel):
    """Results in one post. What is wrong with one of them touches no other."""

    results: list[PostedResult] = Field(min_length=1, max_length=MOST)


class OrderedCheck(BaseModel):
    """A request with its `request_id`, for whom it is made (the name of a key), and the trace that it belongs to."""

    request: CheckRequest
    requested_by: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None


class CheckBatch(BaseModel):
    """Requests for checks in one post. What is wrong with one of them touches no other."""

    checks: list[OrderedCheck] = Field(min_length=1, max_length=MOST)


class MessageAnswer(BaseModel):
    """What became of a message, a result by its id, a request by its `request_id`: the status, and the problem document, that it
    would have had alone."""

    model_config = ConfigDict(extra="ignore")

    id: str
    status: int = Field(ge=100, le=599)
    check_id: str | None = None
    problem: dict[str, Any] | None = None
    retry_after_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class BatchAnswer(BaseModel):
    """An answer per message of a batch, in their order."""

    model_config = ConfigDict(extra="ignore")

    answers: list[MessageAnswer]


def answer_of(message_id: str, fault: StringXError) -> MessageAnswer:
    """That a message is refused."""
    wait_s = fault.headers().get("Retry-After")
    problem = dict(fault.as_problem())
    return MessageAnswer(id=message_id, status=fault.status, problem=problem, retry_after_s=float(wait_s) if wait_s else None)


def answers_in(answer: HttpAnswer, ids: Sequence[str]) -> list[MessageAnswer] | None:
    """What a receiver answers to the messages of these ids; None if it does not answer each of them."""
    try:
        found = BatchAnswer.model_validate_json(answer.body).answers if answer.status == 200 else []
    except ValidationError:
        return None
    return found if [each.id for each in found] == list(ids) else None


def as_alone(answer: MessageAnswer) -> HttpAnswer:
    """The answer that the message would have had alone."""
    headers = {"Content-Type": "application/problem+json" if answer.problem is not None else "application/json"}
    if answer.retry_after_s is not None:
        headers["Retry-After"] = str(round(answer.retry_after_s))
    body = answer.problem if answer.problem is not None else {"check_id": answer.check_id, "request_id": answer.id}
    return HttpAnswer(answer.status, headers, json.dumps(body).encode())


def taken_at_once(headers: Mapping[str, str]) -> int:
    """How many messages the sender of an answer takes in one post; 0 if it takes no batches."""
    said = (headers.get(HEADER) or "").strip()
    return int(said) if said.isascii() and said.isdigit() and len(said) <= _LONGEST_NUMBER else 0
