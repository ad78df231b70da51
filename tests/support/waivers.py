"""Waivers in tests: made, and ended as if their time were over."""

from datetime import datetime, timedelta
from typing import Any

from backend.waivers import store
from database.pool import Database
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.messages.waivers import CreatedWaiver, WaiverOrder
from tests.support.datasets import CATALOGUE, ME, now


def order(by_default: datetime, **changes: Any) -> WaiverOrder:
    """Of rule a of public.a."""
    value = {"target": "shop", "table": "public.a", "rule": "a", "reason": "known", "until": by_default.isoformat()}
    return parse_model(WaiverOrder, value | changes)


def waive(database: Database, **changes: Any) -> CreatedWaiver:
    """For a day."""
    return store.create(database, CATALOGUE, ME, order(now(database) + timedelta(days=1), **changes))


def expire(database: Database, waiver_id: str) -> None:
    """As if its time were over by the database's clock; nothing has noted it yet."""
    with database.transaction() as cursor:
        cursor.run("update stringx.waivers set until = clock_timestamp() where waiver_id = %(id)s", {"id": waiver_id})
