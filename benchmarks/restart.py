"""How long a restart takes, from `./start-service.sh --local` to its line `ready`, with the demo checked again.

`python -m benchmarks.restart [--rounds N]`: a first start in a temporary STRINGX_HOME, then N restarts (default 5) as they are,
in turn with N whose kept work of loading dbt (STRINGX_HOME/loaded) was removed. Prints medians, and the processor's time of all
processes until then. Exit code 1 if a restart takes more than 8 s.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.load.machine import describe
from stringx_dataops.contract.settings import ROOT
from tests.support.processes import free_port

AIM_S = 8.0
_LONGEST_S = 300.0


def started(environ: dict[str, str], log: Path) -> tuple[subprocess.Popen[bytes], float, float]:
    """The supervisor, seconds until `ready`, and seconds of processor of it and all it has started."""
    with log.open("wb") as out:
        begun = time.monotonic()
        process = subprocess.Popen([ROOT / "start-service.sh", "--local"], env=environ, stdout=out, stderr=out)
    while not any(line.startswith(b"ready ") for line in log.read_bytes().splitlines()):
        if process.poll() is not None or time.monotonic() - begun > _LONGEST_S:
            stopped(process)
            raise SystemExit(f"it did not start:\n{log.read_text()}")
        time.sleep(0.02)
    elapsed, supervisor = time.monotonic() - begun, psutil.Process(process.pid)
    return process, elapsed, sum(map(_busy, (supervisor, *supervisor.children(recursive=True))))


def _busy(process: psutil.Process) -> float:
    """Seconds of processor of it and of its children that have ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # it has just ended; its parent has its time
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def stopped(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    folder = Path(tempfile.mkdtemp(prefix="stringx-restart-"))
    folder.chmod(0o755)
    home, log = folder / "home", folder / "log"
    ports = {name: str(free_port()) for name in ("DATAOPS_PORT", "BACKEND_PORT", "DOCS_PORT")}
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "STRINGX_HOME": str(home), **ports}
    measured: dict[str, list[tuple[float, float]]] = {"a restart": [], "without what was kept": []}
    try:
        process, elapsed, busy = started(environ, log)
        stopped(process)
        print(f"{describe()}\n\n| | until `ready`, s | processor, s |\n| --- | --- | --- |")
        print(f"| a first start | {elapsed:.1f} | {busy:.1f} |")
        for _ in range(rounds):
            for name, times in measured.items():
                if name != "a restart":
                    shutil.rmtree(home / "loaded")
                process, elapsed, busy = started(environ, log)
                stopped(process)
                times.append((elapsed, busy))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name, times in measured.items():
        elapsed, busy = (statistics.median(each) for each in zip(*times, strict=True))
        print(f"| {name} | {elapsed:.1f} | {busy:.1f} |")
    return 1 if statistics.median(elapsed for elapsed, _ in measured["a restart"]) > AIM_S else 0


if __name__ == "__main__":
    sys.exit(main())
