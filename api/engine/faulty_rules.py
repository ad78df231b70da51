"""Rules whose macro ends dbt's run with a compilation error, such as a package's test that refuses its arguments. They are found
and left out, so that the other rules are decided in one run and one snapshot."""

import re
from collections.abc import Callable, Sequence

from api.engine.run_result import DbtRunResult
from stringx_dataops.contract.gate_test.specification import Specification, TableSpecification

Position = tuple[int, int]  # of a rule: the index of its table, and its index in the table
_COMPILATION = "Compilation Error"


def run_compilable(run: Callable[[Specification], DbtRunResult], specification: Specification) -> DbtRunResult:
    """The result of `run`. If a macro cannot be compiled, it is run once more with the faulty rules marked, which are then
    undecided."""
    result = run(specification)
    if result.outcome or result.timed_out or _COMPILATION not in (result.message or ""):
        return result
    positions = [(t, r) for t, table in enumerate(specification["tables"]) for r in range(len(table["rules"]))]
    faults = _faults(run, specification, positions)
    return run(_marked(specification, faults)) if faults else result


def _faults(
    run: Callable[[Specification], DbtRunResult], specification: Specification, positions: Sequence[Position]
) -> dict[Position, str]:
    """Halves the rules and only plans them. It takes about one run per faulty rule, times the logarithm of the number of
    rules."""
    result = run(_only(specification, set(positions)) | {"plan_only": True})
    if result.outcome or result.timed_out:
        return {}
    if len(positions) == 1:
        return {positions[0]: _reason(result.message or "")}
    half = len(positions) // 2
    return _faults(run, specification, positions[:half]) | _faults(run, specification, positions[half:])


def _only(specification: Specification, positions: set[Position]) -> Specification:
    tables: list[TableSpecification] = [
        table | {"rules": [rule for r, rule in enumerate(table["rules"]) if (t, r) in positions]}
        for t, table in enumerate(specification["tables"])
    ]
    return {**specification, "tables": tables}


def _marked(specification: Specification, faults: dict[Position, str]) -> Specification:
    tables: list[TableSpecification] = [
        table | {"rules": [rule | ({"fault": faults[t, r]} if (t, r) in faults else {}) for r, rule in enumerate(table["rules"])]}
        for t, table in enumerate(specification["tables"])
    ]
    return {**specification, "tables": tables}


def _reason(message: str) -> str:
    """The macro's sentence, without dbt's description of the place."""
    sentence = re.sub(r"^.*?Compilation Error[^\n]*\n?", "", message, count=1, flags=re.DOTALL)
    sentence = sentence.split("\n\n")[0].split("> in macro")[0]
    sentence = sentence.split("Vars supplied to")[0].rstrip(": \n")  # which would list the specification
    return " ".join(sentence.split())[:300] or "its macro cannot be compiled"
