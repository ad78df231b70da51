"""Adds rules to the text of a table's document, which stays as it was written, with its comments."""

from collections.abc import Sequence

import yaml

from stringx_dataops.contract.documents.yaml_reading import read_yaml
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.problems import StringXError


def with_rules(text: str, items: str, rules: Sequence[JsonObject]) -> str | None:
    """The text with `items` behind its last rule: items of a YAML list, indented by two, which hold `rules`. None if that
    cannot be done without writing the whole text anew: `rules` is a list in one line, for example."""
    try:
        (before,) = read_yaml(text.encode())
        added = _added(text, items)
        if added is None:
            return None
        (after,) = read_yaml(added.encode())
    except (ValueError, yaml.YAMLError, StringXError):
        return None
    if not isinstance(before, dict) or not isinstance(before.get("rules") or [], list):
        return None
    is_the_same = after == before | {"rules": [*(before.get("rules") or ()), *rules]}
    return added if is_the_same else None


def _added(text: str, items: str) -> str | None:
    text = text if text.endswith("\n") else f"{text}\n"
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return None
    lines = text.splitlines(keepends=True)
    rules = next((value for key, value in root.value if key.value == "rules"), None)
    if rules is None:
        end = _end(lines, root.end_mark.line)
        return "".join([*lines[:end], "rules:\n", items, *lines[end:]])
    if not isinstance(rules, yaml.SequenceNode) or rules.flow_style:
        return None
    end = _end(lines, rules.end_mark.line)
    return "".join([*lines[:end], _indented(items, rules.start_mark.column), *lines[end:]])


def _end(lines: Sequence[str], line: int) -> int:
    """The line behind what a block holds: comments and empty lines before the next key belong to that."""
    while line > 0 and (not lines[line - 1].strip() or lines[line - 1].startswith(("#", "..."))):
        line -= 1
    return line


def _indented(items: str, indent: int) -> str:
    return "".join(line if line == "\n" else " " * indent + line.removeprefix("  ") for line in items.splitlines(keepends=True))
