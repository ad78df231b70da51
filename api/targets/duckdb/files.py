"""Which files of this machine a target reads, and which objects. DuckDB is told their real paths, and may open nothing else."""

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from api.targets.duckdb.objects import ObjectFinder
from api.targets.engine import Machine, TargetUnusable
from stringx_dataops.contract.documents.engines.duckdb import MEMORY, DuckdbTarget, format_of, has_wildcard
from stringx_dataops.contract.documents.engines.s3 import is_object

MOST_FILES = 1000  # of all locations of a target
MOST_BYTES = 64 * 1024  # of their names together: results carry them in the command of the check
_MOST_ENTRIES = 20_000  # that are looked at for a pattern, or for a folder of allow_paths
_BESIDE = (".wal", ".wal.recovery", ".wal.checkpoint")  # of a database file, which DuckDB reads with it
_MAGIC_AT, _MAGIC = 8, b"DUCK"  # of a database file


class Location(TypedDict):
    """The files of a table, by their real paths. With `fault` there are none, and it says why. Files of CSV have the types of
    their columns, what stands between two values, and what stands for NULL."""

    format: str
    files: list[str]
    fault: NotRequired[str]
    columns: NotRequired[dict[str, str]]
    delimiter: NotRequired[str]
    null_text: NotRequired[str]


@dataclass(frozen=True)
class Reads:
    """What a target reads, as of the moment before it was looked up: the real path of its database file or `:memory:`, folders
    for its views, files by table, further database files by name; where those are that are objects, and the keys for them."""

    looked_up_at: datetime
    database: str
    folders: list[str] = field(default_factory=list)
    locations: dict[str, Location] = field(default_factory=dict)
    attached: dict[str, str] = field(default_factory=dict)
    s3: dict[str, str | None] | None = None
    secret: str | None = field(default=None, repr=False)

    def described(self) -> str:
        """As the process of the check gets it."""
        moment = self.looked_up_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        found: dict[str, Any] = {"looked_up_at": moment, "folders": self.folders, "locations": self.locations}
        found |= {"attach": self.attached} if self.attached else {}
        return json.dumps(found if self.s3 is None else found | {"s3": self.s3})


def find(target: DuckdbTarget, machine: Machine) -> Reads:
    """Look the files up. Raises TargetUnusable if one may not be read, or if there are too many."""
    return _Finder(target, machine).find()


