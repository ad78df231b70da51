"""The figures of a run as tables to read."""

import statistics
from typing import Any

Figures = dict[str, Any]


def summary(times: dict[str, dict[int, list[float]]]) -> list[Figures]:
    """Of each measure the medians by the number of tables, their spread, and the ratio of many to few."""
    rows = []
    for name, by_tables in times.items():
        few, many = by_tables
        medians = {tables: statistics.median(taken) for tables, taken in by_tables.items()}
        rows.append(
            {"measure": name}
            | {f"{tables}_ms": round(median, 2) for tables, median in medians.items()}
            | {f"{tables}_spread_ms": [round(min(taken), 2), round(max(taken), 2)] for tables, taken in by_tables.items()}
            | {"ratio": round(medians[many] / medians[few], 2)}
        )
    return rows


def text(found: Figures) -> str:
    return "\n".join([*_of_service(found), *_of_the_whole(found), *_of_the_portal(found), *_of_native(found), ""])


def _of_service(found: Figures) -> list[str]:
    few, many = found["tables"]
    rows = [[row["measure"], row[f"{few}_ms"], row[f"{many}_ms"], row["ratio"]] for row in found["service"]]
    return [
        "# Scale of configuration",
        "",
        f"`python -m benchmarks.scale`: {few} and {many:,} configured tables with {found['rules']} rules each, and"
        f" {found['history']} finished requests a table. Two whole installations on one machine, asked in turn; medians of"
        f" {found['rounds']}. {found['machine']}. Times are there to be compared within the run.",
        "",
        *_table(["measured", f"{few} tables, ms", f"{many:,} tables, ms", "ratio"], rows),
    ]


def _of_the_whole(found: Figures) -> list[str]:
    whole = found["whole_configuration"]
    return [
        "",
        "## All documents at once",
        "",
        f"{whole['documents']:,} changed documents in one YAML stream of {whole['megabytes']} MB, all or nothing:"
        f" {whole['apply_s']} s; read back in {whole['export_pages']} pages: {whole['export_s']} s. A gate asked meanwhile took"
        f" {whole['gate_meanwhile_ms']} ms (before: {whole['gate_before_ms']} ms; at most {whole['gate_most_ms']} ms)."
        f" One document by `dataops rules apply`: {whole['cli_one_document_s']} s.",
    ]


def _of_the_portal(found: Figures) -> list[str]:
    beside, many = found["checks_beside_the_portal"], found["tables"][1]
    alone, both = beside["alone"], beside["beside"]
    rows = [
        [row["tables"], row["first_s"], row["first_peak_mb"], row["again_s"], row["again_peak_mb"]]
        for row in found["portal_by_size"]
    ]
    return [
        "",
        "## The docs portal",
        "",
        *_table(["tables in a project", "first, s", "peak, MB", "after one change, s", "peak, MB"], rows),
        "",
        f"{many:,} tables of one target are {beside['parts']} projects. Sync checks one after the other, alone: median"
        f" {alone['median_ms']} ms, 95% within {alone['p95_ms']} ms. While the portal was made for the first time"
        f" ({beside['made_meanwhile']} projects in {beside['seconds']:.0f} s, one after the other,"
        f" {beside['portal_peak_mb']} MB in all): median {both['median_ms']} ms, 95% within {both['p95_ms']} ms.",
    ]


def _of_native(found: Figures) -> list[str]:
    head = ["tables", "tests", "parse, s", "MB", "parse after one change, s", "MB", "test one table, s", "MB", ""]
    return [
        "",
        "## dbt by itself",
        "",
        "The same rules as dbt's own tests, a YAML file a table. Each step is a process and ran once.",
        "",
        *_table(head, [_native(row) for row in found["native_dbt"]]),
    ]


def _native(row: Figures) -> list[Any]:
    steps = ("parse", "parse_one_changed", "test_one")
    cells = [row.get(f"{step}_{unit}", row.get(step, "–")) for step in steps for unit in ("s", "peak_mb")]
    return [f"{row['tables']:,}", f"{row['tests']:,}", *cells, "extrapolated" if row.get("extrapolated") else ""]


def _table(head: list[str], rows: list[list[Any]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]
