"""Where the milliseconds of a sync check that is asked of the Backend go, beside the same check asked of DataOps.

`python -m benchmarks.way [--checks 100]`: one client, one check at a time. Every step writes the moment by the internal
database's clock, which is the client's, too; printed are the medians of what lies between two steps, and what the Backend adds.
Writes benchmarks/results/way.json and .md.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.load import machine
from benchmarks.load.clients import PATHS, Client
from benchmarks.load.installation import TARGETS, Table, installed, make_tables
from benchmarks.throughput import connect, settled, transactions
from tests.support.installation import Installation

RESULTS = Path(__file__).parent / "results"
WARM_UP, TABLES, PAUSE_S = 10, 20, 0.3
MOMENTS = """
select c.request_id, q.created_at as tracked, c.queued_at as accepted, c.started_at as claimed, c.finished_at as decided,
       r.received_at as posted
from dataops.checks c join dataops.outbox o using (check_id)
left join stringx.requests q on q.request_id = c.request_id
left join stringx.results r on r.check_id = c.check_id
where c.request_id like %s
"""
# The steps of each way, in their order; what the client sees is the first and the last.
STEPS = {
    "dataops": ("sent", "accepted", "claimed", "decided", "answered"),
    "backend": ("sent", "tracked", "accepted", "claimed", "decided", "posted", "answered"),
}
WORDS = {
    ("sent", "tracked"): "the Backend reads, validates and stores the request",
    ("sent", "accepted"): "DataOps reads, validates and stores the check",
    ("tracked", "accepted"): "the Backend posts it; DataOps reads, validates and stores the check",
    ("accepted", "claimed"): "a worker is woken and claims it",
    ("claimed", "decided"): "rules are looked up, dbt runs, messages are made",
    ("decided", "posted"): "the result is stored with its message, a thread is woken and posts it; the Backend reads it",
    ("posted", "answered"): "the Backend stores the result with its history, the waiting thread is woken, reads and answers",
    ("decided", "answered"): "the result is stored, the waiting thread is woken, reads and answers",
}


def measure(installation: Installation, client: Client, tables: list[Table], via: str, number: int) -> dict[str, Any]:
    """The medians in milliseconds: of whole answers, and of what lies between two steps."""
    asked: dict[str, tuple[float, float]] = {}
    commits = 0
    for place in range(-WARM_UP, number):
        if place == 0:
            settled(installation)
            commits = transactions(installation)
        time.sleep(PAUSE_S)
        name = f"way-{via}-{place}"
        began = time.time()
        client.ask(tables[place % len(tables)], request_id=name)
        asked[name] = began, time.time()
    settled(installation)
    commits = transactions(installation) - commits
    between: dict[tuple[str, str], list[float]] = {pair: [] for pair in zip(STEPS[via], STEPS[via][1:], strict=False)}
    for row in installation.rows(MOMENTS, [f"way-{via}-%"]):
        if row["request_id"].startswith(f"way-{via}--"):
            continue
        began, ended = asked[row["request_id"]]
        at = {step: moment.timestamp() for step, moment in row.items() if step != "request_id" and moment is not None}
        at |= {"sent": began, "answered": ended}
        for first, second in between:
            between[first, second].append((at[second] - at[first]) * 1000)
    whole = [(ended - began) * 1000 for name, (began, ended) in asked.items() if not name.startswith(f"way-{via}--")]
    return {
        "median_ms": round(statistics.median(whole), 1),
        "commits": round(commits / number, 1),
        "steps": [{"step": WORDS[pair], "median_ms": round(statistics.median(took), 1)} for pair, took in between.items()],
    }


def run(number: int) -> dict[str, Any]:
    with installed(max_checks=500) as installation:
        tables = [table for table in make_tables(installation, TABLES) if table.target == next(iter(TARGETS))]
        clients = {via: connect(installation, via) for via in PATHS}
        found = {via: measure(installation, client, tables, via, number) for via, client in clients.items()}
        for client in clients.values():
            client.close()
    return {"machine": machine.describe(), "checks": number, **found}


def as_markdown(found: dict[str, Any]) -> str:
    lines = [f"One client, {found['checks']} checks of 100 rows and ten rules, one at a time; medians. {found['machine']}.", ""]
    for via in PATHS:
        way = found[via]
        lines += [
            f"| {'DataOps' if via == 'dataops' else 'Backend'}: {way['median_ms']} ms, {way['commits']} commits | ms |",
            "| --- | --- |",
        ]
        lines += [f"| {each['step']} | {each['median_ms']} |" for each in way["steps"]] + [""]
    over = found["backend"]["median_ms"] - found["dataops"]["median_ms"]
    return "\n".join([*lines, f"The Backend's way takes {over:.1f} ms more."]) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--checks", type=int, default=100)
    found = run(options.parse_args().checks)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "way.json").write_text(json.dumps(found, indent=2) + "\n")
    (RESULTS / "way.md").write_text(as_markdown(found))
    print(as_markdown(found))


if __name__ == "__main__":
    main()