class _Finder:
    def __init__(self, target: DuckdbTarget, machine: Machine) -> None:
        self._target = target
        self._roots = [Path(os.path.realpath(folder)) for folder in machine.readable]
        self._named = machine.readable
        self._private = [Path(os.path.realpath(folder)) for folder in machine.private]
        self._objects = ObjectFinder(target, machine, self._unusable) if target.s3 is not None else None

    def find(self) -> Reads:
        try:
            return self._find()
        finally:
            if self._objects is not None:
                self._objects.close()

    def _find(self) -> Reads:
        now = datetime.now(UTC)
        if self._target.path != MEMORY:
            own = self._database(self._target.path, "path")
            folders = [self._folder(path) for path in self._target.allow_paths]
            return Reads(now, own, folders, attached=self._attached(own))
        found = {table: self._location(pattern) for table, pattern in self._target.locations.items()}
        for table, csv in self._target.csv_locations.items():
            found[table] = {
                **self._location(csv.files),
                "columns": csv.columns,
                "delimiter": csv.delimiter,
                "null_text": csv.null_text,
            }
        names = [name for location in found.values() for name in location["files"]]
        if len(names) > MOST_FILES or sum(len(os.fsencode(name)) + 4 for name in names) > MOST_BYTES:
            raise self._unusable(
                f"its locations name {len(names):,} files; {MOST_FILES:,} or {MOST_BYTES // 1024} KiB of names are possible:"
                " write fewer, larger files, or make several targets"
            )
        storage = self._target.s3
        place = {"endpoint": storage.endpoint, "region": storage.region} if storage is not None else None
        return Reads(
            now,
            MEMORY,
            locations=found,
            attached=self._attached(MEMORY),
            s3=place,
            secret=self._objects.secret if self._objects is not None else None,
        )

    def _attached(self, own: str) -> dict[str, str]:
        """The real paths of further database files, which are different ones and not the target's own."""
        found: dict[str, str] = {}
        fields = {own: "path"}
        for name, path in self._target.attach.items():
            found[name] = self._database(path, "attach")
            if (other := fields.setdefault(found[name], f"attach, as {name}")) != f"attach, as {name}":
                raise self._unusable(f"{path} (attach) is the same file as that of {other}; leave one out")
        return found

    def _database(self, path: str, named_by: str) -> str:
        self._require_named(path)
        real = os.path.realpath(path)
        self._require_readable(path, Path(real))
        try:
            for name in (real, *(real + end for end in _BESIDE if os.path.lexists(real + end))):
                if not stat.S_ISREG(os.lstat(name).st_mode):
                    raise self._unusable(f"{path if name == real else name} is no regular file; correct or remove it")
            with open(os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as file:
                is_duckdb = file.read(_MAGIC_AT + len(_MAGIC))[_MAGIC_AT:] == _MAGIC
        except OSError as error:
            raise self._unusable(_of_file(path, error, named_by)) from error
        if not is_duckdb:
            raise self._unusable(f"{path} is no database file of DuckDB; correct {named_by}")
        return real

    def _location(self, pattern: str) -> Location:
        if self._objects is not None and is_object(pattern):
            files, where = self._objects.files(pattern), "at the storage"
        else:
            self._require_named(pattern)
            files, where = list(self._files(pattern)), "where the workers run"
        location: Location = {"format": format_of(pattern) or "", "files": files}
        if not files:
            location["fault"] = f"no file is named {pattern} {where}"
        return location

    def _files(self, pattern: str) -> Iterator[str]:
        """The real paths of the files that a location names; one to which two names lead is there twice, as for everybody who
        reads the folder. Nothing is passed over: what cannot be a part of the table, or cannot be looked at, is a fault, because
        rows would be left out in silence."""
        for path in self._named_by(pattern):
            real = os.path.realpath(path)
            try:
                mode = os.stat(real).st_mode
            except OSError as error:
                if not has_wildcard(pattern) and not self._is_there(path):
                    return
                raise self._unusable(_of_file(path, error)) from error
            self._require_readable(path, Path(real))
            if has_wildcard(real):  # DuckDB would take the name for a pattern
                raise self._unusable(f"{path} has * ? or [ in its name; rename it")
            if stat.S_ISDIR(mode):
                raise self._unusable(f"{path} is a folder; name the files in it, or take it away")
            if not stat.S_ISREG(mode):  # opening a pipe or a device waits for ever
                raise self._unusable(f"{path} is no regular file; take it away")
            yield real

    def _named_by(self, pattern: str) -> list[str]:
        """The paths that a pattern names, in order; as in a shell, those of hidden files only if the pattern has their dot."""
        fixed = _before_wildcards(pattern)
        found, entries = [str(fixed)], 0
        for part in Path(pattern).parts[len(fixed.parts) :]:
            below: list[str] = []
            for folder in found:
                if not has_wildcard(part):
                    below += [path for path in [os.path.join(folder, part)] if self._is_there(path)]
                    continue
                names = self._names_in(folder, is_named=folder == str(fixed))
                entries += len(names)
                if entries > _MOST_ENTRIES:
                    raise self._unusable(f"{pattern} looks at over {_MOST_ENTRIES:,} files; name smaller folders")
                shown = (name for name in names if part.startswith(".") or not name.startswith("."))
                below += [os.path.join(folder, name) for name in shown if fnmatchcase(name, part)]
            found = below
        return found

    def _names_in(self, folder: str, is_named: bool) -> list[str]:
        """The names in a folder; none of what is no folder, unless the document names it."""
        self._require_readable(folder, Path(os.path.realpath(folder)))
        try:
            with os.scandir(folder) as listed:
                return sorted(entry.name for entry in listed)
        except NotADirectoryError:
            if not is_named:
                return []
            raise self._unusable(f"{folder} is no folder; correct the path") from None
        except OSError as error:
            if is_named and isinstance(error, FileNotFoundError):
                return []
            raise self._unusable(_of_file(folder, error)) from error

    def _is_there(self, path: str) -> bool:
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise self._unusable(_of_file(path, error)) from error
        return True

    def _folder(self, path: str) -> str:
        self._require_named(path)
        real = os.path.realpath(path)
        if not os.path.isdir(real):
            raise self._unusable(
                f"there is no folder {path} (allow_paths) where the workers run; make it, or correct allow_paths"
            )
        self._require_readable(path, Path(real))
        if any(private.is_relative_to(real) for private in self._private):
            raise self._unusable(f"{path} (allow_paths) holds the service's own folder; name folders beside it")
        self._require_no_link_out(path, Path(real))
        return real

    def _require_named(self, path: str) -> None:
        """Before anything is looked up: nobody learns by a target what else is on this machine."""
        if not self._roots:
            raise self._unusable(
                "the workers may read no files: set DUCKDB_FOLDERS where they run to the folders that targets may read"
            )
        fixed = _before_wildcards(path)
        if not any(fixed.is_relative_to(root) for root in (*self._named, *self._roots)):
            raise self._unusable(self._outside(path))

    def _require_readable(self, path: str, real: Path) -> None:
        if not any(real.is_relative_to(root) for root in self._roots):
            raise self._unusable(f"{self._outside(path)}, and a link leads there")
        if any(real.is_relative_to(private) for private in self._private):
            raise self._unusable(f"{path} lies in a folder of the service itself; no target reads that")

    def _require_no_link_out(self, path: str, real: Path) -> None:
        entries = 0
        for folder, folders, names in os.walk(real):
            for name in (*folders, *names):
                entries += 1
                if entries > _MOST_ENTRIES:
                    raise self._unusable(f"{path} (allow_paths) holds over {_MOST_ENTRIES:,} files; name a smaller folder")
                entry = Path(folder, name)
                if entry.is_symlink() and not Path(os.path.realpath(entry)).is_relative_to(real):
                    raise self._unusable(f"{path} (allow_paths) holds a link that leads out of it: {entry}; take it away")

    def _outside(self, path: str) -> str:
        return f"{path} lies in none of the folders that DUCKDB_FOLDERS lists where the workers run"

    def _unusable(self, words: str) -> TargetUnusable:
        return TargetUnusable(f"target {self._target.name}: {words}")


def _before_wildcards(path: str) -> Path:
    """The folder before the first wildcard; of a path without one the path."""
    parts = Path(path).parts
    return Path(*parts[: next((number for number, part in enumerate(parts) if has_wildcard(part)), len(parts))])


def _of_file(path: str, error: OSError, named_by: str = "path") -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"there is no file {path} where the workers run; make it, or correct {named_by}"
    return f"cannot read {path} ({error.strerror}); let the user of the workers read it"
