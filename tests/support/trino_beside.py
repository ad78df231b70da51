"""A PostgreSQL database as a catalog of Trino, and a query that waits there: a check that lasts, without computing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2

from tests.support.databases import Target
from tests.support.processes import eventually
from tests.support.trino_server import Trino

# A view whose reader waits as long as somebody has the lock.
_SLOW = """
create function waits() returns setof integer language plpgsql as $$
begin perform pg_advisory_lock_shared(1); perform pg_advisory_unlock_shared(1); end $$;
create view slow as select n as a from waits() as n;
"""
_WAITING = "select 1 from pg_locks where locktype = 'advisory' and not granted"


@dataclass(frozen=True)
class Beside:
    """The catalog; its view `public.slow` has no rows."""

    catalog: str
    target: Target

    @contextmanager
    def held(self) -> Iterator[None]:
        """Meanwhile whoever reads `slow` waits."""
        connection = psycopg2.connect(self.target.loader_url)
        try:
            connection.cursor().execute("select pg_advisory_lock(1)")
            yield
        finally:
            connection.close()

    def until_a_reader_waits(self) -> None:
        eventually(lambda: self.target.query(_WAITING), 120, "a query on slow")


@contextmanager
def a_catalog_beside(trino: Trino, target: Target) -> Iterator[Beside]:
    target.execute(_SLOW)
    name = f"pg_{target.dbname}"
    url = f"jdbc:postgresql://{target.host}:{target.port}/{target.dbname}"
    trino.run(
        f"""create catalog {name} using postgresql with ("connection-url" = '{url}', "connection-user" = '{target.user}', "connection-password" = '{target.password}')"""
    )
    try:
        yield Beside(name, target)
    finally:
        trino.run(f"drop catalog {name}")
