"""What dbt made of a project when it was loaded before, kept in a folder, so that a start takes a third of the processor's time:
dbt's own file for partial parsing, and the code of compiled macros.

Both are kept under a key that covers what they depend on. So dbt is given them for an unchanged project only. Whatever is missing
or damaged, dbt makes again; a folder that cannot be written costs time alone.
"""

import marshal
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import CodeType

from dbt.contracts.graph.nodes import Macro
from dbt_common.clients.jinja import catch_jinja, get_environment, template_cache
from dbt_common.exceptions import DbtRuntimeError

from stringx_dataops.contract.adapters import ADAPTERS
from stringx_dataops.contract.catalogue import dbt_project

_FORMAT = 1  # of the files
_PARSED = "partial_parse.msgpack"  # dbt's name
_COMPILED = "macros"
_MADE_BY = ("dbt-core", "dbt-adapters", "dbt-common", "jinja2", *(f"dbt-{adapter}" for adapter in ADAPTERS))
_MOST_KEPT = 4  # projects, or states of one
_MOST_READ = 64 * 1024 * 1024  # bytes of a project; of a larger one, nothing is kept
_DIGEST_BYTES = 32
_KEY = re.compile("[0-9a-f]{64}")


class LoadedBefore:
    """What is kept of one project. Processes share it: files are replaced as a whole. `folder`: None to keep nothing."""

    def __init__(self, folder: Path | None, project: Path, profiles: Path) -> None:
        self._of = project, profiles, sorted(os.environ.items())
        self._key = _key(*self._of) if folder is not None and not _are_nested(folder, project) else None
        self._folder = folder / self._key if folder is not None and self._key is not None else None
        self._codes: dict[str, CodeType] = {}  # by the source of the macro
        self._kept: dict[str, bytes] = {}  # the digests of what was read or written, by the names of the files

    def lend(self, target_path: Path) -> bool:
        """Put dbt's file where dbt looks for it; False, and no file, if none is kept."""
        target_path.mkdir(parents=True, exist_ok=True)
        self.withdraw(target_path)
        if (compiled := self._read(_COMPILED)) is not None:
            self._codes = marshal.loads(compiled)  # noqa: S302 (written by this class, for the same Python)
        if (parsed := self._read(_PARSED)) is None:
            return False
        try:
            (target_path / _PARSED).write_bytes(parsed)
        except OSError:  # a full disk
            self.withdraw(target_path)
            return False
        return True

    def withdraw(self, target_path: Path) -> None:
        """Remove dbt's file from there."""
        (target_path / _PARSED).unlink(missing_ok=True)

    def compile_macros(self, macros: Iterable[Macro]) -> None:
        """Put macros into dbt's own cache of compiled templates, from where this process and its children have them. dbt compiles
        a macro when it is called, so one that cannot be compiled is a fault of those alone who call it."""
        for macro in macros:
            with suppress(DbtRuntimeError), catch_jinja(macro):
                environment = get_environment(macro)
                source = macro.macro_sql
                code = self._codes.get(source)
                if code is None:
                    code = self._codes[source] = environment.compile(source)
                template_cache.file_cache[source] = environment.template_class.from_code(
                    environment, code, environment.make_globals({}), None
                )

    def is_compiled(self, macro: Macro) -> bool:
        """Whether the code of a macro is known."""
        return macro.macro_sql in self._codes

    def keep_parsed(self, target_path: Path) -> None:
        """Keep what dbt has just left there, unless the project has changed since its key was made."""
        with suppress(OSError):
            parsed = (target_path / _PARSED).read_bytes()
            if self._folder is not None and self._kept.get(_PARSED) != sha256(parsed).digest() and _key(*self._of) == self._key:
                self._write(_PARSED, parsed)

    def keep_compiled(self) -> None:
        """Keep the code of all macros that are compiled by now."""
        if self._folder is not None:
            with suppress(OSError):
                self._write(_COMPILED, marshal.dumps(self._codes))

    def _read(self, name: str) -> bytes | None:
        """The content of a file, if it is whole."""
        if self._folder is not None:
            with suppress(OSError):
                digest, content = (found := (self._folder / name).read_bytes())[:_DIGEST_BYTES], found[_DIGEST_BYTES:]
                if sha256(content).digest() == digest:
                    self._kept[name] = digest
                    os.utime(self._folder)
                    return content
        return None

    def _write(self, name: str, content: bytes) -> None:
        """Unless it is kept. Other processes see the whole file from before, or the whole new one."""
        assert self._folder is not None  # both callers have looked
        digest = sha256(content).digest()
        if self._kept.get(name) == digest:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, own = tempfile.mkstemp(dir=self._folder, prefix=f"{name}.")
        try:
            with open(descriptor, "wb") as file:
                file.write(digest + content)
            os.replace(own, self._folder / name)
            self._kept[name] = digest
        finally:
            Path(own).unlink(missing_ok=True)
        _remove_old(self._folder.parent)


def _remove_old(folder: Path) -> None:
    """All but the states that were used last."""
    states = [path for path in folder.iterdir() if _KEY.fullmatch(path.name)]
    for old in sorted(states, key=lambda path: path.stat().st_mtime_ns, reverse=True)[_MOST_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _are_nested(folder: Path, project: Path) -> bool:
    """Whether what is kept would be a part of the project, or the project a part of it."""
    kept, read = folder.resolve(), project.resolve()
    return kept.is_relative_to(read) or read.is_relative_to(kept)


def _key(project: Path, profiles: Path, environment: list[tuple[str, str]]) -> str | None:
    """A hash of the names and contents of the project's files and of dbt's settings, of the environment, and of what reads them.
    Not of where they are: dbt keeps paths within the project. None if a file cannot be read, or if they are too large."""
    known = sha256(repr([_FORMAT, sys.version, list(_versions()), environment]).encode())
    left = _MOST_READ
    try:
        for path in [*dbt_project.files(project), profiles / "profiles.yml"]:
            state = path.stat()
            left -= state.st_size
            if left < 0:
                return None
            known.update(f"\0{os.path.relpath(path, project)}\0".encode())
            if stat.S_ISREG(state.st_mode):
                known.update(sha256(path.read_bytes()).digest())
    except OSError:
        return None
    return known.hexdigest()


def _versions() -> Iterator[tuple[str, str]]:
    """Of the packages that load a project, without adapters that are not installed."""
    for name in _MADE_BY:
        with suppress(PackageNotFoundError):
            yield name, version(name)
