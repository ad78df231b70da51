"""What it costs to bring a result from DataOps to the Backend, one by one and in batches.

`python -m benchmarks.deliveries [--results 160]`: finished checks of ten rules on forty tables, a Backend of its own, one thread
that delivers what is due, in turn one by one and in batches; milliseconds of processor and commits per result, by process. These
can be compared on a busy machine, too.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import requests

from api.delivery.batches import ResultDeliverer
from api.delivery.handover import CLOSED
from benchmarks.load.installation import RULES
from database import keys
from database.migrate import migrate
from database.pool import Database
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Admin, running_cluster
from tests.support.datasets import apply
from tests.support.deliveries import CREDENTIALS, SECRET, ended
from tests.support.processes import eventually, free_port

RESULTS = Path(__file__).parent / "results"
PAIRS, TABLES = 3, 40


class OneByOne(ResultDeliverer):
    """A deliverer that knows of no receiver that takes batches."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, CREDENTIALS, CLOSED)
        self._takers.note = lambda *_: None  # type: ignore[method-assign]


def deliver(deliverer: ResultDeliverer) -> int:
    """All that is due; how many posts that took."""
    posts, messages = 0, deliverer.claim()
    while messages is not None:
        posts, messages = posts + 1, deliverer.deliver_and_claim(messages)
    return posts


def cpu(process: psutil.Process) -> float:
    """Seconds of it and of all its processes, of those that have ended too."""
    used = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system + times.children_user + times.children_system
    return used


def spent(backend: psutil.Process, postgres: psutil.Process) -> dict[str, float]:
    """Seconds of processor so far."""
    own = psutil.Process().cpu_times()
    return {"DataOps (delivering)": own.user + own.system, "Backend": cpu(backend), "internal PostgreSQL": cpu(postgres)}


def measure(database: Database, url: str, number: int, backend: psutil.Process, postgres: psutil.Process) -> dict[str, Any]:
    """Milliseconds per result and role, the commits and posts per result; the median of the pairs."""
    ways = {"one by one": OneByOne(database), "in batches": ResultDeliverer(database, CREDENTIALS, CLOSED)}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for pair in range(-1, PAIRS):  # the first one warms up
        for name, deliverer in ways.items():
            for place in range(number):
                ended(database, url, table=f"public.t{place % TABLES}")
            time.sleep(0.5)
            before, commits = spent(backend, postgres), committed(database)
            posts = deliver(deliverer)
            used, commits = spent(backend, postgres), committed(database) - commits
            costs = {role: (used[role] - before[role]) * 1000 / number for role in used}
            if pair >= 0:
                found[name].append(costs | {"commits": commits / number, "posts": posts / number})
    return {name: {what: round(statistics.median(one[what] for one in way), 2) for what in way[0]} for name, way in found.items()}


def committed(database: Database) -> int:
    """Transactions so far."""
    with database.statements() as cursor:
        cursor.run("select pg_stat_force_next_flush()")
        row = cursor.one("select xact_commit from pg_stat_database where datname = current_database()")
    assert row is not None
    return int(row["xact_commit"])


def run(number: int) -> dict[str, Any]:
    with running_cluster() as cluster, tempfile.TemporaryDirectory() as home:
        admin = Admin(cluster)
        admin.run("create database deliveries")
        database = Database(admin.url("deliveries"), size=2)
        migrate(database)
        keys.register(database, "service", "key", ["results"])
        target = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "h", "dbname": "d", "user": "u"}
        named = [f"public.t{place}" for place in range(TABLES)]
        apply(
            database, target, *({"apiVersion": "stringx/v1", "target": "shop", "table": name, "rules": RULES} for name in named)
        )
        (Path(home) / "service-key").write_text("key")
        (Path(home) / "signing-secret").write_text(SECRET)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        own = {
            "STRINGX_HOME": home,
            "STRINGX_DATABASE_URL": admin.url("deliveries"),
            "BACKEND_PORT": str(port),
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "gunicorn", "-c", "backend/gunicorn.conf.py", "backend.app:create_app()"]
        with subprocess.Popen(command, env=os.environ | own, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
            try:
                eventually(lambda: _answers(url), 60, "the Backend")
                postgres = psutil.Process(int((cluster.data / "postmaster.pid").read_text().split()[0]))
                found = measure(database, url, number, psutil.Process(process.pid), postgres)
            finally:
                process.terminate()
        database.close()
    return found


def _answers(url: str) -> bool:
    return requests.get(f"{url}/healthz", timeout=5).status_code == 200


def as_markdown(found: dict[str, Any]) -> str:
    ways = list(found)
    rows = [f"| {what} | {' | '.join(str(found[way][what]) for way in ways)} |" for what in found[ways[0]]]
    return "\n".join([f"| ms of processor per result | {' | '.join(ways)} |", "| --- | --- | --- |", *rows]) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--results", type=int, default=160)
    found = run(options.parse_args().results)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "deliveries.json").write_text(json.dumps(found, indent=2) + "\n")
    (RESULTS / "deliveries.md").write_text(as_markdown(found))
    print(as_markdown(found))


if __name__ == "__main__":
    main()
