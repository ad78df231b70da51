"""The figures of a run as tables to read."""

from typing import Any

Figures = dict[str, Any]
_MEASURED = ("processor_ms", "fastest_ms", "median_ms", "tenth_slowest_ms")
_HEADS = ["processor", "fastest", "median", "slowest tenth"]


def text(found: Figures) -> str:
    few, many = found["tables"]
    points_of_few, points = found["points"]
    answers = [
        [
            name,
            *(found[f"answers_{few}"][name][which] for which in ("processor_ms", "fastest_ms")),
            *(figures[which] for which in (*_MEASURED, "kb")),
        ]
        for name, figures in found[f"answers_{many}"].items()
    ]
    storing = [[name, *(figures[which] for which in _MEASURED)] for name, figures in found["storing"].items()]
    keeping = [[name, seconds] for name, seconds in found["keeping"].items() if isinstance(seconds, float)]
    return "\n".join(
        [
            "# History at size",
            "",
            f"`python -m benchmarks.history`: {few} tables with {points_of_few:,} points, and {many:,} tables with {points:,}"
            f" points; {found['rules']} rules each. Medians of {found['times']}, one after the other, in one process with the"
            f" views; {found['at'][:10]}, {found['machine']}, with a load of {found['load']:.0f} on it.",
            "",
            "`processor` is processor time in the service and in its database sessions; `fastest`, `median` and `slowest tenth`"
            " are of the clock, and depend on what else the machine does.",
            "",
            *_table(["answer, ms", f"processor, {few} tables", f"fastest, {few} tables", *_HEADS, "kB"], answers),
            "",
            f"Storing a result of {found['rules']} rules, with {points:,} points, alternately:",
            "",
            *_table(["storing a result, ms", *_HEADS], storing),
            "",
            "What is done in the background:",
            "",
            *_table(["work", "seconds"], keeping),
            "",
            "What summing up a day reads:",
            "",
            "```",
            *found["keeping"]["its plan"],
            "```",
            "",
        ]
    )


def _table(head: list[str], rows: list[list[Any]]) -> list[str]:
    cells = [head, ["---"] * len(head), *([str(value) for value in row] for row in rows)]
    return [f"| {' | '.join(row)} |" for row in cells]
