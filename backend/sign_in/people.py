"""Sessions of people in the internal database. What a person may do is read from OIDC_ROLES at each request."""

import hashlib
import secrets
from pathlib import Path
from typing import NoReturn

from backend.sign_in.claims import Person
from database import audit
from database.audit import Entry
from database.keys import Caller
from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.messages.audit import subject
from stringx_dataops.contract.problems import Conflict, Forbidden
from stringx_dataops.contract.sign_in import SCOPES_OF, Grant, SignIn

SQL = load_queries(Path(__file__).with_suffix(".sql"))
HOURS = 12
BEGUN_S = 600  # how long a sign-in may take
MOST_REFUSALS = 1000  # in the audit log, per hour: whoever has an account at the provider may cause them
_PREFIX = "person_"  # of tokens, so that they are told apart from those of sessions with a key


def is_token(token: str) -> bool:
    """Whether the token is of a person's session."""
    return token.startswith(_PREFIX)


def begin(database: Database, sign_in: SignIn, person: Person, state: str, address: str) -> tuple[str, Caller]:
    """A new session's token, and who it is, signing in from this address. Forbidden without a role, Conflict if a session has
    begun with this state before."""
    grant = sign_in.grant_of(person.groups)
    if grant is None:
        _refuse(database, sign_in, person, address)
    token, caller = _PREFIX + secrets.token_urlsafe(32), _caller(person.caller_name, grant, address)
    with database.transaction() as cursor:
        if cursor.one(SQL["use"], {"state_hash": _hash(state), "seconds": 2 * BEGUN_S}) is None:
            raise Conflict("this sign-in was used already; sign in again")
        named = {"token_hash": _hash(token), "client_id": sign_in.client_id, "groups": list(person.groups), "hours": HOURS}
        named |= {"issuer": person.issuer, "subject": person.subject, "name": person.caller_name}
        cursor.run(SQL["begin"], named)
        role = {"role": grant.role, "targets": None if grant.targets is None else audit.names(sorted(grant.targets))}
        audit.record(cursor, caller, "login.succeeded", subject("person", person.subject), {"issuer": person.issuer} | role)
    return token, caller


def _refuse(database: Database, sign_in: SignIn, person: Person, address: str) -> NoReturn:
    """Forbidden, because none of the groups has a role."""
    why = f"none of the groups that the provider names ({len(person.groups)}) has a role here, by OIDC_ROLES"
    if not person.groups:
        why = f"the provider names no group in the claim {sign_in.groups_claim} (OIDC_GROUPS_CLAIM)"
    refused = Caller(person.caller_name, frozenset(), address=address)
    entry = Entry("login.failed", subject("person", person.subject), {"issuer": person.issuer, "why": "no role"})
    with database.transaction() as cursor:
        audit.record_all(cursor, refused, [entry], MOST_REFUSALS)
    raise Forbidden(f"{person.name} has signed in, but may see nothing here: {why}")


def find(database: Database, sign_in: SignIn | None, token: str) -> Caller | None:
    """Who is signed in with the token; None if nobody is any more, or has no role any more."""
    if sign_in is None:
        return None
    with database.statements() as cursor:
        named = {"token_hash": _hash(token), "issuer": sign_in.issuer, "client_id": sign_in.client_id}
        row = cursor.one(SQL["find"], named)
    grant = sign_in.grant_of(row["groups"]) if row is not None else None
    return _caller(row["name"], grant) if row is not None and grant is not None else None


def finish(database: Database, token: str) -> None:
    """Sign out."""
    with database.transaction() as cursor:
        row = cursor.one(SQL["finish"], {"token_hash": _hash(token)})
        if row is not None:
            audit.record_asked(cursor, "logout", subject("person", row["subject"]))


def _caller(name: str, grant: Grant, address: str | None = None) -> Caller:
    return Caller(name, SCOPES_OF[grant.role], grant.targets, address)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
