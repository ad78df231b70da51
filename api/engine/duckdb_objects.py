"""Objects of S3 as DuckDB reads them: by a file system in Python, which knows the objects that were found before the check and no
others. Each is read as it was when the reading began.

DuckDB's own extension for S3 cannot be installed where networks are closed. `duckdb_access` registers the file system, and
`duckdb_statements` says when objects are looked at.
"""

import io
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from fsspec import AbstractFileSystem

from api.engine.s3_client import Client, State
from api.engine.s3_faults import Missing, Replaced, StorageFault
from api.engine.s3_signing import Keys
from api.engine.side_by_side import looks
from stringx_dataops.contract.documents.engines.s3 import bucket_and_key, is_object

_BUFFER_BYTES = 1024 * 1024
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

Looked = Mapping[str, State | StorageFault]  # by the object's name


class Objects(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The objects of one target. DuckDB calls its methods from several threads."""

    protocol = "s3"
    cachable = False  # fsspec would keep it, with its keys, for whoever makes one of the same kind

    def __init__(self, client: Client, names: Sequence[str]) -> None:
        super().__init__()
        self._client, self._names = client, frozenset(names)
        self._looked: Looked = {}
        self._readings = 0
        self.is_replaced = False  # whether one was, since they were pinned

    def look(self) -> Looked:
        """The state of each object now, or why there is none."""
        names = sorted(self._names)
        return dict(zip(names, looks(self._look, names), strict=True))

    def pin(self, looked: Looked) -> None:
        """From now on, objects are read as they were then."""
        self._looked = looked
        self._readings += 1
        self.is_replaced = False

    def reader(self, name: str) -> io.BufferedReader:
        """An object to be read from its beginning on, by one thread."""
        return io.BufferedReader(_Sequence(self, name), _BUFFER_BYTES)

    def state(self, name: str) -> State:
        """Of an object. Raises StorageFault if it could not be looked at, or is none of the target's."""
        state = self._looked.get(name)
        if isinstance(state, State):
            return state
        raise StorageFault(str(state) if state is not None else f"{name}: the target does not name this object")

    def part(self, name: str, start: int, length: int) -> bytes:
        """Up to `length` bytes of an object; fewer only at its end."""
        state = self.state(name)
        length = min(length, state.size - start)
        try:
            return self._client.read(*bucket_and_key(name), start, length, state) if length > 0 else b""
        except (Missing, Replaced):
            self.is_replaced = True
            raise

    def open(self, path: str, mode: str = "rb", **_: Any) -> "_ByPosition":
        """For DuckDB."""
        if mode != "rb":
            raise StorageFault(f"{path}: nothing is written")
        self.state(path)
        return _ByPosition(self, path)

    def glob(self, path: str, **_: Any) -> list[str]:
        """DuckDB asks for each name, and never gets another one."""
        return [path] if path in self._names else []

    def exists(self, path: str, **_: Any) -> bool:
        """Whether it is one of the objects."""
        return path in self._names

    def isfile(self, path: str) -> bool:
        """The same."""
        return path in self._names

    def isdir(self, path: str) -> bool:
        """Nothing is."""
        return False

    def size(self, path: str) -> int:
        """In bytes."""
        return self.state(path).size

    def modified(self, path: str) -> datetime:
        """Another moment in each reading: DuckDB keeps what it has read in memory for as long as this stays the same. It does not
        trust moments of the last seconds, and the storage's have whole seconds."""
        self.state(path)
        return _LONG_AGO + timedelta(hours=self._readings)

    def _look(self, name: str) -> State | StorageFault:
        try:
            return self._client.look(*bucket_and_key(name))
        except StorageFault as fault:
            return fault


class _ByPosition:
    """An object that is open for DuckDB, whose threads read it at the same time, each from the position to which it has moved
    itself just before."""

    def __init__(self, objects: Objects, name: str) -> None:
        self._objects, self._name = objects, name
        self._positions: dict[int, int] = {}  # by thread

    def seek(self, position: int, whence: int = 0) -> int:
        """Only from the beginning."""
        if whence != 0:
            raise StorageFault(f"{self._name}: DuckDB moves in an unknown way")
        self._positions[threading.get_ident()] = position
        return position

    def tell(self) -> int:
        """The position of this thread."""
        return self._positions.get(threading.get_ident(), 0)

    def read(self, length: int = -1) -> bytes:
        """As many bytes as are asked for; fewer only at the end."""
        position = self._positions.pop(threading.get_ident(), None)
        if position is None or length < 0:  # another thread may have moved it since
            raise StorageFault(f"{self._name}: DuckDB reads in an unknown way")
        return self._objects.part(self._name, position, length)

    def close(self) -> None:
        """Nothing is open."""


class _Sequence(io.RawIOBase):
    """An object from its beginning to its end."""

    def __init__(self, objects: Objects, name: str) -> None:
        self._objects, self._name, self._at = objects, name, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._objects.part(self._name, self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


_objects: Objects | None = None


def register(connection: Any, storage: Mapping[str, Any], names: Sequence[str], secret: str | None) -> None:
    """Has a connection read these objects. `storage` has `endpoint` and `region`; `secret` the keys, None if there are none."""
    global _objects
    keys = Keys.parse(secret) if secret is not None else None
    _objects = Objects(Client(storage["endpoint"], storage["region"], keys), [name for name in names if is_object(name)])
    connection.register_filesystem(_objects)


def registered() -> Objects:
    """The objects of the target. Raises StorageFault if there are none."""
    if _objects is None:
        raise StorageFault("the target has no storage")
    return _objects
