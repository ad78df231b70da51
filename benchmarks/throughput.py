"""How many checks of small tables an installation answers in a second, how long each takes, and what it uses for it.

`python -m benchmarks.throughput [--seconds 60]`: a process of each role and two dbt children, clients that ask for sync checks in
a closed loop, of DataOps and then of the Backend; one client alone, whose checks children could prepare for, or could not; a
target with a deep backlog beside one that is asked sync; and `dbt test` from the shell on the same tables. Every verdict is held
against plain SQL. Writes benchmarks/results/throughput.json and .md.
"""

import argparse
import json
import statistics
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.load import machine, shell, usage
from benchmarks.load.clients import PATHS, Answers, Client, ask, for_seconds
from benchmarks.load.installation import TARGETS, Table, installed, make_tables
from tests.support.installation import Installation
from tests.support.processes import eventually

RESULTS = Path(__file__).parent / "results"
CHILDREN = 2
BACKLOG = 1000
PAUSE_S = 0.15  # a child prepares in 0.03 s
WARM_UP = 4
_WARM_UP_S = 5.0
_DROP_BACKLOG = """
update dataops.checks set status = 'canceled', verdict = 'error', finished_at = clock_timestamp() where status = 'queued'
"""


def connect(installation: Installation, via: str) -> Client:
    url = installation[{"dataops": "api-1", "backend": "backend-1"}[via]].url
    return Client(url, installation.key, PATHS[via])


def settled(installation: Installation) -> None:
    """Nothing is left to run, to deliver or to answer."""
    eventually(lambda: not installation.unfinished(), 120, "the end of all that was asked for")


def load(installation: Installation, tables: list[Table], clients: int, seconds: float, via: str) -> dict[str, Any]:
    """Clients ask for checks for so long: how many are answered, how fast, at what cost, with the deliveries of their results."""
    to = partial(connect, installation, via)
    ask(to, tables, clients, for_seconds(_WARM_UP_S))
    settled(installation)
    held, used, child_used = usage.memory(installation), usage.cpu_seconds(installation), usage.cpu_of_children(installation)
    commits, begun = transactions(installation), installation.rows("select clock_timestamp() as now")[0]["now"]
    answers = ask(to, tables, clients, for_seconds(seconds))
    child_cpu = {pid: cpu - child_used.get(pid, 0.0) for pid, cpu in usage.cpu_of_children(installation).items()}
    lasted = answers.ended - answers.began
    settled(installation)
    checks = len(answers.seconds)
    spent = usage.cpu_seconds(installation)
    return {
        "checks_per_s": round(answers.per_second, 1),
        **answers.figures(),
        "children_busy": round(busy_seconds(installation, begun) / lasted / CHILDREN, 2),
        "processor_share_of_each_child": [round(cpu / lasted, 2) for cpu in child_cpu.values()],
        "cpu_ms_per_check": {role: round((spent[role] - used[role]) * 1000 / checks, 1) for role in spent},
        "commits_per_check": round((transactions(installation) - commits) / checks, 1),
        "memory_mib": {"before": held, "after": usage.memory(installation)},
    }


def transactions(installation: Installation) -> int:
    """Committed in the internal database so far."""
    [row] = installation.rows("select xact_commit from pg_stat_database where datname = current_database()")
    return int(row["xact_commit"])


def busy_seconds(installation: Installation, since: Any) -> float:
    """The times that checks have run, together."""
    statement = "select sum(extract(epoch from finished_at - started_at)) as busy from dataops.checks where started_at >= %s"
    return float(installation.rows(statement, [since])[0]["busy"] or 0)


def alone(installation: Installation, tables: list[Table], number: int) -> dict[str, Any]:
    """What checks take where children have prepared for them, had no time to, or had another target before."""
    left, right = ([table for table in tables if table.target == target] for target in TARGETS)
    turns = [table for pair in zip(left, right, strict=True) for table in pair]
    client = connect(installation, "dataops")
    ways = {
        "one target, now and then": (left, PAUSE_S),
        "one target, back to back": (left, 0.0),
        "two targets in turn": (turns, PAUSE_S),
    }
    found = {}
    for name, (asked, pause_s) in ways.items():
        answers = Answers()
        for place in range(-WARM_UP, number):
            time.sleep(pause_s)
            table = asked[place % len(asked)]
            began = time.perf_counter()
            assert client.ask(table) == table.verdict, table
            if place >= 0:
                answers.seconds.append(time.perf_counter() - began)
        found[name] = answers.figures()
    client.close()
    return found


