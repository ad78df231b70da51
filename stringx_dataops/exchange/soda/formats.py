"""Soda 3's formats as regular expressions of PostgreSQL. A test holds them against Soda's own on many texts."""

_DIGITS = r"[0-9]+"
_SIGN = "[-+]?"
_POINT = r"(?:\d+(?:\.\d+)?|\.\d+)"
_COMMA = r"(?:\d+(?:,\d+)?|,\d+)"
_EITHER = r"(?:\d+(?:[.,]\d+)?|[.,]\d+)"
_NOUGHT = {_DIGITS: "0+", _POINT: r"(?:0+(?:\.0+)?|\.0+)", _COMMA: "(?:0+(?:,0+)?|,0+)", _EITHER: "(?:0+(?:[.,]0+)?|[.,]0+)"}
_HOUR = "(?:[01]?[0-9]|2[0-3])"
_HALF_HOUR = "(?:0?[0-9]|1[0-2])"
_MINUTE = "[0-5]?[0-9]"
_SECOND = r"[0-5]?[0-9](?:[.,]\d+)?"
_DAY = "(?:0?[1-9]|[12][0-9]|3[01])"
_MONTH = "(?:0?[1-9]|1[012])"
_YEAR = r"(?:[12][0-9])?\d\d"
_BETWEEN = r"[-./]"
_HEX = "[0-9a-fA-F]"


def _spaced(*parts: str) -> str:
    """The parts, with any number of blanks around each."""
    return "^ *" + " *".join(parts) + " *$"


def _signed(name: str, amount: str, *end: str) -> dict[str, str]:
    """A format of numbers, with those of positive and negative ones."""
    return {
        name: _spaced(_SIGN, amount, *end),
        f"positive {name}": _spaced(r"\+?", amount, *end),
        f"negative {name}": _spaced(f"(?:- *{amount}|{_NOUGHT[amount]})", *end),
    }


_NUMBERS = {
    **_signed("integer", _DIGITS),
    **_signed("decimal", _EITHER),
    **_signed("decimal point", _POINT),
    **_signed("decimal comma", _COMMA),
    **_signed("percentage", _EITHER, "%"),
    **_signed("percentage point", _POINT, "%"),
    **_signed("percentage comma", _COMMA, "%"),
}
NUMERIC_FORMATS = frozenset((*_NUMBERS, "money", "money point", "money comma"))
FORMATS = _NUMBERS | {
    "date us": _spaced(f"{_MONTH}{_BETWEEN}{_DAY}{_BETWEEN}{_YEAR}"),
    "date eu": _spaced(f"{_DAY}{_BETWEEN}{_MONTH}{_BETWEEN}{_YEAR}"),
    "date inverse": _spaced(f"{_YEAR}{_BETWEEN}{_MONTH}{_BETWEEN}{_DAY}"),
    "time 24h": _spaced(f"{_HOUR}:{_MINUTE}(?::{_SECOND})?"),
    "time 24h nosec": _spaced(f"{_HOUR}:{_MINUTE}"),
    "time 12h": _spaced(f"{_HALF_HOUR}:{_MINUTE}(?::{_SECOND})?"),
    "time 12h nosec": _spaced(f"{_HALF_HOUR}:{_MINUTE}"),
    "timestamp 24h": _spaced(f"{_HOUR}:{_MINUTE}:{_SECOND}"),
    "timestamp 12h": _spaced(f"{_HALF_HOUR}:{_MINUTE}:{_SECOND}"),
    "uuid": f"^{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}$",
    "ip address": r"^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$",
    "ipv4 address": r"^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$",
    "email": "^[a-zA-ZÀ-ÿĀ-ſƀ-ȳ0-9._%+-]+@[a-zA-ZÀ-ÿĀ-ſƀ-ȳ0-9._%-]+[.][A-Za-z]{2,4}$",
    "phone number": r"^(?:(?:\+[0-9]{1,2}\s)?\(?[0-9]{3}\)?[\s.-])?[0-9]{3}[\s.-][0-9]{4}$",
}
