"""Runs the worker until a signal ends it.

After SIGTERM, running checks may go on for a while, and the rest is then handed back. After a second SIGTERM all are handed back
at once.
"""

import os
import shutil
import signal
import socket
import sys
from pathlib import Path

from api.delivery.sender import Credentials
from api.engine.pool import ChildFactory
from api.notifications import CHANNEL
from api.worker.worker import Worker
from database import leases
from database.awaited import wait_until_migrated
from database.connecting import bound_waits
from database.notifications import Listener
from database.pool import Database
from stringx_dataops.contract.adapters import DEFAULT_ADAPTER
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.settings import Settings, service_key, signing_secrets
from stringx_dataops.contract.variables import SettingsError
from web import logs, tracing


def run(settings: Settings, child_factory: ChildFactory) -> int:
    """Run until a signal ends the process. Returns 2 if the settings are wrong; else it does not return."""
    logs.configure()
    try:
        worker = _make(settings, child_factory)
    except (SettingsError, ValueError) as error:
        print(f"worker: {error}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.begin_to_stop())
    bound_waits()
    tracing.start("stringx-worker")
    _remove_old_folders(worker.home.parent)
    dialect_of(DEFAULT_ADAPTER)  # each check needs it
    wait_until_migrated(worker.stop.is_set)
    worker.start()
    while not worker.stop.wait(3600):
        continue
    worker.end()
    tracing.stop()
    os._exit(0)  # a thread that still waits for a lost connection must not keep the process


def _make(settings: Settings, child_factory: ChildFactory) -> Worker:
    size = settings.worker_concurrency + 6
    database = Database(settings.require_database_url(), size, "stringx worker", settings.database_direct_url)
    name = leases.worker_name("worker")
    credentials = Credentials(name, service_key(settings), signing_secrets(settings))
    return Worker(
        settings=settings,
        database=database,
        catalogue=Catalogue.load(settings.dbt_project_dir),
        listener=Listener(database, CHANNEL),
        name=name,
        credentials=credentials,
        child_factory=child_factory,
    )


def _remove_old_folders(folder: Path) -> None:
    """Remove the folders of this machine's workers that have ended."""
    for old in folder.glob(f"{socket.gethostname()}-*"):
        try:
            os.kill(int(old.name.rsplit("-", 1)[1]), 0)  # checks whether the process exists
        except (ProcessLookupError, ValueError):
            shutil.rmtree(old, ignore_errors=True)
        except PermissionError:
            continue
