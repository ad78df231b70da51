"""Whether the internal database can be written: it may answer and still have a full disk, or be a standby."""

import threading
import time
from pathlib import Path

from database.pool import Database
from database.queries import load_queries
from stringx_dataops.contract.problems import StringXError

SQL = load_queries(Path(__file__).with_suffix(".sql"))
_EVERY_S = 1.0


class Probe:
    """Writes the row of one service, at most once per second however often `fault` is called."""

    def __init__(self, database: Database, service: str) -> None:
        self._database, self._service = database, service
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._fault: str | None = None

    def fault(self) -> str | None:
        """Why the database cannot be written, in one line; None if it can."""
        with self._lock:
            if time.monotonic() - self._asked_at > _EVERY_S:
                self._fault = self._write()
                self._asked_at = time.monotonic()
            return self._fault

    def _write(self) -> str | None:
        try:
            with self._database.transaction() as cursor:
                cursor.run(SQL["write"], {"service": self._service})
        except StringXError as error:
            return f"the internal database cannot be written: {error.detail}"
        return None
