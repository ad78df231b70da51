"""A realistic mix beside SQL by hand: sixty rules of 26 types on eight tables of 200,000 to 2 million rows.

`python -m benchmarks.mix`: the engine's warm child and one session by hand in turn, each rule alone, each table, and all
tables at once, with the same answers, which are compared; then what dbt's own tests and Soda have words for, in warm processes.
It writes benchmarks/results/mix.md and mix.json; with `--scale` below 1, `--only` or `--skip` it writes nothing. Exit code 1 if
all tables at once take more than 1.3 times as long as by hand, 2 if two ways disagree.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.load.machine import describe
from benchmarks.mix import peers, report
from benchmarks.mix.hand import ByHand
from benchmarks.mix.measure import DisagreementError, compare, in_turn
from benchmarks.mix.ours import Ours
from benchmarks.mix.rules import RULES, Rule
from benchmarks.mix.tables import statements
from benchmarks.peers.environments import PeerError
from benchmarks.peers.warm import Warm
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Admin, Target, make_target, running_cluster

WORK_MEM = "64MB"  # of the role, so of every way
AIM = 1.3
PARTS = ("alone", "tables", "whole", "dbt", "soda")
RESULTS = ROOT / "benchmarks" / "results"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mix", description="Sixty rules beside SQL by hand.")
    parser.add_argument("--scale", type=float, default=1.0, help="of the rows (default 1)")
    parser.add_argument("--rounds", type=int, default=3, help="of tables and all at once (default 3); others have two")
    parser.add_argument("--only", metavar="RULES", help="rules whose name (table.rule) contains one of these words")
    parser.add_argument("--skip", default="", metavar="PARTS", help=f"some of {','.join(PARTS)}")
    given = parser.parse_args()
    given.skip = [part for part in given.skip.split(",") if part]
    if unknown := set(given.skip) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if given.rounds < 1 or not 0 < given.scale <= 1:
        parser.error("--rounds: at least 1; --scale: above 0, at most 1")
    return given


def pairs(rules: Sequence[Rule], ours: Ours, rounds: int, by_hand: Callable[[], Any]) -> dict[str, Any]:
    seconds, answers = in_turn({"dataops": lambda: ours.check(rules), "sql": by_hand}, rounds)
    compare(rules, answers["dataops"], answers["sql"])
    return {name: round(taken, 4) for name, taken in seconds.items()} | {"ratio": round(seconds["dataops"] / seconds["sql"], 2)}


def beside(peer: str, warm: Warm, rules: Sequence[Rule], ours: Ours, hand: ByHand, rounds: int) -> dict[str, Any]:
    """What the peer can say, by it, by ours and by hand; the three agree about which rules pass."""
    tables = list(dict.fromkeys(rule.table for rule in rules))

    def ask() -> dict[str, bool]:
        if peer == "dbt":
            return {rule.replace("__", ".", 1): found.passed for rule, found in warm.ask("*").verdicts.items()}
        return {f"{table}.{rule}": found.passed for table in tables for rule, found in warm.ask(table).verdicts.items()}

    seconds, answers = in_turn({peer: ask, "dataops": lambda: ours.check(rules), "sql": lambda: hand.tables(rules)}, rounds)
    compare(rules, answers["dataops"], answers["sql"])
    passed = {name: not failures for name, failures in answers["dataops"].items()}
    if answers[peer] != passed:
        differing = sorted(name for name in passed.keys() | answers[peer].keys() if passed.get(name) != answers[peer].get(name))
        raise DisagreementError(f"{peer} decides otherwise: {', '.join(differing)}")
    return {"rules": len(rules)} | {name: round(taken, 3) for name, taken in seconds.items()}


def measured(given: argparse.Namespace, target: Target, home: Path) -> dict[str, Any]:
    words = (given.only or "").split(",")
    rules = [rule for rule in RULES if any(word in rule.name for word in words)]
    few = min(2, given.rounds)
    found: dict[str, Any] = {
        "scale": given.scale,
        "rounds": given.rounds,
        "machine": describe(),
        "alone": {},
        "tables": {},
        "peers": {},
    }
    ours, hand = Ours(target, home), ByHand(target)
    with ExitStack() as stack:
        stack.callback(ours.close)
        stack.callback(hand.close)
        compare(rules, ours.check(rules), hand.tables(rules))
        if "whole" not in given.skip:
            say("all tables at once")
            found["whole"] = pairs(rules, ours, given.rounds, partial(hand.tables, rules))
        for table in dict.fromkeys(rule.table for rule in rules) if "tables" not in given.skip else ():
            say(f"table {table}")
            some = [rule for rule in rules if rule.table == table]
            found["tables"][table] = {"rules": len(some)} | pairs(some, ours, given.rounds, partial(hand.table, some))
        for rule in rules if "alone" not in given.skip else ():
            say(f"rule {rule.name}")
            found["alone"][rule.name] = {"type": rule.type} | pairs([rule], ours, few, partial(hand.table, [rule]))
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "SODA_CORE_TELEMETRY_ENABLED": "false",
        }
        for peer, start in {"dbt": peers.dbt, "soda": peers.soda}.items():
            shared = [rule for rule in rules if (rule.dbt if peer == "dbt" else rule.soda) is not None]
            if peer in given.skip or not shared:
                continue
            say(peer)
            try:
                warm = start(target, shared, home / peer, environ, stack)
                found["peers"][peer] = beside(peer, warm, shared, ours, hand, few)
            except PeerError as error:
                found["peers"][peer] = {"rules": len(shared), "left_out": str(error)}
                say(f"left out: {error}")
    return found


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    given = arguments()
    with running_cluster() as cluster, tempfile.TemporaryDirectory() as home:
        admin = Admin(cluster)
        target = make_target(admin, Path(home) / "secrets")
        admin.run(f"alter role {target.user} set work_mem = '{WORK_MEM}'")
        for statement in statements(given.scale):
            target.execute(statement)
        say("tables made")
        try:
            found = measured(given, target, Path(home))
        except DisagreementError as error:
            say(f"benchmarks.mix: {error}")
            return 2
    print(report.page(found, AIM), end="")
    if given.scale == 1 and not given.only and not given.skip:
        (RESULTS / "mix.json").write_text(json.dumps(found, indent=1) + "\n")
        (RESULTS / "mix.md").write_text(report.page(found, AIM))
    return int("whole" in found and found["whole"]["ratio"] > AIM)


if __name__ == "__main__":
    sys.exit(main())
