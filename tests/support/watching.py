"""Channels, routes and messages in tests: as they are configured, planned and delivered."""

from datetime import datetime
from typing import Any

from backend.notifications.planning import Planner
from database.pool import Database, json_value

_ADD = """
insert into stringx.watch_documents (kind, name, target, document, version) values (%(kind)s, %(name)s, %(target)s, %(document)s, 1)
on conflict (kind, name) do update set document = excluded.document, version = watch_documents.version + 1
"""
_MESSAGES = """
select n.notification_id::text, n.channel, n.kind, n.items, n.content, n.planned_at, n.delivered_at, n.withdrawn_because,
       (select json_agg(json_build_object('route', o.route, 'kind', o.kind, 'event', o.event_id, 'incident', o.incident_id)
                        order by o.notified_id) from stringx.notified o where o.notification_id = n.notification_id) as said
from stringx.notifications n where n.channel = %(channel)s order by n.planned_at, n.notification_id
"""
_DELIVER = """
update stringx.notifications set delivered_at = %(now)s where delivered_at is null and given_up_at is null and withdrawn_at is null
"""


def configure(database: Database, *documents: dict[str, Any]) -> None:
    with database.transaction() as cursor:
        for document in documents:
            named = {"kind": document["kind"], "name": document["name"], "target": document.get("target")}
            cursor.run(_ADD, named | {"document": json_value(document)})


def channel(name: str = "team", **changes: Any) -> dict[str, Any]:
    document = {"apiVersion": "stringx/v1", "kind": "Channel", "name": name, "type": "webhook", "url_env": "NOTIFY_TEAM"}
    return document | changes


def route(name: str = "all", **changes: Any) -> dict[str, Any]:
    return {"apiVersion": "stringx/v1", "kind": "Route", "name": name, "channel": "team"} | changes


def planned(database: Database, now: datetime, *, settled: datetime | None = None) -> None:
    """As the loop does: until nothing is left to do at these moments."""
    planner = Planner(database)
    for at in filter(None, (now, settled)):
        while planner.turn(at):
            continue


def delivered(database: Database, now: datetime) -> int:
    """As if everything arrived; how many messages that is."""
    with database.transaction() as cursor:
        return cursor.run(_DELIVER, {"now": now})


def messages(database: Database, to: str = "team") -> list[dict[str, Any]]:
    """To a channel, the oldest first."""
    with database.transaction() as cursor:
        return cursor.all(_MESSAGES, {"channel": to})
