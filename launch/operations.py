"""What an operator does while the services are stopped: restore a backup, move the embedded database to a server.

The role `restore` takes FILE|- [--replace]; the role `move-database` takes URL [--password-file FILE] [--replace]. The command
`dataops` runs them.
"""

import os
import shutil
import signal
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg2

from database import backup, embedded, migrate, pool, restore
from database.embedded import Cluster
from database.pool import Database
from launch import first_start, moved, preflight
from launch.preflight import PreflightError
from stringx_dataops.contract.backups import BackupError, Manifest
from stringx_dataops.contract.files import write_whole
from stringx_dataops.contract.problems import StringXError
from stringx_dataops.contract.settings import ROOT, Settings, SettingsError, read_settings

_STOP_S = 30
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
    try:
        if command == "restore":
            _restore(settings, given.file, given.replace)
        else:
            _move(settings, _address(given.url, given.password_file), given.replace)
    except (BackupError, StringXError, psycopg2.Error, OSError) as error:
        raise OperationError(pool.first_line(error)) from error
    except KeyboardInterrupt:
        print(f"{command}: interrupted; nothing was changed", file=sys.stderr)
        return 130
    return 0


def _restore(settings: Settings, file: str, replace: bool) -> None:
    """Raises OperationError, and what a start raises."""
    moved.require_not_moved(settings)
    with _file(settings, file) as path:
        try:
            restore.check(path)  # before anything is started or made
            if settings.database_url is not None:
                header, manifest = restore.restore(settings.require_session_url(), path, replace)
                _complete(settings, settings.database_url)
            else:
                with _embedded(settings) as url:
                    header, manifest = restore.restore(url, path, replace)
                    _complete(settings, url)
        except BackupError as error:
            raise OperationError(f"{file}: {error}; nothing was changed") from error
    print(f"restored {_size(manifest)}, as of {header.created_at} (release {header.release}); start the services now", flush=True)


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
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                backup.back_up(source, out)
            header, manifest = restore.restore(url, path, replace)
        except BackupError as error:
            raise OperationError(f"the copy is not right: {error}; nothing was changed") from error
        finally:
            path.unlink(missing_ok=True)
        _complete(settings, url)
        moved.remember(settings.home, _without_password(url))
    where, mark = _without_password(url), settings.home / moved.MARK
    print(
        f"moved {_size(manifest)} to {where}, compared row by row\n"
        "next: set STRINGX_DATABASE_URL, or STRINGX_DATABASE_URL_FILE, to that address with its password, and start\n"
        "      the demo's tables stay behind: if the target nyc is still there, remove it\n"
        f"back: unset the variable and delete {mark}; the embedded database is as it was at {header.created_at}",
        flush=True,
    )


def _complete(settings: Settings, url: str) -> None:
    """Make and store the keys of this installation, as `migrate` does; a first start applies no rule files any more."""
    database = Database(url, size=1, application_name="stringx restore")
    try:
        migrate.make_secrets(settings, database)
    finally:
        database.close()
    names = sorted(file.name for file in first_start.RULES.glob("*.yml"))
    write_whole(settings.home / first_start.APPLIED, "".join(f"{name}\n" for name in names))


@contextmanager
def _embedded(settings: Settings) -> Iterator[str]:
    """The address of the embedded database, which runs within the block; no start can use this home meanwhile."""
    if problems := list(preflight.make_home(settings.home)):
        raise PreflightError(*problems)
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
        embedded.wait(cluster)
        password = embedded.keep(settings.home / "stringx-password")
        embedded.create(cluster, "stringx", password)
        embedded.create_database(cluster, "stringx", "stringx")
        yield cluster.address("stringx", password, "stringx")
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)
            process.wait(_STOP_S)
        os.close(descriptor)


@contextmanager
def _file(settings: Settings, file: str) -> Iterator[Path]:
    """The file itself; standard input is kept for the block, because it is read twice."""
    if file != "-":
        path = Path(file)
        try:
            with path.open("rb"):
                pass
        except (OSError, ValueError) as error:
            raise OperationError(f"FILE: {file} cannot be read: {getattr(error, 'strerror', None) or error}") from error
        yield path
        return
    if problems := list(preflight.make_home(settings.home)):
        raise PreflightError(*problems)
    path = settings.home / "run" / "restore.tar.gz"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            shutil.copyfileobj(sys.stdin.buffer, out)
        yield path
    finally:
        path.unlink(missing_ok=True)


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
        raise OperationError("URL: give postgresql://user:password@host:port/dbname") from error
    except (OSError, UnicodeDecodeError) as error:
        raise OperationError(f"--password-file: {password_file} cannot be read") from error


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}@{host}" if user else host, query=""))


def _size(manifest: Manifest) -> str:
    return f"{sum(table.rows for table in manifest.tables.values()):,} rows of {len(manifest.tables)} tables"
