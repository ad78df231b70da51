"""Profiles: requests that measure a table, kept apart from all that decides."""

import pytest

from database.pool import Database
from tests.support.databases import Target
from tests.support.engine import Engine
from tests.support.profiles import Shop, order


@pytest.fixture
def shop(database: Database, target: Target, engine: Engine) -> Shop:
    return Shop(database, target, engine)


def test_a_table_that_is_not_configured_is_measured(shop: Shop) -> None:
    shop.target.execute("create table orders as select n as id, 'x' || n as code from generate_series(1, 5) n")
    found = shop.run(order("public.orders", request_id="p"))
    assert (found.status, found.verdict, found.trial, found.row_count, found.reason) == ("succeeded", "pass", True, 5, None)
    view = shop.view("p")
    assert (view.status, view.row_count, view.requested_by, view.profile is not None) == ("succeeded", 5, "asker", True)
    print(view.model_dump_json(indent=1))
    print(found.dbt)
