"""The messages between a worker (`pool`) and its dbt processes (`child`), and how they are written: one line of JSON each.

The worker to the process that has loaded dbt: `FORK`, with the child's socket. Back: one `Loaded`, then a `Forked` per child.
The worker to a child: requests, which are `Prepare` or `RunGateTest`. Back: one `DbtRunResult` per `RunGateTest`.

Children import this module, so it imports little itself.
"""

import json
from dataclasses import dataclass, field
from typing import Any, TypeVar

from api.engine.run_result import DbtRunResult
from stringx_dataops.contract.gate_test.specification import Specification

FORK = b"+"  # one byte, because a socket cannot be sent without data


@dataclass(frozen=True)
class Place:
    """Where dbt runs. A run that was prepared at a place serves a check at an equal place only."""

    folder: str  # for the profile and for what dbt leaves behind
    environment: dict[str, str] = field(repr=False)  # of the target, with its password; without the session's name
    modified_ns: tuple[int, ...]  # when the project's settings and profiles were last modified


@dataclass(frozen=True)
class Prepare:
    """Do what dbt does before it needs the check. It has no reply."""

    place: Place


@dataclass(frozen=True)
class RunGateTest:
    """Run the gate test, in database sessions with the name `session`."""

    place: Place
    session: str
    specification: Specification


Request = Prepare | RunGateTest


@dataclass(frozen=True)
class Loaded:
    """dbt has loaded the project, unless `fault` says in one line why it cannot."""

    fault: str | None


@dataclass(frozen=True)
class Forked:
    """The new child's process."""

    pid: int


Message = Request | Loaded | Forked | DbtRunResult
Kind = TypeVar("Kind", Loaded, Forked, DbtRunResult)


def encode(message: Message) -> bytes:
    """The message as a line. Specifications are large, so nothing is copied."""
    return json.dumps(message, default=vars).encode() + b"\n"


def decode(line: bytes, kind: type[Kind]) -> Kind:
    """The message of a line; the reader knows from the order of messages of which kind it is."""
    fields: dict[str, Any] = json.loads(line)
    return kind(**fields)


def decode_request(line: bytes) -> Request:
    """The request of a line."""
    fields: dict[str, Any] = json.loads(line)
    place = Place(**fields["place"] | {"modified_ns": tuple(fields["place"]["modified_ns"])})
    if "specification" not in fields:
        return Prepare(place)
    return RunGateTest(place, fields["session"], fields["specification"])
