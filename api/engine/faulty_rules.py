"""A rule whose macro ends dbt's run with a compilation error, such as a package's test that refuses its arguments, is found
and left out, so that its siblings have their verdicts in one run and one snapshot."""

import re
from collections.abc import Callable, Sequence

from api.engine.command import Answer
from stringx_dataops.contract.gate_test.specification import Specification, TableSpecification

Place = tuple[int, int]  # of a rule: the table's number and the rule's
_COMPILATION = "Compilation Error"


def answer_of(run: Callable[[Specification], Answer], specification: Specification) -> Answer:
    """What the specification gives; where a macro cannot be compiled, what it gives with the culprits marked as faults."""
    answer = run(specification)
    if answer.outcome or answer.timed_out or _COMPILATION not in (answer.message or ""):
        return answer
    places = [(t, r) for t, table in enumerate(specification["tables"]) for r in range(len(table["rules"]))]
    faults = _faults(run, specification, places)
    return run(_marked(specification, faults)) if faults else answer


def _faults(run: Callable[[Specification], Answer], specification: Specification, places: Sequence[Place]) -> dict[Place, str]:
    """By halves, planning only: as many runs as there are culprits, times the logarithm of the number of rules."""
    answer = run(_only(specification, set(places)) | {"plan_only": True})
    if answer.outcome or answer.timed_out:
        return {}
    if len(places) == 1:
        return {places[0]: _reason(answer.message or "")}
    half = len(places) // 2
    return _faults(run, specification, places[:half]) | _faults(run, specification, places[half:])


def _only(specification: Specification, places: set[Place]) -> Specification:
    tables: list[TableSpecification] = [
        table | {"rules": [rule for r, rule in enumerate(table["rules"]) if (t, r) in places]}
        for t, table in enumerate(specification["tables"])
    ]
    return {**specification, "tables": tables}


def _marked(specification: Specification, faults: dict[Place, str]) -> Specification:
    tables: list[TableSpecification] = [
        table | {"rules": [rule | ({"fault": faults[t, r]} if (t, r) in faults else {}) for r, rule in enumerate(table["rules"])]}
        for t, table in enumerate(specification["tables"])
    ]
    return {**specification, "tables": tables}


def _reason(message: str) -> str:
    """The sentence of the macro, without dbt's account of where it stands."""
    said = (
        re.sub(r"^.*?Compilation Error[^\n]*\n?", "", message, count=1, flags=re.DOTALL).split("\n\n")[0].split("> in macro")[0]
    )
    said = said.split("Vars supplied to")[0].rstrip(": \n")  # which would list the specification
    return " ".join(said.split())[:300] or "its macro cannot be compiled"
