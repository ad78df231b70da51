"""Documents are read before the lock of the configuration is taken."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.configuration import store
from backend.configuration.versions import lock
from database.pool import Database
from stringx_dataops.contract.problems import Invalid
from tests.support.datasets import CATALOGUE, ME, TARGET, apply, table

CALLS = table("public.a") | {"rules": [{"id": "r", "type": "expression", "arguments": {"sql": "app.is_fine(a)"}}]}
ALLOWS = TARGET | {"allow_functions": ["app.is_fine"]}
WAITS = (
    "select 1 from pg_locks l join pg_database d on d.oid = l.database"
    " where locktype = 'advisory' and not granted and datname = current_database()"
)


def test_a_document_with_a_fault_is_refused_while_another_is_written(database: Database) -> None:
    apply(database, TARGET)
    with database.transaction() as cursor:
        lock(cursor)
        with pytest.raises(Invalid, match=r"app\.is_fine"):
            store.put_table(database, CATALOGUE, ME, ("shop", "public.a"), CALLS, None)


def test_a_table_is_held_against_its_target_as_it_is_when_the_table_is_written(database: Database) -> None:
    apply(database, ALLOWS)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as cursor:
            lock(cursor)
            written = pool.submit(store.put_table, database, CATALOGUE, ME, ("shop", "public.a"), CALLS, None)
            until = time.monotonic() + 60
            while cursor.one(WAITS) is None:
                assert time.monotonic() < until
                time.sleep(0.02)
            cursor.run("update stringx.targets set document = (document::jsonb - 'allow_functions')::json")
        with pytest.raises(Invalid, match=r"app\.is_fine"):
            written.result(60)
    assert store.put_table(database, CATALOGUE, ME, ("shop", "public.a"), table("public.a"), None).created
