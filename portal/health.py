"""Health of the process that generates the portals: it writes the state of its loops, and how many portals it has to make first,
to a file that the web application reads."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from database.loops import Loop, Loops, State
from database.reports import EVERY_S, SEEN_S
from stringx_dataops.contract.files import write_whole

_FILE = ".loops.json"


def start(loops: Loops, folder: Path, to_be_made: Callable[[], int | None]) -> None:
    """Write the file every few seconds, in a daemon thread. `to_be_made`: how many portals were never tried, None if unknown."""

    def write(_: Loop) -> float:
        folder.mkdir(parents=True, exist_ok=True)
        report = {"at": time.time(), "loops": [asdict(state) for state in loops.states()], "to_be_made": to_be_made()}
        write_whole(folder / _FILE, json.dumps(report))
        return EVERY_S

    loops.start("report", write)


def read(folder: Path) -> list[State] | None:
    """The state of each loop; None if nothing was written lately, because the process has ended or cannot write."""
    found = _read(folder)
    return found[0] if found is not None else None


def faults(folder: Path) -> list[str]:
    """Reasons why portals may be missing or out of date, one line each."""
    found = _read(folder)
    if found is None:
        return ["the process that makes the portals (docs-refresh) has not reported lately; start it, and read its log"]
    states, to_be_made = found
    reasons = [f"the loop {state.name} {state.fault}" for state in states if state.fault]
    if to_be_made is None:
        return [*reasons, "the process that makes the portals (docs-refresh) has not read the configuration yet"]
    return [*reasons, f"{to_be_made} portals, or parts of portals, are still being made"] if to_be_made else reasons


def _read(folder: Path) -> tuple[list[State], int | None] | None:
    try:
        report = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        age_s = time.time() - report["at"]
        states = [State.written(loop, age_s) for loop in report["loops"]]
        to_be_made = None if report["to_be_made"] is None else int(report["to_be_made"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (states, to_be_made) if age_s <= SEEN_S else None
