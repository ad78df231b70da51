"""Which buckets of S3 targets may read, as DUCKDB_BUCKETS lists them.

Only the standard library is imported here, because settings are read before anything is installed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

VARIABLE = "DUCKDB_BUCKETS"
SCHEME = "s3://"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)*")
_LONGEST_NAME = 63
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\]")
_OTHER_PARTITIONS = ("cn-", "us-gov-", "us-iso", "eu-isoe-", "eusc-")  # of AWS, by the names of their regions
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Bucket:
    """A bucket, or what lies below a prefix in it. `endpoint` is None for the standard partition of AWS; `prefix` is empty or
    ends with a slash."""

    endpoint: str | None
    name: str
    prefix: str

    def holds(self, endpoint: str | None, bucket: str, path: str) -> bool:
        """Whether it covers a key, or a folder that ends with a slash."""
        return (endpoint, bucket) == (self.endpoint, self.name) and path.startswith(self.prefix)


def is_of_another_partition(region: str) -> bool:
    """Whether a region of AWS is in a partition where a bucket may be another one than that of the same name elsewhere."""
    return region.startswith(_OTHER_PARTITIONS)


def read(env: Mapping[str, str]) -> tuple[Bucket, ...]:
    """The buckets, in order. ValueError with a line that names the variable and what in it cannot be used."""
    return tuple(_bucket(text) for part in (env.get(VARIABLE) or "").split(",") if (text := part.strip()))


def is_bucket_name(text: str) -> bool:
    """Whether it is the name of one bucket."""
    return 3 <= len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None


def endpoint_of(text: str) -> str | None:
    """The address of a server, spelled in one way; None if it is no address, or holds more than scheme, host and port."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    host = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc
    if parts.scheme not in _PORTS or parts.path not in ("", "/") or parts.query or parts.fragment or "?" in text or "#" in text:
        return None
    if not _HOST.fullmatch(host.lower()) or len(host) > 253 or port == 0:
        return None
    return f"{parts.scheme}://{host.lower()}" + ("" if port in (None, _PORTS[parts.scheme]) else f":{port}")


def _bucket(text: str) -> Bucket:
    fault = (
        f"{VARIABLE} holds {text[:200]!r}; give buckets of AWS such as s3://lake or s3://lake/orders, and those of another server"
        " such as https://minio.example.com:9000/lake, separated by commas"
    )
    endpoint: str | None = None
    path = text.removeprefix(SCHEME)
    if path == text:
        scheme, _, rest = text.partition("://")
        host, _, path = rest.partition("/")
        endpoint = endpoint_of(f"{scheme}://{host}")
        if endpoint is None:
            raise ValueError(fault)
    name, *folders = path.removesuffix("/").split("/")
    if not is_bucket_name(name) or not all(folders) or {".", ".."} & set(folders) or not text.isprintable():
        raise ValueError(fault)
    if any(sign in path for sign in "*?[\\"):
        raise ValueError(fault)
    return Bucket(endpoint, name, "".join(f"{folder}/" for folder in folders))
