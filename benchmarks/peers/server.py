"""One PostgreSQL for everything: the tables that are checked and the internal database of ours."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from database import embedded
from stringx_dataops.contract.settings import ROOT
from tests.support.installation import INHERITED
from tests.support.postgres import Postgres

WORK_MEM = "64MB"  # of the role, so of every way
CHECKED, INTERNAL = "checked", "stringx"
SETTINGS = ("server_version", "shared_buffers", "work_mem", "max_parallel_workers_per_gather", "jit", "fsync")


@dataclass(frozen=True)
class Server:
    """`reader` may SELECT and nothing else: every way checks as this role."""

    folder: Path
    inherited: dict[str, str]
    postgres: Postgres
    reader_password: str
    loader_password: str

    @property
    def port(self) -> int:
        return self.postgres.port

    @property
    def reader_url(self) -> str:
        return self.postgres.cluster.address("reader", self.reader_password, CHECKED) + "?sslmode=disable"

    def load(self, statements: Sequence[str]) -> None:
        """As the owner of the tables, each by itself; on disk when it returns, so that no checkpoint falls into a measurement."""
        connection = psycopg2.connect(self.postgres.cluster.address("loader", self.loader_password, CHECKED))
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.close()
        self.postgres.rows("postgres", "checkpoint")

    def row(self, statement: str) -> Sequence[Any]:
        connection = psycopg2.connect(self.reader_url)
        with connection.cursor() as cursor:
            cursor.execute(statement)
            [found] = cursor.fetchall()
        connection.close()
        return tuple(found)

    def settings(self) -> dict[str, str]:
        return {name: str(self.row(f"show {name}")[0]) for name in SETTINGS}


@contextmanager
def running() -> Iterator[Server]:
    """In a folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="stringx-peers-"))
    folder.chmod(0o755)  # PostgreSQL may run as another user
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ} | {"PYTHONPATH": str(ROOT)}
    postgres = Postgres("postgres", folder / "postgres", inherited)
    server = Server(folder, inherited, postgres, secrets.token_urlsafe(12), secrets.token_urlsafe(12))
    try:
        postgres.start()
        embedded.create(postgres.cluster, "loader", server.loader_password)
        embedded.create(postgres.cluster, "reader", server.reader_password)
        embedded.create_database(postgres.cluster, CHECKED, "loader", readers=("reader",))
        postgres.rows("postgres", f"alter role reader set work_mem = '{WORK_MEM}'")
        postgres.rows(CHECKED, "grant all on schema public to loader")
        yield server
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
