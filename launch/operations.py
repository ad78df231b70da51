"""What an operator does while the services are stopped: restore a backup, move the embedded database to a server.

The role `restore` takes FILE|- [--replace]; the role `move-database` takes URL [--password-file FILE] [--replace]. The command
`dataops` runs them.
"""

import os
import shutil
import signal
import stat
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import BinaryIO, NoReturn
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg2

from database import backup, embedded, migrate, pool, restore
from database.embedded import Cluster, EmbeddedError
from database.pool import Database
from database.restore import Restored
from launch import first_start, moved, preflight
from launch.preflight import PreflightError
from stringx_dataops.contract.backups import BackupError
from stringx_dataops.contract.files import write_whole
from stringx_dataops.contract.problems import StringXError
from stringx_dataops.contract.settings import ROOT, Settings, read_settings
from stringx_dataops.contract.variables import SettingsError

# Signals that end PostgreSQL, and the seconds that each has. The second one leaves the rest to the next start, and loses nothing.
_STOPS = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 30.0))
MOVE_TO = "LAUNCH_MOVE_TO"  # the address where `dataops move-database` hands it over


class OperationError(SettingsError):
    """It cannot be done; the text is one line."""


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OperationError(f"{message}; {self.format_usage().strip()}")


def run(command: str, arguments: Sequence[str], settings: Settings) -> int:
    """Run one command; 0, or 2 after a line on standard error. Raises the errors that all roles raise."""
    parser = _Parser(prog=command, add_help=False)
    if command == "restore":
        parser.add_argument("file", metavar="FILE")
    else:
        parser.add_argument("url", metavar="URL", nargs="?", default=os.environ.pop(MOVE_TO, None))
        parser.add_argument("--password-file", metavar="FILE", type=Path)
    parser.add_argument("--replace", action="store_true")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)  # a copy of the data is removed, and PostgreSQL ended, as after Ctrl-C
    try:
        if command == "restore":
            _restore(settings, given.file, given.replace)
        else:
            _move(settings, _address(given.url, given.password_file), given.replace)
    except OSError as error:
        place = f"{error.filename}: " if error.filename is not None else ""
        raise OperationError(f"{place}{error.strerror or pool.first_line(error)}") from error
    except (BackupError, EmbeddedError, StringXError, psycopg2.Error) as error:
        raise OperationError(pool.first_line(error)) from error
    except KeyboardInterrupt:
        print(f"{command}: interrupted; either all is restored or nothing was changed", file=sys.stderr)
        return 130
    return 0


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _restore(settings: Settings, file: str, replace: bool) -> None:
    """Raises OperationError, and what a start raises."""
    moved.require_not_moved(settings)
    with _file(settings, file) as path:
        try:
            restore.check(path)  # before anything is started or made
            _make_home(settings)
            if settings.database_url is not None:
                _restore_into(settings, settings.require_session_url(), path, replace)
            else:
                with _embedded(settings) as url:
                    _restore_into(settings, url, path, replace)
        except BackupError as error:
            raise OperationError(f"{file}: {error}; nothing was changed") from error
    print("start the services now", flush=True)


def _move(settings: Settings, url: str, replace: bool) -> None:
    if settings.database_url is not None:
        raise OperationError("STRINGX_DATABASE_URL is set, so that there is no embedded database to move; use backup and restore")
    if not (Cluster(settings.home).data / "PG_VERSION").exists():
        raise OperationError(f"there is no embedded database in {settings.home}; is STRINGX_HOME right?")
    moved.require_not_moved(settings)
    if restore.is_used(url) and not replace:
        raise OperationError("the database at URL is not empty; give an empty one, or --replace: what it holds is lost")
    path = settings.home / "run" / "move.tar.gz"
    with _embedded(settings) as source:
        try:
            with _copy(path) as out:
                backup.back_up(source, out)
            restored = _restored(url, path, replace)
        except BackupError as error:
            raise OperationError(f"the copy is not right: {error}; nothing was changed") from error
        finally:
            path.unlink(missing_ok=True)
        where, mark = _without_password(url), settings.home / moved.MARK
        try:
            moved.remember(settings.home, where)
        except OSError as error:
            raise OperationError(
                f"all is moved, but {mark} cannot be written ({error.strerror}): set STRINGX_DATABASE_URL before any start"
            ) from error
        _complete(settings, url)
    print(
        f"moved {_size(restored)} to {where}, compared row by row\n"
        "next: set STRINGX_DATABASE_URL, or STRINGX_DATABASE_URL_FILE, to that address with its password, and start\n"
        "      the demo's tables stay behind: if the target nyc is still there, remove it\n"
        f"back: unset the variable and delete {mark}; the embedded database is as it was at {restored.header.created_at}",
        flush=True,
    )


