"""Texts that a database of another encoding than UTF-8 cannot hold: the server refuses the whole text of a check because of one
character. The rules with that character are named as faults, and the others have their verdicts in another run."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from api.engine.command import Answer

_REFUSED = re.compile(r'((?:0x[0-9a-f]{2}\s)+)[^"]*"UTF8"[^"]*"(\w+)"')  # whatever language the server speaks
_MOST = 50  # characters; a run each
_OF_A_RULE = ("id", "type", "warn_above", "fail_above")  # what is left of one that is not decided


def answer_of(run: Callable[[dict[str, Any]], Answer], gate: dict[str, Any]) -> Answer:
    """What the specification gives; where a text cannot be sent, what it gives with the rules that hold it marked as faults."""
    answer = run(gate)
    for _ in range(_MOST):
        found = None if answer.outcome or answer.timed_out else _REFUSED.search(answer.message or "")
        character = _character(found[1]) if found else None
        if found is None or character is None or (marked := _without(gate, character, found[2])) == gate:
            break
        gate = marked
        answer = run(gate)
    return answer


def _character(sequence: str) -> str | None:
    try:
        return bytes(int(byte, 16) for byte in sequence.split()).decode("utf-8")
    except ValueError:
        return None


def _without(gate: dict[str, Any], character: str, encoding: str) -> dict[str, Any]:
    return gate | {"tables": [_table_without(table, character, encoding) for table in gate["tables"]]}


def _table_without(table: dict[str, Any], character: str, encoding: str) -> dict[str, Any]:
    words = f"holds a character that the database's encoding {encoding} does not have"
    of_all = next((what for what in ("schema", "name", "window") if character in _text(table[what])), None)
    rules = []
    for rule in table["rules"]:
        place = next(_places(rule, character), None)
        if of_all is not None:
            place = "the request's window" if of_all == "window" else f"the table's {of_all}"
        if place is not None and "fault" not in rule:
            rule = {name: rule[name] for name in _OF_A_RULE} | {"columns": [], "arguments": {}, "fault": f"{place} {words}"}
        rules.append(rule)
    changed = table | {"rules": rules}
    if of_all == "window":
        changed["window"] = None  # no rule is left that it would narrow
    elif of_all is not None:
        changed[of_all] = "".join("?" if char == character else char for char in table[of_all])  # all its rules are faults
    for name in ("key", "sample_columns"):
        changed[name] = [column for column in table[name] if character not in column]
    return changed


def _places(rule: dict[str, Any], character: str) -> Iterator[str]:
    """Where in a rule the character stands, in the words of its document."""
    for name, value in rule["arguments"].items():
        if character in _text(value):
            yield f"argument {name}"
    for name in ("where", "columns"):
        if character in _text(rule.get(name)):
            yield name
    if character in _text(list(rule.values())):
        yield "the rule"


def _text(value: Any) -> str:
    """All texts within a value."""
    if isinstance(value, dict):
        return "\n".join((*map(str, value), *map(_text, value.values())))
    if isinstance(value, (list, tuple)):
        return "\n".join(map(_text, value))
    return value if isinstance(value, str) else ""
