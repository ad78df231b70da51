"""`python -m benchmarks.latency [--checks 100]`: where the milliseconds of a lone check go, from socket to socket.

An installation as in `benchmarks.peers` (the same tables, rules and server), asked over HTTP by one client with a pause after
each answer: ten rules, ten rules of which constraints prove nine, and the tenth alone. First without any time stamps (the times
that count), and the processor's time of each process; then with them (`marks`), which makes a check up to a millisecond longer.
Writes benchmarks/results/latency.md and latency.json, or with --output into another folder.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import requests

from benchmarks.latency import marks, path
from benchmarks.load import machine
from benchmarks.peers import data, server, service
from benchmarks.peers.rules import ACCEPTED, TEN
from benchmarks.peers.service import Service

RESULTS = Path(__file__).parent.parent / "results"
ROWS = 100
WARM_UP = 6  # each child has served two, and prepares
PAUSE_S = 0.15  # a child prepares in 0.03 s
KINDS = {"ten": data.CLEAN, "proved": data.PROVED, "accepted": data.PROVED}
NAMES = {"ten": "ten rules", "proved": "ten rules, nine proved by constraints", "accepted": "the tenth rule alone"}
ROLES = ("api", "worker", "dbt", "PostgreSQL")
PROVED_AIM_MS, AIM_MS = 3.0, 45.0


def run(checks: int, marked: bool) -> dict[str, Any]:
    """The times of the checks of each kind in turn, and with `marked` their steps."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        running = stack.enter_context(server.running())
        if marked:
            hook = marks.hook(folder / "hook", folder / "marks")
            running.inherited["PYTHONPATH"] = f"{hook}{os.pathsep}{running.inherited['PYTHONPATH']}"
        running.load(data.clean(ROWS))
        ours = stack.enter_context(service.running(running))
        ours.configure("ten", [data.named(data.CLEAN, ROWS)], TEN)
        ours.configure("proved", [data.named(data.PROVED, ROWS)], TEN, constraint=True)
        ours.configure("accepted", [data.named(data.PROVED, ROWS)], [ACCEPTED])
        ours.wait_warm()
        session = ours.session()
        url = f"{ours.processes['api'].url}/api/v1/quality-checks"
        found: dict[str, Any] = {}
        for kind in KINDS:
            for _ in range(WARM_UP):
                ask(session, url, kind)
            used = processor_s(ours)
            asked = [ask(session, url, kind) for _ in range(checks)]
            spent = processor_s(ours)
            found[kind] = {
                "ms": [round((ended - began) / 1e6, 2) for began, ended in asked],
                "processor_ms": {role: round((spent[role] - used[role]) * 1000 / checks, 2) for role in ROLES},
            }
            if marked:
                known = path.read(folder / "marks")
                found[kind]["steps"] = [asdict(step) for step in path.medians(path.steps(known, *one) for one in asked)]
        return found


def ask(session: requests.Session, url: str, kind: str) -> tuple[int, int]:
    """Monotonic nanoseconds before and after a check that has to pass; then a pause."""
    body = {"target": kind, "table": f"public.{data.named(KINDS[kind], ROWS)}", "mode": "sync", "wait_s": 120}
    began = time.monotonic_ns()
    answer = session.post(url, json=body, timeout=120)
    ended = time.monotonic_ns()
    result = answer.json()
    if answer.status_code != 200 or result["verdict"] != "pass":
        raise RuntimeError(f"{kind}: {answer.status_code} {answer.text[:500]}")
    if kind == "proved" and sum(rule["verified_by"] == "constraint" for rule in result["rules"]) != len(TEN) - 1:
        raise RuntimeError("a constraint did not prove its rule")
    time.sleep(PAUSE_S)
    return began, ended


def processor_s(ours: Service) -> dict[str, float]:
    """Seconds of processor of each role so far; of PostgreSQL, and of what forks, with processes that have ended."""
    worker = psutil.Process(ours.processes["worker"].pid)
    postgres = psutil.Process(ours.server.postgres.process.pid)
    return {
        "api": sum(map(_own, _family(psutil.Process(ours.processes["api"].pid)))),
        "worker": _own(worker),
        "dbt": sum(_with_ended(each) for each in worker.children(recursive=True)),
        "PostgreSQL": sum(_with_ended(each) for each in _family(postgres)),
    }


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _own(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _with_ended(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def as_markdown(found: dict[str, Any]) -> str:
    plain, marked = found["plain"], found["marked"]
    lines = [
        "# One check alone",
        "",
        "<!-- Written by `python -m benchmarks.latency`. -->",
        "",
        f"A table of {ROWS} rows over HTTP at DataOps, one client, a pause of {PAUSE_S:g} s after each answer;"
        f" {found['checks']} checks of each kind. {found['machine']}. [What is measured](../../docs/latency.md).",
        "",
        "| check of | median | p95 | fastest | ms of processor: " + " | ".join(ROLES) + " |",
        "| --- |" + " ---: |" * (3 + len(ROLES)),
        *(_row(NAMES[kind], plain[kind]) for kind in KINDS),
        "",
    ]
    medians = {kind: statistics.median(plain[kind]["ms"]) for kind in KINDS}
    extra = medians["proved"] - medians["accepted"]
    lines += [
        f"Ten rules: {medians['ten']:.1f} ms, aim {AIM_MS:g} ms: {_met(medians['ten'], AIM_MS)}."
        f" The nine proved rules cost {extra:.1f} ms, aim {PROVED_AIM_MS:g} ms: {_met(extra, PROVED_AIM_MS)}.",
        "",
        "Where they go: medians of each step with time stamps, in ms. *Processor* is that of the thread if it is the same at both"
        " ends; *server* that of the PostgreSQL session that was asked. (The steps' medians do not add up to that of the whole.)",
        "",
    ]
    for kind in KINDS:
        steps = marked[kind]["steps"]
        total = {name: sum(step[name] or 0 for step in steps) for name in ("wall", "processor", "served")}
        lines += [f"## {NAMES[kind].capitalize()}", "", "| step | wall | processor | server |", "| --- | ---: | ---: | ---: |"]
        for step in steps:
            processor = "" if step["processor"] is None else f"{step['processor']:.2f}"
            lines.append(f"| {step['label']} | {step['wall']:.2f} | {processor} | {step['served']:.2f} |")
        lines += [f"| **all** | **{total['wall']:.1f}** | **{total['processor']:.1f}** | **{total['served']:.1f}** |", ""]
    return "\n".join(lines)


def _row(name: str, measured: dict[str, Any]) -> str:
    ordered = sorted(measured["ms"])
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    processor = " | ".join(f"{measured['processor_ms'][role]:.1f}" for role in ROLES)
    return f"| {name} | {statistics.median(ordered):.1f} ms | {p95:.1f} ms | {ordered[0]:.1f} ms | {processor} |"


def _met(measured: float, aim: float) -> str:
    return "met" if measured <= aim else "**missed**"


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    options.add_argument("--checks", type=int, default=100)
    options.add_argument("--output", type=Path, default=RESULTS)
    chosen = options.parse_args(arguments)
    if chosen.checks < 1:
        options.error("--checks: at least 1")
    found = {
        "machine": machine.describe(),
        "checks": chosen.checks,
        "plain": run(chosen.checks, marked=False),
        "marked": run(chosen.checks, marked=True),
    }
    chosen.output.mkdir(parents=True, exist_ok=True)
    (chosen.output / "latency.json").write_text(json.dumps(found, indent=2) + "\n")
    text = as_markdown(found)
    (chosen.output / "latency.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
