"""What the board and a rule's history cost with 10,000 tables of 20 rules and many points, beside what they cost with ten tables.

`python -m benchmarks.history [--points 50000000]` writes `benchmarks/results/history.json` and `history.md`. It takes about five
minutes and 10 GB of disk for 50 million points.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.history import fill, measures, report
from tests.support.databases import Admin, running_cluster

RESULTS = Path(__file__).parents[1] / "results"
FEW, MANY, POINTS = 10, 10_000, 50_000_000
_POINTS_OF_FEW = 1000  # per rule
_WHILE_FILLING = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "'4GB'"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--points", type=int, default=POINTS, help=f"of all rules of {MANY:,} tables")
    parser.add_argument("--place", type=Path, default=Path(tempfile.gettempdir()), help="a folder on the disk that is measured")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder to write to")
    options = parser.parse_args()
    found: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python"
        f" {platform.python_version()}",
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "tables": [FEW, MANY],
        "rules": fill.RULES,
        "times": measures.TIMES,
        "points": [FEW * fill.RULES * _POINTS_OF_FEW, options.points],
    }
    with running_cluster(options.place) as cluster:
        admin = Admin(cluster)
        for tables, points in zip(found["tables"], found["points"], strict=True):
            _durable(admin, is_durable=False)
            url, database = fill.prepare(admin, tables, points)
            _durable(admin, is_durable=True)
            say(f"{points:,} points of {tables:,} tables are there")
            found[f"answers_{tables}"] = measures.answers(url, database)
            say("answers")
            if tables == MANY:
                found["storing"] = measures.storing(database)
                say("storing")
                found["keeping"] = measures.keeping(database)
            database.close()
    found["load"] = round(os.getloadavg()[2], 1)
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "history.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    (options.results / "history.md").write_text(report.text(found), encoding="utf-8")
    print(report.text(found))


def _durable(admin: Admin, *, is_durable: bool) -> None:
    """Measured as the product runs it, filled as fast as it goes."""
    for name, value in _WHILE_FILLING.items():
        admin.run(f"alter system reset {name}" if is_durable else f"alter system set {name} = {value}")
    admin.run("select pg_reload_conf()")
    if is_durable:
        admin.run("checkpoint")


def say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
