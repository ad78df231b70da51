"""What the tests of several modules here share: projects of their own, a table, and a configured dataset."""

import json

import pytest

from database.pool import Database
from tests.support.databases import Target
from tests.support.datasets import TARGET, apply, dataset, table
from tests.support.queue import RULES, TABLES, TARGETS


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
    with database.transaction() as cursor:
        for target in TARGETS:
            document = {"apiVersion": "stringx/v1", "kind": "Target", "name": target, "host": "h", "dbname": "d", "user": "u"}
            document["max_concurrent_checks"] = 3
            named = {"target": target, "document": json.dumps(document)}
            cursor.run("insert into stringx.targets values (%(target)s, %(document)s, 1)", named)
            for table in TABLES:
                document = {"apiVersion": "stringx/v1", "target": target, "table": table, "rules": RULES}
                of_table = {"target": target, "table": table, "document": json.dumps(document)}
                cursor.run("insert into stringx.tables values (%(target)s, %(table)s, %(document)s, 'hash', 1)", of_table)
            tables = list(TABLES[:2])
            document = {"apiVersion": "stringx/v1", "kind": "Dataset", "name": f"of-{target}", "target": target, "tables": tables}
            of_dataset = {"name": f"of-{target}", "target": target, "tables": tables, "document": json.dumps(document)}
            cursor.run("insert into stringx.datasets values (%(name)s, %(target)s, %(tables)s, %(document)s, 1)", of_dataset)
    return database
