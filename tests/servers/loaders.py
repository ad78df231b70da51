"""Loaders that work while a check runs."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.servers.clusters import Server, session
from tests.support.databases import Target
from tests.support.engine import rule


@dataclass
class Loop:
    """Does the same thing again and again in a session of its own until it is left; `done` counts how often."""

    url: str
    step: Callable[[Any], None]
    done: int = 0
    error: BaseException | None = None

    def __enter__(self) -> "Loop":
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            with session(self.url) as cursor:
                while not self._ending.is_set():
                    self.step(cursor)
                    self.done += 1
        except BaseException as error:
            self.error = error


CHECKS = 12
GATE_LOCK = 4242
# A rule that calls it waits, in the snapshot, until the test has done what it does meanwhile.
WAITS = f"""
create function wait_for_loader() returns boolean language plpgsql parallel restricted as
$$ begin perform pg_advisory_xact_lock_shared({GATE_LOCK}); return true; end $$;
"""


@contextmanager
def held_back(server: Server, target: Target, check: Callable[[], Any]) -> Iterator[Future[Any]]:
    """The body runs while the check waits in a rule of its own, which is proved; then the check goes on."""
    with session(server.url(target.dbname)) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("select pg_advisory_lock(%s)", [GATE_LOCK])
        running = pool.submit(check)
        try:
            waiting = "select count(*) from pg_locks where locktype = 'advisory' and objid = %s and not granted"
            until = time.monotonic() + 60
            while True:
                holder.execute(waiting, [GATE_LOCK])
                if holder.fetchone()[0]:
                    break
                assert not running.done(), running.result()
                assert time.monotonic() < until, "the check never came to its waiting rule"
                time.sleep(0.02)
            yield running
            holder.execute(waiting, [GATE_LOCK])
            assert holder.fetchone()[0] == 1, "the check did not wait until the end of what happened meanwhile"
        finally:
            holder.execute("select pg_advisory_unlock(%s)", [GATE_LOCK])


BATCH = [
    rule("filled", "not_null", "id", "batch"),
    rule("unique", "unique", "id"),
    rule("one_batch", "aggregate", "batch", fail_above=None, function="distinct_count", min=1, max=1),
    rule("batches", "distinct_values", "batch", values=[], mode="in", fail_above=1),
    rule("self", "relationship", "id", "batch", to_table="public.t", to_columns=["id", "batch"]),
    rule("matches", "row_count_matches", fail_above=None, other_table="public.t"),
    rule("rows", "row_count", fail_above=None, min=100, max=100),
]


def reloading(template: str, pause_s: float = 0.005) -> Callable[[Any], None]:
    """Between two loads is a moment in which nobody holds a lock."""
    batch = iter(range(1, 1_000_000))

    def step(cursor: Any) -> None:
        cursor.execute(template.format(batch=next(batch)))
        time.sleep(pause_s)

    return step
