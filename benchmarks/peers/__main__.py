"""`python -m benchmarks.peers`: the data, the peers, the rounds, the results; see docs/benchmarks.md."""

import argparse
import datetime
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.peers import by_hand, data, machine, measure, ours, peer_dbt, peer_great_expectations, peer_soda, report, server
from benchmarks.peers.environments import CACHE, PeerError
from benchmarks.peers.rules import FIFTY
from benchmarks.peers.server import Server
from benchmarks.peers.verdicts import Truth
from benchmarks.peers.ways import Way
from stringx_dataops.contract.settings import ROOT

SOURCES = (peer_dbt, peer_soda, peer_great_expectations, by_hand, ours)
NAMES = tuple(name for source in SOURCES for name in source.NAMES)
SMALL, BIG, LARGE, TRIAL = 100, 1_000_000, 10_000_000, 50_000
SLOW_EVERY = 3


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description="One table, ten rules, every way to check them."
    )
    parser.add_argument("--rounds", type=int, default=15, help="of the fast ways; the slow ones take part in every third")
    parser.add_argument("--only", metavar="WAYS", help=f"some of {','.join(NAMES)}")
    parser.add_argument("--large", action="store_true", help=f"{LARGE:,} rows, too, in a fifth of the rounds")
    parser.add_argument("--quick", action="store_true", help=f"a trial: two rounds, {TRIAL:,} rows in place of {BIG:,}")
    parser.add_argument("--output", type=Path, help="the folder of the results")
    given = parser.parse_args()
    given.ways = given.only.split(",") if given.only else list(NAMES)
    if unknown := set(given.ways) - set(NAMES):
        parser.error(f"no such way: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if given.quick:
        given.rounds = min(given.rounds, 2)
    if given.rounds < 1:
        parser.error("--rounds: at least 1")
    partial = given.quick or given.only
    given.output = given.output or (CACHE / "trial" if partial else ROOT / "benchmarks" / "results")
    return given


def prepared(given: argparse.Namespace, running: Server, sizes: list[int], stack: ExitStack) -> tuple[list[Way], dict[str, str]]:
    """The ways that could be started, and of each source that could not, the reason."""
    tables = [data.FAULTY, *(data.named(kind, rows) for rows in sizes for kind in (data.CLEAN, data.PROVED))]
    ways, left_out = [], {}
    for source in SOURCES:
        if set(source.NAMES) & set(given.ways):
            try:
                ways += [way for way in source.ways(running, tables, stack) if way.name in given.ways]
            except PeerError as error:
                left_out[source.__name__.rpartition(".")[2]] = str(error)
                say(f"left out: {error}")
    return ways, left_out


def truth(running: Server, table: str) -> Truth:
    return data.truth(FIFTY, running.row(data.truth_statement(FIFTY, table)))


def run(given: argparse.Namespace) -> dict[str, Any]:
    sizes = [SMALL, TRIAL if given.quick else BIG, *([LARGE] if given.large else [])]
    with ExitStack() as stack:
        running = stack.enter_context(server.running())
        running.load(data.faulty())
        for rows in sizes:
            say(f"making {rows:,} rows")
            running.load(data.clean(rows))
        ways, left_out = prepared(given, running, sizes, stack)
        faulty = truth(running, data.FAULTY)
        for way in ways:
            if way.kind == data.CLEAN:
                measure.ask(way, data.FAULTY, faulty)
        say(f"{len(ways)} ways agree with plain SQL on a table with faults")
        taken = {}
        for rows in sizes:
            say(f"measuring {rows:,} rows")
            number, slow_every = (max(2, given.rounds // 5), 1) if rows == LARGE else (given.rounds, SLOW_EVERY)
            known = truth(running, data.named(data.CLEAN, rows))
            taken[rows] = measure.rounds(ways, rows, known, number, min(slow_every, number))
        return {
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "commit": machine.commit(),
            "machine": machine.machine(),
            "postgres": running.settings(),
            "versions": machine.peers(),
            "rounds": given.rounds,
            "left_out": left_out,
            "sql_by_hand": by_hand.TRIED,
            "labels": {way.name: way.label for way in ways},
            "rows_seconds": taken,
        }


def say(text: str) -> None:
    print(f"{datetime.datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything that was started is ended
    given = arguments()
    try:
        found = run(given)
    except (measure.DisagreementError, PeerError) as error:
        print(f"benchmarks.peers: {error}", file=sys.stderr)
        return 1
    report.write(given.output, found)
    print((given.output / "peers.md").read_text())
    say(f"written: {given.output}")
    return 1 if found["left_out"] else 0


if __name__ == "__main__":
    sys.exit(main())
