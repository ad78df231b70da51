"""What is measured: ways to check a table, each asked for one table at a time."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers.data import CLEAN
from benchmarks.peers.environments import PeerError
from benchmarks.peers.rules import TEN, Rule
from benchmarks.peers.verdicts import Verdicts

PATIENCE_S = 600


@dataclass(frozen=True)
class Answer:
    """`seconds`: from the question to the answer; reading the verdicts out of it does not count."""

    seconds: float
    verdicts: Verdicts


@dataclass(frozen=True)
class Way:
    """`slow` ones take part in some of the rounds; `kind`: of the tables; `measures`: see `verdicts.differences`."""

    name: str
    label: str
    ask: Callable[[str], Answer]
    rules: Sequence[Rule] = TEN
    kind: str = CLEAN
    slow: bool = False
    measures: Mapping[str, str] = field(default_factory=dict)


def timed(command: Sequence[str], folder: Path, environ: Mapping[str, str], accepted: Sequence[int]) -> tuple[float, str]:
    """Seconds and standard output of a command."""
    began = time.perf_counter()
    ran = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    seconds = time.perf_counter() - began
    if ran.returncode not in accepted:
        raise PeerError(f"{' '.join(command[:4])} … ended with {ran.returncode}: {(ran.stdout + ran.stderr).strip()[-1500:]}")
    return seconds, ran.stdout
