"""From running processes to `ready`: databases, migrations, demo, rules, the first verdicts.

Every step looks first whether it has been done, so it can be killed anywhere and run again.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import requests
import yaml

from database import embedded
from database.embedded import Cluster, EmbeddedError
from launch import demo
from launch.verdict_table import Verdict, table
from stringx_dataops.contract.files import write_whole
from stringx_dataops.contract.settings import ROOT, Settings, secret

RULES = ROOT / "rules"
APPLIED = "rules-applied"  # in the home: names of the files that an earlier start has applied
RETRY_SECONDS = 10


class StepError(Exception):
    """A step failed; the text is one line that names what to do and which log to read."""


def run(settings: Settings) -> int:
    """Until `ready` stands on the terminal; what fails is said once and tried again."""
    said = ""
    while True:
        try:
            _start(settings)
            return 0
        except (StepError, EmbeddedError, OSError, psycopg2.Error, requests.RequestException) as error:
            line = " ".join(str(error).split())[:500] or type(error).__name__
            if line != said:
                print(
                    f"not ready: {line} (logs: {settings.home / 'logs'}; trying again every {RETRY_SECONDS} s)",
                    flush=True,
                )
                said = line
            time.sleep(RETRY_SECONDS)


def _start(settings: Settings) -> None:
    cluster = Cluster(settings.home) if os.environ.get("LAUNCH_EMBEDDED") else None
    if cluster is not None:
        embedded.wait(cluster)
        embedded.create(cluster, "stringx", embedded.keep(settings.home / "stringx-password"))
        embedded.create_database(cluster, "stringx", "stringx")
    _migrate(settings)
    (settings.home / "run" / "migrated").touch()  # what the services wait for
    has_demo = settings.demo and cluster is not None
    if settings.demo and cluster is None:
        print("no demo: it needs the embedded PostgreSQL, and STRINGX_DATABASE_URL is set", flush=True)
    if has_demo and cluster is not None:
        demo.prepare(cluster, settings)
        if not (_applied(settings) or _has_demo(cluster)):
            print("loading the demo: five tables, 336,776 flights of 2013", flush=True)
        demo.load(cluster)
    backend = Backend(settings)
    backend.wait()
    _apply_rules(settings, backend, demo.target(cluster) if has_demo and cluster is not None else None)
    if has_demo:
        tables = [name for name in _demo_tables() if backend.has_table(demo.DATABASE, name)]
        print("checking the demo tables", flush=True)
        print(table([backend.check(demo.DATABASE, name) for name in tables]), flush=True)
    print(_ready(settings), flush=True)


def _migrate(settings: Settings) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "database.migrate"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    sys.stderr.write(done.stdout + done.stderr)
    if done.returncode != 0:
        reason = ((done.stderr or done.stdout).strip().splitlines() or ["no output"])[-1]
        raise StepError(f"the internal database is not up to date: {reason} (see {settings.home / 'logs' / 'first-start.log'})")


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


def _apply_rules(settings: Settings, backend: "Backend", target: dict[str, Any] | None) -> None:
    """Target and rule files together, all or nothing; later starts leave both to the API, but for a port that moved."""
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
        backend.apply("\n---\n".join(documents), [file.name for file in files])
    applied = before | {file.name for file in files}
    write_whole(settings.home / APPLIED, "".join(f"{name}\n" for name in sorted(applied)))


def _demo_tables() -> list[str]:
    documents = yaml.safe_load_all((RULES / f"{demo.DATABASE}.yml").read_text(encoding="utf-8"))
    return [document["table"] for document in documents if document and "table" in document]


class Backend:
    """The Backend's API as the first start uses it, with the owner's key."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy between the processes of one machine
        key = secret("STRINGX_API_KEY", settings.home / "api-key")
        if key is None:
            raise StepError(f"{settings.home / 'api-key'} is missing, and STRINGX_API_KEY is not set")
        self._session.headers["Authorization"] = f"Bearer {key}"

    def wait(self, seconds: float = 120) -> None:
        """Until both services say that they are ready."""
        until = time.monotonic() + seconds
        for name, address, log in (
            ("Backend", self._settings.backend_url, "backend.log"),
            ("DataOps", self._settings.dataops_url, "api.log and worker.log"),
        ):
            while not (answer := self._ready(address))[0]:
                if "dbt project" in answer[1]:  # waiting does not help
                    raise StepError(f"{name} is not ready: {answer[1]}")
                if time.monotonic() > until:
                    raise StepError(f"{name} is not ready at {address}/readyz: {answer[1]}; read {log}")
                time.sleep(0.2)

    def target(self, name: str) -> dict[str, Any] | None:
        return self._document(f"/api/v1/targets/{name}")

    def has_table(self, target: str, name: str) -> bool:
        return self._document(f"/api/v1/tables/{target}/{name}") is not None

    def apply(self, documents: str, names: list[str]) -> None:
        answer = self._session.post(
            f"{self._settings.backend_url}/api/v1/configuration",
            data=documents.encode(),
            headers={"Content-Type": "application/yaml"},
            timeout=60,
        )
        if not answer.ok:
            raise StepError(
                f"{', '.join(names) or 'the Target of the demo'} was refused: {_problem(answer)}; correct it in {RULES}"
            )

    def check(self, target: str, name: str) -> Verdict:
        """A synchronous check, waited for where it outlasts the wait of one request."""
        started = time.monotonic()
        base = self._settings.backend_url
        answer = self._session.post(
            f"{base}/api/v1/requests", json={"target": target, "table": name, "mode": "sync"}, timeout=120
        )
        while answer.status_code == 202 and time.monotonic() - started < 600:
            location = requests.compat.urljoin(base, answer.headers.get("Location", ""))
            answer = self._session.get(location, params={"wait": 30}, timeout=60)
            if answer.ok and answer.json().get("status") in ("queued", "running", "accepted", "sent"):
                answer.status_code = 202
        if not answer.ok:
            raise StepError(f"the check of {name} was refused: {_problem(answer)}")
        request = answer.json()
        gate = self._document(f"/api/v1/gates/{target}/{name}") or {}
        checks = request.get("checks") or [{}]
        return Verdict.of(name, request, checks[0], gate.get("gate", "?"), time.monotonic() - started)

    def _ready(self, address: str) -> tuple[bool, str]:
        try:
            answer = self._session.get(f"{address}/readyz", timeout=5)
        except requests.RequestException as error:
            return False, "no answer" if isinstance(error, requests.ConnectionError) else str(error)
        return answer.ok, "" if answer.ok else _problem(answer)

    def _document(self, path: str) -> dict[str, Any] | None:
        answer = self._session.get(f"{self._settings.backend_url}{path}", headers={"Accept": "application/json"}, timeout=30)
        if answer.status_code == 404:
            return None
        if not answer.ok:
            raise StepError(f"GET {path}: {_problem(answer)}; read backend.log")
        found: Callable[[], dict[str, Any]] = answer.json
        return found() if "json" in answer.headers.get("Content-Type", "") else yaml.safe_load(answer.text)


def _problem(answer: requests.Response) -> str:
    """What an application/problem+json says, in one line."""
    try:
        body = answer.json()
        if body.get("reasons"):  # of /readyz
            return "; ".join(map(str, body["reasons"]))
        details = [f"{error['pointer']}: {error['message']}" for error in body.get("errors", [])[:3]]
        return "; ".join([str(body.get("detail") or body.get("title") or answer.status_code), *details])
    except (ValueError, KeyError, AttributeError, TypeError):
        return f"{answer.status_code} {answer.reason}"


def _ready(settings: Settings) -> str:
    """The line that says it, and where everything is."""
    key = settings.home / "api-key"
    lines = [
        f"ready  DataOps {settings.dataops_url} (API documentation at /docs)",
        f"       Backend {settings.backend_url} (API documentation at /docs)",
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
