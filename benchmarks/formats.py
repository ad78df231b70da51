"""What each format costs on a million rows, beside the plainest pattern that decides the same rows.

`python -m benchmarks.formats`: a check of one rule of type `format`, and one of type `regex` with that pattern, in turn on one
server, through the engine's warm child; medians of several rounds, and their ratio. It writes benchmarks/results/formats.json and
.md; with `--rows` below a million, or `--only`, it writes nothing. Exit code 1 where a ratio is above 1.5, or the two count
differently.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.engine.command import DbtProject
from api.engine.pool import ChildFactory, Slot
from benchmarks.load.machine import describe
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Admin, Target, make_target, running_cluster
from tests.support.engine import gate, rule

ROWS = 1_000_000
ROUNDS = 9
LIMIT = 1.5
RESULTS = ROOT / "benchmarks" / "results"

# format: SQL of a value by the row's number n; of one that is not of the format, a row in a hundred; the plain pattern
FORMATS = {
    "email": (
        "'user' || n || '@' || (array['example.org', 'mail.example.com', 'my-shop.co.uk'])[1 + n % 3]",
        "'nobody ' || n",
        "^[^@ ]+@[^@ ]+$",
    ),
    "uuid": ("md5(n::text)::uuid::text", "md5(n::text)", "^[0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+$"),
    "url": (
        """(array['https', 'http'])[1 + n % 2] || '://' || (array['www.example.org', 'shop.example.com'])[1 + n / 2 % 2]
        || '/items/' || n || '?page=' || n % 7""",
        "'example.org/' || n",
        "^https?://[^ ]+$",
    ),
    "ipv4": (
        "(n % 223 + 1) || '.' || n % 256 || '.' || n / 7 % 256 || '.' || n / 3 % 256",
        "n % 223 || '.' || n % 256",
        "^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+$",
    ),
    "ipv6": (
        "'2001:db8:' || to_hex(n % 65536) || '::' || to_hex(n / 16 % 65536) || ':' || to_hex(n / 5 % 65536)",
        "'2001:db8:' || n",
        "^[0-9a-f:]+::[0-9a-f:]+$",
    ),
    "date": ("(date '1970-01-01' + n % 20000)::text", "'31.1.2013'", "^[0-9]+-[0-9]+-[0-9]+$"),
    "timestamp": (
        """to_char(timestamp '1990-01-01' + n * interval '997 seconds', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
        "'31.1.2013 10:00'",
        "^[0-9-]+T[0-9:]+Z$",
    ),
    "json": (
        "json_build_object('id', n, 'name', 'name ' || n)::text",
        "'{id: ' || n || '}'",
        '^[{]"id" : [0-9]+, "name" : "[^"]*"[}]$',
    ),
    "e164": ("'+' || 4915100000000 + n", "'0' || 15100000000 + n", "^[+][0-9]+$"),
    "country_alpha2": ("(array['DE', 'US', 'FR', 'JP'])[1 + n % 4]", "'XX'", "^(DE|US|FR|JP)$"),
    "currency": ("(array['EUR', 'USD', 'JPY', 'CHF'])[1 + n % 4]", "'XX1'", "^(EUR|USD|JPY|CHF)$"),
}


def table(rows: int) -> str:
    columns = ", ".join(
        f"case when n % 100 = 0 then {wrong} else {right} end as {name}" for name, (right, wrong, _) in FORMATS.items()
    )
    return f"create table measured as select {columns} from generate_series(1, {rows}) n"


def run(target: Target, home: Path, rows: int, rounds: int, names: list[str]) -> dict[str, Any]:
    target.execute(table(rows))
    target.execute("vacuum (analyze) measured")
    child_factory = ChildFactory(DbtProject(ROOT / "stringx", ROOT / "stringx"), home)
    child = Slot(child_factory, 10_000)
    child.ensure_warm()

    def check(asked: dict[str, Any]) -> Callable[[], int]:
        def once() -> int:
            answer = child.run(gate("measured", asked), home / "run", target.environment(), 300)
            assert answer.outcome is not None, answer.message
            (found,) = json.loads(answer.outcome)["tables"][0]["rules"]
            assert found["reason"] is None, found["reason"]
            return int(found["failures"])

        return once

    ways: dict[tuple[str, str], Callable[[], int]] = {}
    for name in names:
        ways[name, "format"] = check(rule("r", "format", name, format=name))
        ways[name, "pattern"] = check(rule("r", "regex", name, pattern=FORMATS[name][2]))
    seconds: dict[tuple[str, str], list[float]] = {way: [] for way in ways}
    failures: dict[tuple[str, str], int] = {}
    for round_number in range(rounds + 1):
        for way, once in ways.items():
            began = time.perf_counter()
            failures[way] = once()
            if round_number:  # the first warms up
                seconds[way].append(time.perf_counter() - began)
    child.kill()
    child_factory.close()
    found = {}
    for name in names:
        taken = {kind: statistics.median(seconds[name, kind]) for kind in ("format", "pattern")}
        found[name] = {
            "pattern": FORMATS[name][2],
            "format_ms": round(taken["format"] * 1000, 1),
            "pattern_ms": round(taken["pattern"] * 1000, 1),
            "ratio": round(taken["format"] / taken["pattern"], 2),
            "same": failures[name, "format"] == failures[name, "pattern"] == rows // 100,
        }
    return {"rows": rows, "rounds": rounds, "machine": describe(), "formats": found}


def page(result: dict[str, Any]) -> str:
    lines = [
        f"{result['rows']:,} rows, one in a hundred not of the format; medians of {result['rounds']} interleaved rounds."
        f" {result['machine']}.",
        "",
        "| format | check | check of the plain pattern | ratio | the pattern |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, one in result["formats"].items():
        pattern = one["pattern"].replace("|", "\\|")
        lines.append(f"| `{name}` | {one['format_ms']:.0f} ms | {one['pattern_ms']:.0f} ms | {one['ratio']:.2f} | `{pattern}` |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formats")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", help="formats, separated by commas")
    arguments = parser.parse_args()
    names = arguments.only.split(",") if arguments.only else list(FORMATS)
    with running_cluster() as cluster, tempfile.TemporaryDirectory() as home:
        result = run(make_target(Admin(cluster), Path(home) / "secrets"), Path(home), arguments.rows, arguments.rounds, names)
    print(page(result), end="")
    if arguments.rows >= ROWS and not arguments.only:
        (RESULTS / "formats.json").write_text(json.dumps(result, indent=2) + "\n")
        (RESULTS / "formats.md").write_text(page(result))
    return 0 if all(one["same"] and one["ratio"] <= LIMIT for one in result["formats"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
