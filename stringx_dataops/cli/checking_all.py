"""`dataops check TARGET --all`: every configured table of a target, a few at a time."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from stringx_dataops.answers import EXIT, Request
from stringx_dataops.cli import listing
from stringx_dataops.cli.options import MOST
from stringx_dataops.cli.output import show_json, show_list
from stringx_dataops.cli.progress import POLL_S, Line
from stringx_dataops.cli.terminal import Column, columns, plain
from stringx_dataops.client import Client, DataOpsError, Refused, Undecided

_POLL_S = 5.0  # how long an interrupted command may take to end
_AT_ONCE = 8  # requests that have not ended
_COLUMNS = (
    Column("result", is_state=True),
    Column("table", keeps_end=True, least=16),
    Column("rules", drops=3),
    Column("time", drops=2),
    Column("request", drops=1),
    Column("why", least=24),
)
_NO_RULES = "has no active rule"


@dataclass(frozen=True)
class _Outcome:
    """What became of a table: `word` is the verdict, else the status, refused, undecided, or `no rules`."""

    table: str
    word: str
    why: str
    request: Request | None
    exit_code: int


def run(client: Client, target: str, wait: int, as_json: bool, junit_file: str | None, **narrowed: Any) -> int:
    """Checks, waits and prints; the exit code of the worst: fail before error or undecided before refused. Tables without a rule
    to run count in nothing, unless none of the tables has one."""
    tables = [str(item["table"]) for item in listing.items(client, "tables", {"target": target}, MOST)]
    if not tables:
        raise Refused([f"target {target} has no configured table"])
    until = time.monotonic() + wait
    found: list[_Outcome] = []
    with Line(target) as line, ThreadPoolExecutor(_AT_ONCE) as pool:
        stop = threading.Event()
        poll_s = POLL_S if line.active else _POLL_S
        try:
            asked = [pool.submit(_check, client, target, table, until, poll_s, stop, narrowed) for table in tables]
            line.show(lambda passed: f"{sum(each.done() for each in asked)} of {len(asked)} tables checked, {passed:.0f} s")
            found += [future.result() for future in asked]
        finally:
            stop.set()  # after Ctrl-C, the threads would follow their checks to the end
            pool.shutdown(wait=False, cancel_futures=True)
    views = [outcome.request.raw for outcome in found if outcome.request is not None]
    if junit_file is not None:
        from stringx_dataops.cli import junit

        junit.write(junit_file, views)
    if as_json:
        show_json(views)
    else:
        rows = [_row(outcome) for outcome in found]
        show_list(columns(_COLUMNS, rows))
    if all(outcome.word == "no rules" for outcome in found):
        raise Refused([f"no table of {target} has such a rule: {found[0].why}"])
    if as_json:
        _raise_the_first(found)
    return _worst(found)


def _check(
    client: Client, target: str, table: str, until: float, poll_s: float, stop: threading.Event, narrowed: dict[str, Any]
) -> _Outcome:
    def go_on(request: Request) -> None:
        if stop.is_set():
            raise Undecided("interrupted; it goes on", request)

    try:
        request = client.check(target, table, wait=max(0.001, until - time.monotonic()), poll_s=poll_s, on_wait=go_on, **narrowed)
    except Refused as error:
        word, why = ("no rules", "has no active rule to run") if _NO_RULES in str(error) else ("refused", str(error))
        return _Outcome(table, word, why, None, 0 if word == "no rules" else 2)
    except Undecided as error:
        request_then = error.answer if isinstance(error.answer, Request) else None
        return _Outcome(table, request_then.status if request_then is not None else "undecided", str(error), request_then, 3)
    reasons = [request.reason] if request.reason else [f"{rule.id}: {rule.message}" for rule in _worst_rules(request)]
    return _Outcome(table, request.verdict or request.status, reasons[0] if reasons else "", request, request.exit_code)


def _worst_rules(request: Request) -> list[Any]:
    counted = [rule for rule in request.rules if not rule.raw.get("shadow")]
    return [rule for status in ("fail", "error", "warn") for rule in counted if rule.status == status]


def _row(outcome: _Outcome) -> tuple[str, ...]:
    request = outcome.request
    if request is None:  # a request itself is false where it fails
        return outcome.word, outcome.table, "", "", "", plain(outcome.why)
    counts = request.counts
    total = sum(counts.get(status, 0) for status in ("pass", "warn", "fail", "error"))
    rules = f"{counts.get('pass', 0)} of {total} pass" if total else ""
    took = "" if request.duration_ms is None else f"{request.duration_ms} ms"
    return outcome.word, outcome.table, rules, took, request.request_id, plain(outcome.why)


def _raise_the_first(found: Sequence[_Outcome]) -> None:
    """JSON has no lines of tables without a request: the first one that matters is told on standard error."""
    code = _worst(found)
    for outcome in found:
        if outcome.exit_code == code and outcome.request is None and code:
            error: DataOpsError = Refused([f"{outcome.table}: {outcome.why}"]) if code == 2 else Undecided(outcome.why)
            raise error


def _worst(found: Sequence[_Outcome]) -> int:
    codes = {outcome.exit_code for outcome in found}
    return next((code for code in (EXIT["fail"], EXIT["error"], 2) if code in codes), 0)
