"""Reading the outcome of the gate test, and database errors, from the result of a dbt run."""

import json
import re
from typing import cast

from api.engine.run_result import DbtRunResult
from stringx_dataops.contract.gate_test.outcome import FORMAT, Outcome

# The server quotes names, which may be shown, behind one of these words. What it quotes elsewhere may be a value of a row.
_NAMED = "relation|column|table|schema|function|role|user|database|type|view|index|operator|parameter|at"
_QUOTED = re.compile(rf"""(?<!\w)({_NAMED}) ("[^"]*")|"[^"]*\"""")
_LATER_PARTS = re.compile(r"\s(?:LINE \d+|DETAIL|HINT|CONTEXT|QUERY): ")  # of a database error, after its first sentence


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


def without_values(message: str) -> str:
    """The message without values of rows, if it is a database error that ended the whole run. An example is an error in a query
    that a dbt test runs while it is planned."""
    if "Database Error" not in message:
        return message
    return _QUOTED.sub(lambda match: match[0] if match[1] else '"…"', _LATER_PARTS.split(message)[0])
