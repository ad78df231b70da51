"""The roles that an image or a checkout can run. Most of them replace this process by another program (exec)."""

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from database import awaited, embedded
from database.account import account, become
from database.embedded import Cluster, EmbeddedError
from launch import broker, moved, preflight, process, supervision
from launch.broker import BrokerError
from launch.preflight import PreflightError
from stringx_dataops.contract.messages import kafka
from stringx_dataops.contract.settings import FILES, ROOT, SECRETS, Settings, SettingsError, read_settings, secret

MIGRATED = "run/migrated"  # this file in STRINGX_HOME exists when the first start has migrated the internal database
READY = "run/ready"  # … and this one when it says `ready`
_REFRESH_LATER_S = 30.0
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
    except (SettingsError, EmbeddedError, BrokerError) as error:
        print(f"{role}: {error}", file=sys.stderr)
    except PreflightError as error:
        for line in error.args:
            print(f"{role}: {line}", file=sys.stderr)
    return 2


def run_all(settings: Settings) -> NoReturn:
    """Check and prepare everything, then become the supervisor of all processes of this machine.

    Raises SettingsError, PreflightError, EmbeddedError or BrokerError with lines for the terminal.
    """
    if "LAUNCH_LOCK" not in os.environ:
        os.environ["LAUNCH_LOCK"] = str(preflight.check(settings, os.environ))
    moved.require_not_moved(settings)
    from stringx_dataops.contract.catalogue.dbt_project import fault_of_project  # here, because no other role needs YAML

    if fault := fault_of_project(settings.dbt_project_dir, settings.dbt_profiles_dir):
        raise SettingsError(fault)
    with_kafka = "LAUNCH_KAFKA" in os.environ
    if with_kafka:
        os.environ["KAFKA_BOOTSTRAP_SERVERS"] = f"127.0.0.1:{settings.kafka_port}"
        broker.prepare(settings.home, settings.kafka_port)
        settings = read_settings()
    kafka.read()  # raises SettingsError now if Kafka's settings are wrong
    for mark in (MIGRATED, READY):
        (settings.home / mark).unlink(missing_ok=True)
    _absolute_environment(settings)
    if settings.database_url is None:
        if problems := list(preflight.closed_to_postgres(settings, embedded.binaries())):
            raise PreflightError(*problems)
        os.environ["STRINGX_DATABASE_URL_FILE"] = str(embedded.prepare(settings.home).url_file)
        os.environ.pop("STRINGX_DATABASE_URL", None)
        os.environ["LAUNCH_EMBEDDED"] = "1"
    _link_to_portal(settings)
    configuration = supervision.write(settings, with_kafka)
    os.environ.update(supervision.environment(settings, sys.executable), **{SUPERVISED: "1"})
    process.make_console_reopenable()
    _become("-m", "supervisor.supervisord", "-c", str(configuration))


def _link_to_portal(settings: Settings) -> None:
    """Tell the Backend where the portal of this machine is. A container of a plain `docker run` may not publish it."""
    if settings.docs_url is None and (os.environ.get("LAUNCH_COMPLETE") or settings.bind_host == "127.0.0.1"):
        os.environ["DOCS_URL"] = f"http://127.0.0.1:{settings.docs_port}"


def run_postgres(settings: Settings) -> NoReturn:
    """Become the embedded PostgreSQL under its own account, without this process's environment."""
    cluster = Cluster(settings.home)
    embedded.recover(cluster)
    arguments = embedded.command(cluster)
    who = account()
    os.chdir("/")
    os.umask(0o077)
    become(who)
    process.end_with_parent(signal.SIGINT)
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "TZ") if name in os.environ}
    os.execve(arguments[0], arguments, {**environ, "LC_ALL": "C"})


def run_api(settings: Settings) -> NoReturn:
    """Become DataOps' web process."""
    _ready_to_load(settings)
    _become("-m", "gunicorn", "-c", str(ROOT / "api" / "gunicorn.conf.py"), "api.app:create_app()")


def run_backend(settings: Settings) -> NoReturn:
    """Become the Backend's web process."""
    _ready_to_load(settings)
    _become("-m", "gunicorn", "-c", str(ROOT / "backend" / "gunicorn.conf.py"), "backend.app:create_app()")


