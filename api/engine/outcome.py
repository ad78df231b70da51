"""Reading the outcome that the gate test leaves in dbt's result, and database errors in its place."""

import json
import re
from typing import cast

from api.engine.command import Answer
from stringx_dataops.contract.gate_test.outcome import FORMAT, Outcome


def outcome_of(answer: Answer) -> Outcome | None:
    """The materialization's message; None where dbt ended without it, which is never a pass."""
    if not answer.outcome:
        return None
    try:
        outcome = json.loads(answer.outcome)
    except ValueError:
        return None
    is_ours = isinstance(outcome, dict) and outcome.get("format") == FORMAT and outcome.get("tables")
    return cast(Outcome, outcome) if is_ours else None


# What the server quotes is a name behind one of these words, and elsewhere may be a row's value.
_NAMED = "relation|column|table|schema|function|role|user|database|type|view|index|operator|parameter|at"


_QUOTED = re.compile(rf"""(?<!\w)({_NAMED}) ("[^"]*")|"[^"]*\"""")


_BEHIND = re.compile(r"\s(?:LINE \d+|DETAIL|HINT|CONTEXT|QUERY): ")


def without_values(message: str) -> str:
    """A database error that ended the whole run, such as one in a query that a dbt test asks when it is planned."""
    if "Database Error" not in message:
        return message
    return _QUOTED.sub(lambda found: found[0] if found[1] else '"…"', _BEHIND.split(message)[0])
