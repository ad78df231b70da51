"""TPC-H's lineitem as an Iceberg table and twenty rules in one scan: DataOps beside the same select by Trino's clients, in turn;
then DataOps alone with one worker of Trino and with two.

`python -m benchmarks.trino`: DataOps' counts must be those by hand. It writes benchmarks/results/trino.md and trino.json; with
`--scale` other than 1 it writes nothing. Exit code 1 if DataOps takes longer than 1.3 times as long as Trino's client for the
shell, or is not faster with two workers than with one; 2 if answers differ.
"""

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.load.machine import describe
from benchmarks.mix.measure import in_turn
from benchmarks.trino import ways
from benchmarks.trino.rules import RULES
from stringx_dataops.contract.settings import ROOT
from tests.support.trino_distribution import VERSION
from tests.support.trino_server import own

AIM = 1.3
RESULTS = ROOT / "benchmarks" / "results"
OURS, PYTHON, SHELL = "DataOps", "the select, by the Python client", "the select, by the client for the shell"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trino", description="TPC-H's lineitem as an Iceberg table.")
    parser.add_argument("--scale", type=float, default=1, help="TPC-H's scale factor; default 1, six million rows")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stringx-trino-benchmark-") as made:
        rows, seconds, counts = beside_clients(Path(made), given.scale, given.rounds)
        different = [
            f"{each.id}: DataOps {counts[OURS][each.id]}, by hand {counts[way][each.id]}"
            for each in RULES
            for way in (PYTHON, SHELL)
            if counts[OURS][each.id] != counts[way][each.id]
        ]
        if different:
            print("\n".join(different), file=sys.stderr)
            return 2
        workers = {number: with_workers(Path(made) / str(number), given.scale, given.rounds, number) for number in (1, 2)}
    ratios = {way: seconds[OURS] / seconds[way] for way in (PYTHON, SHELL)}

    def ratio(way: str) -> str:
        return f"{ratios[way]:.2f} times as long" if way in ratios else ""

    report = [
        "# Twenty rules on Trino",
        "",
        f"`python -m benchmarks.trino`: lineitem of TPC-H at scale factor {given.scale:g}, {rows:,} rows in an Iceberg table",
        f"of Trino {VERSION}, medians of {given.rounds} rounds in turn. {describe()}.",
        "[What is measured](../../docs/benchmarks.md#an-iceberg-table-by-trino).",
        "",
        "| way | seconds | DataOps took |",
        "| --- | ---: | ---: |",
        *(f"| {way} | {taken:.2f} | {ratio(way)} |" for way, taken in seconds.items()),
        "",
        f"The aim is at most {AIM} times as long as by the client for the shell.",
        "",
        f"With one worker of one processor a check took {workers[1]:.2f} s, with two such workers {workers[2]:.2f} s.",
    ]
    print("\n".join(report))
    if given.scale == 1:
        (RESULTS / "trino.md").write_text("\n".join(report) + "\n")
        figures = {"seconds": {way: round(taken, 3) for way, taken in seconds.items()}, "machine": describe()}
        figures |= {"workers": {number: round(taken, 3) for number, taken in workers.items()}}
        (RESULTS / "trino.json").write_text(json.dumps(figures, indent=1) + "\n")
    return 0 if ratios[SHELL] <= AIM and workers[2] < workers[1] else 1


def beside_clients(home: Path, scale: float, rounds: int) -> tuple[int, dict[str, float], dict[str, ways.Counts]]:
    """The number of rows; seconds and counts of each way, on a server of one process."""
    with ExitStack() as stack:
        server = stack.enter_context(own(memory_mb=2000, measured=True))
        rows = ways.make(server, scale)
        ours = ways.DataOps(server, home / "clients")
        stack.callback(ours.close)
        asked = {OURS: ours.check, PYTHON: partial(ways.by_python, server), SHELL: partial(ways.by_shell, server)}
        seconds, counts = in_turn(asked, rounds)
        return rows, seconds, counts


def with_workers(home: Path, scale: float, rounds: int, number: int) -> float:
    """Seconds of a check on so many workers of one processor each, beside a coordinator that only plans."""
    with ExitStack() as stack:
        server = stack.enter_context(own(memory_mb=1200, takes_part=False, measured=True))
        for processor in sorted(os.sched_getaffinity(0))[:number]:
            server.add_worker(memory_mb=1500, processor=processor)
        ways.make(server, scale)
        ours = ways.DataOps(server, home)
        stack.callback(ours.close)
        seconds, _ = in_turn({OURS: ours.check}, rounds)
        return seconds[OURS]


if __name__ == "__main__":
    sys.exit(main())
