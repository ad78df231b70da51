"""Lines of SodaCL: a check's line, and the threshold in one."""

import re
from dataclasses import dataclass
from decimal import Decimal

from stringx_dataops.exchange.zones import Zone

_NAME = r'"[^"]+"|`[^`]+`|[A-Za-z_][\w$.\-]*'
_NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_METRIC = re.compile(rf"({_NAME})(?:\(([^()]*)\))?(?: (.+))?")
_COMPARED = re.compile(r"(!=|<>|<=|>=|=|<|>) (.+)")
_BETWEEN = re.compile(r"(not )?between ([\[(])?(.+?) and (.+?)([\])])?")
_REFERENCE = re.compile(r"values in (.+) must (not )?exist in (\S+) (.+)")
_SAME_ROWS = re.compile(rf"row_count same as ({_NAME})(?: in ({_NAME}))?")
_TIMES = re.compile(r"(?:[0-9]+[dhms])+")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
OF_HISTORY = re.compile(r"(change|anomaly score|anomaly detection|distribution_difference)\b")


class NotUnderstood(ValueError):
    """A line that is not SodaCL, or that has no meaning here. The text says why."""


@dataclass(frozen=True)
class Metric:
    """A metric with its arguments, and where its check fails; None if its configuration says that."""

    name: str
    arguments: tuple[str, ...]
    failing: Zone | None


@dataclass(frozen=True)
class Reference:
    """`values in (a) must exist in other (b)`."""

    columns: tuple[str, ...]
    other: str
    other_columns: tuple[str, ...]
    must_not: bool


@dataclass(frozen=True)
class SameRows:
    """`row_count same as other`, in another data source if one is named."""

    other: str
    source: str | None


def parse_line(text: str) -> Metric | Reference | SameRows:
    """The check of a line. Raises NotUnderstood."""
    line = " ".join(text.split())
    if OF_HISTORY.match(line):
        raise NotUnderstood("compares with earlier scans or a reference, which no rule does yet")
    if found := _REFERENCE.fullmatch(line):
        return Reference(_names(found[1]), found[3], _names(found[4]), bool(found[2]))
    if found := _SAME_ROWS.fullmatch(line):
        return SameRows(found[1], found[2])
    found = _METRIC.fullmatch(line)
    if found is None:
        raise NotUnderstood("is no check that SodaCL has")
    if found[1].startswith("$"):
        raise NotUnderstood("uses a check template")
    return Metric(found[1], _names(found[2] or ""), threshold(found[3]).inverse() if found[3] else None)


def when(text: str) -> Zone:
    """The zone of `when > 5`. Raises NotUnderstood."""
    if not text.startswith("when "):
        raise NotUnderstood(f"the threshold {text!r} does not begin with `when`")
    return threshold(" ".join(text.removeprefix("when ").split()))


def threshold(text: str) -> Zone:
    """The zone of `< 5`, `between 1 and 5` and their like. A duration counts as its seconds. Raises NotUnderstood."""
    if found := _BETWEEN.fullmatch(text):
        low, high = number(found[3]), number(found[4])
        if low > high:
            raise NotUnderstood(f"the bounds of {text!r} are the wrong way round")
        return Zone(low, high, found[2] == "(", found[5] == ")", bool(found[1]))
    found = _COMPARED.fullmatch(text)
    if found is None:
        raise NotUnderstood(f"the threshold {text!r} is not understood")
    value = number(found[2])
    match found[1]:
        case "<":
            return Zone(high=value, high_open=True)
        case "<=":
            return Zone(high=value)
        case ">":
            return Zone(low=value, low_open=True)
        case ">=":
            return Zone(low=value)
        case "=":
            return Zone(value, value)
        case _:
            return Zone(value, value, outside=True)


def number(text: str) -> Decimal:
    """A number, a percentage, or a duration in seconds. Raises NotUnderstood."""
    text = text.strip().removesuffix("%").strip()
    if re.fullmatch(_NUMBER, text):
        return Decimal(text)
    if _TIMES.fullmatch(text):
        return Decimal(sum(int(each[:-1]) * _SECONDS[each[-1]] for each in re.findall(r"[0-9]+[dhms]", text)))
    raise NotUnderstood(f"{text!r} is neither a number nor a duration")


def _names(text: str) -> tuple[str, ...]:
    text = text.strip()
    text = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    return tuple(name.strip() for name in text.split(",") if name.strip())
