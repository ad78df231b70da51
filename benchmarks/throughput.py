"""How many checks of small tables an installation answers in a second, how long each takes, and what it uses for it.

`python -m benchmarks.throughput [--seconds 60] [--batch 16] [--no-write]`: a process of each role and two dbt children, clients
that ask for sync checks in a closed loop, of DataOps and then of the Backend, 8 and then 32 at a time; checks that arrive at
random, 40 per second; one client alone, whose checks children could prepare for, or could not; a target with a deep backlog
beside one that is asked sync, and how fast the backlog goes; and `dbt test` from the shell on the same tables. Every verdict is
held against plain SQL. Writes benchmarks/results/throughput.json and .md.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.load import machine, shell, usage
from benchmarks.load.clients import PATHS, Answers, Client, arrive, ask, for_seconds
from benchmarks.load.installation import TARGETS, Table, installed, make_tables
from tests.support.installation import Installation
from tests.support.processes import eventually

RESULTS = Path(__file__).parent / "results"
CHILDREN = 2
BACKLOG = 1000
CROWD = 32  # clients
ARRIVING = 40.0  # per second
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
    return measured(installation, lambda: ask(to, tables, clients, for_seconds(seconds)))


def arriving(installation: Installation, tables: list[Table], per_second: float, seconds: float, via: str) -> dict[str, Any]:
    """The same where checks arrive, whatever was answered before."""
    to = partial(connect, installation, via)
    arrive(to, tables, per_second / 2, _WARM_UP_S)
    return measured(installation, lambda: arrive(to, tables, per_second, seconds))


def measured(installation: Installation, load: Callable[[], Answers]) -> dict[str, Any]:
    settled(installation)
    held, used, child_used = usage.memory(installation), usage.cpu_seconds(installation), usage.cpu_of_children(installation)
    commits, begun = transactions(installation), installation.rows("select clock_timestamp() as now")[0]["now"]
    answers = load()
    child_cpu = {pid: cpu - child_used.get(pid, 0.0) for pid, cpu in usage.cpu_of_children(installation).items()}
    lasted = answers.ended - answers.began
    settled(installation)
    checks = len(answers.seconds)
    spent = usage.cpu_seconds(installation)
    return {
        "checks_per_s": round(answers.per_second, 1),
        **answers.figures(),
        "checks_per_run": checks_per_run(installation, begun),
        "children_busy": round(busy_seconds(installation, begun) / lasted / CHILDREN, 2),
        "processor_share_of_each_child": [round(cpu / lasted, 2) for cpu in child_cpu.values()],
        "cpu_ms_per_check": {role: round((spent[role] - used[role]) * 1000 / checks, 1) for role in spent},
        "commits_per_check": round((transactions(installation) - commits) / checks, 1),
        "memory_mib": {"before": held, "after": usage.memory(installation)},
    }


def checks_per_run(installation: Installation, since: Any) -> float:
    """How many checks shared a run of dbt, on average."""
    statement = """select count(*)::float8 / greatest(1, count(distinct coalesce(batch, check_id))) as size
                   from dataops.checks where started_at >= %s and joined is null"""
    return round(float(installation.rows(statement, [since])[0]["size"]), 1)


def transactions(installation: Installation) -> int:
    """Committed in the internal database so far."""
    [row] = installation.rows("select xact_commit from pg_stat_database where datname = current_database()")
    return int(row["xact_commit"])


def busy_seconds(installation: Installation, since: Any) -> float:
    """The times that runs have taken, together; a batch is one run."""
    statement = """select sum(extract(epoch from finished_at - started_at)) as busy from dataops.checks
                   where started_at >= %s and coalesce(batch, check_id) = check_id"""
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
    installation["worker-1"].pause()
    fill_backlog(to(), deep, BACKLOG)
    installation["worker-1"].resume()
    begun = installation.rows("select clock_timestamp() as now")[0]["now"]
    beside = ask(to, asked, 1, lambda answers: time.perf_counter() - answers.began < seconds and waiting(installation, deep) > 50)
    left = {"waiting": waiting(installation, deep)}
    assert left["waiting"] > 0, "the backlog came to its end before the clients did"
    gone = installation.rows("select count(*) as n from dataops.checks where finished_at >= %s", [begun])[0]["n"] - len(
        beside.seconds
    )
    installation.rows(_DROP_BACKLOG)
    settled(installation)
    ratio = statistics.median(beside.seconds) / statistics.median(idle.seconds)
    return {
        "idle": idle.figures(),
        "beside_the_backlog": beside.figures(),
        "left_of_it": left["waiting"],
        "backlog_per_s": round(gone / (beside.ended - beside.began), 1),
        "ratio": round(ratio, 2),
    }


def waiting(installation: Installation, tables: list[Table]) -> int:
    """Checks that wait for the target of these tables."""
    [row] = installation.rows("select waiting from dataops.targets where target = %s", [tables[0].target])
    return int(row["waiting"])


def fill_backlog(client: Client, tables: list[Table], number: int) -> None:
    """Each with another budget, so that none shares the run of another."""
    for place in range(number):
        client.ask(tables[place % len(tables)], "async", timeout_s=600 + place // len(tables))
    client.close()


def run(seconds: float, tables: int, clients: int, shell_tables: int, batch: int) -> dict[str, Any]:
    with installed(max_checks=500, concurrency=CHILDREN, BATCH_CHECKS=str(batch)) as installation:
        made = make_tables(installation, tables)
        found: dict[str, Any] = {"machine": machine.describe(), "tables": tables, "clients": clients, "seconds": seconds}
        found["batch"] = batch
        for via in PATHS:
            found[via] = load(installation, made, clients, seconds, via)
            found[f"{via}_crowd"] = load(installation, made, CROWD, seconds, via)
            found[f"{via}_arriving"] = arriving(installation, made, ARRIVING, seconds, via)
        found["alone"] = alone(installation, made, 100)
        found["fairness"] = fairness(installation, made, min(seconds, 20))
        if not shell_tables:
            return found
        time.sleep(1)
        few = [table for table in made if table.verdict == "fail"][: shell_tables // 4]
        few += [table for table in made if table.verdict == "pass"][: shell_tables - len(few)]
        found["dbt_from_the_shell"] = shell.measure(installation.folder / "shell", installation.target, few)
    found["times_dbt_from_the_shell"] = round(found["dataops"]["checks_per_s"] / found["dbt_from_the_shell"]["checks_per_s"], 1)
    return found


def as_markdown(found: dict[str, Any]) -> str:
    names = {"dataops": "DataOps", "backend": "Backend"}
    ways = {name: found[via] for via, name in names.items()}
    kinds = {
        "": f"{found['clients']} in a closed loop",
        "_crowd": f"{CROWD} in a closed loop",
        "_arriving": f"{ARRIVING:g} arrive per second",
    }
    rows = [(f"{names[via]}, {words}", found[f"{via}{kind}"]) for via in names for kind, words in kinds.items()]
    lines = [
        f"{found['tables']} tables of 100 rows, 10 rules each, on two targets; {found['seconds']:g} s of each load;"
        f" {CHILDREN} dbt children; BATCH_CHECKS={found['batch']}. {found['machine']}.",
        "",
        "| sync over | checks a second | median | p95 | p99 | checks a run | children busy | commits a check | ms of processor |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {way['checks_per_s']} | {way['median_ms']:.0f} ms | {way['p95_ms']:.0f} ms | {way['p99_ms']:.0f} ms"
            f" | {way['checks_per_run']} | {way['children_busy']:.0%} | {way['commits_per_check']}"
            f" | {sum(way['cpu_ms_per_check'].values()):.1f} |"
            for name, way in rows
        ),
        "",
        "| one client | median | p95 |",
        "| --- | --- | --- |",
        *(f"| {name} | {took['median_ms']:.0f} ms | {took['p95_ms']:.0f} ms |" for name, took in found["alone"].items()),
        "",
        f"A sync check of one target while the other has a backlog of {BACKLOG}: "
        f"{found['fairness']['ratio']} times as long as while nothing else runs (medians); "
        f"meanwhile {found['fairness']['backlog_per_s']} checks per second of the backlog ended.",
        "",
        f"| {found['clients']} in a closed loop | ms of processor a check | | MiB (PSS) before → after | |",
        "| --- | --- | --- | --- | --- |",
        "| | DataOps | Backend | DataOps | Backend |",
        *(_row(role, ways) for role in found["dataops"]["cpu_ms_per_check"]),
    ]
    if "dbt_from_the_shell" in found:
        by_shell = found["dbt_from_the_shell"]["checks_per_s"]
        lines += [
            "",
            f"`dbt test` from the shell on the same tables, two at a time: {by_shell} a second;"
            f" DataOps answers {found['times_dbt_from_the_shell']} times as many.",
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
    options.add_argument("--batch", type=int, default=16, help="BATCH_CHECKS")
    options.add_argument("--no-write", action="store_true", help="only print")
    chosen = options.parse_args()
    found = run(chosen.seconds, chosen.tables, chosen.clients, chosen.shell_tables, chosen.batch)
    if not chosen.no_write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "throughput.json").write_text(json.dumps(found, indent=2) + "\n")
        (RESULTS / "throughput.md").write_text(as_markdown(found))
    print(as_markdown(found))


if __name__ == "__main__":
    main()
