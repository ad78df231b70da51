"""The values of verdicts, statuses and similar fields, and how verdicts combine and open a gate."""

from collections.abc import Iterable
from typing import Literal

from typing_extensions import assert_never

RuleStatus = Literal["pass", "warn", "fail", "error"]
Verdict = Literal["pass", "warn", "fail", "error"]
CheckStatus = Literal["queued", "running", "succeeded", "errored", "canceled", "timed_out"]
Mode = Literal["sync", "async"]
Kind = Literal["engineering", "business"]
Dimension = Literal["completeness", "accuracy", "consistency", "uniqueness", "timeliness", "validity"]
Gate = Literal["open", "closed"]
Source = Literal["http", "kafka", "cli", "dashboard", "schedule"]

WORST_FIRST: tuple[Verdict, ...] = ("fail", "error", "warn", "pass")
TERMINAL: frozenset[CheckStatus] = frozenset({"succeeded", "errored", "canceled", "timed_out"})


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several verdicts: fail before error before warn before pass; `error` for none."""
    distinct = set(verdicts)
    return next((verdict for verdict in WORST_FIRST if verdict in distinct), "error")


def gate_of(verdict: Verdict, on_warn: Gate, on_error: Gate) -> Gate:
    """The gate as the verdict alone leaves it; other facts may close it too. `on_warn` and `on_error` are the `gate` settings of
    the table or dataset."""
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
