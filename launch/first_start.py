"""From running processes to `ready`: databases, migrations, demo, rules, the first verdicts.

Every step looks first whether it has been done, so it can be killed anywhere and run again.
"""

import os
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import yaml

from database import embedded, migrate
from database.embedded import Cluster, EmbeddedError
from database.pool import Database
from launch import advice, demo, health
from launch.backend import FirstStartClient, StepError
from launch.roles import MIGRATED, READY, SERVING
from launch.verdict_table import VerdictRow, table
from stringx_dataops import __version__
from stringx_dataops.contract.catalogue.dbt_project import fingerprint
from stringx_dataops.contract.files import write_whole
from stringx_dataops.contract.problems import StringXError
from stringx_dataops.contract.settings import ROOT, Settings
from stringx_dataops.contract.variables import SettingsError

RULES = ROOT / "rules"
APPLIED = "rules-applied"  # in the home: names of the files that an earlier start has applied
LOADED = "project-loaded"  # in the home: the state of the dbt project that was loaded last
RETRY_SECONDS = 10
_PORTAL_S = 20.0


def run(settings: Settings) -> int:
    """Until `ready` stands on the terminal; what fails is printed once and tried again."""
    printed, checks = "", _DemoChecks()
    while True:
        try:
            _start(settings, checks)
            return 0
        except (StepError, EmbeddedError, OSError, psycopg2.Error) as error:
            line = " ".join(str(error).split())[:500] or type(error).__name__
            if line != printed:
                print(
                    f"not ready: {line} (logs: {settings.home / 'logs'}; trying again every {RETRY_SECONDS} s)",
                    flush=True,
                )
                printed = line
            time.sleep(RETRY_SECONDS)


def _start(settings: Settings, checks: "_DemoChecks") -> None:
    found = ThreadPoolExecutor(1).submit(advice.about_settings, settings, os.environ)  # while everything starts
    cluster = Cluster(settings.home) if os.environ.get("LAUNCH_EMBEDDED") else None
    if cluster is not None:
        embedded.wait(cluster)
        embedded.create(cluster, "stringx", embedded.keep(settings.home / "stringx-password"))
        embedded.create_database(cluster, "stringx", "stringx")
    _migrate(settings)
    (settings.home / MIGRATED).touch()  # what the services wait for
    has_demo = settings.demo and cluster is not None
    if settings.demo and cluster is None:
        print("no demo: it needs the embedded PostgreSQL, and STRINGX_DATABASE_URL is set", flush=True)
    if has_demo and cluster is not None:
        demo.prepare(cluster, settings)
        if not (_applied(settings) or _has_demo(cluster)):
            print("loading the demo: five tables, 336,776 flights of 2013", flush=True)
        demo.load(cluster)
    backend = FirstStartClient(settings)
    backend.wait_until_accepting()
    (settings.home / SERVING).touch()
    _apply_rules(settings, backend, demo.target(cluster) if has_demo and cluster is not None else None)
    if has_demo:
        if not _was_loaded(settings):
            backend.wait()
        checks.ask(backend)
    backend.wait()
    write_whole(settings.home / LOADED, _project_state(settings))
    if has_demo:
        print(table(checks.rows()), flush=True)
    if not _portal_answers(settings):
        print(f"warning: the docs portal does not answer yet (log: {settings.home / 'logs' / 'docs.log'})", flush=True)
    lines = found.result() if found.done() else []  # of a name that no server resolves there is nothing to wait for
    for line in (*lines, *advice.about_documents(settings, backend.documents_with_secrets(), os.environ)):
        print(f"warning: {line}", flush=True)
    (settings.home / READY).touch()
    print(_ready(settings), flush=True)


@dataclass
class _DemoChecks:
    """The checks of the demo's tables: each table is asked for once, however often a start is tried again."""

    _asked: list[Future[VerdictRow]] = field(default_factory=list)

    def ask(self, backend: FirstStartClient) -> None:
        """Ask, unless a check from before has not ended."""
        if not all(each.done() for each in self._asked):
            return
        tables = [name for name in _demo_tables() if backend.has_table(demo.DATABASE, name)]
        print("checking the demo tables", flush=True)
        pool = ThreadPoolExecutor(max(1, len(tables)))
        self._asked = [pool.submit(backend.check, demo.DATABASE, name) for name in tables]
        pool.shutdown(wait=False)

    def rows(self) -> list[VerdictRow]:
        """What they have found, once all have ended."""
        return [each.result() for each in self._asked]


