"""Shadow rules must not keep the others from being decided, whatever they do to a run."""

from collections.abc import Callable

from api.engine.run_result import DbtRunResult
from stringx_dataops.contract.gate_test.specification import Specification, TableSpecification

_FAULT = "the check could not run with its shadow rules; it was run again without them"


def run_despite_shadows(
    run: Callable[[Specification], DbtRunResult], specification: Specification, may_go_on: Callable[[], bool] = lambda: True
) -> DbtRunResult:
    """The result of `run`. If it leaves no outcome and there are shadow rules, it is repeated with them marked, which are then
    undecided. An example is a dbt test whose query fails while it is planned, which ends the whole run. `may_go_on`: not after
    somebody has ended the run."""
    result = run(specification)
    has_shadows = any(rule.get("shadow") for table in specification["tables"] for rule in table["rules"])
    if result.outcome or result.timed_out or not has_shadows or not may_go_on():
        return result
    return run({**specification, "tables": [_marked(table) for table in specification["tables"]]})


def _marked(table: TableSpecification) -> TableSpecification:
    rules = [rule | {"fault": _FAULT} if rule.get("shadow") and "fault" not in rule else rule for rule in table["rules"]]
    return {**table, "rules": rules}
