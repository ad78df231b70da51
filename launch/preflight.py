"""Checks before a start: everything that is bound to fail is reported at once, one line each, with the fix.

Uses only the standard library, because it runs before anything is installed.
"""

import difflib
import errno
import fcntl
import os
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from database.account import account, closed_folder
from launch.errors import StartError
from stringx_dataops.contract.settings import ROOT, SECRETS, VARIABLES, Settings

# Not settings of an installation: the command line and the tests read them.
ALSO_KNOWN = ("STRINGX_BACKEND_URL", "KAFKA_PORT")
KNOWN = frozenset((*VARIABLES, *ALSO_KNOWN, *(f"{name}_FILE" for name in SECRETS)))
OWN_PREFIXES = ("STRINGX", "DATAOPS")  # an unknown variable with one of these prefixes is always a mistake
# Other programs may use these prefixes too, so an unknown variable is a mistake only if it resembles a known one.
SHARED_PREFIXES = ("BACKEND", "DOCS", "WORKER", "QUEUE", "BIND", "DBT_PRO", "DUCKDB", "KAFKA", "OIDC", "OPENLINEAGE")
LINKS = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT(_|$)|_PORT_\d+_(TCP|UDP)")  # variables that Kubernetes sets per service


class PreflightError(StartError):
    """One or several of the checks have failed."""


def unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """One line per variable that is not read, but whose name resembles one that is."""
    for name in sorted(environ):
        if name in KNOWN or name.startswith(("STRINGX_TARGET_", "STRINGX_TEST_")) or LINKS.search(name):
            continue
        prefix = name.split("_", 1)[0]
        is_own = bool(difflib.get_close_matches(prefix, OWN_PREFIXES, 1, 0.8)) and "_" in name
        if not is_own and not name.startswith(SHARED_PREFIXES):
            continue
        close = difflib.get_close_matches(name, sorted(KNOWN), 1, 0.75 if is_own else 0.85)
        if close:
            yield f"{name} is not a variable that is read; did you mean {close[0]}?"
        elif prefix in OWN_PREFIXES:
            yield f"{name} is not a variable that is read; unset it (./start-service.sh --help lists them)"


def taken_ports(settings: Settings, with_kafka: bool) -> Iterator[str]:
    """One line per port that is in use, cannot be bound, or is configured for two services."""
    wanted: dict[int, str] = {}
    services = [
        ("DATAOPS_PORT", settings.dataops_port),
        ("BACKEND_PORT", settings.backend_port),
        ("DOCS_PORT", settings.docs_port),
    ]
    brokers = [("KAFKA_PORT", settings.kafka_port), ("KAFKA_PORT", settings.kafka_port + 1)] if with_kafka else []
    for variable, port in (*services, *brokers):
        if port in wanted:
            yield f"{wanted[port]} and {variable} are both {port}; give each a port of its own"
            continue
        wanted[port] = variable
        reason = _refusal(settings.bind_host if variable != "KAFKA_PORT" else "127.0.0.1", port)
        if reason == errno.EADDRINUSE:
            yield f"port {port} is in use; stop what listens there, or set {variable}=another port"
        elif reason == errno.EACCES:
            yield f"port {port} needs root; set {variable} to a port above 1023"
        elif reason is not None:
            yield f"BIND_HOST is {settings.bind_host!r}, which is no address of this machine; 127.0.0.1 or 0.0.0.0 are"
            return


def make_home(home: Path) -> Iterator[str]:
    """Create the state folder with its subfolders and try to write to it; yields a line if that fails."""
    try:
        if not home.exists():
            home.mkdir(parents=True)
            # If root starts everything, PostgreSQL runs as another user, who must pass through this folder.
            home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for name, mode in (("run", 0o711), ("logs", 0o700), ("by-hand", 0o700)):
            (home / name).mkdir(exist_ok=True)
            if (home / name).stat().st_uid == os.geteuid():  # an earlier release gave wider permissions
                (home / name).chmod(mode)
        probe = home / "run" / f".probe.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        yield f"STRINGX_HOME is {home}, which cannot be written ({error.strerror}); set STRINGX_HOME to a folder that can"


def closed_to_postgres(settings: Settings, *programs: Path) -> Iterator[str]:
    """If root starts everything: a line about a folder that keeps PostgreSQL's account from its data or programs."""
    if settings.database_url is not None:
        return
    try:
        who = account()
    except LookupError as error:
        yield f"{error}; start as another user, or set STRINGX_DATABASE_URL"
        return
    if who is None:
        return
    for path, way_out in (
        (settings.home, "set STRINGX_HOME elsewhere"),
        *((p, "put the project elsewhere") for p in programs),
    ):
        closed = closed_folder(who, path)
        if closed is not None:
            yield (
                f"{closed} cannot be entered by the user {who.pw_name}, as whom PostgreSQL runs when root starts it:"
                f" chmod o+x {closed}, or {way_out}, or start as a user who is not root"
            )
            return


def runs_as_root(settings: Settings) -> str | None:
    """A warning line if root starts everything; None for any other user."""
    if os.geteuid() != 0:
        return None
    who = account() if settings.database_url is None else None
    others = "everything" if who is None else f"only PostgreSQL runs as another user ({who.pw_name}), everything else"
    return f"started as root: {others} runs as root; better start it as a user of its own"


def lock(home: Path) -> int:
    """Lock this home for as long as the returned file descriptor is open; it is inherited across exec.

    Raises PreflightError if another start holds the lock.
    """
    descriptor = os.open(home / "run" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode().strip()
        os.close(descriptor)
        raise PreflightError(
            f"already running on {home} (process {holder or 'unknown'}); stop that one, or set STRINGX_HOME and the ports"
        ) from None
    os.truncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    os.set_inheritable(descriptor, True)
    return descriptor


def check(settings: Settings, environ: Mapping[str, str]) -> int:
    """Run all checks; returns the descriptor of `lock`. Raises PreflightError with a line for each problem."""
    problems = [*unknown_variables(environ), *make_home(settings.home)]
    if problems:
        raise PreflightError(*problems)
    descriptor = lock(settings.home)
    if problems := [*taken_ports(settings, "LAUNCH_KAFKA" in environ), *closed_to_postgres(settings, ROOT)]:
        raise PreflightError(*problems)
    return descriptor


def _refusal(host: str, port: int) -> int | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does; old connections don't count
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return error.errno or errno.EADDRNOTAVAIL
    return None
