"""A rule whose macro ends dbt's run with a compilation error, such as a package's test that refuses its arguments, is found
and left out, so that its siblings have their verdicts in one run and one snapshot."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from api.engine.command import Answer

Place = tuple[int, int]  # of a rule: the table's number and the rule's
_COMPILATION = "Compilation Error"


def answer_of(run: Callable[[dict[str, Any]], Answer], gate: dict[str, Any]) -> Answer:
    """What the specification gives; where a macro cannot be compiled, what it gives with the culprits marked as faults."""
    answer = run(gate)
    if answer.outcome or answer.timed_out or _COMPILATION not in (answer.message or ""):
        return answer
    places = [(t, r) for t, table in enumerate(gate["tables"]) for r in range(len(table["rules"]))]
    faults = _faults(run, gate, places)
    return run(_marked(gate, faults)) if faults else answer


def _faults(run: Callable[[dict[str, Any]], Answer], gate: dict[str, Any], places: Sequence[Place]) -> dict[Place, str]:
    """By halves, planning only: as many runs as there are culprits, times the logarithm of the number of rules."""
    answer = run(_only(gate, set(places)) | {"plan_only": True})
    if answer.outcome or answer.timed_out:
        return {}
    if len(places) == 1:
        return {places[0]: _reason(answer.message or "")}
    half = len(places) // 2
    return _faults(run, gate, places[:half]) | _faults(run, gate, places[half:])


def _only(gate: dict[str, Any], places: set[Place]) -> dict[str, Any]:
    tables = [
        table | {"rules": [rule for r, rule in enumerate(table["rules"]) if (t, r) in places]}
        for t, table in enumerate(gate["tables"])
    ]
    return gate | {"tables": tables}


def _marked(gate: dict[str, Any], faults: dict[Place, str]) -> dict[str, Any]:
    tables = [
        table | {"rules": [rule | ({"fault": faults[t, r]} if (t, r) in faults else {}) for r, rule in enumerate(table["rules"])]}
        for t, table in enumerate(gate["tables"])
    ]
    return gate | {"tables": tables}


def _reason(message: str) -> str:
    """The sentence of the macro, without dbt's account of where it stands."""
    said = (
        re.sub(r"^.*?Compilation Error[^\n]*\n?", "", message, count=1, flags=re.DOTALL).split("\n\n")[0].split("> in macro")[0]
    )
    said = said.split("Vars supplied to")[0].rstrip(": \n")  # which would list the specification
    return " ".join(said.split())[:300] or "its macro cannot be compiled"
