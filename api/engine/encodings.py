"""Texts that a database of another encoding than UTF-8 cannot hold: the server refuses the whole text of a check because of one
character. The rules with that character are named as faults, and the others have their verdicts in another run."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from api.engine.command import Answer
from stringx_dataops.contract.gate_test.specification import RuleSpecification, Specification, TableSpecification

_REFUSED = re.compile(r'((?:0x[0-9a-f]{2}\s)+)[^"]*"UTF8"[^"]*"(\w+)"')  # whatever language the server speaks
_MOST = 50  # characters; a run each


def answer_of(run: Callable[[Specification], Answer], specification: Specification) -> Answer:
    """What the specification gives; where a text cannot be sent, what it gives with the rules that hold it marked as faults."""
    answer = run(specification)
    for _ in range(_MOST):
        found = None if answer.outcome or answer.timed_out else _REFUSED.search(answer.message or "")
        character = _character(found[1]) if found else None
        if found is None or character is None or (marked := _without(specification, character, found[2])) == specification:
            break
        specification = marked
        answer = run(specification)
    return answer


def _character(sequence: str) -> str | None:
    try:
        return bytes(int(byte, 16) for byte in sequence.split()).decode("utf-8")
    except ValueError:
        return None


def _without(specification: Specification, character: str, encoding: str) -> Specification:
    return {**specification, "tables": [_table_without(table, character, encoding) for table in specification["tables"]]}


def _table_without(table: TableSpecification, character: str, encoding: str) -> TableSpecification:
    words = f"holds a character that the database's encoding {encoding} does not have"
    texts = {"schema": table["schema"], "name": table["name"], "window": table["window"]}
    of_all = next((what for what, value in texts.items() if character in _text(value)), None)
    rules: list[RuleSpecification] = []
    for rule in table["rules"]:
        place = next(_places(rule, character), None)
        if of_all is not None:
            place = "the request's window" if of_all == "window" else f"the table's {of_all}"
        if place is not None and "fault" not in rule:
            rule = _undecided(rule, f"{place} {words}")
        rules.append(rule)

    def replaced(name: str) -> str:  # of a table whose rules are all undecided
        return "".join("?" if char == character else char for char in name)

    return {
        **table,
        "rules": rules,
        "window": None if of_all == "window" else table["window"],  # no rule is left that it would narrow
        "schema": replaced(table["schema"]),
        "name": replaced(table["name"]),
        "key": [column for column in table["key"] if character not in column],
        "sample_columns": [column for column in table["sample_columns"] if character not in column],
    }


def _undecided(rule: RuleSpecification, fault: str) -> RuleSpecification:
    """As much of a rule as its outcome needs."""
    return {
        "id": rule["id"],
        "type": rule["type"],
        "warn_above": rule["warn_above"],
        "fail_above": rule["fail_above"],
        "columns": [],
        "arguments": {},
        "fault": fault,
    }


def _places(rule: RuleSpecification, character: str) -> Iterator[str]:
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
