"""The file of a backup: a tar archive compressed by gzip, written and read in one pass, with the standard library alone.

`backup.json` comes first: the format, the release, the migrations and the columns of each table. Then come the rows of each
table as `COPY` writes them (text, UTF-8), in pieces `data/SCHEMA.TABLE/NUMBER`. `manifest.json` comes last: per table the number
of rows and two digests, the sequences, and the digest of `backup.json`. A file without a manifest that agrees is no backup.
"""

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, Protocol

FORMAT = "stringx-dataops-backup"
VERSION = 1
_HEADER, _DATA, _MANIFEST = "backup.json", "data", "manifest.json"
_PIECE = 4 << 20  # bytes of rows in a member; one more row may follow
_MOST_PIECE = (1 << 30) + _PIECE  # PostgreSQL sends no row that is longer than 1 GiB
_MOST_JSON = 32 << 20
_LEVEL = 3  # of gzip: the database stays the slower side
_CONTENT = 1 << 256


class BackupError(Exception):
    """The file is damaged, incomplete, or no backup that this release can read; the text is one line."""


class Output(Protocol):
    """Where a backup is written."""

    def write(self, data: bytes, /) -> object:
        """Take all of it."""

    def flush(self) -> object:
        """Pass it on."""


@dataclass(frozen=True)
class Header:
    """What is known before the first row. `tables`: their columns, in an order in which references come after what they refer to.
    `months`: for which partitions exist, as YYYY-MM-01."""

    release: str
    created_at: str
    server_version: str
    migrations: list[str]
    months: list[str]
    tables: dict[str, list[str]]


@dataclass(frozen=True)
class Content:
    """What a table holds. `size`: bytes of its rows. `sha256`: of its rows as they stand in the file. `rows_sha256`: the sum of
    the digests of all rows (modulo 2^256), which does not depend on their order."""

    rows: int
    size: int
    sha256: str
    rows_sha256: str


@dataclass(frozen=True)
class Manifest:
    """What is known after the last row. `sequences`: the last value of each, and whether it was used."""

    tables: dict[str, Content]
    sequences: dict[str, tuple[int, bool]]
    header_sha256: str


@dataclass
class Tally:
    """Counts rows and adds up their digests. Takes whole rows, one at a time."""

    rows: int = 0
    size: int = 0
    _sum: int = 0
    _stream: Any = field(default_factory=hashlib.sha256)

    def write(self, row: bytes) -> None:
        """Add a row."""
        self.rows += 1
        self.size += len(row)
        self._sum += int.from_bytes(hashlib.sha256(row).digest(), "big")
        self._stream.update(row)

    def content(self) -> Content:
        """What was added."""
        return Content(self.rows, self.size, self._stream.hexdigest(), f"{self._sum % _CONTENT:064x}")


