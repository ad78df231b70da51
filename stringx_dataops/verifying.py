"""Verifies signed verdicts offline: with the token, and the keys of `/.well-known/jwks.json`. Needs the extra `verify`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from stringx_dataops.contract.verdict_tokens import (
    ALGORITHM,
    CURVE,
    LIFE_S,
    PUBLIC_BYTES,
    SIGNATURE_BYTES,
    TYPE,
    VerdictClaims,
    decoded,
    subject_of,
    taken_apart,
)
from stringx_dataops.errors import Untrusted

LEEWAY_S = 30  # that the clock here may be behind the Backend's; none is given to a token's end
MOST_KEYS = 100
_SHOWN = 100


@dataclass(frozen=True)
class Wanted:
    """What a verdict must be about, besides being valid. `max_age_s`: of its snapshot. `issued_within_s`: how long ago it may
    have been signed."""

    target: str | None = None
    table: str | None = None
    dataset: str | None = None
    request_id: str | None = None
    rules_hash: str | None = None
    issuer: str | None = None
    max_age_s: float | None = None
    issued_within_s: float | None = None


def verify(token: str, keys: Mapping[str, Any], wanted: Wanted = Wanted(), now: datetime | None = None) -> VerdictClaims:
    """What the token says, open or closed. `keys`: the JSON of `/.well-known/jwks.json`, ValueError if it is none. Raises
    Untrusted with one sentence for a token that is not signed by one of them, not valid now, or about something else."""
    try:
        parts = taken_apart(token)
    except ValueError as error:
        raise Untrusted(str(error)) from error
    for name, value in (("alg", ALGORITHM), ("typ", TYPE)):
        if parts.header.get(name) != value:
            raise Untrusted(f"its {name} is {str(parts.header.get(name))[:_SHOWN]!r}; signed verdicts have {value}")
    if "crit" in parts.header:
        raise Untrusted("its header asks for something that is not known here (crit)")
    key = _key(keys, parts.header.get("kid"))
    try:
        if len(parts.signature) != SIGNATURE_BYTES:
            raise InvalidSignature
        Ed25519PublicKey.from_public_bytes(key).verify(parts.signature, parts.signed)
    except InvalidSignature:
        raise Untrusted("its signature is wrong: it was changed, or signed by somebody else") from None
    claims = _claims(parts.payload)
    _require_valid(claims, now or datetime.now(timezone.utc), wanted)
    _require_wanted(claims, wanted)
    return claims


def _key(keys: Mapping[str, Any], kid: Any) -> bytes:
    """The public key of this id."""
    listed = keys.get("keys") if isinstance(keys, Mapping) else None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS or not all(isinstance(each, Mapping) for each in listed):
        raise ValueError(
            f"the keys are no JSON Web Key Set of at most {MOST_KEYS} keys; fetch /.well-known/jwks.json of the Backend"
        )
    found = [each for each in listed if isinstance(kid, str) and each.get("kid") == kid]
    if not found:
        raise Untrusted(
            f"no key has its kid {str(kid)[:_SHOWN]!r}: fetch /.well-known/jwks.json again; if it is not there, reject it"
        )
    if len(found) > 1:
        raise Untrusted(f"several keys have its kid {str(kid)[:_SHOWN]!r}")
    key = found[0]
    if (key.get("kty"), key.get("crv")) != ("OKP", CURVE) or key.get("alg", ALGORITHM) not in (ALGORITHM, CURVE):
        raise Untrusted(f"the key {str(kid)[:_SHOWN]!r} is none of {CURVE}")
    if key.get("use", "sig") != "sig":
        raise Untrusted(f"the key {str(kid)[:_SHOWN]!r} does not verify signatures")
    try:
        data = decoded(str(key.get("x")))
    except ValueError:
        data = b""
    if len(data) != PUBLIC_BYTES:
        raise Untrusted(f"the key {str(kid)[:_SHOWN]!r} cannot be read")
    return data


def _claims(payload: Any) -> VerdictClaims:
    try:
        claims = VerdictClaims.model_validate(payload)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise Untrusted(f"it lacks something that verdicts have, or has it in another form: {place or 'its claims'}") from error
    if (claims.table is None) == (claims.dataset is None) or claims.sub != subject_of(
        claims.target, claims.table, claims.dataset
    ):
        raise Untrusted("it is not of one table or one dataset")
    if claims.exp - claims.iat > LIFE_S:
        raise Untrusted("it would be valid for longer than an hour, which no verdict is")
    return claims


def _require_valid(claims: VerdictClaims, now: datetime, wanted: Wanted) -> None:
    seconds = now.timestamp()
    if seconds >= claims.exp:
        raise Untrusted(f"it has expired at {_moment(claims.exp)}; ask for a new one")
    if seconds + LEEWAY_S < max(claims.iat, claims.nbf):
        raise Untrusted(f"it is not valid before {_moment(max(claims.iat, claims.nbf))}; look at this machine's clock")
    if wanted.issued_within_s is not None and seconds - claims.iat > wanted.issued_within_s:
        raise Untrusted(f"it was signed at {_moment(claims.iat)}, longer ago than is wanted; ask for a new one")
    if wanted.max_age_s is not None:
        if claims.snapshot_at is None:
            raise Untrusted("it has no snapshot whose age could be told")
        if now - claims.snapshot_at > timedelta(seconds=wanted.max_age_s):
            raise Untrusted(f"its snapshot, {claims.snapshot_at.isoformat()}, is older than is wanted; ask for a new check")


def _require_wanted(claims: VerdictClaims, wanted: Wanted) -> None:
    for name, has, wants in (
        ("target", claims.target, wanted.target),
        ("table", claims.table, wanted.table),
        ("dataset", claims.dataset, wanted.dataset),
        ("request_id", claims.request_id, wanted.request_id),
        ("rules_hash", claims.rules_hash, wanted.rules_hash),
        ("issuer", claims.iss, wanted.issuer),
    ):
        if wants is not None and has != wants:
            told = "has none" if has is None else f"is of {has[:_SHOWN]!r}"
            raise Untrusted(f"its {name} is not the wanted one: it {told}, wanted is {wants[:_SHOWN]!r}")


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
