"""Checks whose configuration has changed before they run, or was stored by another release."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from api.checks.claims import MAX_CRASHES
from api.checks.lookup import find_subject
from backend.configuration import datasets
from backend.requests import tracking
from database.migrate import migrate
from database.pool import Database, json_value
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.problems import NotFound
from tests.support.databases import Admin, migrate_before
from tests.support.datasets import (
    CATALOGUE,
    ME,
    TABLES,
    TARGET,
    apply,
    ask,
    check_now,
    claim,
    claimed,
    dataset,
    faults,
    gate,
    run_by_worker,
    table,
)


def test_tables_that_have_changed_since_are_waited_for_in_their_own_lines(shop: Database, tmp_path: Path) -> None:
    ask(shop, dataset="sales")
    apply(shop, table("public.c", "c"), dataset("sales", ["public.b", "public.c"]))
    check = claimed(shop)
    assert check.tables == TABLES
    ask(shop, table="public.a")
    assert claim(shop) is None, "the dataset holds public.a as long as it has not looked"
    assert run_by_worker(shop, tmp_path, check) is None
    assert claimed(shop).tables == ["public.b", "public.c"], "it goes before what came after it"
    assert claimed(shop).tables == ["public.a"], "which is free again"


def test_a_dataset_that_was_deleted_is_still_claimed_and_has_nothing_to_run(shop: Database) -> None:
    ask(shop, dataset="sales")
    datasets.delete(shop, ME, "sales", None)
    check = claimed(shop)
    with pytest.raises(NotFound):
        find_subject(shop, CATALOGUE, check.request, check.tables)


def test_where_nothing_is_left_to_run_the_check_is_errored(shop: Database, tmp_path: Path) -> None:
    ask(shop, dataset="sales")
    apply(shop, table("public.a"), table("public.b"))
    found = run_by_worker(shop, tmp_path, claimed(shop))
    assert found is not None
    assert (found["status"], found["verdict"], found["tables"], found["skipped"]) == ("errored", "error", [], TABLES)
    assert found["reason"] == "no_rules: no active rule was left in scope when the check started"


def change_stored(database: Database, name: str, **changes: Any) -> None:
    """As another release has stored it."""
    with database.transaction() as cursor:
        changed = {"name": name, "changes": json_value(changes)}
        assert (
            cursor.run("update stringx.tables set document = document || %(changes)s where table_name = %(name)s", changed) == 1
        )


def test_what_an_earlier_release_has_stored_beyond_a_bound_is_read_accepted_and_judged(shop: Database) -> None:
    where = "a > 0" + " or a > 0" * 8000
    names = [f"c{n}" for n in range(2000)]
    rules = [{"id": "a", "type": "not_null", "column": "a", "where": where}]
    change_stored(shop, "public.a", rules=rules, key=names, sample_columns=names)
    with shop.transaction() as cursor:
        functions = {"functions": json_value({"allow_functions": ["a.b"] * 1001})}
        cursor.run("update stringx.targets set document = document || %(functions)s", functions)
    assert gate(shop, "public.a").gate == "closed"
    assert check_now(shop, {"a": 0}, table="public.a").verdict == "pass"
    assert gate(shop, "public.a").gate == "open"
    assert check_now(shop, {"a": 0, "b": 0}, dataset="sales").verdict == "pass"
    configured = find_subject(
        shop, CATALOGUE, CheckRequest.model_validate({"target": "shop", "table": "public.a"}), ["public.a"]
    ).tables[0]
    assert configured.document.rules[0].where == where
    again = [TARGET | {"allow_functions": ["a.b"] * 1001}], [table("public.a") | {"rules": rules, "key": names}]
    found = [pointer for documents in again for pointer, _ in faults(lambda documents=documents: apply(shop, *documents))]
    assert found == ["/0/allow_functions", "/0/key", "/0/rules/0/where"]


def test_a_check_whose_document_cannot_be_read_ends_after_a_few_attempts(shop: Database, tmp_path: Path) -> None:
    ask(shop, table="public.a")
    change_stored(shop, "public.a", of_another_release=True)
    for _ in range(MAX_CRASHES):
        assert run_by_worker(shop, tmp_path, claimed(shop)) is None
    found = run_by_worker(shop, tmp_path, claimed(shop))
    assert found is not None
    assert (found["status"], found["verdict"]) == ("errored", "error")
    assert found["reason"] == "ended 3 workers; see the worker's log"


def test_a_window_without_a_column_needs_the_window_column_of_each_table(shop: Database, tmp_path: Path) -> None:
    asked: dict[str, Any] = {"dataset": "sales", "window": {"from": 1}}
    request = CheckRequest.model_validate({"target": "shop"} | asked)
    for accept in (lambda: ask(shop, **asked), lambda: tracking.accept(shop, CATALOGUE, request, "http", "s")):
        assert [pointer for pointer, _ in faults(accept)] == ["/window/column"]
    apply(shop, *(table(f"public.{name}", name, window_column=f"{name}_at") for name in "ab"))
    ask(shop, **asked)
    apply(shop, table("public.a", "a"))
    found = run_by_worker(shop, tmp_path, claimed(shop))
    assert found is not None
    assert (found["status"], found["verdict"]) == ("errored", "error")
    assert found["reason"] == "no_window: public.a has no window_column any more, and the request names no column"
    assert found["scope"]["window"] == {"column": None, "from": 1, "to": None}


@pytest.mark.parametrize("moved", [False, True])
def test_a_dataset_that_is_gone_from_its_target_is_errored(shop: Database, tmp_path: Path, moved: bool) -> None:
    ask(shop, dataset="sales")
    if moved:
        other = table("public.a", "a", target="other")
        apply(shop, TARGET | {"name": "other"}, other, dataset(tables=["public.a"], target="other"))
    else:
        datasets.delete(shop, ME, "sales", None)
    found = run_by_worker(shop, tmp_path, claimed(shop))
    assert found is not None
    assert (found["status"], found["verdict"], found["dataset"], found["tables"]) == ("errored", "error", "sales", [])
    assert found["reason"] == "no_rules: the dataset's configuration was deleted after the check was accepted"


def test_the_migration_leaves_what_is_there_as_it_was(admin: Admin) -> None:
    """Also for a service of the release before, which goes on writing the columns that it knows."""
    admin.run("create database before_datasets")
    database = Database(admin.url("before_datasets"), size=1)
    write = """
        insert into stringx.requests (request_id, source, target, table_name, mode, body, body_hash, is_full, status)
        values (%(id)s, 'http', 'shop', 'public.a', 'async', '{}', '', true, 'succeeded');
        insert into stringx.results (check_id, request_id, target, table_name, is_full, status, verdict, finished_at, result)
        values (%(check)s, %(id)s, 'shop', 'public.a', true, 'succeeded', 'pass', now(), '{}');
        insert into dataops.checks (check_id, request_id, body, body_hash, target, table_name, mode, timeout_s, is_full, status)
        values (%(check)s, %(id)s, '{}', '', 'shop', 'public.a', 'async', 60, true, 'running')"""
    try:
        migrate_before(database, "0003_datasets.sql")
        with database.transaction() as cursor:
            cursor.run(write, {"id": "old", "check": str(uuid4())})
        migrate_before(database, "0004_queue.sql")
        with database.transaction() as cursor:
            cursor.run(write, {"id": "new", "check": str(uuid4())})
            document = json_value(TARGET)
            cursor.run("insert into stringx.targets (name, document, version) values ('shop', %(d)s, 1)", {"d": document})
        migrate(database)
        for each in (table("public.a", "a"), dataset(tables=["public.a"])):
            apply(database, each)
        assert gate(database, "public.a").verdict == "pass"
        ask(database, dataset="sales")
        assert claim(database) is None, "a check that was claimed before the migration still holds its table"
    finally:
        database.close()
        admin.run("drop database before_datasets with (force)")
