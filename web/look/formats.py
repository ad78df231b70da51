"""Numbers and times as pages show them, in one place."""

from datetime import UTC, datetime, timedelta

from markupsafe import Markup

_UNITS = ((86400 * 365, "y"), (86400 * 30, "mo"), (86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_THIN = "\N{NARROW NO-BREAK SPACE}"


def relative(moment: datetime | str | None, now: datetime | None = None) -> Markup:
    """How long ago, with the exact time (UTC) as title; the page's script shows it in the viewer's zone."""
    if moment is None:
        return Markup('<span class="none">never</span>')
    at = _moment(moment)
    now = now or datetime.now(UTC)
    words = ago(at, now)
    if now - at >= timedelta(days=1):
        words += f", {day(at, now)}"
    exact = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.isoformat().replace("+00:00", "Z"), f"{exact:%Y-%m-%d %H:%M:%S} UTC", words
    )


def clock(moment: datetime | str, now: datetime | None = None) -> Markup:
    """The time of day to the second (UTC), and of another day than today the date before it; the page's script shows it in the
    viewer's zone."""
    at, now = _moment(moment).astimezone(UTC), (now or datetime.now(UTC)).astimezone(UTC)
    date = "" if at.date() == now.date() else f"{day(at, now)}, "
    return Markup('<time datetime="{}" data-clock>{}{:%H:%M:%S} UTC</time>').format(
        at.isoformat().replace("+00:00", "Z"), date, at
    )


def day(moment: datetime, now: datetime) -> str:
    """The date in UTC, such as `Nov 23`; with the year if it is another one than now."""
    at = moment.astimezone(UTC)
    return f"{at:%b} {at.day}" if at.year == now.astimezone(UTC).year else f"{at:%b} {at.day}, {at.year}"


def ago(moment: datetime, now: datetime) -> str:
    """Such as `3 h ago`: the largest unit that fits once, whole."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 1:
        return "now"
    length, unit = next(each for each in _UNITS if abs(seconds) >= each[0])
    words = f"{int(abs(seconds) // length)}{_THIN}{unit}"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def exact(moment: datetime | str | None) -> str:
    """To the second, in UTC."""
    return "" if moment is None else f"{_moment(moment).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def number(value: int | float | str | None) -> str:
    """Digits in groups of three; at most six significant ones of a fraction; a dash for nothing."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    if value.is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.6g}"


def short(value: float) -> str:
    """At most four significant digits, with k, M, G or T: for the axis of a plot."""
    if abs(value) >= 10_000:
        for length, word in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
            if abs(value) >= length:
                return f"{value / length:.4g}{word}"
    return f"{value:.4g}"


def share(value: float | None) -> str:
    """A share of 1 as percent with two decimals; never 0 or 100 for what is not."""
    if value is None:
        return "–"
    if 0 < value < 0.0001:
        return "< 0.01%"
    if 0.9999 < value < 1:
        return "> 99.99%"
    return f"{value:.2%}".replace(".00%", "%")


def change(now: float, before: float, *, is_share: bool) -> str:
    """How a value has changed, in words: shares of 1 in percentage points, other numbers in their unit; from 1.1 times on also
    how many times as much."""
    if now == before:
        return "the same"
    more = "more" if now > before else "less"
    difference = abs(now - before)
    words = f"{difference * 100:.2f} points {more}" if is_share else f"{number(difference)} {more}"
    if is_share and difference < 0.00005:
        words = f"under 0.01 points {more}"
    if min(now, before) > 0 and (times := now / before) >= 1.1:
        words += f", {times:.1f} times as much" if times < 1000 else ""
    return words


def duration(milliseconds: int | None) -> str:
    """Milliseconds below one second; else seconds, or minutes and seconds, hours and minutes, days and hours."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds}{_THIN}ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f}{_THIN}s"
    if seconds < 3600:
        return f"{int(seconds // 60)}{_THIN}min {int(seconds % 60)}{_THIN}s"
    if seconds < 86400:
        return f"{int(seconds // 3600)}{_THIN}h {int(seconds % 3600 // 60)}{_THIN}min"
    return f"{int(seconds // 86400)}{_THIN}d {int(seconds % 86400 // 3600)}{_THIN}h"


def threshold(value: int | str | dict[str, object] | None) -> str:
    """A count or share as `above 5`, bounds as `below 1 or above 9`, of a change as `20% down or 50% up`; a dash for none."""
    if value is None:
        return "–"
    if not isinstance(value, dict):
        return f"above {value:,}" if isinstance(value, int) else f"above {value}"
    bounds = {name: number(bound) if isinstance(bound, int | float | str) else str(bound) for name, bound in value.items()}
    words = [f"{word} {bounds[name]}" for name, word in (("min", "below"), ("max", "above")) if name in bounds]
    words += [f"{bounds[name]} {word}" for name, word in (("max_decrease", "down"), ("max_increase", "up")) if name in bounds]
    return " or ".join(words) or "–"


def _moment(moment: datetime | str) -> datetime:
    return datetime.fromisoformat(moment) if isinstance(moment, str) else moment
