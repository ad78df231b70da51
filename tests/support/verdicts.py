"""Signed verdicts in tests: keys and tokens made by hand, so that a token may be wrong in every way."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stringx_dataops.contract.verdict_tokens import encoded

NOW = datetime(2026, 1, 31, 6, 0, 0, tzinfo=UTC)
_AT = int(NOW.timestamp())
CLAIMS = {
    "iss": "http://checks", "sub": "table:nyc/public.flights", "jti": "1", "iat": _AT, "nbf": _AT, "exp": _AT + 600,
    "gate": "open", "target": "nyc", "table": "public.flights", "verdict": "pass", "check_id": "c1",
    "snapshot_at": "2026-01-31T05:50:00Z", "rules_hash": "h1",
}  # fmt: skip
HEADER = {"alg": "EdDSA", "typ": "stringx-verdict+jwt"}


@dataclass(frozen=True)
class Pair:
    """A key with its id."""

    kid: str
    private: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    def jwk(self, **changes: Any) -> dict[str, Any]:
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "alg": "EdDSA",
            "use": "sig",
            "kid": self.kid,
            "x": encoded(self.public),
        } | changes

    def token(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """A token of CLAIMS with these changes; what is None is left out."""
        claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
        signed = signed_part(HEADER | {"kid": self.kid} | (header or {}), claims)
        return f"{signed}.{encoded(self.private.sign(signed.encode()))}"


def pair(kid: str = "k1", seed: int = 1) -> Pair:
    return Pair(kid, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def keys(*pairs: Pair) -> dict[str, Any]:
    return {"keys": [each.jwk() for each in pairs]}


def signed_part(header: Any, claims: Any) -> str:
    return ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
