"""Signing in to the dashboard with a key: sessions in the internal database, CSRF tokens, and a wait after wrong keys."""

import hashlib
import hmac
import ipaddress
import secrets
from pathlib import Path

from database import audit, keys
from database.audit import Entry
from database.keys import Caller
from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.keys import UNKNOWN, hash_key, prefix_of
from stringx_dataops.contract.messages.audit import subject
from stringx_dataops.contract.problems import Busy, Unauthenticated

SQL = load_queries(Path(__file__).with_suffix(".sql"))
HOURS = 12
_FREE_TRIES, _LONGEST_WAIT_S = 5, 300
_FAILED_PER_HOUR = 1000  # failed logins in the audit log: anybody can cause them


def begin(database: Database, key: str, address: str) -> tuple[str, Caller]:
    """A new session's token, and who it is. Unauthenticated for a wrong key, Busy for one while the address has to wait,
    Forbidden for a key without the scope `read`."""
    try:
        caller = keys.authenticate(database, key, address)
    except Unauthenticated:
        _slow_down(database, address, key)
        raise
    named = subject("key", caller.name)
    if "read" not in caller.scopes:
        with database.transaction() as cursor:
            audit.record_all(cursor, caller, [Entry("login.failed", named)], _FAILED_PER_HOUR)
    caller.require("read")
    token = secrets.token_urlsafe(32)
    with database.transaction() as cursor:
        audit.record(cursor, caller, "login.succeeded", named)
        cursor.run(SQL["succeeded"], {"address": _network(address)})
        of = {"token_hash": _hash(token), "key_name": caller.name, "key_hash": hash_key(key), "hours": HOURS}
        cursor.run(SQL["begin"], of)
    return token, caller


def find(database: Database, token: str | None) -> Caller | None:
    """Who is signed in with the token; None if nobody is any more."""
    if not token:
        return None
    with database.statements() as cursor:
        row = cursor.one(SQL["find"], {"token_hash": _hash(token)})
    return keys.caller_of(row["name"], row["scopes"], row["targets"]) if row is not None else None


def finish(database: Database, token: str) -> None:
    """Sign out."""
    with database.transaction() as cursor:
        if cursor.run(SQL["finish"], {"token_hash": _hash(token)}) and (caller := keys.who_asks()) is not None:
            audit.record(cursor, caller, "logout", subject("key", caller.name))


def csrf(token: str) -> str:
    """The token that every form of the session carries: only who knows the session can make it."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def is_csrf(token: str, given: str) -> bool:
    """Whether a form's token is that of the session."""
    return hmac.compare_digest(csrf(token).encode(), given.encode())


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _slow_down(database: Database, address: str, key: str) -> None:
    """Count a wrong key, and write down that it was tried; Busy while the address's network has to wait. A right key never
    waits, so nobody can lock others out."""
    network = _network(address)
    with database.transaction() as cursor:
        row = cursor.one(SQL["wait_s"], {"address": network, "free": _FREE_TRIES, "longest": _LONGEST_WAIT_S})
        if row is None or row["wait_s"] <= 0:
            cursor.run(SQL["failed"], {"address": network})
            nobody, tried = Caller(UNKNOWN, frozenset(), address=address), {"prefix": prefix_of(key)}
            audit.record_all(cursor, nobody, [Entry("login.failed", subject("login", "key"), tried)], _FAILED_PER_HOUR)
            return
    seconds = int(row["wait_s"]) + 1
    raise Busy(f"too many wrong keys from this address; try again in {seconds} s", retry_after_s=seconds)


def _network(address: str) -> str:
    """The address; of IPv6 the network of 64 bits, which one customer has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else address
