"""Bounds of a rule that could never be met, or never warn, found by the order of their values as far as that is known."""

from collections.abc import Iterator, Mapping
from typing import Any

from stringx_dataops.contract.documents.values import order
from stringx_dataops.contract.problems import FieldError


def faults_of_bounds(arguments: dict[str, Any], names: Mapping[str, str], pointer: str) -> Iterator[FieldError]:
    """Of the arguments and of those under `warn`; `names` says which arguments hold the lower (min) and the upper bound (max)."""
    warn = arguments.get("warn")
    yield from _faults_of(arguments, pointer)
    if isinstance(warn, dict):
        yield from _faults_of(warn, f"{pointer}/warn")
        for side, name in names.items():
            if _fails_first(arguments, warn, side, name):
                side_words = "above" if side == "min" else "below"
                said = f"can never warn, as {name} fails first; it must lie {side_words} {arguments[name]}"
                yield FieldError(f"{pointer}/warn/{name}", said)


def _faults_of(bounds: dict[str, Any], pointer: str) -> Iterator[FieldError]:
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


def _fails_first(fails: dict[str, Any], warns: dict[str, Any], side: str, name: str) -> bool:
    """Whether every value beyond the bound that warns is beyond the one that fails, too."""
    found = order(warns.get(name), fails.get(name))
    if found is None:
        return False
    if found == 0:
        exclusive = f"exclusive_{side}"
        return warns.get(exclusive) is not True or fails.get(exclusive) is True
    return found == (-1 if side == "min" else 1)
