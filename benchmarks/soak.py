"""Whether an installation keeps its size: many checks, and what each process holds while they are answered.

`python -m benchmarks.soak [--checks 10000]`: as `benchmarks.throughput`, with a sample every hundredth part of the checks, taken
when all of them have ended. The first tenth is warm-up, and begins with twice as many clients, of both services, so that pools of
connections open what they may later need at once. What the next thousand held is compared with what the last thousand held. Exit
code 1 where something grew beyond its limit. Writes benchmarks/results/soak.json, soak.md and soak.svg.
"""

import argparse
import json
import statistics
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.load import growth, machine, plot, usage
from benchmarks.load.clients import ask, so_many
from benchmarks.load.installation import installed, make_tables, temporary
from benchmarks.throughput import CHILDREN, RESULTS, connect, settled
from tests.support.installation import Installation

SAMPLES = 100
CLIENTS, TABLES = 8, 200
_SESSIONS = "select count(*) as sessions from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"


def sample(installation: Installation, checks: int, per_s: float) -> dict[str, Any]:
    homes = [installation.folder / name for name in installation.processes]
    return {
        "checks": checks,
        "checks_per_s": round(per_s, 1),
        "memory": usage.memory(installation),
        "descriptors": usage.descriptors(installation),
        "threads": usage.threads(installation),
        "mappings": usage.mappings(installation),
        "children": [child.pid for child in installation["worker-1"].dbt_children()],
        "files": {
            "TMPDIR": usage.files(temporary(installation)),
            "state": sum(map(usage.files, homes)),
            "/dev/shm": usage.shared_memory(),
        },
        "sessions": {
            "internal": installation.rows(_SESSIONS)[0]["sessions"],
            "target": installation.checked.rows("shop", _SESSIONS)[0]["sessions"],
        },
    }


def run(checks: int, max_checks: int) -> dict[str, Any]:
    with installed(max_checks=max_checks, concurrency=CHILDREN) as installation:
        tables = make_tables(installation, TABLES)
        samples: list[dict[str, Any]] = []
        done, seconds = 0, []
        while done < checks:
            via, clients = (
                ("dataops", CLIENTS) if done > checks // 20 else (("backend", "dataops")[len(samples) % 2], 2 * CLIENTS)
            )
            answers = ask(partial(connect, installation, via), tables, clients, so_many(max(clients, checks // SAMPLES)))
            settled(installation)
            time.sleep(0.3)  # the sessions of the last check come to their end
            done += len(answers.seconds)
            seconds += answers.seconds
            samples.append(sample(installation, done, answers.per_second))
            print(f"{done} of {checks}, {answers.per_second:.1f} a second", file=sys.stderr)
    per_s = [each["checks_per_s"] for each in samples]
    found = growth.of(samples, warm_up=checks // 10, window=min(1000, checks // 10))
    return {
        "machine": machine.describe(),
        "checks": done,
        "checks_per_s": {"median": statistics.median(per_s), "slowest": min(per_s)},
        "dbt_children": len({pid for each in samples for pid in each["children"]}),
        "growth": found,
        "too_large": [name for name, grown in found.items() if grown["too_large"]],
        "samples": samples,
    }


def as_markdown(found: dict[str, Any]) -> str:
    speed = found["checks_per_s"]
    lines = [
        f"{found['checks']} checks of tables of 100 rows; a second: {speed['median']} (median), {speed['slowest']} (slowest"
        f" part); {found['dbt_children']} dbt children one after another. {found['machine']}.",
        "",
        "Of PostgreSQL without its shared buffers.",
        "",
        "| | after the warm-up | at the end | growth | limit |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {grown['before']:g} | {grown['after']:g} | {grown['growth']:+.1%} | {grown['limit']:.0%}"
            f"{' **broken**' if grown['too_large'] else ''} |"
            for name, grown in found["growth"].items()
        ),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--checks", type=int, default=10_000)
    options.add_argument("--max-checks", type=int, default=500, help="WORKER_MAX_CHECKS")
    chosen = options.parse_args()
    found = run(chosen.checks, chosen.max_checks)
    RESULTS.mkdir(exist_ok=True)
    for name, text in {
        "soak.json": json.dumps(found) + "\n",
        "soak.md": as_markdown(found),
        "soak.svg": plot.of_memory(found["samples"], warm_up=found["checks"] // 10),
    }.items():
        Path(RESULTS / name).write_text(text)
    print(as_markdown(found))
    return 1 if found["too_large"] else 0


if __name__ == "__main__":
    sys.exit(main())
