"""How well the band of the rule type `unusual` finds faults in series with known truth, beside z-scores and last week's values.

`python -m benchmarks.unusual`: every family of series at every level of noise, judged point after point as checks would, by the
three methods in one run; and how long a judgement takes. It writes benchmarks/results/unusual.json and .md; with fewer series or
`--seed` it writes nothing. Exit code 1 if `unusual` is not better than both in a family, or has over one false alarm per 500
points.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from typing import Any

from api.baselines.band import Point, Settings, judge
from benchmarks.unusual.families import FAMILIES, HELD_OUT, series
from benchmarks.unusual.scores import METHODS, Score, Scores, best, scores_of_seed, total, unmet
from stringx_dataops.contract.settings import ROOT

SERIES = 2  # per family and noise
SEED = "held out"  # neither these seeds nor these noises are those with which the algorithm was made
RESULTS = ROOT / "benchmarks" / "results"
ROUNDS = 30


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unusual")
    parser.add_argument("--series", type=int, default=SERIES, help="per family and level of noise")
    parser.add_argument("--seed", default=SEED)
    parser.add_argument("--only", help="families, separated by commas")
    arguments = parser.parse_args()
    families = arguments.only.split(",") if arguments.only else list(FAMILIES)
    result = run(families, arguments.seed, arguments.series)
    print(page(result), end="")
    if arguments.series >= SERIES and arguments.seed == SEED and not arguments.only:
        (RESULTS / "unusual.json").write_text(json.dumps(result, indent=2) + "\n")
        (RESULTS / "unusual.md").write_text(page(result))
    for family, faults in result["unmet"].items():
        print(f"{family}: {'; '.join(faults)}", file=sys.stderr)
    return 1 if result["unmet"] else 0


def run(families: list[str], seed: str, count: int) -> dict[str, Any]:
    wanted = [(family, noise, f"{seed}-{index}") for family in families for noise in HELD_OUT for index in range(count)]
    with ProcessPoolExecutor() as processes:
        found = list(processes.map(scores_of_seed, *zip(*wanted, strict=True)))
    by_family = {
        family: total(scores for (name, *_), scores in zip(wanted, found, strict=True) if name == family) for family in families
    }
    by_noise = {
        noise: total(scores for (_, level, _), scores in zip(wanted, found, strict=True) if level == noise) for noise in HELD_OUT
    }
    faults = {family: unmet(scores) for family, scores in by_family.items()}
    return {
        "seed": seed,
        "series": len(wanted),
        "machine": f"{os.cpu_count()} cores; Python {platform.python_version()}",
        "families": {family: shown(scores) for family, scores in by_family.items()},
        "noises": {f"{noise:.0%}": shown(scores) for noise, scores in by_noise.items()},
        "all": shown(total(found)),
        "milliseconds": times(),
        "unmet": {family: each for family, each in faults.items() if each},
    }


def shown(scores: Scores) -> dict[str, Any]:
    return {method: measures(best(scores, method)) for method in METHODS}


def measures(score: Score) -> dict[str, float]:
    rounded = {name: round(getattr(score, name), 4) for name in ("precision", "recall", "f1", "alarms_per_500")}
    return asdict(score) | rounded


def times() -> dict[str, dict[str, float]]:
    """The median of what a judgement takes of the processor, by how the points lie and how many there are."""
    result: dict[str, dict[str, float]] = {}
    for family in ("level", "weekly season", "daily season"):
        result[family] = {}
        observed = max((series(family, 0.08, f"time {index}") for index in range(20)), key=lambda one: len(one.points))
        for count in (100, 400, 1_000):
            if count >= len(observed.points) and count < 1_000:
                continue
            points = [Point(one.at, one.value) for one in observed.points[: min(count, len(observed.points) - 1)]]
            taken = []
            for _ in range(ROUNDS):
                begin = time.process_time()
                judge(points, observed.points[len(points)].at, observed.zone, Settings())
                taken.append(time.process_time() - begin)
            result[family][str(len(points))] = round(statistics.median(taken) * 1000, 2)
    return result


def page(result: dict[str, Any]) -> str:
    lines = [
        f"{result['series']} series, {result['all']['unusual']['points']:,} points judged. {result['machine']}.",
        "",
        "Precision, recall and F1. The last column: false alarms of `unusual` per 500 points.",
        "",
        f"| family | {' | '.join(f'`{name}`' if name == 'unusual' else name for name in METHODS)} | false alarms |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, methods in [*result["families"].items(), ("all", result["all"])]:
        lines.append(_line(name, methods))
    lines += ["", "The same by noise, the standard deviation as a share of the level:", ""]
    lines += [f"| noise | {' | '.join(f'`{name}`' if name == 'unusual' else name for name in METHODS)} | false alarms |"]
    lines += ["| --- | --- | --- | --- | --- |", *(_line(name, methods) for name, methods in result["noises"].items())]
    lines += ["", "A judgement takes so many milliseconds of a processor (median), by the number of earlier points:", ""]
    lines += ["| family | points: milliseconds |", "| --- | --- |"]
    for family, taken in result["milliseconds"].items():
        lines.append(f"| {family} | {', '.join(f'{count}: {value:.1f}' for count, value in taken.items())} |")
    return "\n".join(lines) + "\n"


def _line(name: str, methods: dict[str, Any]) -> str:
    cells = [f"{one['precision']:.3f}, {one['recall']:.3f}, **{one['f1']:.3f}**" for one in methods.values()]
    return f"| {name} | {' | '.join(cells)} | {methods['unusual']['alarms_per_500']:.2f} |"


if __name__ == "__main__":
    sys.exit(main())
