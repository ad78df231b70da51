"""Health of the process that generates the portals: it writes the state of its loops to a file that the web application reads."""

import json
import time
from dataclasses import asdict
from pathlib import Path

from database.loops import Loop, Loops, State
from database.reports import EVERY_S, SEEN_S
from stringx_dataops.contract.files import write_whole

_FILE = ".loops.json"


def start(loops: Loops, folder: Path) -> None:
    """Write the file every few seconds, in a daemon thread."""

    def write(_: Loop) -> float:
        folder.mkdir(parents=True, exist_ok=True)
        report = {"at": time.time(), "loops": [asdict(state) for state in loops.states()]}
        write_whole(folder / _FILE, json.dumps(report))
        return EVERY_S

    loops.start("report", write)


def read(folder: Path) -> list[State] | None:
    """The state of each loop; None if nothing was written lately, because the process has ended or cannot write."""
    try:
        report = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        age_s = time.time() - report["at"]
        states = [State.written(loop, age_s) for loop in report["loops"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return states if age_s <= SEEN_S else None


def faults(folder: Path) -> list[str]:
    """Reasons why portals may be out of date, one line each."""
    states = read(folder)
    if states is None:
        return ["the process that makes the portals (docs-refresh) has not reported lately; start it, and read its log"]
    return [f"the loop {state.name} {state.fault}" for state in states if state.fault]
