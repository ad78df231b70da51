"""A peer in a process of its own that stays: one line asks, one line answers."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.peers.environments import Environment, PeerError
from benchmarks.peers.verdicts import Verdict
from benchmarks.peers.ways import PATIENCE_S, Answer

DRIVERS = Path(__file__).parent / "drivers"


class Warm:
    def __init__(self, name: str, popen: "subprocess.Popen[str]", log: Path) -> None:
        self._name, self._popen, self._log = name, popen, log

    def ask(self, table: str) -> Answer:
        began = time.perf_counter()
        line = self._exchange(json.dumps({"table": table}))
        seconds = time.perf_counter() - began
        answer = json.loads(line) if line else {"error": f"it ended: {self._log.read_text(errors='replace').strip()[-1500:]}"}
        if "error" in answer:
            raise PeerError(f"{self._name}, {table}: {answer['error']}")
        return Answer(seconds, {rule: Verdict(*found) for rule, found in answer["rules"].items()})

    def _exchange(self, line: str) -> str:
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        patience = threading.Timer(PATIENCE_S, self._popen.kill)
        patience.start()
        try:
            self._popen.stdin.write(line + "\n")
            self._popen.stdin.flush()
            return self._popen.stdout.readline()
        except BrokenPipeError:
            return ""
        finally:
            patience.cancel()


@contextmanager
def started(environment: Environment, driver: str, folder: Path, environ: Mapping[str, str], given: Any) -> Iterator[Warm]:
    """Its log lies beside its files."""
    command = [environment.program("python"), str(DRIVERS / f"{driver}.py"), json.dumps(given)]
    log = folder / f"{driver}.log"
    with log.open("wb") as errors:
        popen = subprocess.Popen(
            command, cwd=folder, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        yield Warm(driver, popen, log)
    finally:
        popen.kill()
        popen.wait()
