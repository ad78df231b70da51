"""Reading the outcome of the gate test from the result of a dbt run."""

import json
from typing import cast

from api.engine.run_result import DbtRunResult
from stringx_dataops.contract.gate_test.outcome import FORMAT, Outcome


def outcome_of(result: DbtRunResult) -> Outcome | None:
    """The outcome that the materialization left; None if dbt ended without a complete one, which is never a pass."""
    if not result.outcome:
        return None
    try:
        outcome = json.loads(result.outcome)
    except ValueError:
        return None
    is_complete = isinstance(outcome, dict) and outcome.get("format") == FORMAT and outcome.get("tables")
    return cast(Outcome, outcome) if is_complete else None


def is_database_error(message: str) -> bool:
    """Whether dbt's message is a database error that ended the whole run. An example is an error in a query that a dbt test runs
    while it is planned."""
    return "Database Error" in message
