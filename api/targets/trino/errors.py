"""Plain words for a cluster that cannot be asked: the cause, and what to do about it."""

import re

from stringx_dataops.contract.documents.engines.trino import TrinoTarget

INSTALL = (
    "dbt-trino is not installed where the workers run: start with ./start-service.sh --local --with trino, or run"
    " pip install --require-hashes -r requirements-trino.txt"
)
# The words of dbt, of the client, of HTTP and of Trino, and what to do about each. First match wins.
_CAUSES: tuple[tuple[str, str], ...] = (
    (r"Could not find adapter type trino|No module named 'dbt\.adapters\.trino'", "{install}"),
)


def explain(target: TrinoTarget, message: str) -> str | None:
    """One line that names the cause and the fix; None where the message is about something else."""
    for pattern, words in _CAUSES:
        if re.search(pattern, message, re.IGNORECASE | re.DOTALL):
            return f"target {target.name}: {words.format(install=INSTALL)}"
    return None
