"""The sessions of a check on its target, seen and ended from outside: by the application name that they carry."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import extensions

from database.connecting import limit_waits
from database.pool import first_line
from stringx_dataops.contract.problems import Unavailable

# Names are PostgreSQL's own, whoever may create in the schemas that the role searches.
_PATH = "set local search_path = pg_catalog, pg_temp"
_CANCEL = """
select pg_cancel_backend(pid) from pg_stat_activity
where application_name = %(name)s and usename = current_user and pid <> pg_backend_pid()
"""
_IS_CONNECTED = """
select 1 from pg_stat_activity
where application_name = %(name)s and usename = current_user and pid <> pg_backend_pid()
limit 1
"""
# Whoever has waited so long for a lock that one of these sessions holds.
_KEEPS_WAITING = """
select 1 from pg_locks l
where not l.granted and l.waitstart < clock_timestamp() - make_interval(secs => %(seconds)s)
  and pg_blocking_pids(l.pid) && array(select a.pid from pg_stat_activity a
                                       where a.application_name = %(name)s and a.usename = current_user)
limit 1
"""
_LIMIT_S = 5.0


@dataclass(frozen=True)
class PostgresSessions:
    """Those of one attempt; `address` is libpq's parameters, for the same user as theirs."""

    address: Mapping[str, str]
    name: str

    def cancel(self) -> int:
        """End what they are executing; how many there were. Unavailable where the target cannot be reached."""
        with self._cursor() as cursor:
            cursor.execute(_CANCEL, {"name": self.name})
            return int(cursor.rowcount)

    def is_connected(self) -> bool:
        """Whether one of them is there; Unavailable as above."""
        with self._cursor() as cursor:
            cursor.execute(_IS_CONNECTED, {"name": self.name})
            return int(cursor.rowcount) > 0

    def keeps_waiting(self, seconds: float) -> bool:
        """Whether another session has waited so long for a lock that one of these holds; Unavailable as above."""
        with self._cursor() as cursor:
            cursor.execute(_KEEPS_WAITING, {"name": self.name, "seconds": seconds})
            return int(cursor.rowcount) > 0

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        try:
            with limit_waits(_LIMIT_S):
                options: Mapping[str, Any] = {"connect_timeout": 5, "application_name": "stringx watch"} | dict(self.address)
                connection: extensions.connection = psycopg2.connect(**options)
                try:
                    cursor = connection.cursor()
                    cursor.execute(_PATH)
                    yield cursor
                finally:
                    connection.close()
        except psycopg2.Error as error:
            raise Unavailable(f"the target does not answer: {first_line(error)}") from error
