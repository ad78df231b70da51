"""Which objects of S3 a target reads. They are looked up before a check, in buckets that an operator allows."""

import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from api.engine.s3_client import Client
from api.engine.s3_faults import Missing, StorageFault
from api.engine.s3_signing import Keys
from api.targets.engine import Machine, TargetUnusable
from api.targets.secrets import Named, secret_of
from stringx_dataops.contract.buckets import is_of_another_partition
from stringx_dataops.contract.documents.engines.duckdb import DuckdbTarget, has_wildcard
from stringx_dataops.contract.documents.engines.s3 import S3, bucket_and_key

_MOST_ENTRIES = 20_000  # that are looked at for a target
_MOST_REQUESTS = 2_000
_LONGEST_S = 60.0  # for all of them


class ObjectFinder:
    """Looks up the objects of one target, once. `secret` has the keys for them, None if they are not needed."""

    def __init__(self, target: DuckdbTarget, machine: Machine, unusable: Callable[[str], TargetUnusable]) -> None:
        assert target.s3 is not None  # as the document's model has made sure
        self._storage, self._buckets, self._unusable = target.s3, machine.buckets, unusable
        self.secret = _secret(target.name, target.s3, machine)
        keys = Keys.parse(self.secret) if self.secret is not None else None
        self._client = Client(self._storage.endpoint, self._storage.region, keys, time.monotonic() + _LONGEST_S)
        self._entries = self._requests = 0

    def files(self, pattern: str) -> list[str]:
        """The names of the objects that a location names, in order. Nothing is passed over: what cannot be a part of the table
        is a fault, because rows would be left out in silence."""
        bucket, keys = bucket_and_key(pattern)
        self.require_named(pattern)
        try:
            return [f"s3://{bucket}/{key}" for key in self._keys(bucket, keys.split("/"))]
        except StorageFault as fault:
            raise self._unusable(str(fault)) from fault

    def require_named(self, pattern: str) -> None:
        """Before anything is asked of anybody: nobody learns by a target what else the workers can reach."""
        bucket, keys = bucket_and_key(pattern)
        if self._storage.endpoint is None and is_of_another_partition(self._storage.region):
            raise self._unusable(
                f"{pattern} is in {self._storage.region}, another partition of AWS than that of s3:// in DUCKDB_BUCKETS: give"
                " s3.endpoint of the target, and list the bucket by this server, such as"
                " https://s3.cn-north-1.amazonaws.com.cn/lake"
            )
        parts = keys.split("/")
        fixed = parts[: next((number for number, part in enumerate(parts) if has_wildcard(part)), len(parts))]
        path = "/".join(fixed) + ("/" if len(fixed) < len(parts) and fixed else "")
        if not any(each.holds(self._storage.endpoint, bucket, path) for each in self._buckets):
            server = f" at {self._storage.endpoint}" if self._storage.endpoint is not None else ""
            raise self._unusable(
                f"{pattern}{server} lies in none of the buckets that DUCKDB_BUCKETS lists where the workers run"
                if self._buckets
                else "the workers may read no buckets: set DUCKDB_BUCKETS where they run to the buckets that targets may read"
            )

    def close(self) -> None:
        """Ends its connections."""
        self._client.close()

    def _keys(self, bucket: str, parts: list[str]) -> Iterator[str]:
        """As in a shell, names that begin with a dot only if the pattern has their dot."""
        folders = [""]
        for part in parts[:-1]:
            if has_wildcard(part):
                folders = [each for folder in folders for each in self._folders_in(bucket, folder, part)]
            else:
                folders = [f"{folder}{part}/" for folder in folders]
        is_named = not any(map(has_wildcard, parts))
        for folder in folders:
            if has_wildcard(parts[-1]):
                yield from self._objects_in(bucket, folder, parts[-1])
            elif self._is_there(bucket, folder + parts[-1], is_named):
                yield folder + parts[-1]

    def _folders_in(self, bucket: str, folder: str, part: str) -> Iterator[str]:
        for _, each in self._listed(bucket, folder, part):
            if each is not None:
                self._require_plain(bucket, each, each.removesuffix("/"))
                yield each

    def _objects_in(self, bucket: str, folder: str, part: str) -> Iterator[str]:
        for key, each in self._listed(bucket, folder, part):
            if each is not None:
                raise self._unusable(f"s3://{bucket}/{each} is a folder; name the objects in it, or take it away")
            if key is not None:
                self._require_plain(bucket, key, key)
                yield key

    def _listed(self, bucket: str, folder: str, part: str) -> Iterator[tuple[str | None, str | None]]:
        """The objects, and the folders with their slash, right in a folder, whose names the part of a pattern has."""
        start = folder + part[: next(place for place, sign in enumerate(part) if sign in "*?[")]
        after: str | None = None
        while True:
            self._count(bucket, start)
            page = self._client.page(bucket, start, after)
            self._entries += len(page.keys) + len(page.folders)
            if self._entries > _MOST_ENTRIES:
                raise self._unusable(f"s3://{bucket}/{start} holds over {_MOST_ENTRIES:,} objects; name smaller folders")
            for key in page.keys:
                if self._fits(key, folder, part):
                    yield key, None
            for each in page.folders:
                if self._fits(each.removesuffix("/"), folder, part):
                    yield None, each
            if page.next is None:
                return
            after = page.next

    def _is_there(self, bucket: str, key: str, is_named: bool) -> bool:
        self._count(bucket, key)
        try:
            self._client.look(bucket, key)
        except Missing:
            return False
        return True

    def _count(self, bucket: str, path: str) -> None:
        self._requests += 1
        if self._requests > _MOST_REQUESTS:
            raise self._unusable(f"s3://{bucket}/{path}: over {_MOST_REQUESTS:,} folders were looked at; name fewer")

    def _require_plain(self, bucket: str, name: str, plain: str) -> None:
        """DuckDB would take some names for others."""
        if has_wildcard(name):
            raise self._unusable(f"s3://{bucket}/{name} has * ? or [ in its name; rename it")
        if not name.isprintable() or "\\" in name or not all(plain.split("/")) or {".", ".."} & set(plain.split("/")):
            raise self._unusable(
                f"s3://{bucket}/ holds {name!r}: a name with an empty part, with . or .., a backslash, or what cannot be printed;"
                " rename it"
            )

    @staticmethod
    def _fits(path: str, folder: str, part: str) -> bool:
        name = path.removeprefix(folder)
        is_in_it = path.startswith(folder) and "/" not in name
        return is_in_it and fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))


def _secret(target: str, storage: S3, machine: Machine) -> str | None:
    """The credentials of a storage, as a text; None if it asks for none."""
    if storage.anonymous:
        return None
    named = Named(target, storage.credentials_env, storage.credentials_file, "s3.credentials", "keys")
    text = secret_of(named, machine.secrets)
    try:
        Keys.parse(text)
    except ValueError as error:
        raise TargetUnusable(f"target {target}: the secret {named.variable or named.file} (s3.credentials) {error}") from error
    return text