def run_docs(settings: Settings) -> NoReturn:
    """Become the docs portal's web process."""
    if SUPERVISED in os.environ:  # elsewhere it needs no database: it only reads files
        _ready_to_load(settings)
    _become("-m", "gunicorn", "-c", str(ROOT / "portal" / "gunicorn.conf.py"), "portal.app:create_app()")


def run_docs_refresh(settings: Settings) -> NoReturn:
    """Become the process that generates the docs portal's pages. Under the supervisor, it lets those go first that `ready` waits
    for."""
    _ready_to_serve(settings)
    until = time.monotonic() + _REFRESH_LATER_S
    while SUPERVISED in os.environ and time.monotonic() < until and not (settings.home / READY).exists():
        time.sleep(0.2)
    _become("-m", "portal.refresh")


def run_worker(settings: Settings) -> NoReturn:
    """Become DataOps' worker, which runs checks."""
    _ready_to_load(settings)
    _become("-m", "api.worker.main")


def run_migrate(settings: Settings) -> NoReturn:
    """Become the migration. Raises SettingsError without STRINGX_DATABASE_URL."""
    settings.require_database_url()
    _become("-m", "database.migrate")


def run_trigger(settings: Settings) -> NoReturn:
    """Become the Kafka trigger. Raises SettingsError if no broker is configured."""
    if kafka.read() is None:
        raise SettingsError("KAFKA_BOOTSTRAP_SERVERS is not set: give host:port of a Kafka broker")
    _ready_to_serve(settings)
    _become("-m", "backend.kafka.trigger")


def run_kafka(settings: Settings) -> NoReturn:
    """Become the Kafka broker that `--kafka` starts."""
    process.end_with_parent()
    arguments = broker.command(settings.home)
    os.execv(arguments[0], arguments)


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
    "all": run_all,
    "api": run_api,
    "backend": run_backend,
    "worker": run_worker,
    "trigger": run_trigger,
    "docs": run_docs,
    "migrate": run_migrate,
    "docs-refresh": run_docs_refresh,  # not listed, but compose.yaml runs it in a container of its own
    # internal: run by the supervisor, or as the container's health check
    "postgres": run_postgres,
    "kafka": run_kafka,
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


def _absolute_environment(settings: Settings) -> None:
    """Make paths and addresses in the environment absolute, because child processes run in another folder."""
    files = {*FILES, *(f"{secret}_FILE" for secret in SECRETS)}
    for name in [name for name in os.environ if name in files or _is_secret_file(name)]:
        if os.environ[name]:
            os.environ[name] = str(Path(os.environ[name]).expanduser().absolute())
    here = "127.0.0.1" if settings.bind_host in ("0.0.0.0", "::", "localhost") else settings.bind_host
    os.environ.update(
        STRINGX_HOME=str(settings.home),
        STRINGX_SECRETS=str(settings.secrets),
        DBT_PROJECT_DIR=str(settings.dbt_project_dir),
        DBT_PROFILES_DIR=str(settings.dbt_profiles_dir),
        BACKEND_URL=os.environ.get("BACKEND_URL") or f"http://{here}:{settings.backend_port}",
        DATAOPS_URL=os.environ.get("DATAOPS_URL") or f"http://{here}:{settings.dataops_port}",
        PYTHONPATH=str(ROOT),
        PYTHONUNBUFFERED="1",
    )
    os.chdir(ROOT)


def _is_secret_file(name: str) -> bool:
    """Of a target's password, or of a channel's address."""
    return name.startswith(("TARGET_", "NOTIFY_")) and name.endswith("_FILE")


def _become(*arguments: str) -> NoReturn:
    os.umask(0o077)  # only this user may read logs and files of checks; PostgreSQL has separate folders
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    # The services are not installed, so they are imported from the checkout.
    os.environ["PYTHONPATH"] = os.pathsep.join([*([] if str(ROOT) in paths else [str(ROOT)]), *paths])
    os.execv(sys.executable, [sys.executable, "-P", *arguments])
