"""The queue with many claimers at once: `python -m benchmarks.queue --claimers 200 --targets 1 10 100 --seconds 40`.

Debian's PostgreSQL with pg_stat_statements, the product's own functions for claiming and finishing, no dbt and no target: a check
takes no time. Says how many are claimed and finished per second, how long that takes, what waits for locks, and which statements
cost most.
"""

import argparse
import json
import multiprocessing
import platform
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from api.checks import claims
from api.checks.result_parts import undecided
from benchmarks.claims import FILL, TARGET
from database import embedded
from database.migrate import migrate
from database.pool import Database
from stringx_dataops.contract.problems import StringXError
from tests.servers.clusters import _as_postgres, _own, _unprivileged, debian
from tests.support.databases import place_of_clusters

RESULTS = Path(__file__).parent / "results"
PROCESSES, TABLES, STEP = 4, 2_000, 2_000
HOT = ("checks", "targets", "lines", "outbox", "expectations")
STATEMENTS = """
select calls, round(total_exec_time::numeric) as total_ms, round(mean_exec_time::numeric, 3) as mean_ms,
       regexp_replace(left(regexp_replace(query, '^set local.*;', ''), 90), '\\s+', ' ', 'g') as statement
from pg_stat_statements where calls > 20 order by total_exec_time desc limit 8
"""
DEAD = """
select relname, n_tup_upd, n_tup_hot_upd, n_dead_tup from pg_stat_user_tables
where schemaname = 'dataops' and relname = any(%s)
"""
WAITS = """
select coalesce(wait_event_type || ' ' || wait_event, 'runs') from pg_stat_activity
where datname = current_database() and state = 'active'
"""
KEYS = ("calls", "total_ms", "mean_ms", "statement")


