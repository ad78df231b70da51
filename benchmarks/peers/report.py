"""The results as files: numbers, a table for people, a picture."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.peers import plot
from benchmarks.peers.data import CLEAN
from benchmarks.peers.demands import Demand, demands

BASE = "dataops"


def write(folder: Path, run: dict[str, Any]) -> list[Demand]:
    """`run`: `labels` and `rows_seconds` (by rows, then by way) beside what is only recorded."""
    folder.mkdir(parents=True, exist_ok=True)
    labels, rows_seconds = run["labels"], run["rows_seconds"]
    small, big = sorted(rows_seconds)[:2]
    asked = demands(rows_seconds[small], rows_seconds[big], labels, (small, big))
    recorded = {key: value for key, value in run.items() if key != "rows_seconds"}
    recorded["seconds"] = {
        str(rows): {way: summary(taken) for way, taken in by_way.items()} for rows, by_way in rows_seconds.items()
    }
    recorded["demands"] = [vars(demand) for demand in asked]
    text = json.dumps(recorded, indent=1, ensure_ascii=False)
    flat = re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\s*\n\s*", " ", found[0]), text)
    (folder / "peers.json").write_text(flat + "\n")
    (folder / "peers.md").write_text(markdown(run, asked))
    (folder / "peers.svg").write_text(plot.svg({small: rows_seconds[small], big: rows_seconds[big]}, labels))
    return asked


def summary(taken: list[float]) -> dict[str, Any]:
    ordered = [round(second, 4) for second in taken]
    return {"median": round(median(taken), 4), "min": min(ordered), "max": max(ordered), "runs": ordered}


def markdown(run: Mapping[str, Any], asked: list[Demand]) -> str:
    machine, server = run["machine"], run["postgres"]
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    return "\n".join(
        [
            "# Beside the peers",
            "",
            "<!-- Written by `python -m benchmarks.peers`. -->",
            "",
            f"Seconds, medians (fastest to slowest of all runs) of one run on {run['date']}: {machine['cores']} cores"
            f" ({machine['cpu']}), {machine['memory_gib']} GiB, {machine['os']}, PostgreSQL {server['server_version']}, Python"
            f" {machine['python']}; {versions}. Ten rules (8 `not_null`, `accepted_values`, `unique`). ×: times as long as the"
            " DataOps service takes for the ten rules. [How it is measured](../../docs/benchmarks.md).",
            "",
            *_table(run["rows_seconds"], run["labels"]),
            "",
            "![The same as bars](peers.svg)",
            "",
            *_by_hand(run["sql_by_hand"]),
            "| promise | bound | measured | |",
            "| --- | --- | --- | --- |",
            *(f"| {one.what} | {one.bound} | {one.measured} | {_MET[one.met]} |" for one in asked),
            "",
        ]
    )


def _by_hand(tried: Mapping[str, Mapping[str, float]]) -> list[str]:
    """How uniqueness was asked for, the fastest first."""
    lines = []
    for table, taken in tried.items():
        if table.startswith(f"{CLEAN}_"):
            ways = ", ".join(f"{how} {seconds(taken[how])}" for how in sorted(taken, key=lambda how: taken[how]))
            lines.append(f"- SQL by hand, `{table}`, by how it asks for uniqueness (the first is the one above): {ways}")
    return [*lines, ""] if lines else []


_MET = {True: "met", False: "**missed**", None: "–"}


def _table(rows_seconds: Mapping[int, Mapping[str, list[float]]], labels: Mapping[str, str]) -> list[str]:
    sizes = sorted(rows_seconds)
    lines = ["| way | " + " | ".join(f"{rows:,} rows | ×" for rows in sizes) + " |", "| --- |" + " ---: | ---: |" * len(sizes)]
    for way, label in labels.items():
        cells = []
        for rows in sizes:
            taken, base = rows_seconds[rows].get(way), rows_seconds[rows].get(BASE)
            cells.append(f"{seconds(median(taken))} ({seconds(min(taken))} to {seconds(max(taken))})" if taken else "–")
            cells.append(f"{median(taken) / median(base):.2f}" if taken and base else "–")
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return lines


def seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"
