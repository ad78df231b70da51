"""What a run of the gate test leaves behind, whether a warm child or the `dbt test` executable ran it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DbtRunResult:
    """The result of one dbt run. `outcome` is the gate test's outcome as JSON text; it is None if the test did not run to its
    end, and then `message` says why. `invocation_id` is None and `dbt_version` is empty if dbt left no result."""

    invocation_id: str | None
    dbt_version: str
    message: str | None
    outcome: str | None
    timed_out: bool = False


def without_result(message: str | None = None) -> DbtRunResult:
    """Of a dbt process that ended without a result, and why, as far as it is known."""
    return DbtRunResult(invocation_id=None, dbt_version="", message=message, outcome=None)


def out_of_time() -> DbtRunResult:
    """Of a dbt process that was killed because its time was over."""
    return DbtRunResult(invocation_id=None, dbt_version="", message=None, outcome=None, timed_out=True)
