"""Documents that watch: schedules, and the channels and routes of messages to people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from typing_extensions import assert_never

from stringx_dataops.contract.documents.channels import ChannelDocument, parse_channel
from stringx_dataops.contract.documents.effective import as_json
from stringx_dataops.contract.documents.routes import RouteDocument, parse_route
from stringx_dataops.contract.documents.schedules import ScheduleDocument, parse_schedule
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import FieldError, Invalid

WatchKind = Literal["Schedule", "Channel", "Route"]
WATCH_KINDS: tuple[WatchKind, ...] = ("Schedule", "Channel", "Route")
OF_ALL_TARGETS: tuple[WatchKind, ...] = ("Channel", "Route")  # only an admin whose key has no limits sees and changes them
WatchDocument = ScheduleDocument | ChannelDocument | RouteDocument


@dataclass(frozen=True)
class Watch:
    """A schedule, channel or route."""

    kind: WatchKind
    document: WatchDocument

    @property
    def name(self) -> str:
        """Its name, of which there is one per kind."""
        return self.document.name

    @property
    def target(self) -> str | None:
        """The target of a schedule, or that of a route that names one."""
        return None if isinstance(self.document, ChannelDocument) else self.document.target

    @property
    def stored(self) -> JsonObject:
        """As it is stored."""
        return as_json(self.document)

    @property
    def words(self) -> str:
        """It in a message."""
        return f"{self.kind.lower()} {self.name}"


def parse_watch(kind: WatchKind, value: Any, pointer: str = "") -> Watch:
    """The document of a value. Raises Invalid with every fault, but for names that are not configured."""
    return Watch(kind, _parser(kind)(value, pointer))


def _parser(kind: WatchKind) -> Callable[[Any, str], WatchDocument]:
    match kind:
        case "Schedule":
            return parse_schedule
        case "Channel":
            return parse_channel
        case "Route":
            return parse_route
        case _:
            assert_never(kind)


def parse_watches(values: Sequence[Any]) -> tuple[dict[str, Watch], list[FieldError]]:
    """Those of a stream by their pointers, and their faults."""
    found: dict[str, Watch] = {}
    errors: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for index, value in enumerate(values):
        kind = value.get("kind") if isinstance(value, dict) else None
        if kind not in WATCH_KINDS:
            continue
        try:
            watch = parse_watch(kind, value, f"/{index}")
        except Invalid as fault:
            errors += fault.errors
            continue
        if (watch.kind, watch.name) in seen:
            errors.append(FieldError(f"/{index}/name", f"{watch.words} stands twice in the stream"))
        seen.add((watch.kind, watch.name))
        found[f"/{index}"] = watch
    return found, errors
