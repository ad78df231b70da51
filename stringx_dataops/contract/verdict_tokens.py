"""The form of signed verdicts: JSON Web Tokens (RFC 7519) that say how a gate is, and the JSON Web Keys that verify them. Of the
algorithms there is one, EdDSA with Ed25519 (RFC 8037): a token cannot choose another. Nothing here signs or verifies."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.moments import parse_moment
from stringx_dataops.contract.messages.verdicts import Gate, Verdict

ALGORITHM, CURVE, TYPE = "EdDSA", "Ed25519", "stringx-verdict+jwt"
LIFE_S = 3600  # a token is valid for at most so long
MOST_BYTES = 16 * 1024  # of a token
PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64
_BASE64 = re.compile(r"[A-Za-z0-9_-]*")


def _moment(value: object) -> datetime:
    """RFC 3339 alone: no number, whatever it might stand for."""
    if isinstance(value, datetime):
        return value
    return parse_moment(value if isinstance(value, str) else "")


_Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
_Seconds = Annotated[int, Field(strict=True, ge=0, le=253_402_300_799)]  # since 1970


class VerdictClaims(BaseModel):
    """What a token says. `table` or `dataset` is absent, and so is what the deciding check does not have. `request_id` and
    `not_before` are those that were asked for. Claims that another release added are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    iss: str
    sub: str
    jti: str
    iat: _Seconds
    nbf: _Seconds
    exp: _Seconds
    gate: Gate
    target: str
    table: str | None = None
    dataset: str | None = None
    verdict: Verdict | None = None
    check_id: str | None = None
    snapshot_at: _Moment | None = None
    rules_hash: str | None = None
    window: dict[str, Any] | None = None
    request_id: str | None = None
    not_before: _Moment | None = None

    def as_json(self) -> JsonObject:
        """The payload of a token."""
        return self.model_dump(mode="json", exclude_none=True)


class JsonWebKey(BaseModel):
    """A public key, as RFC 8037 has it."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"
    kid: str
    x: str


class JsonWebKeys(BaseModel):
    """The keys that verify verdicts, the newest first."""

    keys: list[JsonWebKey]


@dataclass(frozen=True)
class Parts:
    """A token taken apart; nothing in it is verified yet."""

    header: Mapping[str, Any]
    payload: Any
    signed: bytes  # what the signature covers
    signature: bytes


def subject_of(target: str, table: str | None, dataset: str | None) -> str:
    """The claim `sub`: table:nyc/public.flights, or dataset:nyc/departures."""
    return f"table:{target}/{table}" if dataset is None else f"dataset:{target}/{dataset}"


def signing_input(kid: str, claims: VerdictClaims) -> str:
    """The part of a token that its signature covers."""
    header = {"alg": ALGORITHM, "kid": kid, "typ": TYPE}
    return ".".join(encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims.as_json()))


def taken_apart(token: str) -> Parts:
    """The parts of a token. Raises ValueError with a sentence."""
    pieces = token.split(".")
    if len(token) > MOST_BYTES or len(pieces) != 3:
        raise ValueError("it is no signed verdict, which has three parts with dots between them")
    try:
        header, payload = (json.loads(decoded(piece)) for piece in pieces[:2])
        signature = decoded(pieces[2])
    except (ValueError, RecursionError) as error:
        raise ValueError("it cannot be read: a part is no base64url of JSON") from error
    if not isinstance(header, dict):
        raise ValueError("it cannot be read: its header is no JSON object")
    return Parts(header, payload, token.rpartition(".")[0].encode(), signature)


def encoded(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes of base64url without padding; ValueError for any other spelling of them, so that a token has one."""
    if not _BASE64.fullmatch(text):
        raise ValueError("no base64url")
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encoded(data) != text:
        raise ValueError("no base64url in its only spelling")
    return data
