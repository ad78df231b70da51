"""Messages as CloudEvents, for webhooks: the items are those of `stringx.gate-changed`, with more that a person needs."""

from typing import Any

from backend.notifications.rendering import heading
from backend.notifications.senders.orders import Order
from backend.notifications.words import path_of
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.events import EventType, cloud_event, is_gate_change
from stringx_dataops.contract.messages.notifications import Named, NotificationContent, Told


def event_of(order: Order) -> JsonObject:
    """One event per message. That of a single gate has the id of the event on Kafka; every other has the message's."""
    content = order.content
    data: JsonObject = {"title": heading(content, order.channel), "channel": order.channel}
    kind, event_id, subject, time = _type(content), order.notification_id, None, content.made_at
    if content.kind == "test":
        pass
    elif content.digest is not None:
        data |= content.digest.model_dump(mode="json")
    elif _is_single(content):
        told = content.items[0]
        data |= _item(told, order.public_url)
        subject, time = f"{told.target}/{told.name}", told.since
        if kind == "stringx.gate-changed" and told.event_id is not None:
            event_id = told.event_id
    else:
        data |= {
            "kind": content.kind,
            "cause": content.cause,
            "counts": content.counts,
            "items": [_item(told, order.public_url) for told in content.items],
            "also": [_named(named, order.public_url) for named in content.also],
            "more": content.more,
        }
    return cloud_event(kind, event_id, order.public_url, subject, time, data)


def _is_single(content: NotificationContent) -> bool:
    return content.number == 1 and len(content.items) == 1


def _type(content: NotificationContent) -> EventType:
    if content.kind == "test":
        return "stringx.test"
    if content.digest is not None:
        return "stringx.digest"
    if not _is_single(content):
        return "stringx.gates-changed"
    told = content.items[0]
    if told.what in ("still_closed", "still_missed"):
        return "stringx.gate-still-closed"
    return "stringx.gate-changed" if is_gate_change(told.kinds, told.gate_before, told.gate) else "stringx.gate-noticed"


def _item(told: Told, public_url: str | None) -> JsonObject:
    """One of `table` and `dataset` is there, as in the event itself."""
    found: JsonObject = told.model_dump(mode="json", exclude={"event_id"})
    return _of_one(found) | {"link": _link(told, public_url)}


def _named(named: Named, public_url: str | None) -> JsonObject:
    return _of_one(named.model_dump(mode="json")) | {"link": _link(named, public_url)}


def _of_one(found: dict[str, Any]) -> JsonObject:
    return {name: value for name, value in found.items() if name not in ("table", "dataset") or value is not None}


def _link(named: Named, public_url: str | None) -> str | None:
    """The page of its incident, else of the table or dataset."""
    if public_url is None:
        return None
    if named.incident_id is not None:
        return f"{public_url}/incidents/{named.incident_id}"
    return public_url + path_of(named)
