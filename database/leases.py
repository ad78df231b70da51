"""Leases: a claim is believed until it expires; a write on behalf of a claim that was lost changes no row.

Only the database's clock counts. The same three columns (`worker`, `lease_expires_at`, and a counter of attempts)
stand in every table that is claimed from.
"""

import os
import socket
from dataclasses import dataclass

from stringx_dataops.contract.ids import new_id

LEASE_S = 20  # of a check, unless LEASE_SECONDS says otherwise; its holder renews it
POST_LEASE_S = 30  # of a message that is being posted; longer than a post may take


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
    """One claimant: role, host, process, and a part that no two processes share."""
    return f"{role}@{socket.gethostname()}:{os.getpid()}:{new_id()[-12:]}"
