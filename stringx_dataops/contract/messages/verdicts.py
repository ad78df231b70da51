"""The words for outcomes, used by both services, the dbt project's message and the command line."""

from collections.abc import Iterable
from typing import Literal, assert_never

RuleStatus = Literal["pass", "warn", "fail", "error"]
Verdict = Literal["pass", "warn", "fail", "error"]
CheckStatus = Literal["queued", "running", "succeeded", "errored", "canceled", "timed_out"]
Mode = Literal["sync", "async"]
Kind = Literal["engineering", "business"]
Dimension = Literal["completeness", "accuracy", "consistency", "uniqueness", "timeliness", "validity"]
Gate = Literal["open", "closed"]
Source = Literal["http", "kafka", "cli"]

_WORST_FIRST: tuple[Verdict, ...] = ("fail", "error", "warn", "pass")
TERMINAL: frozenset[CheckStatus] = frozenset({"succeeded", "errored", "canceled", "timed_out"})


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Of several as one: fail before error before warn before pass; nothing decides nothing."""
    found = set(verdicts)
    return next((verdict for verdict in _WORST_FIRST if verdict in found), "error")


def gate_of(verdict: Verdict, on_warn: Gate, on_error: Gate) -> Gate:
    """The gate as the verdict alone leaves it, by the table's `gate` settings. Other facts may close it too."""
    match verdict:
        case "pass":
            return "open"
        case "warn":
            return on_warn
        case "error":
            return on_error
        case "fail":
            return "closed"
        case _:
            assert_never(verdict)
