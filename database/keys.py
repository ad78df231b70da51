"""API keys in the internal database: stored hashed, looked up by hash, so that no comparison depends on the key."""

from collections.abc import Sequence
from dataclasses import dataclass

from database.pool import Database
from stringx_dataops.contract.keys import KeyScope, hash_key
from stringx_dataops.contract.problems import Forbidden, Unauthenticated

_REGISTER = """
insert into stringx.api_keys (name, key_hash, scopes) values (%(name)s, %(key_hash)s, %(scopes)s)
on conflict (name) do update set key_hash = excluded.key_hash, scopes = excluded.scopes
where (api_keys.key_hash, api_keys.scopes) is distinct from (excluded.key_hash, excluded.scopes)
"""
_FIND = """
select name, scopes from stringx.api_keys
where key_hash = %(key_hash)s and revoked_at is null and (expires_at is null or expires_at > now())
"""


@dataclass(frozen=True)
class Caller:
    """Who calls, by the name of the key."""

    name: str
    scopes: frozenset[str]

    def require(self, scope: KeyScope) -> None:
        if scope not in self.scopes:
            raise Forbidden(f"the key {self.name!r} lacks the scope {scope!r}; use one that has it")


def register(database: Database, name: str, key: str, scopes: Sequence[KeyScope]) -> None:
    """A key under a name; an older one of that name is no longer valid."""
    with database.transaction() as cursor:
        cursor.run(_REGISTER, {"name": name, "key_hash": hash_key(key), "scopes": list(scopes)})


def authenticate(database: Database, key: str | None) -> Caller:
    """The caller that a bearer key names; Unauthenticated for none, an unknown, expired or revoked one."""
    if key is None:
        raise Unauthenticated("send a key: Authorization: Bearer …; the first one lies in $STRINGX_HOME/api-key")
    with database.statements() as cursor:
        row = cursor.one(_FIND, {"key_hash": hash_key(key)})
    if row is None:
        raise Unauthenticated("the key is not known, has expired or was revoked")
    return Caller(row["name"], frozenset(row["scopes"]))
