"""Leases: a claim is valid until it expires. A write on behalf of a lost claim changes no row.

Only the database's clock counts. Every table with claims has the same three columns: `worker`, `lease_expires_at`,
and a counter of attempts.
"""

import os
import socket
from dataclasses import dataclass

from stringx_dataops.contract.ids import new_id

LEASE_S = 20  # for a check, unless LEASE_SECONDS sets another value; its worker renews it
POST_LEASE_S = 30  # for a message that is being posted; longer than a post may take


@dataclass(frozen=True)
class Lease:
    """Who claims (as `worker_name` says it), and for how many seconds."""

    worker: str
    lease_s: int = POST_LEASE_S

    @property
    def parameters(self) -> dict[str, str | int]:
        """What a statement that claims is given."""
        return {"worker": self.worker, "lease_s": self.lease_s}


def worker_name(role: str) -> str:
    """A unique name for a process that claims rows: role, host, process id and a random part."""
    return f"{role}@{socket.gethostname()}:{os.getpid()}:{new_id()[-12:]}"
