"""What the tests of several modules here share: projects of their own, a table, and a configured dataset."""

import pytest

from database.pool import Database
from tests.support.databases import Target
from tests.support.datasets import TARGET, apply, dataset, table
from tests.support.queue import configure


@pytest.fixture
def orders(target: Target) -> Target:
    target.execute("create table orders as select n as id from generate_series(1, 5) n")
    return target


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
