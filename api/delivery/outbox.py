"""Delivering results to the Backend: written with the result, posted until acknowledged, signed as Standard Webhooks say, always
under one id."""

import json
import logging
import random
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import requests

from database.leases import POST_LEASE_S
from database.pool import Cursor, Database, Row
from database.queries import load_queries, together
from stringx_dataops.contract import signatures
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.messages import answers
from stringx_dataops.contract.messages.pages import FIRST, Page, PageJson, Pages
from stringx_dataops.contract.messages.sizes import smaller
from stringx_dataops.contract.problems import NotFound

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_DELIVERED_AND_NEXT = together(SQL["delivered"], SQL["claim"])
OUTBOX = "outbox"  # the payload that wakes the sender
PAGES = Pages("deliveries")  # positions: the id of a message
_TIMEOUT_S = (5, 15)  # connect, read: together, and with the time for the answer's body, within a lease
_LARGEST_ANSWER, _ANSWER_S = 64 * 1024, 2.0
_SHORTEST_DELAY_S, _LONGEST_DELAY_S = 0.5, 600.0
_LONGEST_RETRY_AFTER_S = 3600.0
_GONE, _TOO_LARGE = 410, 413
_REFUSED = (400, 422)  # the receiver has read it, and does not take it
_REFUSALS = 5  # attempts that a receiver may refuse before less is sent
_LEFT_OUT = ("/rules", "/tables", "/dbt", "/notes")  # in a smaller result

State = Literal["waiting", "delivered", "failed"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Credentials:
    """What a post carries besides its body."""

    worker: str
    service_key: str
    signing_secrets: list[str]


@dataclass(frozen=True)
class Refusal:
    """Why a post failed. `retry_after_s`: the wait that the receiver asked for. `for_ever`: do not retry. `takes_not`: what the
    receiver does not take; a smaller result is then sent in its place, with this text in its note."""

    error: str
    retry_after_s: float | None = None
    for_ever: bool = False
    takes_not: str | None = None


def put(cursor: Cursor, check_id: str, url: str, body: str) -> None:
    """Write a message down in the transaction of what it tells."""
    cursor.run(SQL["put"], message(url, body) | {"check_id": check_id})


def message(url: str, body: str) -> dict[str, str]:
    """A new message's columns, but for the check that it is of."""
    return {"message_id": new_id(), "url": url, "origin": origin(url), "body": body}


def origin(url: str) -> str:
    """Scheme, host and port: what is away, or answers, as a whole."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def claim(database: Database, credentials: Credentials) -> Row | None:
    """A message that is due, leased to the credentials."""
    with database.statements() as cursor:
        return cursor.one(SQL["claim"], _claimant(credentials))


def deliver(database: Database, credentials: Credentials, session: requests.Session, message: Row) -> Row | None:
    """Post a claimed message; the next one that is due, claimed."""
    refusal = _post(session, credentials, message)
    held = {"message_id": message["message_id"], "worker": credentials.worker}
    if refusal is not None:
        _postpone(database, message, held, refusal)
    elif message["attempts"] > 1:
        with database.transaction() as cursor:
            cursor.run(SQL["delivered"], held)  # it answers again: what waits for it need not wait for its turn
            cursor.run(SQL["due_now"], {"origin": message["origin"]})
    else:
        with database.statements() as cursor:
            return cursor.one(_DELIVERED_AND_NEXT, held | _claimant(credentials))
    return claim(database, credentials)


def _postpone(database: Database, message: Row, held: dict[str, Any], refusal: Refusal) -> None:
    body = _smaller(message["body"], refusal.takes_not) if refusal.takes_not is not None else None
    gives_up = refusal.for_ever or message["expired"] or body is not None
    log.warning(
        "result not delivered to %s (attempt %d)%s: %s",
        message["origin"], message["attempts"], ", given up" if gives_up else "", refusal.error,
        extra={"check_id": str(message["check_id"])},
    )  # fmt: skip
    delay_s = _delay_s(message["attempts"], refusal.retry_after_s)
    with database.transaction() as cursor:
        postponed = cursor.run(SQL["postpone"], held | {"error": refusal.error, "delay_s": delay_s, "give_up": gives_up})
        if postponed and body is not None:
            put(cursor, str(message["check_id"]), message["url"], body)


def _smaller(body: str, takes_not: str) -> str | None:
    """A result for a receiver that takes less, so that its request ends: without samples, then without rules."""
    found = smaller(json.loads(body), f"the receiver takes {takes_not}; DataOps has all of it")
    return json.dumps(found, ensure_ascii=False) if found is not None else None


def _claimant(credentials: Credentials) -> dict[str, Any]:
    return {"worker": credentials.worker, "lease_s": POST_LEASE_S}


def page(database: Database, state: State, wanted: Page = FIRST) -> PageJson:
    """A page of messages in a state, the oldest first: where to, how often tried, why not delivered; never the body."""
    with database.transaction() as cursor:
        after = wanted.after[0] if wanted.after else None
        rows = cursor.all(SQL[f"list_{state}"], {"after": after, "limit": wanted.limit + 1})
    return PAGES.answer(wanted, [((item["message_id"],), item) for item in map(_as_json, rows)])


def redeliver(database: Database, message_id: str | None = None) -> int:
    """Make one message, or all that were given up, due now, under the same id and for another three days; how many.

    One that was delivered may be sent again too. NotFound where there is no such message."""
    with database.transaction() as cursor:
        chosen = "redeliver_failed" if message_id is None else "redeliver"
        number = cursor.run(SQL[chosen], {"message_id": message_id})
        if message_id is not None and number == 0:
            raise NotFound(f"there is no delivery {message_id}, or it is just under way")
        cursor.run(SQL["wake"], {"payload": OUTBOX})
    return number


def _post(session: requests.Session, credentials: Credentials, message: Row) -> Refusal | None:
    """None where the receiver acknowledged."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {credentials.service_key}"}
    headers |= signatures.sign(credentials.signing_secrets, str(message["message_id"]), message["body"], message["now"])
    headers["Accept-Encoding"] = "identity"
    answer: answers.Answer | None = None
    try:
        response = session.post(message["url"], data=message["body"].encode(), headers=headers, timeout=_TIMEOUT_S, stream=True)
    except answers.FAULTS as error:
        return Refusal(answers.words_of(error))
    try:
        answer = answers.read(response, _LARGEST_ANSWER, _ANSWER_S)  # what was read to its end keeps the connection
        is_page, said = answer.body.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")), answer.described()
    except answers.Unreadable as error:
        is_page, said = "html" in response.headers.get("Content-Type", "").lower(), answers.words_of(error)
    if 200 <= response.status_code < 300:
        return Refusal(said) if is_page else None  # a page is no receiver's: a login's, or a proxy's
    retry_after_s = _retry_after_s(response.headers.get("Retry-After"), message["now"])
    if response.status_code == _TOO_LARGE:
        size = len(message["body"].encode())
        takes_not = f"no result of this size (status {_TOO_LARGE})"
        return Refusal(f"status {_TOO_LARGE}: the receiver takes no result of {size:,} bytes", for_ever=True, takes_not=takes_not)
    if answer is not None and _is_refused(answer):
        refused = f"status {answer.status}: {answer.detail()}"
        gives_in = message["attempts"] >= _REFUSALS and _may_help(answer)
        return Refusal(refused, retry_after_s, takes_not=f"not this result ({refused})" if gives_in else None)
    return Refusal(f"status {response.status_code}", retry_after_s, for_ever=response.status_code == _GONE)


