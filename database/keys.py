"""API keys in the internal database: stored hashed, looked up by hash, so that no comparison depends on the key."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.keys import KeyScope, hash_key
from stringx_dataops.contract.problems import Forbidden, Unauthenticated

SQL = load_queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class Caller:
    """Who sent a request: the name and the scopes of the key."""

    name: str
    scopes: frozenset[str]

    def require(self, scope: KeyScope) -> None:
        """Forbidden if the key lacks the scope."""
        if scope not in self.scopes:
            raise Forbidden(f"the key {self.name!r} lacks the scope {scope!r}; use one that has it")


def register(database: Database, name: str, key: str, scopes: Sequence[KeyScope]) -> None:
    """Store a key under a name; an older key of that name is no longer valid."""
    with database.transaction() as cursor:
        cursor.run(SQL["register"], {"name": name, "key_hash": hash_key(key), "scopes": list(scopes)})


def authenticate(database: Database, key: str | None) -> Caller:
    """The caller of a bearer key; Unauthenticated if there is no key, or it is unknown, expired or revoked."""
    if key is None:
        raise Unauthenticated("send a key: Authorization: Bearer …; the first one lies in $STRINGX_HOME/api-key")
    with database.statements() as cursor:
        row = cursor.one(SQL["find"], {"key_hash": hash_key(key)})
    if row is None:
        raise Unauthenticated("the key is not known, has expired or was revoked")
    return Caller(row["name"], frozenset(row["scopes"]))
