"""Ten million rows of Parquet and ten rules: DataOps beside SQL by hand, dbt-duckdb from the shell and Soda, in turn, in one run.

`python -m benchmarks.lake`: DataOps' counts must be those of SQL by hand. dbt and Soda are asked for the rules that they have
words for, DataOps and SQL by hand for all. It writes benchmarks/results/lake.md and lake.json; with `--rows` other than ten
million, or `--skip`, it writes nothing. Exit code 1 if DataOps takes longer than 1.4 times as long as by hand and 80 ms, 2 if
answers differ.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.lake import data, ways
from benchmarks.lake.rules import RULES
from benchmarks.load.machine import describe
from benchmarks.mix.measure import in_turn
from stringx_dataops.contract.settings import ROOT

ROWS = 10_000_000
AIM, ROOM_S = 1.4, 0.08
RESULTS = ROOT / "benchmarks" / "results"
PEERS = ("dbt", "soda")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lake", description="Ten million rows of Parquet.")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"default {ROWS}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--skip", default="", metavar="PEERS", help=f"some of {','.join(PEERS)}")
    given = parser.parse_args()
    skipped = [name for name in given.skip.split(",") if name]
    with tempfile.TemporaryDirectory(prefix="stringx-lake-") as made, ExitStack() as stack:
        folder = Path(made)
        files = folder / "files"
        data.make(files, given.rows)
        ours = ways.DataOps(files, folder / "home")
        stack.callback(ours.close)
        asked: dict[str, Callable[[], ways.Counts]] = {"DataOps": ours.check, "SQL by hand": partial(ways.by_hand, files)}
        if "dbt" not in skipped:
            asked["dbt test, from the shell"] = ways.DbtShell(files, folder / "dbt").check
        if "soda" not in skipped:
            asked["Soda, warm"] = partial(ways.said_by, ways.soda(files, folder / "soda", stack))
        seconds, counts = in_turn(asked, given.rounds)
    if faults := list(different(counts)):
        print("\n".join(faults), file=sys.stderr)
        return 2
    ratio = (seconds["DataOps"] - ROOM_S) / seconds["SQL by hand"]
    report = [
        "# Ten million rows of Parquet",
        "",
        f"`python -m benchmarks.lake`: {given.rows:,} rows in ten files, medians of {given.rounds} rounds in turn. {describe()}.",
        f"Each way has two threads and {ways.MEMORY}. [What is measured](../../docs/benchmarks.md#a-folder-of-parquet).",
        "",
        "| way | rules | seconds |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {len(counts[name])} | {taken:.2f} |" for name, taken in seconds.items()),
        "",
        f"DataOps without {ROOM_S * 1000:.0f} ms took {ratio:.2f} times as long as SQL by hand; the aim is {AIM}.",
    ]
    print("\n".join(report))
    if given.rows == ROWS and not skipped:
        (RESULTS / "lake.md").write_text("\n".join(report) + "\n")
        figures = {"seconds": {name: round(taken, 3) for name, taken in seconds.items()}, "ratio": round(ratio, 3)}
        (RESULTS / "lake.json").write_text(json.dumps(figures | {"machine": describe()}, indent=1) + "\n")
    return 0 if ratio <= AIM else 1


def different(counts: dict[str, ways.Counts]) -> list[str]:
    """A line for each rule whose faulty rows are others than by hand, and for each that a peer lets pass."""
    by_hand = counts["SQL by hand"]
    faults = [
        f"{rule.id}: DataOps {counts['DataOps'][rule.id]}, by hand {by_hand[rule.id]}"
        for rule in RULES
        if counts["DataOps"][rule.id] != by_hand[rule.id]
    ]
    for name, asked in (("dbt test, from the shell", "dbt"), ("Soda, warm", "soda")):
        if name in counts:
            faults += [f"{rule.id} passes: {name}" for rule in RULES if getattr(rule, asked) and not counts[name].get(rule.id)]
    return faults


if __name__ == "__main__":
    sys.exit(main())