def _is_refused(answer: answers.Answer) -> bool:
    kind = (answer.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    return answer.status in _REFUSED and kind == "application/problem+json" and answer.is_problem


def _may_help(answer: answers.Answer) -> bool:
    """Whether a smaller result may be taken: each field that the receiver names, if any, is one that is left out there. A clock
    that is wrong, say, is set some time, and then the whole result is taken."""
    errors = answer.field("errors")
    named = errors if isinstance(errors, list) else []
    pointers = [error.get("pointer") if isinstance(error, dict) else None for error in named]
    return all(isinstance(pointer, str) and pointer.startswith(_LEFT_OUT) for pointer in pointers)


def _retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds, or until a date; None where it is neither."""
    if header is None:
        return None
    try:
        seconds = float(header) if header.strip().isdigit() else (parsedate_to_datetime(header) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, seconds), _LONGEST_RETRY_AFTER_S)


def _delay_s(attempts: int, retry_after_s: float | None = None) -> float:
    """Exponential backoff with full jitter, and never sooner than the receiver wants."""
    jittered = random.uniform(0, min(_LONGEST_DELAY_S, 2.0 ** min(attempts, 12)))  # noqa: S311 (no secret)
    return _SHORTEST_DELAY_S + jittered + (retry_after_s or 0.0)


def _as_json(row: Row) -> dict[str, Any]:
    return {
        name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
        for name, value in (row | {"message_id": str(row["message_id"]), "check_id": str(row["check_id"])}).items()
    }
