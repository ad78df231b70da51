"""Marks of states and verdicts: an icon with its word, and a strip of verdicts. Their colours are in the stylesheet beside."""

from collections.abc import Sequence

from markupsafe import Markup

from stringx_dataops.contract.messages.verdicts import WORST_FIRST, Verdict

_CHECK, _CROSS, _EXCLAMATION = "M3 8.5l3.2 3.2L13 4.8", "M4 4l8 8M12 4l-8 8", "M8 3v6M8 12v1"
_TRIANGLE, _DASH = "M8 2l6 11H2zM8 6v3M8 11v.5", "M4 8h8"
ICONS = {
    "open": _CHECK,
    "pass": _CHECK,
    "closed": _CROSS,
    "fail": _CROSS,
    "stale": _EXCLAMATION,
    "warn": _EXCLAMATION,
    "valid": _CHECK,
    "revoked": _CROSS,
    "active": _EXCLAMATION,
    "error": _TRIANGLE,
    "never_checked": _DASH,
    "unacknowledged": _CROSS,
    "acknowledged": _EXCLAMATION,
    "over": _CHECK,
    "on": _CHECK,
    "paused": _EXCLAMATION,
    "delivered": _CHECK,
    "failed": _CROSS,
    "failing": _CROSS,
    "succeeded": _CHECK,
    "errored": _TRIANGLE,
    "timed_out": _TRIANGLE,
}
_MOST = 30  # verdicts of a strip
_HEIGHTS: dict[Verdict, int] = {"pass": 8, "warn": 14, "error": 20, "fail": 26}


def status(word: str) -> Markup:
    """The word with its icon: never colour alone. A word without an icon of its own has a dash."""
    return Markup(
        '<span class="status {}"><svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="{}"/></svg>{}</span>'
    ).format(word, ICONS.get(word, _DASH), word.replace("_", " "))


def strip(verdicts: Sequence[str]) -> Markup:
    """The last verdicts as bars, the oldest first. Height and colour tell them apart; the title says how many of each."""
    shown = verdicts[-_MOST:]
    counts = ", ".join(f"{shown.count(word)} {word}" for word in WORST_FIRST if word in shown)
    title = f"last {len(shown)} checks, the newest on the right: {counts}" if shown else "no check yet"
    bars = Markup("").join(_bars(word, shown, _MOST - len(shown)) for word in WORST_FIRST if word in shown)
    return Markup('<svg class="strip" viewBox="0 0 180 28" role="img"><title>{}</title>{}</svg>').format(title, bars)


def legend() -> Markup:
    """What the bars of a strip mean."""
    words = Markup("").join(
        Markup('<span><svg class="strip" viewBox="0 0 6 28" aria-hidden="true">{}</svg>{}</span>').format(
            _bars(word, [word], first=0), word
        )
        for word in reversed(WORST_FIRST)
    )
    return Markup('<p class="legend"><span>Bars, the newest on the right:</span>{}</p>').format(words)


def _bars(word: Verdict, verdicts: Sequence[str], first: int) -> Markup:
    """One path for all bars of a verdict, because a page shows hundreds of them. `first` is the place of the first of 30."""
    height = _HEIGHTS[word]
    path = "".join(f"M{(first + index) * 6} 27h5v-{height}h-5z" for index, each in enumerate(verdicts) if each == word)
    return Markup('<path class="{}" d="{}"/>').format(word, path)
