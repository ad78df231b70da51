"""Finds the lines of a YAML text where the faults of its document stand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from stringx_dataops.contract.problems import StringXError

_LINE = re.compile(r"line ([0-9]{1,9}): ")


@dataclass(frozen=True, order=True)
class Fault:
    """A fault with its line, from 1. `pointer` is empty for what concerns the whole text."""

    line: int
    pointer: str
    message: str


def faults_in_lines(error: StringXError, text: str) -> list[Fault]:
    """The faults of an error, by line. `text` was read without errors if the error has pointers."""
    if not error.errors:
        given = _LINE.match(error.detail)
        return [Fault(int(given[1]) if given else 1, "", error.detail.removeprefix(given[0] if given else ""))]
    root = next((node for node in yaml.compose_all(text, Loader=yaml.CSafeLoader) if not _is_empty(node)), None)
    found = []
    for fault in error.errors:
        given = _LINE.match(fault.message)
        line = int(given[1]) if given else _line_of(root, fault.pointer)
        found.append(Fault(line, fault.pointer, fault.message.removeprefix(given[0] if given else "")))
    return sorted(found)


def _is_empty(node: yaml.Node | None) -> bool:
    return node is None or (isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null"))


def _line_of(node: yaml.Node | None, pointer: str) -> int:
    """The line of the key or item to which the pointer leads; of the last one on the way if the text lacks it."""
    line = node.start_mark.line + 1 if node is not None else 1
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        mark, node = _inside(node, name)
        if mark is None:
            break
        line = mark.line + 1
    return line


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
