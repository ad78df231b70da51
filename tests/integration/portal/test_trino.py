"""The portal of a target of Trino: its catalog comes from the cluster."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from database.pool import Database
from portal.app import create_app
from portal.refresh import Refresher
from stringx_dataops.contract.settings import Settings, read_settings
from tests.support.portal import artifact, configure, generate, get, never_give_way
from tests.support.processes import free_port
from tests.support.trino_server import Trino


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    never_give_way(monkeypatch)
    return read_settings({"STRINGX_HOME": str(tmp_path / "home")})


@pytest.fixture
def refresher(settings: Settings, database: Database) -> Refresher:
    return Refresher(settings, database)


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    return create_app(settings).test_client()


def document(trino: Trino, name: str = "lake", **changes: Any) -> dict[str, Any]:
    head = {"apiVersion": "stringx/v1", "kind": "Target", "name": name, "adapter": "trino", "user": "reader", "catalog": "lake"}
    return head | {"host": trino.host, "port": trino.port} | changes


def test_the_catalog_brings_the_columns_of_what_is_configured(
    refresher: Refresher, database: Database, trino: Trino, client: FlaskClient
) -> None:
    with trino.a_schema("memory") as schema:
        made = ("orders (id bigint, price decimal(10,2))", '"o\'clock" (a varchar)', "other (b date)")
        trino.run(*(f"create table {each}" for each in made), catalog="memory", schema=schema)
        configure(database, document(trino, catalog="memory"), {"table": f"{schema}.orders"}, {"table": f"{schema}.o'clock"})
        configure(database, document(trino, "down", port=free_port()), {"table": f"{schema}.orders"})
        generate(refresher)
        generate(refresher)  # two at a time
    assert refresher.made["lake", ""].reached
    sources = artifact(refresher, "lake", "catalog.json")["sources"].values()
    found = {source["metadata"]["name"]: {name: each["type"] for name, each in source["columns"].items()} for source in sources}
    assert found == {"orders": {"id": "bigint", "price": "decimal(10,2)"}, "o'clock": {"a": "varchar"}}
    assert artifact(refresher, "down", "catalog.json")["sources"] == {}
    for name in ("lake", "down"):
        assert get(client, f"/{name}/").status_code == 200


def test_the_catalog_of_many_tables_brings_theirs_and_no_other(
    refresher: Refresher, database: Database, trino: Trino, lake_schema: str
) -> None:
    trino.run("create table orders (id bigint)", "create table other (b date)", catalog="lake", schema=lake_schema)
    many = [{"table": f"{lake_schema}.t{number:03}"} for number in range(101)]
    configure(database, document(trino), {"table": f"{lake_schema}.orders"}, *many)
    generate(refresher)
    assert refresher.made["lake", ""].reached
    assert [each["metadata"]["name"] for each in artifact(refresher, "lake", "catalog.json")["sources"].values()] == ["orders"]
