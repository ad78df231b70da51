"""Channels, routes and messages to people as rows of pages. Where an address is stored is shown, the address never."""

from dataclasses import dataclass
from typing import Literal, assert_never
from urllib.parse import quote

from backend.notifications.log import Queue
from stringx_dataops.contract.documents.channels import ChannelDocument
from stringx_dataops.contract.documents.routes import RouteDocument
from stringx_dataops.contract.messages.notifications import ChannelTest, Notification, NotificationKind
from web.look import formats

_SHOWN = 3  # patterns that a row names


@dataclass(frozen=True)
class ChannelRow:
    """A channel. `mark` is its state in the words of the stylesheet, `place` where its address is stored, `secret` where that of
    its signature is, `trouble` for how long it has taken nothing, and how much waits."""

    name: str
    description: str
    state: Literal["on", "failing", "off"]
    mark: str
    trouble: str
    url: str
    type: str
    place: str
    secret: str
    digest: str
    routes: int


@dataclass(frozen=True)
class RouteRow:
    """A route. `what`: the tables and datasets that it takes, in words."""

    name: str
    description: str
    state: str
    url: str
    channel: str
    on: list[str]
    what: str
    repeats: str
    quiet: str


@dataclass(frozen=True)
class MessageRow:
    """A message in the delivery log. `mark` is its state in the words of the stylesheet."""

    message: Notification
    title: str
    about: str
    mark: str
    words: str
    url: str


def channel_row(document: ChannelDocument, routes: int, queue: Queue | None) -> ChannelRow:
    """A channel for the list, or the head of its page. `queue`: what it waits for; None if it never had a message."""
    weekly = document.weekly
    state: Literal["on", "failing", "off"] = "on" if document.active else "off"
    if document.active and queue is not None and queue.failing_s > 0:
        state = "failing"
    return ChannelRow(
        name=document.name,
        description=document.description,
        state=state,
        mark={"on": "open", "failing": "closed", "off": ""}[state],
        trouble=_trouble(queue) if queue is not None and state == "failing" else "",
        url=url(document.name),
        type=document.type,
        place=document.url_env or document.url_file or "",
        secret=document.secret_env or document.secret_file or "",
        digest=f"{weekly.day.capitalize()} {weekly.time} {weekly.timezone}" if weekly is not None else "",
        routes=routes,
    )


def _trouble(queue: Queue) -> str:
    waiting = f"{queue.waiting:,} {'message waits' if queue.waiting == 1 else 'messages wait'}"
    lasts = "less than a minute" if queue.failing_s < 60 else formats.duration(int(queue.failing_s) * 1000)
    return f"for {lasts}; {waiting}"


def url(name: str) -> str:
    """The page of a channel."""
    return f"/channels/{quote(name, safe='')}"


def route_row(document: RouteDocument) -> RouteRow:
    """A route for the list."""
    quiet = document.quiet
    return RouteRow(
        name=document.name,
        description=document.description,
        state="on" if document.active else "off",
        url=f"/routes/{quote(document.name, safe='')}",
        channel=document.channel,
        on=list(document.on),
        what=_what(document),
        repeats="never" if document.repeat_after == "off" else f"after {document.repeat_after}",
        quiet=f"{quiet.from_} to {quiet.to} {quiet.timezone}" if quiet is not None else "",
    )


def _what(document: RouteDocument) -> str:
    parts = []
    if document.tables is not None:
        more = f" and {len(document.tables) - _SHOWN} more" if len(document.tables) > _SHOWN else ""
        parts.append(f"{', '.join(document.tables[:_SHOWN])}{more}")
    if document.target is not None:
        parts.append(f"of target {document.target}")
    if document.owner is not None:
        parts.append(f"owned by {document.owner}")
    if document.tags is not None:
        parts.append(f"tagged {' or '.join(document.tags)}")
    return " ".join(parts) if parts else "everything"


def message_row(message: Notification) -> MessageRow:
    """A message for the delivery log, or the head of its page."""
    return MessageRow(
        message=message,
        title=message.title or f"A message of another release to {message.channel}",
        about=_about(message.kind),
        mark={"delivered": "open", "failed": "closed"}.get(message.state, ""),
        words=_words(message),
        url=f"/notifications/{quote(message.id, safe='')}",
    )


def _about(kind: NotificationKind) -> str:
    match kind:
        case "change":
            return "a change"
        case "repeat":
            return "a reminder"
        case "digest":
            return "a weekly digest"
        case "test":
            return "a test"
        case _:
            assert_never(kind)


def _words(message: Notification) -> str:
    """What else there is to say of its state."""
    match message.state:
        case "waiting":
            return "for its next attempt" if message.attempts else "to be sent"
        case "delivered":
            return "" if message.attempts <= 1 else f"after {message.attempts:,} attempts"
        case "failed":
            return f"and given up after {message.attempts:,} {'attempt' if message.attempts == 1 else 'attempts'}"
        case "withdrawn":
            because = {
                "acknowledged": "because somebody acknowledged the incident",
                "over": "because it was over before",
                "channel": "because its channel was deleted or switched off",
            }
            return because.get(message.withdrawn_because or "", "")
        case _:
            assert_never(message.state)


def tested(found: ChannelTest) -> str:
    """What became of a test."""
    status = f" (status {found.status})" if found.status is not None else ""
    if found.delivered:
        return f"The test was delivered{status}."
    return f"The test was not delivered{status}: {found.error or 'no reason is known'}"
