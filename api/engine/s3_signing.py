"""Keys of S3, and requests that are signed with them: AWS Signature Version 4, as
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html describes it."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

_LINE = re.compile(r"\s*(aws_[a-z_]+)\s*=\s*(\S+)\s*")
_SECTION = re.compile(r"\s*\[[^\]]*\]\s*")
_NAMES = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
}
_LONGEST = 16 * 1024  # characters of a secret
FORM = "write aws_access_key_id = … and aws_secret_access_key = … on a line each, and aws_session_token = … if there is one"


@dataclass(frozen=True)
class Keys:
    """What signs requests."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Keys":
        """From a text as in AWS's file `credentials`, with one profile. ValueError, without a part of the text, if it is none."""
        found: dict[str, str] = {}
        if len(text) > _LONGEST:
            raise ValueError(f"is too long; {FORM}")
        for line in text.splitlines():
            if not line.strip() or line.lstrip().startswith("#") or (_SECTION.fullmatch(line) and not found):
                continue
            named = _LINE.fullmatch(line)
            if named is None or named[1] not in _NAMES or _NAMES[named[1]] in found or not named[2].isascii():
                raise ValueError(f"holds something else than keys of S3; {FORM}")
            found[_NAMES[named[1]]] = named[2]
        if "access_key_id" not in found or "secret_access_key" not in found:
            raise ValueError(f"lacks a key; {FORM}")
        return cls(**found)


def quoted_path(path: str) -> str:
    """A path as it stands in an address, and in what is signed."""
    return quote(path, safe="/-_.~")


def quoted_query(query: Mapping[str, str]) -> str:
    """A query as it stands in both, in the order in which it is signed."""
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(query.items()))


def signed(
    method: str,
    host: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    place: str,
    keys: Keys,
    at: datetime,
    body: bytes = b"",
) -> dict[str, str]:
    """The headers of a request. `path` and `query` are quoted, `place` is the region, `at` a moment in UTC. All `headers` are
    signed."""
    body_hash = hashlib.sha256(body).hexdigest()
    moment, day = f"{at:%Y%m%dT%H%M%SZ}", f"{at:%Y%m%d}"
    sent = {name.lower(): value for name, value in headers.items()}
    sent |= {"host": host, "x-amz-content-sha256": body_hash, "x-amz-date": moment}
    if keys.session_token is not None:
        sent["x-amz-security-token"] = keys.session_token
    names = ";".join(sorted(sent))
    lines = "".join(f"{name}:{sent[name]}\n" for name in sorted(sent))
    request = "\n".join([method, path, query, lines, names, body_hash])
    scope = f"{day}/{place}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in (day, place, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    authorization = f"AWS4-HMAC-SHA256 Credential={keys.access_key_id}/{scope},SignedHeaders={names},Signature={signature}"
    return sent | {"authorization": authorization}