def fairness(installation: Installation, tables: list[Table], seconds: float) -> dict[str, Any]:
    """How long a sync check of one target takes while nothing else runs, and while the other target has a deep backlog."""
    to = partial(connect, installation, "dataops")
    deep, asked = ([table for table in tables if table.target == target] for target in TARGETS)
    idle = ask(to, asked, 1, for_seconds(seconds))
    settled(installation)
    fill_backlog(to(), deep, BACKLOG)
    beside = ask(to, asked, 1, for_seconds(seconds))
    [left] = installation.rows("select waiting from dataops.targets where target = %s", [deep[0].target])
    assert left["waiting"] > 0, "the backlog came to its end before the clients did"
    installation.rows(_DROP_BACKLOG)
    settled(installation)
    ratio = statistics.median(beside.seconds) / statistics.median(idle.seconds)
    return {
        "idle": idle.figures(),
        "beside_the_backlog": beside.figures(),
        "left_of_it": left["waiting"],
        "ratio": round(ratio, 2),
    }


def fill_backlog(client: Client, tables: list[Table], number: int) -> None:
    """Each with another budget, so that none shares the run of another."""
    for place in range(number):
        client.ask(tables[place % len(tables)], "async", timeout_s=600 + place // len(tables))
    client.close()


def run(seconds: float, tables: int, clients: int, shell_tables: int) -> dict[str, Any]:
    with installed(max_checks=500, concurrency=CHILDREN) as installation:
        made = make_tables(installation, tables)
        found: dict[str, Any] = {"machine": machine.describe(), "tables": tables, "clients": clients, "seconds": seconds}
        for via in PATHS:
            found[via] = load(installation, made, clients, seconds, via)
        found["alone"] = alone(installation, made, 100)
        found["fairness"] = fairness(installation, made, min(seconds, 20))
        time.sleep(1)
        few = [table for table in made if table.verdict == "fail"][: shell_tables // 4]
        few += [table for table in made if table.verdict == "pass"][: shell_tables - len(few)]
        found["dbt_from_the_shell"] = shell.measure(installation.folder / "shell", installation.target, few)
    found["times_dbt_from_the_shell"] = round(found["dataops"]["checks_per_s"] / found["dbt_from_the_shell"]["checks_per_s"], 1)
    return found


def as_markdown(found: dict[str, Any]) -> str:
    ways = {"DataOps": found["dataops"], "Backend": found["backend"]}
    lines = [
        f"{found['tables']} tables of 100 rows, 10 rules each, on two targets; {found['clients']} clients in a closed loop for"
        f" {found['seconds']:g} s; {CHILDREN} dbt children. {found['machine']}.",
        "",
        "| sync over | checks a second | median | p95 | p99 | children busy | commits a check |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {way['checks_per_s']} | {way['median_ms']:.0f} ms | {way['p95_ms']:.0f} ms | {way['p99_ms']:.0f} ms"
            f" | {way['children_busy']:.0%} | {way['commits_per_check']} |"
            for name, way in ways.items()
        ),
        "",
        f"`dbt test` from the shell on the same tables, two at a time: {found['dbt_from_the_shell']['checks_per_s']} a second;"
        f" DataOps answers {found['times_dbt_from_the_shell']} times as many.",
        "",
        "| one client | median | p95 |",
        "| --- | --- | --- |",
        *(f"| {name} | {took['median_ms']:.0f} ms | {took['p95_ms']:.0f} ms |" for name, took in found["alone"].items()),
        "",
        f"A sync check of one target while the other has a backlog of {BACKLOG}: "
        f"{found['fairness']['ratio']} times as long as while nothing else runs (medians).",
        "",
        "| | ms of processor a check | | MiB (PSS) before → after | |",
        "| --- | --- | --- | --- | --- |",
        "| | DataOps | Backend | DataOps | Backend |",
        *(_row(role, ways) for role in found["dataops"]["cpu_ms_per_check"]),
    ]
    return "\n".join(lines) + "\n"


def _row(role: str, ways: dict[str, Any]) -> str:
    cpu = [f"{way['cpu_ms_per_check'][role]:.1f}" for way in ways.values()]
    held = [" → ".join(f"{at[role]['pss']:.0f}" for at in way["memory_mib"].values() if role in at) for way in ways.values()]
    return f"| {role} | {' | '.join([*cpu, *held])} |"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--tables", type=int, default=200)
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--shell-tables", type=int, default=20)
    chosen = options.parse_args()
    found = run(chosen.seconds, chosen.tables, chosen.clients, chosen.shell_tables)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "throughput.json").write_text(json.dumps(found, indent=2) + "\n")
    (RESULTS / "throughput.md").write_text(as_markdown(found))
    print(as_markdown(found))


if __name__ == "__main__":
    main()
