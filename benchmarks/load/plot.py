"""The resident memory of each role over the checks, as an SVG: in percent of what it was after the warm-up."""

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 860, 420, 60, 230, 40, 50
_LOWEST, _HIGHEST = 0.8, 1.2
_COLOURS = ("#1b6ca8", "#c8553d", "#2f855a", "#805ad5", "#b7791f", "#4a5568")


def of_memory(samples: Sequence[dict[str, Any]], warm_up: int) -> str:
    last = samples[-1]["checks"]
    base = next(each for each in samples if each["checks"] >= warm_up)["memory"]

    def x(checks: float) -> float:
        return _LEFT + checks / last * (_WIDTH - _LEFT - _RIGHT)

    def y(share: float) -> float:
        return _TOP + (_HIGHEST - min(max(share, _LOWEST), _HIGHEST)) / (_HIGHEST - _LOWEST) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 22, "Memory of the largest process of each role, in percent of what it was after the warm-up", size=14),
        f'<rect x="{x(0):.1f}" y="{_TOP}" width="{x(warm_up) - x(0):.1f}" height="{_HEIGHT - _TOP - _BOTTOM}" fill="#edf2f7"/>',
        _text(x(warm_up / 2), _TOP + 16, "warm-up", anchor="middle"),
    ]
    for percent in range(80, 121, 10):
        at, limit = y(percent / 100), percent == 110
        style = 'stroke="#c53030" stroke-dasharray="6 4"' if limit else 'stroke="#cbd5e0"'
        parts.append(f'<line x1="{_LEFT}" y1="{at:.1f}" x2="{_WIDTH - _RIGHT}" y2="{at:.1f}" {style}/>')
        parts.append(_text(_LEFT - 8, at + 4, f"{percent}%", anchor="end"))
    for step in range(5):
        parts.append(_text(x(last * step / 4), _HEIGHT - _BOTTOM + 20, f"{last * step // 4:,}", anchor="middle"))
    parts.append(_text(x(last / 2), _HEIGHT - 10, "checks", anchor="middle"))
    for place, (role, held) in enumerate(base.items()):
        colour = _COLOURS[place % len(_COLOURS)]
        line = " ".join(f"{x(each['checks']):.1f},{y(each['memory'][role]['rss'] / held['rss']):.1f}" for each in samples)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        label = f"{role}: {held['rss']:.0f} → {samples[-1]['memory'][role]['rss']:.0f} MiB"
        parts.append(_text(_WIDTH - _RIGHT + 12, _TOP + 16 + 20 * place, label, colour=colour))
    return "\n".join([*parts, "</svg>\n"])


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12, colour: str = "#1a202c") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(words)}</text>'
