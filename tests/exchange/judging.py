"""What the engine says of imports, each of one check."""

from collections.abc import Sequence
from typing import Any

from stringx_dataops.exchange.model import Taken
from tests.support.databases import Target
from tests.support.engine import Engine
from tests.support.exchange import checked

_WORST = ("pass", "warn", "error", "fail")  # as a verdict has it


def outcomes(engine: Engine, target: Target, taken: Sequence[Taken]) -> list[tuple[str | None, dict[str, Any]]]:
    """The worst status of each import's rules, and its first rule; None where nothing was taken up. A check per table runs them all."""
    tables: dict[str, dict[str, Any]] = {}
    for number, each in enumerate(taken):
        for document in each.documents:
            shared = tables.setdefault(document["table"], document | {"rules": []})
            shared["rules"] += [rule | {"id": f"c{number}_{place}"} for place, rule in enumerate(document["rules"])]
    found = checked(engine, target, list(tables.values()))
    of_case: dict[int, list[dict[str, Any]]] = {}
    for rules in found.values():
        for name, rule in rules.items():
            of_case.setdefault(int(name[1:].split("_")[0]), []).append(rule)
    answers: list[tuple[str | None, dict[str, Any]]] = []
    for number in range(len(taken)):
        rules_of = of_case.get(number, [])
        worst = max((rule["status"] for rule in rules_of), key=_WORST.index, default=None)
        answers.append((worst, rules_of[0] if rules_of else {}))
    return answers