def _restore_into(settings: Settings, url: str, path: Path, replace: bool) -> None:
    restored = _restored(url, path, replace)
    header = restored.header
    print(f"restored {_size(restored)}, as of {header.created_at} (release {header.release})", flush=True)
    _complete(settings, url)


def _restored(url: str, path: Path, replace: bool) -> Restored:
    restored = restore.restore(url, path, replace)
    for name in restored.left_out:
        print(f"left out: {name}, which is no table of StringX DataOps", file=sys.stderr, flush=True)
    return restored


def _complete(settings: Settings, url: str) -> None:
    """Store the keys of this installation, as `migrate` does; on a server none is made, because other machines may have those of
    the backup. A first start applies no rule files any more. Raises OperationError if that fails; all is restored then."""
    database = Database(url, size=1, application_name="stringx restore")
    try:
        if settings.database_url is None:
            migrate.make_secrets(settings, database)
        elif names := migrate.register_keys(settings, database):
            print(f"keys of {settings.home}, or of variables, that are valid from now on: {', '.join(names)}", flush=True)
        files = sorted(file.name for file in first_start.RULES.glob("*.yml"))
        write_whole(settings.home / first_start.APPLIED, "".join(f"{name}\n" for name in files))
    except (SettingsError, StringXError, OSError) as error:
        reason = f"{settings.home}: {error.strerror}" if isinstance(error, OSError) else str(error)
        raise OperationError(
            f"all is restored, but the keys of this installation are not registered ({reason}); mend that, a start does it, too"
        ) from error
    finally:
        database.close()


def _make_home(settings: Settings) -> None:
    if problems := list(preflight.make_home(settings.home)):
        raise PreflightError(*problems)


@contextmanager
def _embedded(settings: Settings) -> Iterator[str]:
    """The address of the embedded database, which runs within the block; no start can use this home meanwhile."""
    _make_home(settings)
    descriptor = preflight.lock(settings.home)
    process = None
    try:
        if problems := list(preflight.closed_to_postgres(settings, ROOT, embedded.binaries())):
            raise PreflightError(*problems)
        cluster = embedded.prepare(settings.home)
        with (settings.home / "logs" / "postgres.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "launch", "postgres"],
                env=os.environ | {"STRINGX_HOME": str(settings.home), "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        server = process
        embedded.wait(cluster, runs=lambda: server.poll() is None)
        password = embedded.keep(settings.home / "stringx-password")
        embedded.create(cluster, "stringx", password)
        embedded.create_database(cluster, "stringx", "stringx")
        yield cluster.address("stringx", password, "stringx")
    finally:
        for wanted, patience_s in _STOPS:
            if process is not None and process.poll() is None:
                process.send_signal(wanted)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(patience_s)
        os.close(descriptor)


@contextmanager
def _file(settings: Settings, file: str) -> Iterator[Path]:
    """The file itself. It is read more than once, so standard input, and whatever else is a stream, is copied for the block."""
    path = Path(file)
    try:
        with open(0 if file == "-" else path, "rb", closefd=file != "-") as given:
            if file == "-" or not stat.S_ISREG(os.fstat(given.fileno()).st_mode):
                _make_home(settings)
                path = settings.home / "run" / "restore.tar.gz"
                with _copy(path) as out:
                    shutil.copyfileobj(given, out)
    except (OSError, ValueError) as error:
        raise OperationError(f"FILE: {file} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        yield path
    finally:
        if path != Path(file):
            path.unlink(missing_ok=True)


@contextmanager
def _copy(path: Path) -> Iterator[BinaryIO]:
    """A file for this user alone, which is removed after any error. OperationError if it cannot be written within the block, as
    when the disk is full."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            yield out
    except BaseException as error:
        path.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise OperationError(
            f"a copy of the backup cannot be written to {path}: {error.strerror}; nothing was changed"
        ) from error


def _address(url: str | None, password_file: Path | None) -> str:
    """The URL with the password of the file. Raises OperationError if it is no address of PostgreSQL."""
    if url is None:
        raise OperationError("give the URL of the database: postgresql://user:password@host:port/dbname")
    try:
        found = read_settings({"STRINGX_DATABASE_URL": url}).database_url
        assert found is not None
        if password_file is None:
            return found
        parts = urlsplit(found)
        password = quote(password_file.read_text(encoding="utf-8").strip(), safe="")
        user, _, host = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:{password}@{host}"))
    except SettingsError as error:
        raise OperationError(str(error).replace("STRINGX_DATABASE_URL", "URL")) from error
    except (OSError, UnicodeDecodeError) as error:
        raise OperationError(f"--password-file: {password_file} cannot be read") from error


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}@{host}" if user else host, query=""))


def _size(restored: Restored) -> str:
    tables = [table for name, table in restored.manifest.tables.items() if name not in restored.left_out]
    return f"{sum(table.rows for table in tables):,} rows of {len(tables)} tables"