def _project_state(settings: Settings) -> str:
    """Another text if anything has changed that decides whether dbt can load the project."""
    try:
        profile = (settings.dbt_profiles_dir / "profiles.yml").stat()
    except OSError:
        return "no profile"
    return f"{__version__} {fingerprint(settings.dbt_project_dir)} {profile.st_mtime_ns} {profile.st_size}\n"


def _was_loaded(settings: Settings) -> bool:
    """Whether a start before has loaded the same project, so that checks need not wait until it is known whether dbt can."""
    file = settings.home / LOADED
    return file.exists() and file.read_text(encoding="utf-8") == _project_state(settings)


def _portal_answers(settings: Settings) -> bool:
    """It is the last to load. Nothing depends on it, so it is not waited for without end."""
    until = time.monotonic() + _PORTAL_S
    while not health.answers(settings, settings.docs_port):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def _migrate(settings: Settings) -> None:
    database = Database(settings.require_session_url(), size=1, application_name="stringx migrate")
    try:
        for name in migrate.migrate(database):
            print(f"applied {name}", file=sys.stderr, flush=True)
        migrate.make_secrets(settings, database)
    except (SettingsError, StringXError) as error:
        raise StepError(f"the internal database is not up to date: {error}") from error
    finally:
        database.close()


def _has_demo(cluster: Cluster) -> bool:
    """Whether `demo.load` will find its tables, for the line that says what takes time."""
    password = embedded.keep(cluster.password_file)
    connection = psycopg2.connect(cluster.address("postgres", password, demo.DATABASE), connect_timeout=10)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("select to_regclass('public.flights') is not null")
            row = cursor.fetchone()
            return bool(row and row[0])
    finally:
        connection.close()


def _applied(settings: Settings) -> set[str]:
    file = settings.home / APPLIED
    return set(file.read_text(encoding="utf-8").splitlines()) if file.exists() else set()


def _apply_rules(settings: Settings, backend: FirstStartClient, target: dict[str, Any] | None) -> None:
    """Applies the demo's target and the rule files in one step. Later starts apply only what is missing (new files, the target),
    and the target's port if it moved."""
    before = _applied(settings)
    files = [file for file in sorted(RULES.glob("*.yml")) if file.name not in before]
    if target is None:
        files = [file for file in files if file.name != f"{demo.DATABASE}.yml"]
    documents = [file.read_text(encoding="utf-8-sig") for file in files]
    if target is not None:
        stored = backend.target(demo.DATABASE)
        if stored is None:
            documents.insert(0, yaml.safe_dump(target, sort_keys=False))
        elif stored.get("port") != target["port"] and stored.get("host") == target["host"]:
            documents.insert(0, yaml.safe_dump({**stored, "port": target["port"]}, sort_keys=False))
    if documents:
        names = ", ".join(file.name for file in files) or "the Target of the demo"
        if (problem := backend.refusal("\n---\n".join(documents))) is not None:
            raise StepError(f"{names} was refused: {problem}; correct it in {RULES}")
    applied = before | {file.name for file in files}
    write_whole(settings.home / APPLIED, "".join(f"{name}\n" for name in sorted(applied)))


def _demo_tables() -> list[str]:
    documents = yaml.safe_load_all((RULES / f"{demo.DATABASE}.yml").read_text(encoding="utf-8"))
    return [document["table"] for document in documents if document and "table" in document]


def _ready(settings: Settings) -> str:
    """The line that says it, and where everything is."""
    key = settings.home / "api-key"
    lines = [
        f"ready  DataOps {settings.dataops_url} (API documentation at /docs)",
        f"       Backend {settings.backend_url} (the dashboard; API documentation at /docs)",
        f"       docs    http://{_here(settings)}:{settings.docs_port}",
        f"       key     {key}",
    ]
    if settings.bind_host == "0.0.0.0" and Path("/usr/app/launch").exists():
        lines += container_help(settings)
    return "\n".join(lines)


def container_help(settings: Settings) -> list[str]:
    """A container sees neither its name nor its published ports: so the whole command, unless start-service.sh gave it."""
    lines = [f"       read it: docker exec dbt-dataops-service cat {settings.home / 'api-key'}"]
    if os.environ.get("LAUNCH_COMPLETE"):
        return lines
    ports = " ".join(f"-p 127.0.0.1:{p}:{p}" for p in (settings.dataops_port, settings.backend_port, settings.docs_port))
    return [
        *lines,
        "       started with fewer -p or without -v? All three addresses, and state that outlives the container:",
        f"       docker run {ports} -v dbt-data-ops:{settings.home} --stop-timeout 40"
        " --name dbt-dataops-service dbt-data-ops:latest",
    ]


def _here(settings: Settings) -> str:
    return "127.0.0.1" if settings.bind_host in ("0.0.0.0", "::") else settings.bind_host
