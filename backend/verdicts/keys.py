"""The keys that sign verdicts: made before the one before ends, or when somebody asks; published until no token of theirs is
valid. All Backends share them through the internal database; private keys lie there encrypted."""

import random
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import digest
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from database import audit
from database.keys import Caller
from database.loops import Loop, Loops
from database.pool import Cursor, Database
from database.queries import load_queries
from stringx_dataops.contract.keys import ITSELF
from stringx_dataops.contract.messages.audit import subject
from stringx_dataops.contract.messages.checks import rfc3339
from stringx_dataops.contract.messages.requesters import cleaned
from stringx_dataops.contract.messages.verdict_keys import VerdictKey, VerdictKeys
from stringx_dataops.contract.verdict_tokens import LIFE_S, JsonWebKey, JsonWebKeys, encoded

SQL = load_queries(Path(__file__).with_suffix(".sql"))
DAYS = 30  # that a key signs
LEAD = timedelta(days=1)  # the next key is published so long before it signs
KEPT_S = 2 * LIFE_S  # a public key is published for so long after it signed last
_REMEMBERED_DAYS = 90  # keys are listed for so long after they signed last
_LOOK_S = 600
_PURPOSE = b"stringx keys of signed verdicts"
_ITSELF = Caller(ITSELF, frozenset())


@dataclass(frozen=True)
class SigningKey:
    """A private key. `now`: by the internal database's clock; `is_begun`: whether it signs then."""

    kid: str
    private: Ed25519PrivateKey
    now: datetime
    signs_until: datetime
    is_begun: bool

    def sign(self, text: str) -> str:
        """The signature in base64url."""
        return encoded(self.private.sign(text.encode()))


class Vault:
    """Opens and makes keys. The secrets are the installation's signing secrets, the newer first: what one of them sealed is
    opened, and the first seals."""

    def __init__(self, signing_secrets: Sequence[str]) -> None:
        self._seal = MultiFernet([Fernet(_derived(each)) for each in signing_secrets])

    def signing_key(self, cursor: Cursor) -> SigningKey:
        """The key that signs now: the newest that has begun, and that this installation can open. Makes one if there is none."""
        found = self._usable(cursor)
        if not (found and found[0].is_begun):
            self.make_in_time(cursor)
            found = self._usable(cursor)
        return found[0]

    def make_in_time(self, cursor: Cursor) -> None:
        """Make a key if none signs now, or the next one if the last ends soon."""
        cursor.run(SQL["lock"])
        found = self._usable(cursor)
        if not (found and found[0].is_begun):
            self._make(cursor, _ITSELF, None)
        elif (last := max(each.signs_until for each in found)) - found[0].now < LEAD:
            self._make(cursor, _ITSELF, last)

    def rotate(self, cursor: Cursor, caller: Caller, withdraw: bool) -> VerdictKey:
        """A new key that signs from now on, in place of all others. `withdraw`: nothing that these have signed is to be trusted
        any more."""
        cursor.run(SQL["lock"])
        kid = self._make(cursor, caller, None)
        cursor.run(SQL["end"], {"kid": kid, "withdraw": withdraw})
        audit.record(cursor, caller, "verdict_key.rotated", subject("verdict_key", kid), {"withdrawn_before": withdraw})
        return next(each for each in listed(cursor).items if each.kid == kid)

    def _usable(self, cursor: Cursor) -> list[SigningKey]:
        """Those that sign now come first."""
        found = []
        for row in cursor.all(SQL["usable"]):
            with suppress(InvalidToken):  # sealed by a signing secret that this installation has no more
                private = Ed25519PrivateKey.from_private_bytes(self._seal.decrypt(row["sealed"].encode()))
                if _public(private) == row["public_key"]:
                    found.append(SigningKey(row["kid"], private, row["now"], row["signs_until"], row["is_begun"]))
        return found

    def _make(self, cursor: Cursor, caller: Caller, signs_from: datetime | None) -> str:
        private, kid = Ed25519PrivateKey.generate(), secrets.token_hex(8)
        sealed = self._seal.encrypt(private.private_bytes_raw()).decode()
        row = {"kid": kid, "public_key": _public(private), "sealed": sealed, "by": cleaned(caller.name), "days": DAYS}
        made = cursor.one(SQL["create"], row | {"signs_from": signs_from})
        assert made is not None
        details = {"signs_from": rfc3339(made["signs_from"]), "signs_until": rfc3339(made["signs_until"])}
        audit.record(cursor, caller, "verdict_key.created", subject("verdict_key", kid), details)
        return kid


def listed(cursor: Cursor) -> VerdictKeys:
    """Keys, those that have ended in the last three months included."""
    rows = cursor.all(SQL["list"], {"kept_s": KEPT_S})
    return VerdictKeys(items=[VerdictKey.model_validate(row) for row in rows])


def published(database: Database) -> JsonWebKeys:
    """The public keys of all that sign, will sign, or have signed what may still be valid."""
    with database.statements() as cursor:
        rows = cursor.all(SQL["published"], {"kept_s": KEPT_S})
    return JsonWebKeys(keys=[JsonWebKey(kid=row["kid"], x=row["public_key"]) for row in rows])


def start(database: Database, vault: Vault, loops: Loops) -> None:
    """Make keys in time, and forget old ones, in a daemon thread."""

    def turn(_: Loop) -> float:
        with database.transaction() as cursor:
            vault.make_in_time(cursor)
            cursor.run(SQL["forget"], {"days": _REMEMBERED_DAYS})
        return random.uniform(_LOOK_S / 2, _LOOK_S)  # noqa: S311 (no secret)

    loops.start("verdict keys", turn)


def _public(private: Ed25519PrivateKey) -> str:
    return encoded(private.public_key().public_bytes_raw())


def _derived(signing_secret: str) -> bytes:
    """The key that seals, so that what a copy of the internal database holds signs nothing."""
    key = signing_secret.removeprefix("whsec_").encode()
    return urlsafe_b64encode(digest(key, _PURPOSE, "sha256"))
