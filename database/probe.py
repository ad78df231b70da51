"""Whether the internal database can be written: it may answer and still have a full disk, or be a standby."""

import threading
import time

from database.pool import Database
from stringx_dataops.contract.problems import StringXError

_WRITE = """
insert into public.stringx_probe (service, written_at) values (%(service)s, clock_timestamp())
on conflict (service) do update set written_at = excluded.written_at
"""
_EVERY_S = 1.0


class Probe:
    """Writes a row of this service's own, at most once a second however often it is asked."""

    def __init__(self, database: Database, service: str) -> None:
        self._database, self._service = database, service
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._fault: str | None = None

    def fault(self) -> str | None:
        """Why it cannot be written, None where it can."""
        with self._lock:
            if time.monotonic() - self._asked_at > _EVERY_S:
                self._fault = self._write()
                self._asked_at = time.monotonic()
            return self._fault

    def _write(self) -> str | None:
        try:
            with self._database.transaction() as cursor:
                cursor.run(_WRITE, {"service": self._service})
        except StringXError as error:
            return f"the internal database cannot be written: {error.detail}"
        return None
