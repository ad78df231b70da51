"""PostgreSQL for an installation, started as the product starts its embedded one."""

import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import extras

from database import embedded
from database.embedded import Cluster
from tests.support.databases import forgetful
from tests.support.processes import Process


class Postgres:
    """A cluster of its own, started as the product starts its embedded one."""

    def __init__(
        self, name: str, home: Path, inherited: Mapping[str, str], prepare: Callable[[Path], None] | None = None
    ) -> None:
        home.mkdir(mode=0o755)
        if prepare is not None:
            prepare(home)
        self.cluster: Cluster = forgetful(embedded.prepare(home))
        self.process = Process(name, "postgres", {**inherited, "STRINGX_HOME": str(home)}, home / "postgres.log")

    @property
    def port(self) -> int:
        return self.cluster.port

    def start(self) -> None:
        self.process.start()
        embedded.wait(self.cluster, 60)

    def crash(self) -> None:
        """As `pg_ctl stop -m immediate`: no checkpoint, recovery at the next start."""
        if self.process.runs:
            self.process.send(signal.SIGQUIT)
            self.process.wait(20)

    def stop(self) -> None:
        if self.process.runs:
            self.process.send(signal.SIGINT)
            self.process.wait(30)

    def url(self, dbname: str) -> str:
        return self.cluster.address("postgres", embedded.keep(self.cluster.password_file), dbname)

    def rows(self, dbname: str, statement: str, parameters: Any = None) -> list[dict[str, Any]]:
        """As the superuser; no rows of a statement that returns none."""
        connection = psycopg2.connect(self.url(dbname), connect_timeout=10, application_name="faults")
        connection.autocommit = True
        try:
            with connection.cursor(cursor_factory=extras.RealDictCursor) as cursor:
                cursor.execute(statement, parameters)
                return [dict(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            connection.close()
