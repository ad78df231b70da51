"""The image of a badge: an SVG of its own text and two rectangles, which loads nothing and runs nothing."""

import unicodedata
from html import escape
from typing import assert_never

from backend.badges.store import Shown
from backend.history.state import StateName

_HEIGHT, _PADDING = 20, 6  # pixels
_NARROW, _WIDE = frozenset("fijlrtI1.,:;!|'()[] "), frozenset("mwMWGOQCDHNU@%")
_LEFT, _UNKNOWN = "#444d56", "#5f6771"  # white text on each of these has a contrast of at least 5:1


def image(shown: Shown | None) -> str:
    """The SVG of a badge; a neutral one if there is nothing to show."""
    if shown is None:
        return _svg("gate", "unknown", _UNKNOWN)
    word, colour = _look(shown.state)
    return _svg(shown.label, word, colour)


def _look(state: StateName) -> tuple[str, str]:
    match state:
        case "open":
            return "open", "#1a7431"
        case "closed":
            return "closed", "#b3261e"
        case "stale":
            return "stale", "#8a5300"
        case "never_checked":
            return "never checked", _UNKNOWN
        case _:
            assert_never(state)


def _svg(label: str, word: str, colour: str) -> str:
    left, right = _width(label), _width(word)
    whole, name = left + right, escape(f"{label}: {word}")
    font = 'font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{_HEIGHT}" viewBox="0 0 {whole} {_HEIGHT}" role="img"'
        f' aria-label="{name}"><title>{name}</title>'
        f'<clipPath id="r"><rect width="{whole}" height="{_HEIGHT}" rx="3"/></clipPath><g clip-path="url(#r)">'
        f'<rect width="{left}" height="{_HEIGHT}" fill="{_LEFT}"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{colour}"/></g>'
        f'<g fill="#fff" {font} aria-hidden="true">{_text(label, left / 2, left)}{_text(word, left + right / 2, right)}</g></svg>'
    )


def _text(text: str, middle: float, width: int) -> str:
    """A text that is squeezed or stretched to its place, whatever font there is."""
    length = f'textLength="{width - 2 * _PADDING}" lengthAdjust="spacingAndGlyphs"'
    return f'<text x="{middle:g}" y="14" {length}>{escape(text)}</text>'


def _width(text: str) -> int:
    """The approximate width of the text, with space on both sides."""
    return round(sum(map(_width_of, text))) + 2 * _PADDING


def _width_of(char: str) -> float:
    if unicodedata.combining(char):
        return 0
    if unicodedata.east_asian_width(char) in ("W", "F"):
        return 11.5
    return 4.2 if char in _NARROW else 9.2 if char in _WIDE else 7
