"""The audit log: who did what to what, from where. No secrets, no values of rows."""

from datetime import datetime
from typing import Any, Literal, get_args

from pydantic import BaseModel

# What can be done. A new action is added here, so that the list's filter takes it.
AuditAction = Literal[
    "target.created", "target.updated", "target.deleted", "target.rolled_back",
    "table.created", "table.updated", "table.deleted", "table.rolled_back",
    "dataset.created", "dataset.updated", "dataset.deleted", "dataset.rolled_back",
    "defaults.created", "defaults.updated", "defaults.deleted", "defaults.rolled_back",
    "ruleset.created", "ruleset.updated", "ruleset.deleted", "ruleset.rolled_back",
    "schedule.created", "schedule.updated", "schedule.deleted", "schedule.rolled_back",
    "schedule.paused", "schedule.resumed", "schedule.run",
    "channel.created", "channel.updated", "channel.deleted", "channel.rolled_back", "channel.tested",
    "route.created", "route.updated", "route.deleted", "route.rolled_back",
    "waiver.created", "waiver.deleted", "waiver.ended",
    "badge.created", "badge.deleted",
    "point.marked",
    "incident.acknowledged", "incident.unacknowledged", "incident.assigned", "incident.noted",
    "key.created", "key.rotated", "key.revoked", "verdict_key.created", "verdict_key.rotated",
    "login.succeeded", "login.failed", "logout",
    "request.canceled", "trial.asked", "profile.asked", "profile.deleted", "delivery.sent_again", "notification.sent_again",
    "backup.made", "backup.restored",
]  # fmt: skip
AUDIT_ACTIONS: tuple[AuditAction, ...] = get_args(AuditAction)
AuditKind = Literal[
    "target", "table", "dataset", "defaults", "ruleset", "schedule", "channel", "route", "waiver", "badge", "incident", "point",
    "key", "verdict_key", "person", "login", "request", "check", "delivery", "notification", "database",
]  # fmt: skip


class AuditEntry(BaseModel):
    """An entry. `actor`: the name of the key or the person. `subject`: a kind and a name, such as table:nyc/public.flights.
    `address`: where it came from."""

    at: datetime
    actor: str
    action: str
    subject: str
    address: str | None
    details: dict[str, Any]


class AuditPage(BaseModel):
    """Entries, newest first."""

    items: list[AuditEntry]
    next_cursor: str | None


def subject(kind: AuditKind, *names: str) -> str:
    """The subject of an entry: subject("table", "nyc", "public.flights") is table:nyc/public.flights."""
    return f"{kind}:{'/'.join(names)}"
