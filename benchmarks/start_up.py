"""How long the command and the Python client take to start.

`python -m benchmarks.start_up [--bin FOLDER]`: processes of the programs in this folder, in turn; the fastest and the median of
thirty, beside a Python that does nothing, as elapsed and as processor time. The folder is .venv/bin, or that of an environment
with the wheel alone, as other people have it. Exit code 1 where the fastest takes longer than 200 ms.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.load.machine import describe
from stringx_dataops.contract.settings import ROOT

LIMIT_MS, ROUNDS = 200, 30
STARTS = {
    "a Python that does nothing": ["python", "-c", "pass"],
    "from stringx_dataops import Client": ["python", "-c", "from stringx_dataops import Client"],
    "dataops --help": ["dataops", "--help"],
    "dataops gate --help": ["dataops", "gate", "--help"],
    "dataops rules --help": ["dataops", "rules", "--help"],
}


def used() -> float:
    """Seconds of processor time of the children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def milliseconds(command: list[str]) -> tuple[float, float]:
    """Elapsed, and of the processor."""
    before, started = used(), time.perf_counter()
    subprocess.run(command, cwd="/", stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - started) * 1000, (used() - before) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, default=ROOT / ".venv" / "bin")
    folder = parser.parse_args().bin.absolute()
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in STARTS}
    for _ in range(ROUNDS):
        for name, (program, *arguments) in STARTS.items():
            measured[name].append(milliseconds([str(folder / program), *arguments]))
    print(f"{describe()}\n\n| start | fastest ms | median ms | processor, median ms |\n| --- | --- | --- | --- |")
    for name, times in measured.items():
        elapsed, busy = zip(*times, strict=True)
        print(f"| {name} | {min(elapsed):.0f} | {statistics.median(elapsed):.0f} | {statistics.median(busy):.0f} |")
    return 1 if any(min(elapsed for elapsed, _ in times) > LIMIT_MS for times in measured.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
