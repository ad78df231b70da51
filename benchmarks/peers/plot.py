"""Horizontal bars on a logarithmic axis as SVG; in the reader's colours, light or dark."""

from collections.abc import Mapping
from html import escape
from math import log10
from statistics import median

WAYS = ("dbt_shell", "soda_cli", "gx_warm", "dbt_warm", "soda_warm", "backend", "dataops", "sql")
OURS, LIMIT = ("dataops", "backend"), ("sql",)
WIDTH, LABELS, RIGHT, ROW, BAR, HEAD, FOOT = 860, 250, 120, 30, 16, 46, 30
TICKS = [step * 10.0**power for power in range(-4, 4) for step in (1, 2, 5)]
_STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 14px } .tick, .times { fill: #656d76; font-size: 12px } .name.ours { font-weight: 600 }
.grid { stroke: #d1d9e0 } .spread { stroke: #1f2328; stroke-width: 1.5; opacity: .55 }
.bar { fill: #9aa4af } .bar.ours { fill: #0969da } .bar.limit { fill: #c8d1da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .tick, .times { fill: #9198a1 } .grid { stroke: #3d444d } .spread { stroke: #e6edf3 }
  .bar { fill: #656c76 } .bar.ours { fill: #4493f8 } .bar.limit { fill: #454c54 }
}
"""


def svg(rows_seconds: Mapping[int, Mapping[str, list[float]]], labels: Mapping[str, str]) -> str:
    """A panel a number of rows, both on one axis: a bar to the median, a line from the fastest to the slowest."""
    taken = [value for by_way in rows_seconds.values() for way in WAYS for value in by_way.get(way, [])] or [1.0]
    low, high = max([tick for tick in TICKS if tick < min(taken)], default=TICKS[0]), max(taken) * 1.15
    panels, top = [], 0
    for rows, by_way in sorted(rows_seconds.items()):
        shown = [way for way in WAYS if by_way.get(way)]
        panels.append(_panel(rows, {way: by_way[way] for way in shown}, labels, (low, high), top))
        top += HEAD + ROW * len(shown) + FOOT
    title = "Seconds for ten rules on one table, by way"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" role="img"'
        f' aria-label="{title}">\n<title>{title}</title>\n<style>{_STYLE}</style>\n' + "\n".join(panels) + "\n</svg>\n"
    )


def _panel(rows: int, by_way: Mapping[str, list[float]], labels: Mapping[str, str], scale: tuple[float, float], top: int) -> str:
    low, high = scale
    medians = {way: median(values) for way, values in by_way.items()}

    def at(seconds: float) -> str:
        part = log10(seconds / low) / log10(high / low)
        return f"{LABELS + part * (WIDTH - LABELS - RIGHT):.1f}"

    first, last = top + HEAD, top + HEAD + ROW * len(medians)
    parts = [f'<text class="title" x="0" y="{top + 20}">{rows:,} rows, 10 rules: seconds, and × the DataOps service</text>']
    for tick in TICKS:
        if low <= tick <= high:
            parts.append(f'<line class="grid" x1="{at(tick)}" x2="{at(tick)}" y1="{first - 4}" y2="{last}"/>')
            parts.append(f'<text class="tick" x="{at(tick)}" y="{last + 16}" text-anchor="middle">{tick:g}</text>')
    for number, way in enumerate(sorted(medians, key=lambda way: -medians[way])):
        kind = "ours" if way in OURS else "limit" if way in LIMIT else ""
        y, values = first + ROW * number + ROW // 2, by_way[way]
        times = f" · {medians[way] / medians['dataops']:.1f}×" if "dataops" in medians and kind != "ours" else ""
        end = f"{float(at(max(values))) + 8:.1f}"
        parts += [
            f'<text class="name {kind}" x="{LABELS - 10}" y="{y + 4}" text-anchor="end">{escape(labels[way])}</text>',
            f'<rect class="bar {kind}" x="{LABELS}" y="{y - BAR // 2}" width="{float(at(medians[way])) - LABELS:.1f}"'
            f' height="{BAR}" rx="2"/>',
            f'<line class="spread" x1="{at(min(values))}" x2="{at(max(values))}" y1="{y}" y2="{y}"/>',
            f'<text x="{end}" y="{y + 4}">{_said(medians[way])}<tspan class="times">{times}</tspan></text>',
        ]
    return "\n".join(parts)


def _said(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
