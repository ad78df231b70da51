"""API keys in the internal database: stored hashed, looked up by hash, so that no comparison depends on the key. And who asks:
what the one who sent the current request may see."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.keys import ITSELF, KeyScope, hash_key, prefix_of
from stringx_dataops.contract.problems import Forbidden, StringXError, Unauthenticated

SQL = load_queries(Path(__file__).with_suffix(".sql"))
PERSON = "person:"


@dataclass(frozen=True)
class Caller:
    """Who sent a request: the name and the scopes of the key, or of the person. `targets`: those that the key is limited to; None
    is all. `address`: where the request came from."""

    name: str
    scopes: frozenset[str]
    targets: frozenset[str] | None = None
    address: str | None = None

    @property
    def is_person(self) -> bool:
        """Whether it is somebody who signed in at an OpenID provider: person:NAME. No key's name has a colon."""
        return self.name.startswith(PERSON)

    @property
    def described(self) -> str:
        """As messages name the caller."""
        return self.name if self.is_person else f"the key {self.name!r}"

    def sees(self, target: str) -> bool:
        """Whether the target is one of the caller's. Every other one is answered as if it were not configured."""
        return self.targets is None or target in self.targets

    def require(self, scope: KeyScope) -> None:
        """Forbidden if the key lacks the scope."""
        if scope not in self.scopes:
            advice = "ask for a role that has it" if self.is_person else "use one that has it"
            raise Forbidden(f"{self.described} lacks the scope {scope!r}; {advice}")

    def require_unlimited(self) -> None:
        """Forbidden if the key is limited to targets: for what belongs to no target."""
        if self.targets is not None:
            advice = "ask for a role on all targets" if self.is_person else "use a key without targets"
            raise Forbidden(f"{self.described} is limited to targets, and this belongs to none; {advice}")


# Who sent the request that this thread handles; None in loops, workers and commands, which see everything.
_asking: ContextVar[Caller | None] = ContextVar("asking", default=None)


def set_asking(caller: Caller | None) -> None:
    """From now on this thread works for the caller: what it looks up by `database.configuration`, and lists that are limited to
    `seen_targets`, hold nothing of other targets. None at the end of a request."""
    _asking.set(caller)


@contextmanager
def asking(caller: Caller) -> Iterator[None]:
    """Work for the caller within the block."""
    token = _asking.set(caller)
    try:
        yield
    finally:
        _asking.reset(token)


def who_asks() -> Caller | None:
    """Who sent the request that this thread handles; None outside of requests."""
    return _asking.get()


def is_seen(target: str) -> bool:
    """Whether the one who asks sees the target."""
    caller = _asking.get()
    return caller is None or caller.sees(target)


def seen_targets() -> list[str] | None:
    """The targets that the one who asks sees, as a parameter of statements; None is all."""
    caller = _asking.get()
    return None if caller is None or caller.targets is None else sorted(caller.targets)


def register(database: Database, name: str, key: str, scopes: Sequence[KeyScope], overlap_s: float = 0) -> None:
    """Store a key of a file under a name; an older key of that name is valid for `overlap_s` seconds more."""
    named = {"name": name, "key_hash": hash_key(key), "scopes": list(scopes), "prefix": prefix_of(key), "overlap_s": overlap_s}
    named["actor"] = ITSELF
    with database.transaction() as cursor:
        cursor.run(SQL["register"], named)


def authenticate(database: Database, key: str | None, address: str | None = None) -> Caller:
    """The caller of a bearer key; Unauthenticated if there is no key, or it is unknown, expired or revoked."""
    if key is None:
        raise Unauthenticated("send a key: Authorization: Bearer …; the first one lies in $STRINGX_HOME/api-key")
    with database.statements() as cursor:
        row = cursor.one(SQL["find"], {"key_hash": hash_key(key)})
    if row is None:
        raise Unauthenticated("the key is not known, has expired or was revoked")
    if row["is_unnoted"]:
        with suppress(StringXError), database.statements() as cursor:  # such as a database that takes no writes
            cursor.run(SQL["note_use"], {"name": row["name"]})
    return caller_of(row["name"], row["scopes"], row["targets"], address)


def caller_of(name: str, scopes: Collection[str], targets: Collection[str] | None, address: str | None = None) -> Caller:
    """The caller from the columns of a key."""
    return Caller(name, frozenset(scopes), None if targets is None else frozenset(targets), address)
