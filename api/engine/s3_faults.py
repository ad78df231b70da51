"""What a storage's refusals mean, in one line that names the fix. Nothing of what it says is shown but a region."""

import re
import xml.etree.ElementTree as xml
from collections.abc import Mapping

_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_CORRECT = "correct what s3.credentials_file or s3.credentials_env of the target names"
_BY_CODE: dict[str, str] = {
    "NoSuchBucket": "there is no such bucket; correct its name, or s3.endpoint and s3.region of the target",
    "NoSuchKey": "there is no such object",
    "InvalidAccessKeyId": f"the storage does not know the access key; {_CORRECT}",
    "XAdminUserNotFound": f"the storage does not know the access key; {_CORRECT}",
    "SignatureDoesNotMatch": f"the secret access key is wrong; {_CORRECT}",
    "ExpiredToken": f"the session token has expired; {_CORRECT}",
    "InvalidToken": f"the session token is wrong; {_CORRECT}",
    "RequestTimeTooSkewed": "the clocks of the storage and of the workers differ; set them",
    "InvalidObjectState": "it is archived; restore it, or take it away",
    "PreconditionFailed": "it was replaced while it was read",
    "AllAccessDisabled": "access to the bucket is disabled; have it enabled there",
}
_DENIED = "access denied; let the keys of the target read it (s3:GetObject, and s3:ListBucket for patterns)"
_BY_STATUS = {
    400: f"the storage takes the request for a bad one; {_CORRECT}, and s3.region",
    401: _DENIED,
    403: _DENIED,
    404: "what answers does not say that there is no such object, as a storage does; correct s3.endpoint of the target",
    412: _BY_CODE["PreconditionFailed"],
    416: "it is shorter than before",
}


class StorageFault(OSError):
    """What a storage refused or cannot do; the text is one line."""


class Missing(StorageFault):
    """There is no such object."""


class Replaced(StorageFault):
    """The object is no longer the one that was looked at."""


_IN_PYTHON = re.compile(r"Traceback \(most recent call last\):\n(?:.*\n)*?[\w.]*\b(?:StorageFault|Missing|Replaced): (.*)")


def fault_in(message: str) -> str | None:
    """The line of a fault that was raised below a database's statement; None if its error is about something else."""
    found = _IN_PYTHON.match(message)
    return found[1][:600] if found else None


def refusal(place: str, status: int, headers: Mapping[str, str], body: bytes) -> StorageFault:
    """The fault of an answer that is no success. `place` names the bucket or object."""
    code, region = _said(body)
    region = headers.get("x-amz-bucket-region") or region
    if status == 404 and code == "NoSuchKey":  # whatever else answers with 404 knows nothing of objects
        return Missing(f"{place}: {_BY_CODE['NoSuchKey']}")
    if status == 412:
        return Replaced(f"{place}: {_BY_CODE['PreconditionFailed']}")
    if code in (
        "PermanentRedirect",
        "TemporaryRedirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
    ) or (300 <= status < 400):
        where = (
            f"in the region {region}; set s3.region of the target to it"
            if region and _REGION.fullmatch(region)
            else ("elsewhere; correct s3.region or s3.endpoint of the target")
        )
        return StorageFault(f"{place}: the bucket is {where}")
    words = _BY_CODE.get(code) or _BY_STATUS.get(status)
    if words is None and status >= 500:
        words = f"the storage failed several times (HTTP {status}); check again later"
    return StorageFault(
        f"{place}: {words or f'the storage answered with HTTP {status}, which is unexpected; correct s3.endpoint'}"
    )


def _said(body: bytes) -> tuple[str, str | None]:
    """The code and the region in the answer to a refused request."""
    try:
        root = tree(body)
    except ValueError:
        return "", None
    found = {each.tag.rpartition("}")[2]: each.text or "" for each in root}
    return found.get("Code", ""), found.get("Region")


def tree(body: bytes) -> xml.Element:
    """An answer in XML. ValueError if it is something else; one that defines names of its own is refused."""
    if b"<!" in body:
        raise ValueError("no plain XML")
    try:
        return xml.fromstring(body)  # noqa: S314 (no definitions, so nothing expands)
    except xml.ParseError as error:
        raise ValueError("no XML") from error
