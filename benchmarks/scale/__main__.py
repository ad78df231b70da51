"""`python -m benchmarks.scale [--long]`: writes `benchmarks/results/scale.json` and `scale.md`."""

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.scale import fill, native, portal, report, service, subject
from benchmarks.scale.sides import running

RESULTS = Path(__file__).parents[1] / "results"
FEW, MANY = 10, 10_000
NATIVE, LONG = (10, 200, 1_000), (2_000, 10_000)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--many", type=int, default=MANY, help="tables of the large installation")
    parser.add_argument("--rounds", type=int, default=21, help="of each measure")
    parser.add_argument("--long", action="store_true", help=f"dbt by itself with {LONG} tables too, in place of extrapolation")
    parser.add_argument("--limit", type=float, default=1800, help="seconds that one step of dbt by itself may take")
    parser.add_argument("--native", type=int, nargs="+", default=list(NATIVE), help="tables of dbt by itself")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder to write to")
    options = parser.parse_args()
    found: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python"
        f" {platform.python_version()}",
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "tables": [FEW, options.many],
        "rules": len(subject.rules()),
        "history": fill.HISTORY,
        "rounds": options.rounds,
    }
    with running(FEW, options.many) as sides:
        say("both installations run")
        found["service"] = report.summary(service.in_turn(sides, options.rounds) | service.queue(sides, options.rounds))
        say("service")
        found["whole_configuration"] = service.whole_configuration(sides[1])
        say("whole configuration")
        found["portal_by_size"] = portal.by_size(sides[1])
        found["checks_beside_the_portal"] = portal.beside_checks(sides[1])
        say("portal")
        rows = [native.measure(sides[0], tables, options.limit) for tables in [*options.native, *(LONG if options.long else ())]]
        say("dbt by itself")
    measured = {row["tables"] for row in rows if "test_one_s" in row}
    found["native_dbt"] = rows + [native.extrapolate(rows, tables) for tables in LONG if tables not in measured]
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "scale.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (options.results / "scale.md").write_text(report.text(found), encoding="utf-8")
    print(report.text(found))


def say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
