"""What users and processes ask all the time, of both installations in turn."""

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api import retention as api_housekeeping
from api.checks import claims, lifecycle, lookup
from backend import retention as backend_housekeeping
from benchmarks.scale import fill
from benchmarks.scale.sides import Side
from portal import parts, state
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.settings import ROOT

CATALOGUE = Catalogue.load(ROOT / "stringx")
Call = Callable[[], object]
Times = dict[str, dict[int, list[float]]]  # by what is measured and the number of tables: milliseconds


def calls(side: Side) -> dict[str, Call]:
    get = side.get
    first = get("/api/v1/requests").json()
    changes = state.Changes(side.database)
    changes.look()
    part = parts.cut(fill.name(number) for number in range(side.tables))[0]

    def look_up() -> None:
        request = CheckRequest(target="shop", table=side.table())
        lookup.find_subject(side.database, request, [str(request.table)])

    return {
        "rules of a table (look-up in process)": look_up,
        "sync check of 100 rows, over HTTP": lambda: side.installation.post(side.model, mode="sync").json()["verdict"],
        "gate of a table": lambda: get(f"/api/v1/gates/shop/{side.table()}"),
        "requests, newest page": lambda: get("/api/v1/requests"),
        "requests, next page": lambda: get(f"/api/v1/requests?cursor={first['next_cursor']}"),
        "requests of a table": lambda: get(f"/api/v1/requests?table={side.table()}"),
        "requests with verdict fail": lambda: get("/api/v1/requests?verdict=fail"),
        "requests with status errored (none)": lambda: get("/api/v1/requests?status=errored"),
        "a table's document": lambda: get(f"/api/v1/tables/shop/{side.table()}"),
        "a table's versions": lambda: get(f"/api/v1/tables/shop/{side.table()}/versions"),
        "one changed document": lambda: side.apply(side.document(side.table(), f"change {next(side.numbers)}")),
        "/metrics of the Backend": lambda: get("/metrics"),
        "/metrics of DataOps": lambda: get("/metrics", "api"),
        "/readyz of the Backend": lambda: get("/readyz"),
        "/readyz of DataOps": lambda: get("/readyz", "api"),
        "the portal's look for changes, every 3 s": changes.look,
        "the portal's fingerprint of a project": lambda: state.fingerprint(side.database, "shop", part.tables),
        "housekeeping of DataOps": lambda: api_housekeeping.clean(side.database, side.settings),
        "housekeeping of the Backend": lambda: backend_housekeeping.clean(side.database, side.settings),
    }


def in_turn(sides: list[Side], rounds: int) -> Times:
    """Each call of each side, one after the other, the first round for nothing."""
    named = [(side, calls(side)) for side in sides]
    times: Times = {name: {side.tables: [] for side in sides} for name in named[0][1]}
    for number in range(rounds + 1):
        for name in times:
            for side, found in named if number % 2 else reversed(named):
                began = time.perf_counter()
                found[name]()
                if number:
                    times[name][side.tables].append((time.perf_counter() - began) * 1000)
    return times


def queue(sides: list[Side], rounds: int) -> Times:
    """Accepting, claiming and finishing of checks, with the product's own statements and no worker beside them."""
    times: Times = {name: {side.tables: [] for side in sides} for name in ("accept a check", "claim a check", "finish a check")}
    for side in sides:
        side.installation["worker-1"].stop()
    for number in range(rounds + 1):
        for side in sides:
            moments = [time.perf_counter()]
            request = CheckRequest(target="shop", table=side.table())
            lifecycle.accept(side.database, CATALOGUE, request, 1000)
            moments.append(time.perf_counter())
            claimed = claims.claim(side.database, "benchmark")
            moments.append(time.perf_counter())
            assert claimed is not None
            result = claimed.pending().model_copy(update={"status": "errored", "verdict": "error", "reason": "measured"})
            assert claims.finish(side.database, claimed, result, side.installation["backend-1"].url)
            moments.append(time.perf_counter())
            for name, begin, end in zip(times, moments, moments[1:], strict=False):
                if number:
                    times[name][side.tables].append((end - begin) * 1000)
    for side in sides:
        side.installation.supervise()
        side.installation.wait_warm()
    return times


def whole_configuration(side: Side) -> dict[str, Any]:
    """All documents changed by one stream, what a gate takes meanwhile, and all of them read back page by page."""
    stream = "---\n".join(side.document(fill.name(number), "all at once") for number in range(side.tables))
    path = f"/api/v1/gates/shop/{fill.name(0)}"
    before = [_timed(lambda: side.get(path)) for _ in range(20)]
    meanwhile, ended = list[float](), threading.Event()
    ask = threading.Thread(target=lambda: _until(ended, lambda: meanwhile.append(_timed(lambda: side.get(path)))))
    ask.start()
    seconds = _timed(lambda: side.apply(stream)) / 1000
    ended.set()
    ask.join()
    began, pages = time.perf_counter(), [side.get("/api/v1/configuration").json()]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(side.get(f"/api/v1/configuration?cursor={cursor}").json())
    return {
        "documents": side.tables,
        "megabytes": round(len(stream) / 1e6, 1),
        "apply_s": round(seconds, 2),
        "export_s": round(time.perf_counter() - began, 2),
        "export_pages": len(pages),
        "gate_before_ms": round(statistics.median(before), 1),
        "gate_meanwhile_ms": round(statistics.median(meanwhile), 1),
        "gate_most_ms": round(max(meanwhile)),
        "cli_one_document_s": round(_timed(lambda: _cli(side, "one.yml", side.document(fill.name(0), "by hand"))) / 1000, 2),
    }


def _cli(side: Side, name: str, text: str) -> None:
    command = [str(Path(sys.executable).with_name("dataops")), "--server", side.installation["backend-1"].url, "rules", "apply"]
    environment = {"STRINGX_API_KEY": side.installation.key, "PATH": "/usr/bin:/bin"}
    subprocess.run([*command, str(side.file(name, text))], env=environment, check=True, capture_output=True)


def _timed(call: Call) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _until(ended: threading.Event, call: Call) -> None:
    while not ended.wait(0.02):
        call()
