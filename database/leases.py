"""Leases: a claim is believed until it expires; a write on behalf of a claim that was lost changes no row.

Only the database's clock counts. The same three columns (`worker`, `lease_expires_at`, and a counter of attempts)
stand in every table that is claimed from.
"""

import os
import socket
from collections.abc import Sequence

from contract.ids import new_id
from database.pool import Database

LEASE_S = 30
RENEW_EVERY_S = 10


def worker_name(role: str) -> str:
    """One claimant: role, host, process, and a part that no two processes share."""
    return f"{role}@{socket.gethostname()}:{os.getpid()}:{new_id()[-12:]}"


def renew(database: Database, table: str, key: str, claimed: Sequence[str], worker: str) -> int:
    """Extend the leases of a worker; the number that it still holds. `table` and `key` are names of ours, never input."""
    with database.transaction() as cursor:
        return cursor.run(
            f"update {table} set lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_s)s)"
            f" where {key} = any(%(claimed)s::uuid[]) and worker = %(worker)s and lease_expires_at is not null",
            {"lease_s": LEASE_S, "claimed": list(claimed), "worker": worker},
        )
