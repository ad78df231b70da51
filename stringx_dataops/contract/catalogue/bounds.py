"""Finds bounds that no value can meet, or that can never warn, as far as they can be compared without the column's type."""

from collections.abc import Iterator, Mapping

from stringx_dataops.contract.documents.values import order
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import FieldError


def faults_of_bounds(arguments: JsonObject, names: Mapping[str, str], pointer: str) -> Iterator[FieldError]:
    """Faults of the bounds in the arguments and under `warn`.

    `names` gives the names of the arguments for the lower (`min`) and the upper bound (`max`).
    """
    warn = arguments.get("warn")
    yield from _faults_of(arguments, pointer)
    if isinstance(warn, dict):
        yield from _faults_of(warn, f"{pointer}/warn")
        for side, name in names.items():
            if _fails_first(arguments, warn, side, name):
                direction = "above" if side == "min" else "below"
                message = f"can never warn, as {name} fails first; it must lie {direction} {arguments[name]}"
                yield FieldError(f"{pointer}/warn/{name}", message)


def _faults_of(bounds: JsonObject, pointer: str) -> Iterator[FieldError]:
    for name in ("min", "max"):
        if isinstance(bounds.get(name), str) and (fault := _fault_of_text(bounds[name])):
            yield FieldError(f"{pointer}/{name}", fault)
    if order(bounds.get("min"), bounds.get("max")) == 1:
        yield FieldError(f"{pointer}/min", "is above max; nothing could pass")


def _fault_of_text(text: str) -> str | None:
    word = text.strip().lower()
    if word.lstrip("+-.") == "nan":
        return "is NaN, which no value is within; give a number"
    if word.lstrip("+-") == ".inf":
        return "is no number for PostgreSQL; leave the bound out, or write infinity"
    return None


def _fails_first(fails: JsonObject, warns: JsonObject, side: str, name: str) -> bool:
    """Whether every value beyond the warning bound is also beyond the failing bound."""
    sign = order(warns.get(name), fails.get(name))
    if sign is None:
        return False
    if sign == 0:
        exclusive = f"exclusive_{side}"
        return warns.get(exclusive) is not True or fails.get(exclusive) is True
    return sign == (-1 if side == "min" else 1)
