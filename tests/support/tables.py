"""Tables to be checked, and what plain SQL says of each: no code of the product decides what the right verdict is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import extensions

# A session of a check waits here while a test holds the advisory lock (key, number of its attempt): a query that runs for as long
# as the test wants, whatever time limits for locks there are. One that has no attempt in its name is not a check's and passes.
HOLD = r"""
create function pass_gate(key integer) returns boolean language plpgsql stable parallel unsafe as $$
declare attempt integer;
begin
    attempt := substring(current_setting('application_name') from '^stringx (?:batch )?\S+ (\d+)$')::integer;
    if attempt is null then return true; end if;
    while not pg_try_advisory_lock_shared(key, attempt) loop perform pg_sleep(0.02); end loop;
    perform pg_advisory_unlock_shared(key, attempt);
    return true;
end $$;
"""
ATTEMPTS = 8

RULES: list[dict[str, Any]] = [
    {"id": "id_unique", "type": "unique", "columns": ["id"]},
    {"id": "value_known", "type": "not_null", "column": "value", "warn_above": 0, "fail_above": 5},
    {"id": "value_small", "type": "between", "column": "value", "arguments": {"max": 100}},
    {"id": "rows", "type": "row_count", "arguments": {"min": 1}},
]
_TRUTH = """
select count(*) as rows, count(id) - count(distinct id) as id_unique, count(*) filter (where value is null) as value_known,
       count(*) filter (where value > 100) as value_small
from {relation}
"""


@dataclass(frozen=True)
class Truth:
    """What is in a table: its verdict under RULES, and the violations of each counted rule."""

    verdict: str
    failures: dict[str, int]
    rows: int


@dataclass(frozen=True)
class CheckedTable:
    """A table of the target `target`; `key` is the lock that holds its checks, where it is one that can be held."""

    name: str
    target: str
    base: str
    loader_url: str
    key: int | None = None

    @property
    def relation(self) -> str:
        return f"public.{self.name}"

    def truth(self) -> Truth:
        rows, repeated, unknown, large = self._row(_TRUTH.format(relation=self.base))
        failed = repeated > 0 or unknown > 5 or large > 0 or rows == 0
        verdict = "fail" if failed else "warn" if unknown > 0 else "pass"
        return Truth(verdict, {"id_unique": repeated, "value_known": unknown, "value_small": large}, rows)

    @contextmanager
    def held(self, *attempts: int) -> Iterator["Held"]:
        """Checks of it (only these attempts, where any are named) run until they are let go, or the block ends."""
        assert self.key is not None
        connection = psycopg2.connect(self.loader_url)
        connection.autocommit = True
        held = Held(connection, self.key)
        held.take(attempts or range(1, ATTEMPTS))
        try:
            yield held
        finally:
            connection.close()

    def _row(self, statement: str) -> tuple[int, ...]:
        connection = psycopg2.connect(self.loader_url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                row: tuple[int, ...] = cursor.fetchone()
                return row
        finally:
            connection.close()


@dataclass(frozen=True)
class Held:
    connection: extensions.connection
    key: int

    def take(self, attempts: Any) -> None:
        with self.connection.cursor() as cursor:
            for attempt in attempts:
                cursor.execute("select pg_advisory_lock(%s, %s)", [self.key, attempt])

    def let_go(self, *attempts: int) -> None:
        """Of these attempts, or of all."""
        with self.connection.cursor() as cursor:
            for attempt in attempts:
                cursor.execute("select pg_advisory_unlock(%s, %s)", [self.key, attempt])
            if not attempts:
                cursor.execute("select pg_advisory_unlock_all()")


def fill(base: str, kind: str, rows: int) -> str:
    """SQL that makes the content: `clean` passes, `warned` warns, `dirty` fails."""
    value = {
        "clean": "n % 100",
        "warned": "case when n <= 3 then null else n % 100 end",
        "dirty": "case when n % 10 = 0 then null when n % 7 = 0 then 1000 else n % 100 end",
    }[kind]
    return f"create table {base} as select n as id, {value} as value from generate_series(1, {rows}) n"
