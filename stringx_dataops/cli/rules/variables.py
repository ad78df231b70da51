"""Fills in `${NAME}` from the environment of the command, value by value, so that no variable can change what stands around it.

`$${` is a literal `${`. Lines stay where they are.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_PLACE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]{0,200})\}|\$\{")
_SAFE = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./@+-]*|[-+]?[0-9.]+([eE][-+]?[0-9]+)?")  # of a plain scalar: it means itself
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)+")  # of a scalar
_LONGEST = 64 * 1024  # characters of a variable


@dataclass(frozen=True)
class VariableFault:
    """A variable that cannot be filled in, with its line and column from 1."""

    line: int
    column: int
    message: str


def fill_in(text: str, environ: Mapping[str, str]) -> tuple[str, list[VariableFault]]:
    """The YAML text with its variables filled in, and what is wrong with them. `text` was read without errors."""
    faults: list[VariableFault] = []
    pieces: list[str] = []
    end = 0
    for event in _with_places(text):
        start, stop = event.start_mark.index, event.end_mark.index
        faults += _faults(text, start, stop, event.start_mark, environ)
        if not faults:
            pieces += [text[end:start], _filled(event, text[start:stop], environ)]
            end = stop
    return ("", faults) if faults else ("".join([*pieces, text[end:]]), [])


def _with_places(text: str) -> Iterator[Any]:
    """The scalars that hold a `${`."""
    if "${" not in text:
        return
    events: Iterator[Any] = iter(yaml.parse(text, Loader=yaml.CSafeLoader))
    for event in events:
        is_scalar = type(event) is yaml.ScalarEvent
        if is_scalar and "${" in text[event.start_mark.index : event.end_mark.index]:
            yield event


def _faults(text: str, start: int, stop: int, mark: Any, environ: Mapping[str, str]) -> Iterator[VariableFault]:
    for place in _PLACE.finditer(text, start, stop):
        name = place[1]
        fault = _fault(environ[name]) if name is not None and name in environ else None
        if place[0] == "$${" or (name is not None and name in environ and fault is None):
            continue
        before = text[start : place.start()]
        line = mark.line + 1 + before.count("\n")
        column = mark.column + len(before) + 1 if "\n" not in before else len(before) - before.rfind("\n")
        if name is None:
            message = "${ begins no variable; write ${NAME}, or $${ where the text is meant"
        elif fault is not None:
            message = f"the variable {name} {fault}"
        else:
            message = f"the variable {name} is not set; set it, or write $${{{name}}} where the text is meant"
        yield VariableFault(line, column, message)


def _fault(value: str) -> str | None:
    if len(value) > _LONGEST:
        return f"has more than {_LONGEST:,} characters; shorten it"
    return None if value.isprintable() else "holds a line break or another control character; leave it out"


def _filled(event: Any, written: str, environ: Mapping[str, str]) -> str:
    """The scalar as it is written, with its variables filled in by the rules of its quotes."""

    def fill(text: str, escape: Any) -> str:
        return _PLACE.sub(lambda place: "${" if place[1] is None else escape(environ[place[1]]), text)

    match event.style:
        case "'":
            return fill(written, lambda value: value.replace("'", "''"))
        case '"':
            return fill(written, lambda value: json.dumps(value, ensure_ascii=False)[1:-1])
        case "|" | ">":
            return fill(written, str)
    properties = _PROPERTIES.match(written)  # an anchor or a tag stays, so that what it says still holds
    before = properties[0] if properties else ""
    value = fill(event.value, str)
    is_whole = _PLACE.fullmatch(event.value) is not None and event.value != "$${"
    plain = value if is_whole and _SAFE.fullmatch(value) else json.dumps(value, ensure_ascii=False)
    return before + plain + "\n" * written.count("\n", len(before))