class Writer:
    """Writes a backup. `table` for each table of the header, in its order; `finish` ends the file."""

    def __init__(self, out: Output, header: Header) -> None:
        self._zipped = gzip.GzipFile(filename="", fileobj=_Unseekable(out), mode="wb", compresslevel=_LEVEL, mtime=0)
        self._tar = tarfile.open(fileobj=self._zipped, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by finish
        self._out = out
        self._contents: dict[str, Content] = {}
        text = _json({"format": FORMAT, "version": VERSION} | asdict(header))
        self._header_sha256 = hashlib.sha256(text).hexdigest()
        self._add(_HEADER, text)
        self._zipped.flush()
        out.flush()  # whoever waits for the first byte learns that the snapshot is taken

    def table(self, name: str, copy: Callable[["_Pieces"], object]) -> None:
        """Add a table: `copy` writes its rows, one per call of `write`."""
        pieces = _Pieces(lambda number, data: self._add(f"{_DATA}/{name}/{number:06}", data))
        copy(pieces)
        pieces.flush()
        self._contents[name] = pieces.tally.content()

    def finish(self, sequences: dict[str, tuple[int, bool]]) -> Manifest:
        """Write the manifest and the end of the file."""
        manifest = Manifest(self._contents, sequences, self._header_sha256)
        self._add(_MANIFEST, _json(asdict(manifest)))
        self._tar.close()
        self._zipped.close()
        self._out.flush()
        return manifest

    def _add(self, name: str, data: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(data), 0o600
        self._tar.addfile(member, io.BytesIO(data))


class _Pieces:
    """Takes rows and passes them on in pieces that end with a row."""

    def __init__(self, add: Callable[[int, bytes], None]) -> None:
        self.tally = Tally()
        self._add, self._rows, self._size, self._number = add, list[bytes](), 0, 0

    def write(self, row: bytes) -> int:
        self.tally.write(row)
        self._rows.append(row)
        self._size += len(row)
        if self._size >= _PIECE:
            self.flush()
        return len(row)

    def flush(self) -> None:
        if self._rows:
            self._number += 1
            self._add(self._number, b"".join(self._rows))
            self._rows, self._size = [], 0


class _Unseekable:
    """For gzip, which otherwise asks a pipe where it is."""

    def __init__(self, out: Output) -> None:
        self._out = out

    def write(self, data: bytes) -> int:
        self._out.write(data)
        return len(data)

    def flush(self) -> None:
        self._out.flush()


class Reader:
    """Reads a backup once, from its beginning. BackupError if it is none, is damaged, or ends early; errors of `file` itself as
    they are."""

    def __init__(self, file: BinaryIO) -> None:
        self._zipped = gzip.GzipFile(fileobj=file, mode="rb")
        try:
            self._tar = tarfile.open(fileobj=self._zipped, mode="r|")  # noqa: SIM115 - reads to the end of `file`
            first = self._tar.next()
        except (gzip.BadGzipFile, tarfile.TarError) as error:
            raise BackupError("this is no backup of StringX DataOps") from error
        except (zlib.error, EOFError) as error:
            raise BackupError("it is damaged, or ends early") from error
        if first is None or first.name != _HEADER:
            raise BackupError("this is no backup of StringX DataOps")
        text = self._data(first, _MOST_JSON)
        self._header_sha256 = hashlib.sha256(text).hexdigest()
        self.header = _header(text)

    def pieces(self) -> Iterator[tuple[str, bytes]]:
        """The rows in pieces, each with the table's name; each table of the header at least once, in its order. Raises
        BackupError at the latest after the last piece: until then, nothing of it is certain."""
        found: dict[str, Content] = {}
        member = self._next()
        for name in self.header.tables:
            stream, rows, size = hashlib.sha256(), 0, 0
            yield name, b""
            while member is not None and member.name.startswith(f"{_DATA}/{name}/"):
                data = self._data(member, _MOST_PIECE)
                stream.update(data)
                rows, size = rows + data.count(b"\n"), size + len(data)
                yield name, data
                member = self._next()
            found[name] = Content(rows, size, stream.hexdigest(), "")
        if member is None or member.name != _MANIFEST:
            raise BackupError("it ends early: its manifest is missing" if member is None else f"{member.name} is not expected")
        self.manifest = _manifest(self._data(member, _MOST_JSON))
        if self._next() is not None:
            raise BackupError("something follows its manifest")
        self._require_end()
        if self.manifest.header_sha256 != self._header_sha256 or set(self.manifest.tables) != set(found):
            raise BackupError(f"{_HEADER} is not the one that the manifest describes")
        for name, content in found.items():
            told = self.manifest.tables[name]
            if (told.rows, told.size, told.sha256) != (content.rows, content.size, content.sha256):
                raise BackupError(f"the rows of {name} are not those that the manifest describes")

    def check(self) -> Manifest:
        """Read all of it. Raises BackupError."""
        for _ in self.pieces():
            pass
        return self.manifest

    def _next(self) -> tarfile.TarInfo | None:
        try:
            return self._tar.next()
        except (gzip.BadGzipFile, tarfile.TarError, zlib.error, EOFError) as error:
            raise BackupError("it is damaged, or ends early") from error

    def _data(self, member: tarfile.TarInfo, most: int) -> bytes:
        if not member.isreg() or member.size > most:
            raise BackupError(f"{member.name[:100]} is not expected")
        try:
            file = self._tar.extractfile(member)
            data = file.read() if file is not None else b""
        except (gzip.BadGzipFile, tarfile.TarError, zlib.error, EOFError) as error:
            raise BackupError("it is damaged, or ends early") from error
        if len(data) != member.size:
            raise BackupError("it is damaged, or ends early")
        return data

    def _require_end(self) -> None:
        """Read what follows the archive: zeros alone, with the right checksum of gzip."""
        try:
            while data := self._zipped.read(_PIECE):
                if data.strip(b"\0"):
                    raise BackupError("something follows its end")
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise BackupError("it is damaged, or ends early") from error


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def _header(text: bytes) -> Header:
    try:
        given = json.loads(text)
        if given["format"] != FORMAT:
            raise BackupError("this is no backup of StringX DataOps")
        if given["version"] != VERSION:
            raise BackupError(f"its format has the version {given['version']}, made by {given['release']}; use that release")
        tables = {str(name): [str(column) for column in columns] for name, columns in given["tables"].items()}
        return Header(
            release=str(given["release"]),
            created_at=str(given["created_at"]),
            server_version=str(given["server_version"]),
            migrations=[str(name) for name in given["migrations"]],
            months=[str(month) for month in given["months"]],
            tables=tables,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BackupError(f"{_HEADER} cannot be read") from error


def _manifest(text: bytes) -> Manifest:
    try:
        given = json.loads(text)
        tables = {
            str(name): Content(int(each["rows"]), int(each["size"]), str(each["sha256"]), str(each["rows_sha256"]))
            for name, each in given["tables"].items()
        }
        sequences = {str(name): (int(last), bool(used)) for name, (last, used) in given["sequences"].items()}
        return Manifest(tables, sequences, str(given["header_sha256"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BackupError(f"{_MANIFEST} cannot be read") from error
