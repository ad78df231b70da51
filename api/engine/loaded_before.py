"""What dbt made of a project when it was loaded before, kept in a folder, so that a start takes half the time: dbt's own file for
partial parsing, and the code of compiled macros.

Both are kept under a key that covers all they depend on. So dbt finds that no file has changed, or nothing at all. What is
missing or damaged is made again; a folder that cannot be written costs time alone.
"""

import marshal
import os
import re
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from types import CodeType

from dbt.contracts.graph.nodes import Macro
from dbt_common.clients.jinja import catch_jinja, get_environment, template_cache
from dbt_common.exceptions import DbtRuntimeError

from stringx_dataops.contract.adapters import ADAPTERS
from stringx_dataops.contract.catalogue import dbt_project

_PARSED = "partial_parse.msgpack"  # dbt's name
_COMPILED = "macros"
_MADE_BY = ("dbt-core", "dbt-adapters", "dbt-common", "jinja2", *(f"dbt-{adapter}" for adapter in ADAPTERS))
_VARIABLE = re.compile(rb"""env_var\s*\(\s*["'](\w+)""")
_MOST_KEPT = 4  # projects, or states of one
_DIGEST_BYTES = 32


class LoadedBefore:
    """What is kept of one project. Shared by processes: files are replaced as a whole. `folder`: None to keep nothing."""

    def __init__(self, folder: Path | None, project: Path, profiles: Path) -> None:
        self._folder = folder / _key(project, profiles) if folder is not None else None
        self._codes: dict[str, CodeType] = {}  # by the source of the macro
        self._kept: dict[str, bytes] = {}  # the digests of what was read or written, by the names of the files

    @property
    def is_used(self) -> bool:
        """Whether anything is kept at all."""
        return self._folder is not None

    def lend(self, target_path: Path) -> None:
        """Put dbt's file where dbt looks for it; no file if none is kept."""
        target_path.mkdir(parents=True, exist_ok=True)
        (target_path / _PARSED).unlink(missing_ok=True)
        if (parsed := self._read(_PARSED)) is not None:
            (target_path / _PARSED).write_bytes(parsed)
        if (compiled := self._read(_COMPILED)) is not None:
            self._codes = marshal.loads(compiled)  # noqa: S302 (written by this class, for the same Python)

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

    def are_compiled(self, macros: Iterable[Macro]) -> bool:
        """Whether the code of all these macros is known."""
        return all(macro.macro_sql in self._codes for macro in macros)

    def keep(self, target_path: Path) -> None:
        """Keep what dbt has left there, and the code of all macros that are compiled by now."""
        if self._folder is None:
            return
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            os.utime(self._folder)
            self._write(_PARSED, (target_path / _PARSED).read_bytes())
            self._write(_COMPILED, marshal.dumps(self._codes))
            by_use = sorted(self._folder.parent.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
            for old in by_use[_MOST_KEPT:]:
                shutil.rmtree(old, ignore_errors=True)

    def _read(self, name: str) -> bytes | None:
        """The content of a file, if it is whole."""
        if self._folder is not None:
            with suppress(OSError):
                digest, content = (found := (self._folder / name).read_bytes())[:_DIGEST_BYTES], found[_DIGEST_BYTES:]
                if sha256(content).digest() == digest:
                    self._kept[name] = digest
                    return content
        return None

    def _write(self, name: str, content: bytes) -> None:
        """Unless it is kept. Other processes see the whole file from before, or the whole new one."""
        digest = sha256(content).digest()
        if self._folder is None or self._kept.get(name) == digest:
            return
        own = self._folder / f"{name}.{os.getpid()}"
        try:
            own.write_bytes(digest + content)
            os.replace(own, self._folder / name)
            self._kept[name] = digest
        finally:
            own.unlink(missing_ok=True)


def _key(project: Path, profiles: Path) -> str:
    """A hash of the names and contents of the project's files and of dbt's settings, of the variables that they read, and of
    what reads them. Not of where they are: dbt keeps paths within the project."""
    known = sha256(repr([sys.version, [version(name) for name in _MADE_BY]]).encode())
    variables: set[bytes] = set()
    for path in [*dbt_project.files(project), profiles / "profiles.yml"]:
        known.update(f"\0{os.path.relpath(path, project)}\0".encode())
        with suppress(OSError):  # dbt says what is wrong with it
            content = path.read_bytes()
            known.update(sha256(content).digest())
            variables.update(_VARIABLE.findall(content))
    for name in sorted(variables):
        known.update(sha256(repr([name, os.environb.get(name)]).encode()).digest())
    return known.hexdigest()
