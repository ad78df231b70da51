"""The roles that an image or a checkout can run. Most of them replace this process by another program (exec)."""

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from database import awaited
from launch import process
from launch.errors import StartError
from stringx_dataops.contract.settings import ROOT, Settings, read_settings
from stringx_dataops.contract.variables import SettingsError, secret

MIGRATED = "run/migrated"  # this file in STRINGX_HOME exists when the first start has migrated the internal database
SERVING = "run/serving"  # … this one when Backend and DataOps take requests
READY = "run/ready"  # … and this one when it says `ready`
_LATER_S = 30.0  # the longest that a process lets others go first
SUPERVISED = "LAUNCH_SUPERVISED"  # this variable is set for processes that run under the supervisor


def main(arguments: list[str]) -> int:
    """Run one role, `all` by default; returns 2, after a line on standard error, if it cannot be started."""
    role = arguments[0] if arguments else "all"
    if role in ("-h", "--help"):
        print(f"usage: python -m launch [{'|'.join(PUBLIC)}]\n       python -m launch {USAGE}")
        return 0
    action = ROLES.get(" ".join(arguments) or "all")  # `wait ROLE` has two words
    if role not in COMMANDS and action is None:
        print(f"launch: {' '.join(arguments)!r} is no role; one of {', '.join((*PUBLIC, *COMMANDS))}", file=sys.stderr)
        return 2
    try:
        if role in COMMANDS:
            from launch import operations  # here, because no role needs a database driver in this process

            return operations.run(role, arguments[1:], read_settings())
        assert action is not None  # as it is none of the commands
        return action(read_settings()) or 0
    except SettingsError as error:
        print(f"{role}: {error}", file=sys.stderr)
    except StartError as error:
        for line in error.args:
            print(f"{role}: {line}", file=sys.stderr)
    return 2


def run_api(settings: Settings) -> NoReturn:
    """Become DataOps' web process."""
    _ready_to_load(settings)
    become_python("-m", "gunicorn", "-c", str(ROOT / "api" / "gunicorn.conf.py"), "api.app:create_app()")


def run_backend(settings: Settings) -> NoReturn:
    """Become the Backend's web process."""
    _ready_to_load(settings)
    become_python("-m", "gunicorn", "-c", str(ROOT / "backend" / "gunicorn.conf.py"), "backend.app:create_app()")


def run_docs(settings: Settings) -> NoReturn:
    """Become the docs portal's web process."""
    if SUPERVISED in os.environ:  # elsewhere it needs no database: it only reads files
        _ready_to_serve(settings)
        _let_go_first(settings, SERVING)
    become_python("-m", "gunicorn", "-c", str(ROOT / "portal" / "gunicorn.conf.py"), "portal.app:create_app()")


def run_docs_refresh(settings: Settings) -> NoReturn:
    """Become the process that generates the docs portal's pages."""
    _ready_to_serve(settings)
    if SUPERVISED in os.environ:
        _let_go_first(settings, READY)
    become_python("-m", "portal.refresh")


def run_worker(settings: Settings) -> NoReturn:
    """Become DataOps' worker, which runs checks."""
    _ready_to_load(settings)
    become_python("-m", "api.worker.main")


def run_migrate(settings: Settings) -> NoReturn:
    """Become the migration. Raises SettingsError without STRINGX_DATABASE_URL."""
    settings.require_database_url()
    become_python("-m", "database.migrate")


def run_trigger(settings: Settings) -> NoReturn:
    """Become the Kafka trigger. Raises SettingsError if no broker is configured."""
    from stringx_dataops.contract.messages import kafka  # here, because no other role needs its settings

    if kafka.read() is None:
        raise SettingsError("KAFKA_BOOTSTRAP_SERVERS is not set: give host:port of a Kafka broker")
    _ready_to_serve(settings)
    become_python("-m", "backend.kafka.trigger")


def run_on_machine(role: str, settings: Settings) -> NoReturn:
    """Become the supervisor of this machine, or one of the servers that it starts."""
    from launch import machine  # here, because the other roles start without what it needs

    machine.run(role, settings)


def run_first_start(settings: Settings) -> int:
    """Migrate, load the demo and apply rules in this process; returns 0 when that is done."""
    process.end_with_parent()
    from launch import first_start  # here, because no other role needs a database driver and an HTTP client in this process

    return first_start.run(settings)


def run_wait(role: str, settings: Settings) -> int:
    """What a pod does before its role: wait until it is the role's turn in an upgrade; returns 0 or 3."""
    from launch import order  # here, because no other role needs a database driver in this process

    process.end_when_told()
    return order.wait(settings, role)


def run_health(settings: Settings) -> int:
    """The container's health check; returns 0 or 1."""
    from launch import health  # here, because no other role needs HTTP in this process

    return health.check(settings)


COMMANDS = ("restore", "move-database")  # they take arguments, and end
USAGE = "[restore FILE|- [--replace] | move-database URL [--password-file FILE] [--replace]]"
PUBLIC = ("all", "api", "backend", "worker", "trigger", "docs", "migrate")
ROLES: dict[str, Callable[[Settings], int | None]] = {
    "all": partial(run_on_machine, "all"),
    "api": run_api,
    "backend": run_backend,
    "worker": run_worker,
    "trigger": run_trigger,
    "docs": run_docs,
    "migrate": run_migrate,
    "docs-refresh": run_docs_refresh,  # not listed, but compose.yaml runs it in a container of its own
    # internal: run by the supervisor, or as the container's health check
    "postgres": partial(run_on_machine, "postgres"),
    "kafka": partial(run_on_machine, "kafka"),
    "first-start": run_first_start,
    "health": run_health,
    # before a role, where nobody starts the roles in order
    **{f"wait {role}": partial(run_wait, role) for role in ("backend", "api", "worker", "trigger", "docs")},
}


def _ready_to_serve(settings: Settings) -> None:
    """Raise SettingsError if there is no database URL. A supervised process also waits here until the database is migrated."""
    settings.require_database_url()
    if SUPERVISED in os.environ:
        process.end_with_parent()
        while not (settings.home / MIGRATED).exists():
            time.sleep(0.1)


def _let_go_first(settings: Settings, mark: str) -> None:
    """Wait, for some time at most, until that file exists: other processes need the processors more."""
    until = time.monotonic() + _LATER_S
    while time.monotonic() < until and not (settings.home / mark).exists():
        time.sleep(0.1)


def _ready_to_load(settings: Settings) -> None:
    """The same, but a supervised process waits later, by `database.awaited`: what it loads takes longer than the migration. At a
    first start it waits here, because it reads secrets that are made then."""
    made = [secret("STRINGX_SERVICE_KEY", settings.home / "service-key")]
    made.append(secret("STRINGX_SIGNING_SECRET", settings.home / "signing-secret"))
    if SUPERVISED not in os.environ or None in made:
        _ready_to_serve(settings)
        return
    settings.require_database_url()
    process.end_with_parent()
    os.environ[awaited.MIGRATED] = str(settings.home / MIGRATED)


def become_python(*arguments: str) -> NoReturn:
    os.umask(0o077)  # only this user may read logs and files of checks; PostgreSQL has separate folders
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    # The services are not installed, so they are imported from the checkout.
    os.environ["PYTHONPATH"] = os.pathsep.join([*([] if str(ROOT) in paths else [str(ROOT)]), *paths])
    os.execv(sys.executable, [sys.executable, "-P", *arguments])
