"""A gate closes when the target that was checked becomes another database or role, and stays open when it only moves its secrets."""

from typing import Any

import pytest

from api.checks import claims, lifecycle, lookup
from api.worker import results
from backend.configuration import store
from backend.gates import gate
from backend.requests import tracking
from database.keys import Caller
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.messages.checks import CheckRequest
from stringx_dataops.contract.messages.requests import GateView
from stringx_dataops.contract.settings import ROOT

CATALOGUE = Catalogue.load(ROOT / "stringx")
ME = Caller("me", frozenset(SCOPES))
TARGET = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "h", "dbname": "d", "user": "u"}
RULES = [{"id": "known", "type": "not_null", "column": "id"}]
TABLE = {"apiVersion": "stringx/v1", "target": "shop", "table": "public.a", "rules": RULES}
DATASET = {"apiVersion": "stringx/v1", "kind": "Dataset", "name": "sales", "target": "shop", "tables": ["public.a"]}


@pytest.fixture
def shop(database: Database) -> Database:
    """A table and a dataset of it, both checked: their gates are open."""
    store.apply(database, CATALOGUE, ME, [TARGET, TABLE, DATASET], False)
    check_now(database, table="public.a")
    check_now(database, dataset="sales")
    assert [view.gate for view in gates(database)] == ["open", "open"]
    return database


def check_now(database: Database, **asked: Any) -> None:
    """A request to its end; the result is the one that the worker would make of an outcome in which all passes."""
    request = CheckRequest.model_validate({"target": "shop"} | asked)
    tracked = tracking.accept(database, CATALOGUE, request, "http", "s")
    lifecycle.accept(database, CATALOGUE, CheckRequest.model_validate(tracked.body), 100)
    check = claims.claim(database, "w")
    assert check is not None
    subject = lookup.find_subject(database, CATALOGUE, check.request, check.tables)
    tables = subject.in_scope(check.request, CATALOGUE.default_dimensions)
    with database.transaction() as cursor:
        moment = cursor.now()
    run = results.Run(check, subject, tables, moment, moment, "dbt test")
    passed = {"verdict": "pass", "snapshot_at": moment, "status": "succeeded", "reason": None}
    found = results.errored(run, "").model_copy(update=passed)
    found = found.model_copy(update={"tables": [part.model_copy(update={"verdict": "pass"}) for part in found.tables]})
    assert claims.finish(database, check, found, "http://backend")
    tracking.store(database, check.request_id, found)


def gates(database: Database) -> list[GateView]:
    return [gate.of_table(database, "shop", "public.a"), gate.of_dataset(database, "sales")]


@pytest.mark.parametrize(
    "changes", [{"dbname": "other"}, {"host": "elsewhere"}, {"port": 5433}, {"user": "another"}, {"dbt_schema": "models"}]
)
def test_another_database_or_role_closes_the_gates_until_the_next_check(shop: Database, changes: dict[str, Any]) -> None:
    store.apply(shop, CATALOGUE, ME, [TARGET | changes], False)
    for view in gates(shop):
        assert view.reasons == ["the target's database, role or files are others than at the last check: ask for a new one"]
        assert view.gate == "closed"
    store.apply(shop, CATALOGUE, ME, [TARGET], False)
    assert [view.gate for view in gates(shop)] == ["open", "open"], "it is what was checked again"
    store.apply(shop, CATALOGUE, ME, [TARGET | changes], False)
    check_now(shop, dataset="sales")
    assert [view.gate for view in gates(shop)] == ["open", "open"]


@pytest.mark.parametrize(
    "changes",
    [{"password_env": "TARGET_NEW"}, {"lock_timeout": "9s"}, {"port": 5432}, {"sslmode": "require"}, {"work_mem": "8MB"}],
)
def test_what_is_no_other_database_keeps_them_open(shop: Database, changes: dict[str, Any]) -> None:
    store.apply(shop, CATALOGUE, ME, [TARGET | changes], False)
    assert [view.gate for view in gates(shop)] == ["open", "open"]


def test_a_result_of_the_release_before_names_no_target(shop: Database) -> None:
    with shop.statements() as cursor:
        cursor.run("update stringx.results set result = (result::jsonb - 'target_hash')::json")
    store.apply(shop, CATALOGUE, ME, [TARGET | {"dbname": "other"}], False)
    assert [view.gate for view in gates(shop)] == ["open", "open"]


def test_the_gate_of_a_request_closes_too(shop: Database) -> None:
    with shop.transaction() as cursor:
        rows = cursor.all("select request_id, table_name from stringx.requests order by table_name nulls last")
    store.apply(shop, CATALOGUE, ME, [TARGET | {"dbname": "other"}], False)
    views = [
        gate.of_table(shop, "shop", "public.a", request_id=rows[0]["request_id"]),
        gate.of_dataset(shop, "sales", request_id=rows[1]["request_id"]),
    ]
    assert [view.gate for view in views] == ["closed", "closed"]


def test_a_target_that_another_release_has_stored_decides_nothing_and_is_no_error(shop: Database) -> None:
    with shop.statements() as cursor:
        cursor.run(
            """update stringx.targets set document = (document::jsonb || '{"later": {"field": 1}, "port": 5432.0}')::json"""
        )
    assert [view.gate for view in gates(shop)] == ["open", "open"]
