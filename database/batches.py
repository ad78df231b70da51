"""Deleting and rewriting old rows in batches, so that no transaction is long and other work comes in between."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from database.pool import Database, json_value
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.messages.profiles import without_values
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
        """Run the statement until it deletes, or empties, less than a batch."""

        def step() -> int:
            with self.database.transaction() as cursor:
                return cursor.run(self.sql[statement], {"days": days, "batch": ROWS})

        self._repeat(step, ROWS)

    def drop_samples(self, days: int) -> None:
        """Take the samples out of stored results: `with_samples` finds them by check_id, `drop_samples` stores what is left."""
        self._rewrite("with_samples", "drop_samples", ("check_id", "result"), without_samples, days)

    def drop_values(self, days: int) -> None:
        """Take the values of rows out of stored profiles, as `drop_samples` does with samples."""
        self._rewrite("profiles_with_values", "drop_values", ("profile_id", "profile"), without_values, days)

    def _rewrite(
        self, find: str, store: str, columns: tuple[str, str], change: Callable[[JsonObject], JsonObject | None], days: int
    ) -> None:
        """Change what the statement `find` returns. `columns`: the names of its key and its JSON, under which `store` takes them;
        the JSON is null where nothing changes."""
        key, name = columns

        def step() -> int:
            with self.database.transaction() as cursor:
                rows = cursor.all(self.sql[find], {"days": days, "batch": RESULTS})
                for row in rows:
                    found = change(row[name]) if row[name] is not None else None
                    cursor.run(self.sql[store], {key: row[key], name: json_value(found) if found is not None else None})
            return len(rows)

        self._repeat(step, RESULTS)

    def _repeat(self, step: Callable[[], int], batch: int) -> None:
        while step() == batch:
            self.alive()
            time.sleep(_PAUSE_S)
