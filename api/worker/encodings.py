"""Characters that the target's database cannot store, because its encoding is not UTF-8. The server then refuses the whole text
of a check. The rules with such a character are marked as faults, and the check is run again to decide the others."""

from collections.abc import Callable, Iterator
from typing import Any

from api.engine.run_result import DbtRunResult
from api.targets.engine import RefusedCharacter
from stringx_dataops.contract.gate_test.specification import RuleSpecification, Specification, TableSpecification

_MAX_CHARACTERS = 50  # each costs one more run


def run_encodable(
    run: Callable[[Specification], DbtRunResult],
    specification: Specification,
    refused_character: Callable[[str], RefusedCharacter | None],
) -> DbtRunResult:
    """The result of `run`. If a character cannot be sent, it is repeated with the rules that contain it marked, which are then
    undecided. `refused_character` is the engine's."""
    result = run(specification)
    for _ in range(_MAX_CHARACTERS):
        refused = None if result.outcome or result.timed_out else refused_character(result.message or "")
        if refused is None:
            break
        marked = _without(specification, refused.character, refused.encoding)
        if marked == specification:
            break
        specification = marked
        result = run(specification)
    return result


def _without(specification: Specification, character: str, encoding: str) -> Specification:
    return {**specification, "tables": [_table_without(table, character, encoding) for table in specification["tables"]]}


def _table_without(table: TableSpecification, character: str, encoding: str) -> TableSpecification:
    reason = f"holds a character that the database's encoding {encoding} does not have"
    texts = {"schema": table["schema"], "name": table["name"], "window": table["window"]}
    shared = next((name for name, value in texts.items() if character in _text(value)), None)  # by all rules
    rules: list[RuleSpecification] = []
    for rule in table["rules"]:
        place = next(_places(rule, character), None)
        if shared is not None:
            place = "the request's window" if shared == "window" else f"the table's {shared}"
        if place is not None and "fault" not in rule:
            rule = _undecided(rule, f"{place} {reason}")
        rules.append(rule)

    def replaced(name: str) -> str:  # if the name has the character, all rules of the table are undecided
        return "".join("?" if char == character else char for char in name)

    return {
        **table,
        "rules": rules,
        "window": None if shared == "window" else table["window"],  # it would narrow no rule that is left
        "schema": replaced(table["schema"]),
        "name": replaced(table["name"]),
        "key": [column for column in table["key"] if character not in column],
        "sample_columns": [column for column in table["sample_columns"] if character not in column],
    }


def _undecided(rule: RuleSpecification, fault: str) -> RuleSpecification:
    """The parts of a rule that its outcome needs."""
    undecided: RuleSpecification = {
        "id": rule["id"],
        "type": rule["type"],
        "warn_above": rule["warn_above"],
        "fail_above": rule["fail_above"],
        "columns": [],
        "arguments": {},
        "fault": fault,
    }
    return undecided | {"shadow": True} if rule.get("shadow") else undecided


def _places(rule: RuleSpecification, character: str) -> Iterator[str]:
    """The fields of a rule that contain the character, as the table's document names them."""
    for name, value in rule["arguments"].items():
        if character in _text(value):
            yield f"argument {name}"
    for name in ("where", "columns", "per"):
        if character in _text(rule.get(name)):
            yield name
    if character in _text(list(rule.values())):
        yield "the rule"


def _text(value: Any) -> str:
    """All texts within a value, one per line."""
    if isinstance(value, dict):
        return "\n".join((*map(str, value), *map(_text, value.values())))
    if isinstance(value, (list, tuple)):
        return "\n".join(map(_text, value))
    return value if isinstance(value, str) else ""
