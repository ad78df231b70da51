"""Documents of routes: which changes of which tables and datasets a channel is told of."""

from collections.abc import Collection, Iterator
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from stringx_dataops.contract.documents.channels import ChannelName
from stringx_dataops.contract.documents.durations import parse_duration
from stringx_dataops.contract.documents.fields import Flag, Matching, Model, Owner, Tags, TargetName, Words, parse_model
from stringx_dataops.contract.documents.globs import MOST_GLOBS, NameGlob, matches
from stringx_dataops.contract.documents.zones import Clock, Zone, clock
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import FieldError, Invalid, invalid

RouteEvent = Literal["closed", "opened", "warn", "error", "stale", "missed"]
USUAL: tuple[RouteEvent, ...] = ("closed", "opened", "missed")

RouteName = Annotated[
    str,
    Matching(
        r"[a-z0-9][a-z0-9_-]{0,62}",
        "is no name of a route; write 1 to 63 of a to z, 0 to 9, _ and -, with a letter or digit in front, such as orders-team",
    ),
]


def _each_once(events: list[RouteEvent]) -> list[RouteEvent]:
    if repeated := next((event for index, event in enumerate(events) if event in events[:index]), None):
        raise ValueError(f"names {repeated} twice; keep one")
    return events


def _pause(text: str) -> str:
    if text == "off":
        return text
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise ValueError("is no duration; write one such as 24h, or off") from error
    if not 300 <= seconds <= 90 * 86_400:
        raise ValueError("must lie between 5m and 90d, or be off")
    return text


class Quiet(Model):
    """The hours in which nothing is sent, each day; they may pass midnight."""

    from_: Annotated[Clock, Field(alias="from")]
    to: Clock
    timezone: Zone = "UTC"

    @property
    def begin(self) -> time:
        """When they begin."""
        return clock(self.from_)

    @property
    def end(self) -> time:
        """When they end; the next day if that is not after `begin`."""
        return clock(self.to)


class RouteDocument(Model):
    """One route. A change takes it if it is one of `on`, and everything that the route names fits: the target, one of the
    patterns of `tables` (datasets by their names, too), the owner, and one of the tags."""

    apiVersion: Literal["stringx/v1"]
    kind: Literal["Route"]
    name: RouteName
    description: Words = ""
    channel: ChannelName
    on: Annotated[list[RouteEvent], Field(min_length=1), AfterValidator(_each_once)] = list(USUAL)
    target: TargetName | None = None
    tables: Annotated[list[NameGlob], Field(min_length=1, max_length=MOST_GLOBS)] | None = None
    owner: Annotated[Owner, Field(min_length=1)] | None = None
    tags: Annotated[Tags, Field(min_length=1)] | None = None
    repeat_after: Annotated[str, AfterValidator(_pause)] = "24h"
    quiet: Quiet | None = None
    active: Flag = True

    @property
    def repeat_after_s(self) -> float | None:
        """After how many seconds a message about an incident is repeated; None means never."""
        return None if self.repeat_after == "off" else parse_duration(self.repeat_after)

    def concerns(self, target: str, name: str, owner: str, tags: Collection[str]) -> bool:
        """Whether the table or dataset is one that it names."""
        return (
            self.target in (None, target)
            and self.owner in (None, owner)
            and (self.tables is None or matches(name, self.tables))
            and (self.tags is None or not set(self.tags).isdisjoint(tags))
        )


def parse_route(value: Any, pointer: str = "") -> RouteDocument:
    """A route from its document. Raises Invalid with every fault; the caller checks whether its channel is configured."""
    faults = list(_faults(value, pointer)) if isinstance(value, dict) else []
    try:
        document = parse_model(RouteDocument, value, pointer)
    except Invalid as fault:
        raise invalid([*fault.errors, *faults]) from fault
    if faults:
        raise invalid(faults)
    return document


def _faults(value: JsonObject, pointer: str) -> Iterator[FieldError]:
    quiet = value.get("quiet")
    if isinstance(quiet, dict) and quiet.get("from") is not None and quiet.get("from") == quiet.get("to"):
        yield FieldError(
            f"{pointer}/quiet/to", "is the same as from; for a route that is never told anything write active: false"
        )
