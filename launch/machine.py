"""The roles of a machine that runs everything: the supervisor, and the servers that it starts beside the services."""

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from database import embedded
from database.account import account, become
from database.embedded import Cluster, EmbeddedError
from launch import broker, moved, preflight, process, supervision
from launch.errors import StartError
from launch.roles import MIGRATED, READY, SERVING, SUPERVISED, become_python
from stringx_dataops.contract.settings import FILES, ROOT, SECRETS, Settings, read_settings
from stringx_dataops.contract.variables import SettingsError


def run(role: str, settings: Settings) -> NoReturn:
    """Become `all`, `postgres` or `kafka`. Raises SettingsError or StartError with lines for the terminal."""
    try:
        {"all": _run_all, "postgres": _run_postgres, "kafka": _run_kafka}[role](settings)
    except EmbeddedError as error:
        raise StartError(str(error)) from error


def _run_all(settings: Settings) -> NoReturn:
    """Check and prepare everything, then become the supervisor of all processes of this machine.

    Raises SettingsError, StartError or EmbeddedError.
    """
    if "LAUNCH_LOCK" not in os.environ:
        os.environ["LAUNCH_LOCK"] = str(preflight.check(settings, os.environ))
    moved.require_not_moved(settings)
    # here, because PostgreSQL, which this module becomes too, is waited for
    from stringx_dataops.contract.catalogue.dbt_project import fault_of_project
    from stringx_dataops.contract.messages import kafka

    if fault := fault_of_project(settings.dbt_project_dir, settings.dbt_profiles_dir):
        raise SettingsError(fault)
    with_kafka = "LAUNCH_KAFKA" in os.environ
    if with_kafka:
        os.environ["KAFKA_BOOTSTRAP_SERVERS"] = f"127.0.0.1:{settings.kafka_port}"
        broker.prepare(settings.home, settings.kafka_port)
        settings = read_settings()
    kafka.read()  # raises SettingsError now if Kafka's settings are wrong
    for mark in (MIGRATED, SERVING, READY):
        (settings.home / mark).unlink(missing_ok=True)
    _absolute_environment(settings)
    if settings.database_url is None:
        if problems := list(preflight.closed_to_postgres(settings, embedded.binaries())):
            raise StartError(*problems)
        os.environ["STRINGX_DATABASE_URL_FILE"] = str(embedded.prepare(settings.home).url_file)
        os.environ.pop("STRINGX_DATABASE_URL", None)
        os.environ["LAUNCH_EMBEDDED"] = "1"
    _link_to_portal(settings)
    configuration = supervision.write(settings, with_kafka)
    os.environ.update(supervision.environment(settings, sys.executable), **{SUPERVISED: "1"})
    process.make_console_reopenable()
    become_python("-m", "launch.supervisor", "-c", str(configuration))


def _link_to_portal(settings: Settings) -> None:
    """Tell the Backend where the portal of this machine is. A container of a plain `docker run` may not publish it."""
    if settings.docs_url is None and (os.environ.get("LAUNCH_COMPLETE") or settings.bind_host == "127.0.0.1"):
        os.environ["DOCS_URL"] = f"http://127.0.0.1:{settings.docs_port}"


def _run_postgres(settings: Settings) -> NoReturn:
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


def _run_kafka(settings: Settings) -> NoReturn:
    """Become the Kafka broker that `--kafka` starts."""
    process.end_with_parent()
    arguments = broker.command(settings.home)
    os.execv(arguments[0], arguments)


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
