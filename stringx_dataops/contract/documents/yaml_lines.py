"""Finds the lines of a YAML text where the faults of its document stand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import yaml

from stringx_dataops.contract.problems import FieldError, StringXError

_LINE = re.compile(r"line ([0-9]{1,9}): ")


@dataclass(frozen=True, order=True)
class Fault:
    """A fault with its line and column, from 1. `pointer` is empty for what concerns the whole text."""

    line: int
    pointer: str
    message: str
    column: int = field(default=1, compare=False)


def faults_in_lines(error: StringXError, text: str) -> list[Fault]:
    """The faults of an error, by line. `text` was read without errors if the error has pointers."""
    if not error.errors:
        return [fault_of_text(error)]
    places = Places(text)
    return sorted(places.fault(fault, (0, fault.pointer)) for fault in error.errors)


def fault_of_text(error: StringXError) -> Fault:
    """The fault of a text that could not be read."""
    given = _LINE.match(error.detail)
    mark = getattr(error.__cause__, "problem_mark", None)
    column = mark.column + 1 if given and mark is not None else 1
    return Fault(int(given[1]) if given else 1, "", error.detail.removeprefix(given[0] if given else ""), column)


class Places:
    """Where the fields of the documents of a text stand. The text was read without errors. It is parsed when first asked."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._roots: list[yaml.Node] | None = None

    def fault(self, fault: FieldError, place: tuple[int, str]) -> Fault:
        """The fault at its line. `place`: the index of its document, empty ones left out, and the pointer into it."""
        index, pointer = place
        line, column = self.find(index, pointer)
        given = _LINE.match(fault.message)
        if given and int(given[1]) != line:
            line, column = int(given[1]), 1
        return Fault(line, pointer, fault.message.removeprefix(given[0] if given else ""), column)

    def find(self, index: int, pointer: str = "") -> tuple[int, int]:
        """Line and column of the key or item to which the pointer leads; of the last one on the way if the text lacks it."""
        if self._roots is None:
            composed = yaml.compose_all(self._text, Loader=yaml.CSafeLoader)
            self._roots = [node for node in composed if node is not None and not _is_empty(node)]
        return _place_of(self._roots[index] if index < len(self._roots) else None, pointer)


def _is_empty(node: yaml.Node | None) -> bool:
    return node is None or (isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null"))


def _place_of(node: yaml.Node | None, pointer: str) -> tuple[int, int]:
    mark = node.start_mark if node is not None else None
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        inner, node = _inside(node, name)
        if inner is None:
            break
        mark = inner
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _inside(node: yaml.Node | None, name: str) -> tuple[yaml.Mark | None, yaml.Node | None]:
    """The mark and the value of a field or item."""
    if isinstance(node, yaml.MappingNode):
        merged: Sequence[yaml.Node] = ()
        for key, value in node.value:
            if key.value == name:
                return key.start_mark, value
            if key.value == "<<":
                merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
        found = (_inside(each, name) for each in merged)
        return next((each for each in found if each[0] is not None), (None, None))
    if isinstance(node, yaml.SequenceNode) and name.isdigit() and int(name) < len(node.value):
        item: yaml.Node = node.value[int(name)]
        return item.start_mark, item
    return None, None
