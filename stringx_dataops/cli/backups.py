"""`dataops backup`, which asks the Backend; `dataops restore` and `dataops move-database`, which become the command of the
installation beside this package, because no service runs meanwhile."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import click

from stringx_dataops.cli.options import example
from stringx_dataops.cli.output import plural
from stringx_dataops.client import Client, path_of
from stringx_dataops.contract.settings import ROOT
from stringx_dataops.errors import Misconfigured, Undecided

if TYPE_CHECKING:
    from http.client import HTTPResponse
    from types import FrameType

_PATIENCE_S = 150.0  # for each piece: longer than the Backend waits for the next one


@click.command(epilog=example("dataops backup stringx.tar.gz", "dataops backup - | gpg -c > stringx.tar.gz.gpg"))
@click.argument("file", metavar="FILE|-")
@click.pass_obj
def backup(server: str | None, file: str) -> int:
    """Write what the Backend and DataOps have stored to FILE, or to standard output (scope admin).

    FILE appears when the backup is complete and its checksums are right; one that is there is replaced then. It is readable for
    you alone: it holds sample rows of your tables, but no password and no key.
    """
    from stringx_dataops.contract.backups import BackupError, Reader  # here, because other commands need none of it

    client = Client.from_environment(server)
    left = "nothing was kept" if file != "-" else "what was written is no backup"
    with _output(file) as out, client.download("POST", path_of("backup"), _PATIENCE_S) as response:
        copied = _Copied(response, out, left)
        try:
            reader = Reader(copied)  # type: ignore[arg-type]
            manifest = reader.check()
            while copied.read(1 << 16):
                pass
        except BackupError as error:
            raise Undecided(f"the backup did not arrive whole: {error}; {left}, try again") from error
    rows = sum(table.rows for table in manifest.tables.values())
    size = f"{plural(rows, 'row')} of {plural(len(manifest.tables), 'table')}, {copied.size:,} bytes"
    click.echo(f"{'backup' if file == '-' else file}: {size}, complete as of {reader.header.created_at}", err=True)
    return 0


@click.command(epilog=example("dataops restore stringx.tar.gz"))
@click.argument("file", metavar="FILE|-")
@click.option("--replace", is_flag=True, help="also into a database that is not empty: what it holds is lost")
def restore(file: str, replace: bool) -> int:
    """Restore a backup into the internal database of this installation: the one at STRINGX_DATABASE_URL, otherwise the embedded
    one in STRINGX_HOME. Stop the services first.

    All of it is restored and compared with the backup, or nothing. A backup of an older release is brought up to date.
    """
    _launch("restore", file, *(["--replace"] if replace else []))


@click.command(epilog=example("dataops move-database postgresql://stringx@db/stringx --password-file secret"))
@click.argument("url", metavar="URL")
@click.option("--password-file", metavar="FILE", help="holds the password, so that it need not stand in URL")
@click.option("--replace", is_flag=True, help="also into a database that is not empty: what it holds is lost")
def move_database(url: str, password_file: str | None, replace: bool) -> int:
    """Move the embedded internal database of this installation to URL, another PostgreSQL. Stop the services first.

    The embedded one stays as it is, and is not started again until you say so.
    """
    os.environ["LAUNCH_MOVE_TO"] = url  # not an argument, which others on this machine could read
    more = ["--password-file", password_file] if password_file is not None else []
    _launch("move-database", *more, *(["--replace"] if replace else []))


def _launch(*arguments: str) -> NoReturn:
    """Become the installation's own command."""
    if not (ROOT / "launch").is_dir() or find_spec("psycopg2") is None:
        raise Misconfigured(
            f"{arguments[0]} needs the installation itself: run it where the service is, with .venv/bin/dataops, or in its image"
        )
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    os.execve(sys.executable, [sys.executable, "-P", "-m", "launch", *arguments], environ)


class _Copied:
    """What is read from an answer, written to `out` too."""

    def __init__(self, response: "HTTPResponse", out: BinaryIO, left: str) -> None:
        self._response, self._out, self._left, self.size = response, out, left, 0

    def read(self, size: int = -1) -> bytes:
        from http.client import HTTPException

        try:
            data = self._response.read(size)
        except (OSError, HTTPException, ValueError) as error:
            raise Undecided(f"the backup broke off after {self.size:,} bytes; {self._left}, try again") from error
        self.size += len(data)
        try:
            self._out.write(data)
        except OSError as error:
            raise Undecided(f"the backup cannot be written: {error.strerror}") from error
        return data


@contextmanager
def _output(file: str) -> Iterator[Any]:
    """Where the backup goes: a file beside FILE, which takes its name at the end of the block, and is gone after an error."""
    if file == "-":
        if sys.stdout.isatty():
            raise click.UsageError("a backup is no text for a terminal; give a FILE, or pipe it")
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except OSError as error:
            raise Undecided(f"standard output cannot be written: {error.strerror}") from error
        return
    path = Path(file)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "Is a directory")
        if path.exists() and not path.is_file():  # such as /dev/stdout, in whose place a file would be put
            raise FileExistsError(0, "it is no file; write to standard output with -")
        out = os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except (OSError, ValueError) as error:
        raise click.UsageError(f"FILE: {file} cannot be written: {getattr(error, 'strerror', None) or error}") from error
    before = signal.signal(signal.SIGTERM, _interrupt)  # `timeout` ends the command by it
    try:
        with out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        partial.replace(path)
    except OSError as error:
        raise Undecided(f"{file} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
        signal.signal(signal.SIGTERM, before)


def _interrupt(_: int, __: "FrameType | None") -> NoReturn:
    raise KeyboardInterrupt
