"""Several messages in one post between the services, each answered by itself. Who takes batches says so in the header of every
answer to a single one; others get single posts."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from stringx_dataops.contract.messages.checks import CheckResult

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


class MessageAnswer(BaseModel):
    """What became of a message: the status, and the problem document, that it would have had alone."""

    model_config = ConfigDict(extra="ignore")

    id: str
    status: int = Field(ge=100, le=599)
    problem: dict[str, Any] | None = None
    retry_after_s: float | None = Field(default=None, ge=0)


class BatchAnswer(BaseModel):
    """An answer per message of a batch, in their order."""

    model_config = ConfigDict(extra="ignore")

    answers: list[MessageAnswer]


def taken_at_once(headers: Mapping[str, str]) -> int:
    """How many messages the sender of an answer takes in one post; 0 if it takes no batches."""
    said = (headers.get(HEADER) or "").strip()
    return int(said) if said.isascii() and said.isdigit() and len(said) <= _LONGEST_NUMBER else 0
