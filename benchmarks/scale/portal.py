"""What the docs portal costs: a project of it by its size, and a check while it makes the projects of a large target."""

import statistics
import subprocess
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks.scale import fill
from benchmarks.scale.sides import Side
from portal import parts, sources, state
from portal.generation import Generator
from portal.parts import Part
from stringx_dataops.contract.settings import read_settings
from tests.support.processes import eventually

SIZES = (10, 100, parts.MOST_TABLES)
SECONDS = 45.0


def by_size(side: Side) -> list[dict[str, Any]]:
    """A project's first generation, and another one after the verdict of one table has changed."""
    found = []
    for size in SIZES:
        home = side.installation.folder / f"portal-{size}"
        secrets = str(side.installation.secrets)
        generator = Generator(read_settings({"STRINGX_HOME": str(home), "STRINGX_SECRETS": secrets}))
        part = Part("", tuple(fill.name(number) for number in range(size)))
        names = sources.named(part.tables)
        row: dict[str, Any] = {"tables": size}
        for which in ("first", "again"):
            target = state.read(side.database, "shop", part.tables)
            assert target is not None
            seconds, megabytes = _watched(generator, lambda: generator.generate(target, part, names))  # noqa: B023 (called here)
            row |= {f"{which}_s": round(seconds, 1), f"{which}_peak_mb": megabytes}
            side.installation.rows(
                'update stringx.tables set document = document || \'{"description": "another"}\' where table_name = %s',
                [fill.name(0)],
            )
        found.append(row)
    return found


def beside_checks(side: Side) -> dict[str, Any]:
    """Sync checks, first alone and then while the portal of the whole target is made for the first time, which is when it works
    most: the other times it rests between projects."""
    ask = partial(side.installation.post, side.model, mode="sync")
    alone = _latencies(ask, 10.0)
    docs = side.installation.make("docs", "docs-refresh")
    docs.start()
    try:
        eventually(docs.family, 60, "dbt")
        memory, ended = [0.0], threading.Event()
        watch = threading.Thread(target=_watch, args=(docs, memory, ended))
        watch.start()
        beside = _latencies(ask, SECONDS)
        ended.set()
        watch.join()
    finally:
        docs.end()
    ready = len(list(Path(docs.environment["STRINGX_HOME"], "docs", "shop", "parts").glob("*/portal.json")))
    return {
        "parts": len(parts.cut(fill.name(number) for number in range(side.tables))),
        "made_meanwhile": ready,
        "seconds": SECONDS,
        "alone": alone,
        "beside": beside,
        "portal_peak_mb": round(memory[0]),
    }


def _latencies(ask: Any, seconds: float) -> dict[str, Any]:
    until, times = time.perf_counter() + seconds, []
    while (began := time.perf_counter()) < until:
        assert ask().status_code == 200
        times.append((time.perf_counter() - began) * 1000)
    ordered = sorted(times)
    return {
        "checks": len(times),
        "median_ms": round(statistics.median(times)),
        "p95_ms": round(ordered[int(len(ordered) * 0.95)]),
    }


def _watched(generator: Generator, call: Any) -> tuple[float, int]:
    """Seconds, and the most memory that dbt had, in MB."""
    most, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            most[0] = max([most[0], *(_resident(process) for process in list(generator.processes))])

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    try:
        assert call()
    finally:
        ended.set()
        watcher.join()
    return time.perf_counter() - began, round(most[0])


def _resident(process: subprocess.Popen[bytes]) -> float:
    try:
        return float(psutil.Process(process.pid).memory_info().rss) / 1e6
    except psutil.Error:
        return 0.0


def _watch(docs: Any, most: list[float], ended: threading.Event) -> None:
    while not ended.wait(0.2):
        total = 0.0
        for process in docs.family():
            try:
                total += process.memory_info().rss / 1e6
            except psutil.Error:
                continue  # ended meanwhile
        most[0] = max(most[0], total)
