"""What groups cost: 20 rules on a million rows, decided for each of 1,000 groups, beside the same rules without groups.

`python -m benchmarks.groups`: both by the engine's warm child on one server, in turn, several rounds, medians. Figures are ratios
of one run; the aim is at most three times as long, which the exit code says.
"""

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
from benchmarks.one_scan import ROWS, TABLE, rules
from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Admin, Target, make_target, running_cluster
from tests.support.engine import gate, rule

RULES = 20
GROUPS = 1_000
ROUNDS = 7
AIM = 3.0
RESULTS = ROOT / "benchmarks" / "results" / "groups.md"


def measures(number: int) -> list[dict[str, Any]]:
    """Counts of rows and aggregates in turn, all different."""
    made = [
        lambda n: rule(f"m{n}", "row_count", fail_above=None, min=1 + n),
        lambda n: rule(f"m{n}", "aggregate", "amount", fail_above=None, function="max", max=10**6 + n),
        lambda n: rule(f"m{n}", "aggregate", "price", fail_above=None, function="avg", min=-100 - n, warn={"min": -50 - n}),
        lambda n: rule(f"m{n}", "aggregate", "shop", fail_above=None, function="null_ratio", max=0.5 + n / 100),
    ]
    return [made[n % 4](n) for n in range(number)]


def before(state: dict[str, Any]) -> dict[str, Any]:
    """What an earlier check has left, as the next one gets it."""
    return {"at": "2026-01-01T00:00:00Z", "check_id": "", "state": state}


CASES: dict[str, list[dict[str, Any]]] = {
    "20 row rules": rules(RULES),
    "10 row rules, 10 measures": [*rules(RULES // 2), *measures(RULES // 2)],
}


def run(target: Target, home: Path) -> dict[str, Any]:
    target.execute(TABLE)
    target.execute(f"alter table measured add bucket integer; update measured set bucket = id % {GROUPS}")
    target.execute("vacuum (full, analyze) measured")
    child_factory = ChildFactory(DbtProject(ROOT / "stringx", ROOT / "stringx"), home)
    child = Slot(child_factory, 10_000)
    child.ensure_warm()

    def answers(tested: list[dict[str, Any]]) -> list[dict[str, Any]]:
        answer = child.run(gate("measured", *tested), home / "run", target.environment(), 120)
        assert answer.outcome is not None, answer.message
        found: list[dict[str, Any]] = json.loads(answer.outcome)["tables"][0]["rules"]
        assert {one["status"] for one in found} <= {"pass", "fail"}
        return found

    def check(tested: list[dict[str, Any]], per: dict[str, Any]) -> Callable[[], None]:
        given = [one | per for one in tested]
        if per.get("new_groups"):
            given = [one | {"before": before(found["remember"])} for one, found in zip(given, answers(given), strict=True)]

        def once() -> None:
            assert all(found["groups"]["count"] == GROUPS for found in answers(given) if per)

        return once

    groups = {"per": ["bucket"], "new_groups": None, "missing_groups": None}
    compared = groups | {"new_groups": "warn", "missing_groups": "warn"}
    ways = {
        (case, way): check(tested, per)
        for case, tested in CASES.items()
        for way, per in (("together", {}), ("for each group", groups), ("and remembered", compared))
    }
    seconds: dict[tuple[str, str], list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, once in ways.items():
            began = time.perf_counter()
            once()
            if number:  # the first warms up
                seconds[name].append(time.perf_counter() - began)
    child.kill()
    child_factory.close()
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    return {
        case: {
            "seconds": {way: round(medians[case, way], 3) for way in ("together", "for each group", "and remembered")},
            "ratio": round(medians[case, "for each group"] / medians[case, "together"], 2),
            "ratio with new and missing groups": round(medians[case, "and remembered"] / medians[case, "together"], 2),
        }
        for case in CASES
    }


def as_page(found: dict[str, Any]) -> str:
    lines = [
        "# Groups",
        "",
        f"`python -m benchmarks.groups`: {RULES} rules on {ROWS:,} rows, for {GROUPS:,} groups and for all rows together, in"
        f" turn; medians of {ROUNDS} rounds.",
        "",
        "| rules | together | for each group | ratio | with new and missing groups | ratio |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for case, one in found.items():
        together, each, remembered = one["seconds"].values()
        lines.append(
            f"| {case} | {together} s | {each} s | {one['ratio']} | {remembered} s | {one['ratio with new and missing groups']} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the results; 1 if the aim is not met."""
    with running_cluster() as cluster, tempfile.TemporaryDirectory() as home:
        found = run(make_target(Admin(cluster), Path(home) / "secrets"), Path(home))
    RESULTS.write_text(as_page(found))
    print(as_page(found))
    return int(any(one["ratio with new and missing groups"] > AIM for one in found.values()))


if __name__ == "__main__":
    sys.exit(main())
