"""Deleting and rewriting old rows in batches, so that no transaction is long and other work comes in between."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from database.pool import Database, json_value
from stringx_dataops.contract.messages.samples import without_samples

ROWS = 200  # deleted in one transaction
RESULTS = 8  # in memory at once: each may have 8 MiB
_PAUSE_S = 0.05  # between batches: others want the database too


@dataclass(frozen=True)
class Batches:
    """Named statements of a service on its old rows. They take `days` (how old a row must be) and `batch` (how many rows, at
    most). `alive` is called after each full batch. Several processes may do the same at once."""

    database: Database
    sql: Mapping[str, str]
    alive: Callable[[], None]

    def delete(self, statement: str, days: int) -> None:
        """Run the statement until it deletes less than a batch."""

        def step() -> int:
            with self.database.transaction() as cursor:
                return cursor.run(self.sql[statement], {"days": days, "batch": ROWS})

        self._repeat(step, ROWS)

    def drop_samples(self, days: int) -> None:
        """Take the samples out of stored results: `with_samples` finds them by check_id, `drop_samples` stores what is left."""

        def step() -> int:
            with self.database.transaction() as cursor:
                rows = cursor.all(self.sql["with_samples"], {"days": days, "batch": RESULTS})
                for row in rows:
                    result = without_samples(row["result"]) if row["result"] is not None else None
                    changed = json_value(result) if result is not None else None
                    cursor.run(self.sql["drop_samples"], {"check_id": row["check_id"], "result": changed})
            return len(rows)

        self._repeat(step, RESULTS)

    def _repeat(self, step: Callable[[], int], batch: int) -> None:
        while step() == batch:
            self.alive()
            time.sleep(_PAUSE_S)
