"""What incidents, events and routes cost a check: this release beside the one before them, in turns on one machine.

`python -m benchmarks.watching [--before COMMIT] [--rounds 40]` writes `benchmarks/results/watching.json` and `watching.md`. The
code of the release before is taken from the project's history.
"""

import argparse
import io
import json
import os
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.load import machine
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Admin, running_cluster
from tests.support.receivers import http_receiver

RESULTS = Path(__file__).parents[1] / "results"
SIDE = Path(__file__).with_name("side.py")
FIRST_CHANGE = "database/migrations/0029_incidents.sql"
TABLES, TABLES_CHECKED = 200, 20
BLOCK, CHECKS = 40, 5  # results or checks per turn
CROWD = 10_000  # tables whose gates close within a minute
# Every gate that closes matches two routes of a channel.
DOCUMENTS = [
    {"apiVersion": "stringx/v1", "kind": "Channel", "name": "receiver", "type": "webhook", "url_file": "notify_receiver"},
    {"apiVersion": "stringx/v1", "kind": "Route", "name": "all", "channel": "receiver"},
    {"apiVersion": "stringx/v1", "kind": "Route", "name": "team", "channel": "receiver", "owner": "team"},
]
# What results say of tables, in turn. Most checks find what the one before found.
SERIES = {
    "as before (all pass)": lambda turn: ["pass"] * BLOCK,
    "as before (all fail)": lambda turn: ["fail"] * BLOCK,
    "one of ten flips its gate": lambda turn: ["fail" if (n + turn) % 20 < 1 else "pass" for n in range(BLOCK)],
    "each flips its gate": lambda turn: ["fail" if turn % 2 else "pass"] * BLOCK,
}
_SPREAD = 2000  # samples of the bootstrap


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watching", description=__doc__)
    parser.add_argument("--before", help="the commit to compare with; else the last one without incidents")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--no-checks", action="store_true", help="storing alone, without whole checks")
    parser.add_argument(
        "--crowd", type=int, default=CROWD, help="how many gates close within a minute, beside checks; 0: none do"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder to write to")
    options = parser.parse_args()
    found: dict[str, Any] = {"machine": machine.describe(), "rounds": options.rounds, "block": BLOCK}
    found["at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with tempfile.TemporaryDirectory() as folder:
        before = taken_from_history(Path(folder), options.before)
        found["storing"] = compare_storing(before, options.rounds)
        if not options.no_checks:
            found |= compare_checks(before, options.rounds, options.crowd)
    found["load"] = round(os.getloadavg()[1], 1)
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "watching.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (options.results / "watching.md").write_text(text(found), encoding="utf-8")
    print(text(found))


def taken_from_history(folder: Path, commit: str | None) -> Path:
    git = ["git", "-c", f"safe.directory={ROOT}"]
    if commit is None:
        log = [*git, "log", "--diff-filter=A", "--format=%H", "--", FIRST_CHANGE]
        commit = subprocess.run(log, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split()[-1] + "^"
    archive = subprocess.run([*git, "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(folder, filter="data")
    return folder


class Side:
    """A process with the code of `root`; it does what it is asked and says what that took."""

    def __init__(self, root: Path, asked: dict[str, Any]) -> None:
        variables = os.environ | {"PYTHONPATH": str(root)}
        command = [sys.executable, "-P", str(SIDE), json.dumps(asked)]
        self._process = subprocess.Popen(
            command, cwd=root, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._answer() == "ready"

    def ask(self, asked: dict[str, Any]) -> list[float]:
        assert self._process.stdin is not None
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        found: list[float] = self._answer()
        return found

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the side of {self._process.args!r} has ended"
        return json.loads(line)

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=120)


@contextmanager
def sides(before: Path, of_before: dict[str, Any], of_now: dict[str, Any]) -> Iterator[tuple[Side, Side]]:
    with ExitStack() as stack:
        pair = []
        for root, asked in ((before, of_before), (ROOT, of_now)):
            pair.append(Side(root, asked))
            stack.callback(pair[-1].end)
        yield pair[0], pair[1]


def compare_storing(before: Path, rounds: int) -> dict[str, Any]:
    """Milliseconds of processor, of the process that stores and of its session."""
    found = {}
    with running_cluster() as cluster:
        admin = Admin(cluster)
        for name in ("before", "now"):
            admin.run(f"create database {name}")
        asked = [{"url": admin.url(name), "tables": TABLES, "routes": []} for name in ("before", "now")]
        with sides(before, asked[0], asked[1] | {"routes": DOCUMENTS}) as pair:
            for name, verdicts in SERIES.items():
                pair[0].ask({"verdicts": verdicts(0)}), pair[1].ask({"verdicts": verdicts(0)})
                found[name] = compared(pair, [{"verdicts": verdicts(turn)} for turn in range(1, rounds + 1)])
                say(f"{name}: {found[name]}")
    return found


def compare_checks(before: Path, rounds: int, crowd: int) -> dict[str, Any]:
    """Milliseconds of whole sync checks while nothing else happens, and while the gates of a crowd close, and open again."""
    asked = {"tables": TABLES_CHECKED, "crowd": crowd}
    found: dict[str, Any] = {}
    with http_receiver() as receiver:
        watched = {"documents": DOCUMENTS, "secrets": {"notify_receiver": receiver.url}}
        with sides(before, asked | {"watched": {}}, asked | {"watched": watched}) as pair:
            for side in pair:
                side.ask({"checks": TABLES_CHECKED})
            found["checks"] = _in_ms(compared(pair, [{"checks": CHECKS}] * rounds * 2))
            say(f"whole checks: {found['checks']}")
            if crowd:
                already = len(receiver.posts)
                found["storm"] = _in_ms(compared(pair, [{"storm": "fail"}, {"storm": "pass"}]))
                found["messages"] = [_told(post.json) for post in receiver.posts[already:]]
                found["crowd"] = crowd
                say(f"beside a storm: {found['storm']}; messages: {found['messages']}")
    return found


def _in_ms(figures: dict[str, float]) -> dict[str, float]:
    return figures | {name: round(figures[name] * 1000, 2) for name in ("before", "now")}


def _told(event: dict[str, Any]) -> int:
    """Of how many tables an event tells."""
    return sum(event["data"].get("counts", {"one": 1}).values())


def compared(pair: tuple[Side, Side], turns: list[dict[str, Any]]) -> dict[str, float]:
    """The median of each side, and the median of the ratios of neighbours in time, with the 95 % that a bootstrap of the turns
    gives it. Who is first changes each turn."""
    medians: list[tuple[float, float]] = []
    for number, asked in enumerate(turns):
        order = (0, 1) if number % 2 else (1, 0)
        taken = {which: statistics.median(pair[which].ask(asked)) for which in order}
        medians.append((taken[0], taken[1]))
    ratios = [now / before for before, now in medians]
    chance = random.Random(1)
    spread = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(_SPREAD))
    return {
        "before": round(statistics.median(before for before, _ in medians), 3),
        "now": round(statistics.median(now for _, now in medians), 3),
        "ratio": round(statistics.median(ratios), 3),
        "low": round(spread[_SPREAD // 40], 3),
        "high": round(spread[-_SPREAD // 40], 3),
    }


def text(found: dict[str, Any]) -> str:
    head = ["| | before, ms | now, ms | now / before | 95 % |", "| --- | --- | --- | --- | --- |"]

    def row(name: str, of: dict[str, float]) -> str:
        return f"| {name} | {of['before']} | {of['now']} | {of['ratio']} | {of['low']} to {of['high']} |"

    lines = [
        "# What watching costs a check",
        "",
        "`python -m benchmarks.watching`: the release before incidents and this one, with routes that match every table, in"
        f" turns; {found['rounds']} turns of {found['block']} results each; {found['at'][:10]}, {found['machine']}, with"
        f" a load of {found['load']:.0f} on it. Medians; the ratio is the median of the ratios of neighbouring turns.",
        "",
        "Storing a result of 20 rules, in milliseconds of processor (of the process that stores, and of its database session):",
        "",
        *head,
        *(row(name, of) for name, of in found["storing"].items()),
    ]
    if "checks" in found:
        lines += ["", "Whole sync checks of small tables over the Backend, one client, by the clock:", "", *head]
        lines += [row("a check", found["checks"])]
    if "storm" in found:
        lines += [
            row(f"beside {found['crowd']:,} gates that close in a minute, then open", found["storm"]),
            "",
            f"Of these {2 * found['crowd']:,} flips the channel was told in {len(found['messages'])} messages.",
        ]
    return "\n".join(lines) + "\n"


def say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
