"""The outbox: results that are stored together with a message to the Backend, and what became of these messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from api.notifications import notify
from database import audit
from database.keys import seen_targets
from database.pool import Cursor, Database, Row
from database.queries import load_queries
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.messages.audit import subject
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages
from stringx_dataops.contract.problems import NotFound

SQL = load_queries(Path(__file__).with_suffix(".sql"))
OUTBOX = "outbox"  # the payload that wakes the sender
PAGES = Pages("deliveries")  # positions: the id of a message

State = Literal["waiting", "delivered", "failed"]


@dataclass(frozen=True)
class Leased:
    """A message of the outbox. `attempts` counts this one; `expired`: it was tried for three days; `now`: when it was leased."""

    message_id: UUID | str
    check_id: UUID | str
    url: str
    origin: str
    body: str
    attempts: int
    now: datetime
    expired: bool

    @property
    def address(self) -> str:
        """Where the receiver of a single post, `…/api/v1/requests/ID/results`, takes several: `…/api/v1/results`."""
        return self.url.rsplit("/", 3)[0] + "/results"


def put(cursor: Cursor, check_id: str, url: str, body: str) -> None:
    """Store a message in the transaction that stores its result; `body` is the result's JSON."""
    cursor.run(SQL["put"], message(url, body) | {"check_id": check_id})


def message(url: str, body: str) -> dict[str, str]:
    """The columns of a new message, except its check."""
    return {"message_id": new_id(), "url": url, "origin": origin(url), "body": body}


def first_leased(message: Mapping[str, str], check_id: str, now: datetime) -> Leased:
    """A message that was stored as leased at `now`, for its first attempt."""
    return Leased(check_id=check_id, attempts=1, now=now, expired=False, **message)


def origin(url: str) -> str:
    """Scheme, host and port: one receiver, which is reachable or not for all its messages."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def release(database: Database, messages: Sequence[Leased], worker: str) -> None:
    """Make messages that were leased to a worker, and not tried, due now; not those that it does not hold any more."""
    released = {
        "message_ids": [str(message.message_id) for message in messages],
        "attempts": [message.attempts for message in messages],
        "worker": worker,
    }
    with database.transaction() as cursor:
        cursor.run(SQL["release"], released)
        notify(cursor, OUTBOX)


def page(database: Database, state: State, wanted: Page = FIRST) -> PageJson:
    """A page of messages in a state, oldest first: address, attempts, last error; never the body."""
    with database.transaction() as cursor:
        after = wanted.after[0] if wanted.after else None
        rows = cursor.all(SQL["list"], {"state": state, "after": after, "seen": seen_targets(), "limit": wanted.limit + 1})
    return PAGES.answer(wanted, [((item["message_id"],), item) for item in map(_as_json, rows)])


def redeliver(database: Database, message_id: str | None = None) -> int:
    """Make one message, or all that were given up, due now, under the same id and for another three days. Returns their number.

    A delivered message may be sent again too. NotFound if there is no such message, or it is just being sent."""
    with database.transaction() as cursor:
        chosen = "redeliver_failed" if message_id is None else "redeliver"
        number = cursor.run(SQL[chosen], {"message_id": message_id, "seen": seen_targets()})
        if message_id is not None and number == 0:
            raise NotFound(f"there is no delivery {message_id}, or it is just under way")
        notify(cursor, OUTBOX)
        if number:
            named = subject("delivery", message_id or "all")
            audit.record_asked(cursor, "delivery.sent_again", named, {"deliveries": number})
    return number


def _as_json(row: Row) -> dict[str, Any]:
    return {
        name: rfc3339(value) if isinstance(value, datetime) else value
        for name, value in (row | {"message_id": str(row["message_id"]), "check_id": str(row["check_id"])}).items()
    }
