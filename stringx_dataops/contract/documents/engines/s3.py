"""Objects on S3 that are tables of a DuckDB target: where the storage is, and where the keys are that may read it."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from stringx_dataops.contract.buckets import SCHEME, endpoint_of, is_bucket_name
from stringx_dataops.contract.documents.fields import Flag, Matching, Model, PasswordFile, PasswordVariable

DEFAULT_REGION = "us-east-1"
_LONGEST_ADDRESS = 300
_WILDCARD = re.compile(r"[*?\[]")


def is_object(location: str) -> bool:
    """Whether a location is on S3."""
    return location.startswith(SCHEME)


def bucket_and_key(location: str) -> tuple[str, str]:
    """The bucket of a location on S3, and its key, or the pattern of its keys."""
    bucket, _, key = location.removeprefix(SCHEME).partition("/")
    return bucket, key


def checked_object(location: str) -> str:
    """The location as it is. ValueError says what is wrong with it."""
    bucket, key = bucket_and_key(location)
    if not is_bucket_name(bucket):
        if _WILDCARD.search(bucket):
            raise ValueError("has * ? or [ in the name of its bucket; name one bucket, such as s3://lake/orders/*.parquet")
        raise ValueError("names no bucket; write s3://, its name and a path, such as s3://lake/orders/*.parquet")
    parts = key.split("/")
    if not all(parts) or {".", ".."} & set(parts):
        raise ValueError("holds .. or . or an empty part; write the path without them, such as s3://lake/orders/*.parquet")
    if not key.isprintable() or "\\" in key:
        raise ValueError("holds a character that cannot be printed, or a backslash")
    return location


def _endpoint(text: str) -> str:
    endpoint = endpoint_of(text)
    if endpoint is None:
        raise ValueError(
            "is no address of a server; write https:// or http://, its name and port, such as https://minio.example.com:9000"
        )
    return endpoint


def _only_credentials(value: str | None, info: ValidationInfo) -> str | None:
    if value and info.data.get("credentials_env"):
        raise ValueError("and credentials_env are both given; keep one")
    return value


def _either(anonymous: bool, info: ValidationInfo) -> bool:
    has_keys = bool(info.data.get("credentials_env") or info.data.get("credentials_file"))
    if anonymous and has_keys:
        raise ValueError("and credentials are both given; keep one")
    if not anonymous and not has_keys and {"credentials_env", "credentials_file"} <= info.data.keys():
        raise ValueError(
            "names no keys: give credentials_file or credentials_env, or anonymous: true for what everybody may read"
        )
    return anonymous


_Address = Annotated[str, Field(max_length=_LONGEST_ADDRESS), AfterValidator(_endpoint)]
_Region = Annotated[str, Matching(r"[a-z0-9][a-z0-9-]{0,39}", "is no region; write its name, such as eu-central-1")]


class S3(Model):
    """Where the objects of a target lie, and where the keys are that may read them. The document never has the keys."""

    endpoint: _Address | None = None
    region: _Region = DEFAULT_REGION
    credentials_env: PasswordVariable | None = None
    credentials_file: Annotated[PasswordFile | None, AfterValidator(_only_credentials)] = None
    anonymous: Annotated[Flag, Field(validate_default=True), AfterValidator(_either)] = False