@contextmanager
def server(claimers: int) -> Iterator[tuple[str, psutil.Process]]:
    """A superuser's address without its database, and the server's first process."""
    home = Path(tempfile.mkdtemp(prefix="stringx-queue-", dir=place_of_clusters()))
    home.chmod(0o755)
    programs = debian(home)
    _own(home / "data")
    _as_postgres([programs / "initdb", "-D", home / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"])
    port = next(port for port in embedded.PORTS if embedded._free(port))
    settings = {
        "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": claimers + 50,
        "shared_preload_libraries": "pg_stat_statements", "shared_buffers": "256MB", "timezone": "UTC",
    }  # fmt: skip
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", home / "data", *options], stdout=log, stderr=log, **_unprivileged()
        )
    try:
        url = f"postgresql://postgres@127.0.0.1:{port}"
        for _ in range(600):
            try:
                psycopg2.connect(f"{url}/postgres").close()
                break
            except psycopg2.OperationalError:
                time.sleep(0.1)
        yield url, psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        shutil.rmtree(home, ignore_errors=True)


def rows(url: str, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def fill(url: str, name: str, status: str, number: int, targets: int) -> None:
    """Waiting checks with the triggers that keep the counters; finished ones without."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        if status != "queued":
            cursor.execute("set session_replication_role = replica")
        for first in range(0, number, STEP):
            to = min(number, first + STEP) - 1
            cursor.execute(
                FILL, {"name": f"{name} ", "status": status, "from": first, "to": to, "targets": targets, "tables": TABLES}
            )
    connection.close()


def claimers(url: str, number: int, seconds: float, results: Any) -> None:
    """One process of them, one thread each."""
    database, lock = Database(url, size=number), threading.Lock()
    until = time.monotonic() + seconds
    claimed: list[float] = []
    finished: list[float] = []
    empty = [0]

    def work(name: str) -> None:
        while time.monotonic() < until:
            began = time.perf_counter()
            try:
                check = claims.claim(database, name)
            except StringXError:
                check = None
            took = (time.perf_counter() - began) * 1000
            if check is None:
                with lock:
                    empty[0] += 1
                time.sleep(0.05)
                continue
            began = time.perf_counter()
            claims.finish(
                database, check, check.result_with(undecided("errored", "measured", datetime.now(UTC))), "http://127.0.0.1"
            )
            with lock:
                claimed.append(took)
                finished.append((time.perf_counter() - began) * 1000)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put((claimed, finished, empty[0]))


def cpu_s(process: psutil.Process) -> float:
    """Of the server and all processes that it has or had."""
    times = process.cpu_times()
    own = times.user + times.system + times.children_user + times.children_system
    return own + sum(sum(child.cpu_times()[:2]) for child in process.children())


def share(values: list[float], part: float) -> float:
    return round(sorted(values)[min(len(values) - 1, int(len(values) * part))], 1) if values else 0.0


def measure(base: str, postgres: psutil.Process, asked: argparse.Namespace, targets: int) -> dict[str, Any]:
    name = f"queue_{targets}"
    rows(f"{base}/postgres", f"create database {name}")
    url = f"{base}/{name}"
    migrate(Database(url, size=1))
    rows(url, "create extension pg_stat_statements")
    rows(url, TARGET, {"targets": targets})
    fill(url, "d", "succeeded", asked.done, targets)
    fill(url, "w", "queued", asked.waiting, targets)
    rows(url, "vacuum (analyze)")
    rows(url, "select pg_stat_statements_reset()")
    results: Any = multiprocessing.Queue()
    each = asked.claimers // PROCESSES
    processes = [multiprocessing.Process(target=claimers, args=(url, each, asked.seconds, results)) for _ in range(PROCESSES)]
    before, began = cpu_s(postgres), time.monotonic()
    for process in processes:
        process.start()
    waits: dict[str, int] = {}
    looks = 0
    while time.monotonic() < began + asked.seconds - 1:
        time.sleep(0.5)
        looks += 1
        for (what,) in rows(url, WAITS):
            waits[what] = waits.get(what, 0) + 1
    cpu = cpu_s(postgres) - before
    found = [results.get(timeout=asked.seconds + 120) for _ in processes]
    for process in processes:
        process.join()
    claimed, finished = sum((each[0] for each in found), []), sum((each[1] for each in found), [])  # noqa: RUF017 (four)
    return {
        "targets": targets,
        "per_second": round(len(claimed) / asked.seconds, 1),
        "claim_ms": {"p50": round(statistics.median(claimed), 1) if claimed else None, "p99": share(claimed, 0.99)},
        "finish_ms": {"p50": round(statistics.median(finished), 1) if finished else None, "p99": share(finished, 0.99)},
        "claims_that_found_nothing": sum(each[2] for each in found),
        "server_cpu_ms_per_check": round(cpu * 1000 / max(1, len(claimed)), 2),
        "sessions_at_once": {
            what: round(number / max(1, looks), 1) for what, number in sorted(waits.items(), key=lambda one: -one[1])
        },
        "statements": [dict(zip(KEYS, row, strict=True)) for row in rows(url, STATEMENTS)],
        "tables": {row[0]: dict(zip(("updates", "hot", "dead"), row[1:], strict=True)) for row in rows(url, DEAD, [list(HOT)])},
    }


def as_text(asked: argparse.Namespace, found: list[dict[str, Any]]) -> str:
    """A page of tables."""
    numbers = f"--claimers {asked.claimers} --done {asked.done} --waiting {asked.waiting} --seconds {asked.seconds:.0f}"
    machine = f"{platform.machine()}, {psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.0f} at the end"
    lines = [f"# The queue with {asked.claimers} claimers", ""]
    lines += [f"`python -m benchmarks.queue {numbers}`, {machine}, {datetime.now(UTC):%Y-%m-%d}", ""]
    lines += row("targets", "checks per second", "claim p50, p99 ms", "finish p50, p99 ms", "server CPU ms per check", "sessions")
    for one in found:
        sessions = ", ".join(f"{what} {number}" for what, number in list(one["sessions_at_once"].items())[:4])
        times = [f"{one[what]['p50']}, {one[what]['p99']}" for what in ("claim_ms", "finish_ms")]
        lines += row(one["targets"], one["per_second"], *times, one["server_cpu_ms_per_check"], sessions)[:1]
    for one in found:
        lines += ["", f"## {one['targets']} targets", "", *row("total ms", "calls", "mean ms", "statement")]
        for each in one["statements"]:
            statement = each["statement"].replace("|", "\\|")
            lines += row(each["total_ms"], each["calls"], each["mean_ms"], f"`{statement}`")[:1]
        counts = (f"{name} {t['updates']}, {t['hot']}, {t['dead']}" for name, t in one["tables"].items())
        lines += ["", "Updates, of these HOT, dead rows: " + "; ".join(counts)]
    return "\n".join(lines) + "\n"


def row(*cells: Any) -> list[str]:
    """A row of a table, and the line that follows it if it is the first."""
    return [f"| {' | '.join(map(str, cells))} |", f"|{' --- |' * len(cells)}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claimers", type=int, default=200)
    parser.add_argument("--targets", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--done", type=int, default=1_000_000)
    parser.add_argument("--waiting", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--write", action="store_true", help="keep the result in benchmarks/results")
    asked = parser.parse_args()
    with server(asked.claimers) as (url, postgres):
        found = [measure(url, postgres, asked, targets) for targets in asked.targets]
    text = as_text(asked, found)
    print(text)
    if asked.write:
        (RESULTS / "queue.md").write_text(text)
        (RESULTS / "queue.json").write_text(json.dumps(found, indent=2, default=float) + "\n")


if __name__ == "__main__":
    main()
