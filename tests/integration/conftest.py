"""What the tests of several modules here share: projects of their own, a table, and a configured dataset."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.engine.pool import ChildFactory
from database.pool import Database
from tests.support import loaded
from tests.support.databases import Target
from tests.support.datasets import TARGET, apply, dataset, table
from tests.support.duckdb_lake import Lake, lake_of
from tests.support.engine import PROJECT
from tests.support.queue import configure


@pytest.fixture
def orders(target: Target) -> Target:
    target.execute("create table orders as select n as id from generate_series(1, 5) n")
    return target


@pytest.fixture(scope="session")
def duckdb_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChildFactory]:
    """Has loaded DuckDB's project once for the tests of a process."""
    made = ChildFactory(PROJECT.of("duckdb"), tmp_path_factory.mktemp("dbt"), loaded.folder("duckdb"))
    yield made
    made.close()


@pytest.fixture
def lake(database: Database, duckdb_factory: ChildFactory, tmp_path: Path) -> Iterator[Lake]:
    """A folder of files, and a worker that may read it as a target of DuckDB."""
    (tmp_path / "lake").mkdir()
    settings = {"STRINGX_HOME": str(tmp_path / "home"), "DUCKDB_FOLDERS": str(tmp_path / "lake")}
    with lake_of(database, duckdb_factory, tmp_path / "lake", settings) as made:
        yield made


@pytest.fixture
def shop(database: Database) -> Database:
    """Tables a and b with a rule each, c without one, and the dataset of all three."""
    apply(database, dataset(), TARGET, table("public.a", "a"), table("public.b", "b"), table("public.c"))
    return database


@pytest.fixture
def queue(database: Database) -> Database:
    """Two targets of four tables each, and of each a dataset of two."""
    configure(database)
    return database
