"""Cron expressions of five fields, in the syntax that `cronsim` reads; this package works without it.

minute, hour, day of the month, month, day of the week: `*`, `5`, `1-5`, `*/15`, `0-30/10`, lists with commas, names of months and
days; `L` and `LW` for the last day and the last weekday of a month, `FRI#2` for the second, `5L` for the last Friday of a month.
"""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

MAX_CRON = 200  # characters
LAST, LAST_WEEKDAY = -1, -2  # among days of the month
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_EXAMPLE = "write five fields such as 0 6 * * * (minute, hour, day of the month, month, day of the week)"
_CYCLE = (date(2001, 1, 1), 28 * 366)  # in 28 years, each date falls on each day of the week


@dataclass(frozen=True)
class _Field:
    """A field: its name, its least and greatest number, and names for numbers from the least on."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, _DAYS),
)
_OF_MONTH, _OF_WEEK = _FIELDS[2], _FIELDS[4]
_Value = int | tuple[int, int]  # or a day of the week and which one of the month, LAST for the last


def check_cron(text: str) -> str:
    """Return the expression unchanged. Raises ValueError with one sentence if it is none, or never comes true."""
    if len(text) > MAX_CRON:
        raise ValueError(f"must have at most {MAX_CRON} characters")
    parts = text.upper().split()
    if text.startswith("@"):
        raise ValueError(f"is no cron expression of five fields; {_EXAMPLE}")
    if len(parts) != len(_FIELDS):
        raise ValueError(f"has {len(parts)} field{'' if len(parts) == 1 else 's'}; {_EXAMPLE}")
    _, _, days, months, weekdays = (_read(part, field) for part, field in zip(parts, _FIELDS, strict=True))
    is_either = not (parts[2].startswith("*") or parts[4].startswith("*"))  # as in Debian's cron
    if not _comes(days, months, weekdays, is_either):
        raise ValueError("never comes true: no month that it names has such a day; correct the day or the month")
    return text


def _read(part: str, field: _Field) -> set[_Value]:
    found: set[_Value] = set()
    for term in part.split(","):
        values = _term(term, field)
        if values is None:
            names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
            words = f"{field.least} to {field.most}{names}"
            raise ValueError(f"has {term or 'nothing'!r} as {field.name}; write {words}, a range, a list, * or */2")
        found |= values
    return found


def _term(term: str, field: _Field) -> set[_Value] | None:
    """The values of one term of a list; None if it is none."""
    if field is _OF_MONTH and term in ("L", "LW"):
        return {LAST if term == "L" else LAST_WEEKDAY}
    if field is _OF_WEEK and term.endswith("L"):
        day = _number(term[:-1], field) if term[:-1].isdecimal() else None
        return None if day is None else {(day, LAST)}
    if field is _OF_WEEK and "#" in term:
        name, _, place = term.partition("#")
        day = _number(name, field)
        return {(day, int(place))} if day is not None and place in ("1", "2", "3", "4", "5") else None
    begin, has_step, text = term.partition("/")
    values = _range(begin, field, is_open=bool(has_step))
    step = int(text) if text.isascii() and text.isdecimal() and len(text) < 3 else 0 if has_step else 1
    if values is None or not 1 <= step <= field.most:  # every 90 minutes is more than cron can say
        return None
    return set(values[::step])


def _range(text: str, field: _Field, *, is_open: bool) -> range | None:
    """Of `*`, a number or two numbers. `is_open`: a single number stands for all from there on, because a step follows."""
    if text == "*":
        return range(field.least, field.most + 1)
    begin, dash, end = text.partition("-")
    low = _number(begin, field)
    high = _number(end, field) if dash else low
    if low is None or high is None or high < low:
        return None
    return range(low, (field.most if is_open and not dash else high) + 1)


def _number(text: str, field: _Field) -> int | None:
    if text in field.names:
        return field.names.index(text) + field.least
    number = int(text[:9]) if text.isascii() and text.isdecimal() else -1
    return number if field.least <= number <= field.most else None


def _comes(days: set[_Value], months: set[_Value], weekdays: set[_Value], is_either: bool) -> bool:
    """Whether there is a date with such a day."""
    if is_either and any(isinstance(day, int) for day in weekdays):
        return True
    first, number = _CYCLE
    for day in (first + timedelta(days=index) for index in range(number)):
        if day.month in months:
            of_month, of_week = _is_day(day, days), _is_weekday(day, weekdays)
            if (of_month or of_week) if is_either else (of_month and of_week):
                return True
    return False


def _is_day(day: date, days: set[_Value]) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if day.day in days or (LAST in days and day.day == last):
        return True
    if LAST_WEEKDAY not in days:
        return False
    weekend = max(date(day.year, day.month, last).weekday() - 4, 0)
    return day.day == last - weekend


def _is_weekday(day: date, weekdays: set[_Value]) -> bool:
    number = day.isoweekday() % 7
    last = calendar.monthrange(day.year, day.month)[1]
    for each in {number, 7} if number == 0 else {number}:
        if each in weekdays or (each, (day.day - 1) // 7 + 1) in weekdays or ((each, LAST) in weekdays and day.day + 7 > last):
            return True
    return False
