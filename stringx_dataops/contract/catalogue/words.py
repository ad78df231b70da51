"""Text for messages: formats numbers, shares and ages, and fills in the templates of the catalogue."""

import re
from collections.abc import Collection, Mapping
from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

MAX_ITEMS = 10  # shown of a list
MAX_CHARACTERS = 200  # shown of a name
_MAX_DIGITS = 40
_LEAST_EXPONENT = -9  # of what is written without one
_GAP = re.compile(r"\[([^\[\]]*)\]|\{(\w+)(?:\|([^{}\[\]]*))?\}")
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def share(part: int, whole: int, beside: Collection[Fraction] = ()) -> str:
    """A percentage with two decimals. It gets more if it would otherwise look like 0%, 100% or one of the percentages in `beside`
    without being equal to it."""
    exact = Fraction(100 * part, whole)
    for digits in range(2, _MAX_DIGITS):
        shown = round(exact, digits)
        if shown == exact or shown not in {0, 100, *beside}:
            break
    return f"{Decimal(int(shown * 10**digits)).scaleb(-digits):.{digits}f}%"


def number(value: Any, beside: Collection[Decimal] = ()) -> str:
    """A number with thousands separators and three decimals, or three significant digits if it is below 1. It gets more if it
    would otherwise look like 0, 1 or a number in `beside` without being equal to it. Other text is returned unchanged."""
    exact = decimal(value)
    if exact is None or not exact.is_finite() or abs(exact) >= 10**15:
        return str(value)
    if exact and exact.adjusted() < _LEAST_EXPONENT:
        return _tiny(exact, beside)
    digits = 3 if abs(exact) >= 1 or not exact else 2 - exact.adjusted()
    shown = exact
    for more in range(digits, _MAX_DIGITS):
        shown = exact.quantize(Decimal(1).scaleb(-more), context=Context(prec=80))
        if shown == exact or shown not in {Decimal(0), Decimal(1), *beside}:
            break
    return f"{shown.normalize(Context(prec=80)):,f}"


def _tiny(exact: Decimal, beside: Collection[Decimal]) -> str:
    """Three significant digits and an exponent, such as 2.95e-98; more if it would look like a number in `beside`."""
    for more in range(2, _MAX_DIGITS):
        shown = f"{exact:.{more}e}"
        if Decimal(shown) == exact or Decimal(shown) not in beside:
            break
    return shown


def age(seconds: Decimal, beside: Collection[Decimal] = ()) -> str:
    """A duration in its two largest units (`10d 0h`). It gets more units if it would otherwise look like an age in `beside`
    without being equal to it."""
    sign, left = ("-", -seconds) if seconds < 0 else ("", seconds)
    parts: list[str] = []
    for size, unit in _UNITS:
        if parts or left >= size:
            parts.append(f"{int(left // size)}{unit}")
            left %= size
        shown = abs(seconds) - left
        if parts and (len(parts) >= 2 or unit == "s") and (not left or shown not in {abs(one) for one in beside}):
            return sign + " ".join(parts)
    whole = int(parts.pop()[:-1]) if parts else 0
    return sign + " ".join([*parts, f"{(whole + left).normalize():f}s"])


def decimal(value: Any) -> Decimal | None:
    """The exact number of a value or text; None if it is no number."""
    try:
        return None if value is None or isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        return None


def listed(value: Any) -> str:
    """A name, a number or a list of them on one line of bounded length; empty for None, 0, false and true."""
    if isinstance(value, list):
        shown = ", ".join(listed(item) for item in value[:MAX_ITEMS])
        return f"{shown}, …" if len(value) > MAX_ITEMS else shown
    if isinstance(value, bool) or not value:
        return ""
    if isinstance(value, (int, float, Decimal)):
        return number(value)
    text = " ".join(str(value).split())
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"


def filled(template: str, values: Mapping[str, str]) -> str:
    """Fill in a template: `{name}` is the value, `{name|text}` the value or else this text, and `[…]` is left out if a value in
    it is missing or empty."""

    def gap(match: re.Match[str]) -> str:
        optional, name, instead = match.groups()
        if optional is None:
            return values.get(name) or instead or ""
        names = [inner[2] for inner in _GAP.finditer(optional)]
        return filled(optional, values) if all(values.get(name) for name in names) else ""

    return _GAP.sub(gap, template)


def check_template(template: str) -> None:
    """Raise ValueError if a brace or bracket in a template does not belong to a gap."""
    rest = _GAP.sub(lambda match: _GAP.sub("", match[1] or ""), template)
    if stray := re.search(r"[][{}]", rest):
        closing = {"{": "expected '}'", "[": "expected ']'"}.get(stray[0], f"unexpected {stray[0]!r}")
        raise ValueError(f"{closing} in {template!r}")
