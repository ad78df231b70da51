"""Which views of a database read attached ones: by DuckDB's own parser, on real databases."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from api.engine import duckdb_own_views
from api.engine.duckdb_own_views import faults_of_views


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """With tables t and s.t, and ref.s.t in an attached database."""
    with duckdb.connect(f"{tmp_path}/shop.duckdb") as connection:
        connection.execute(f"attach '{tmp_path}/ref.duckdb' as ref")
        connection.execute("create schema s; create schema ref.s; create schema other")
        connection.execute("create table t as select 1 as a; create table s.t as select 1 as a; create table ref.s.t as from t")
        yield connection


def faulty(connection: duckdb.DuckDBPyConnection, *attached: str) -> set[str]:
    return {f"{schema}.{name}" for schema, name, _ in faults_of_views(connection, attached or ("ref",))}


@pytest.mark.parametrize(
    "query",
    [
        "from ref.s.t",
        'select a from t union all select a from "REF".s.t',
        "select (select max(a) from ref.s.t) as a",
        "with ref as (select a from ref.s.t) select * from ref",
        "select a from t where exists (select 1 from s.t as x where x.a in (select a from ref.s.t))",
        "pivot ref.s.t on a in (1, 2) using count(*)",
        "unpivot ref.s.t on a into name n value v",
        "summarize ref.s.t",
        "select * from query('select a from ref.s.t')",
        "select * from Query_Table('ref.s.t')",
        "select a from t asof join ref.s.t as u using (a)",
        "with recursive r as (select a from ref.s.t union all select a + 1 from r where a < 3) select * from r",
    ],
)
def test_a_view_that_reads_an_attached_database(shop: duckdb.DuckDBPyConnection, query: str) -> None:
    shop.execute(f"create view v as {query}")
    assert faulty(shop) == {"main.v"}
    assert faulty(shop, "another") == ({"main.v"} if "query" in query.lower() else set())
    assert faults_of_views(shop, []) == []


@pytest.mark.parametrize(
    "query",
    [
        "select ref.a, 'ref.s.t' as ref from t as ref",
        "from s.t",
        "with ref as (from t) from ref",
        "values (1)",
        "pivot t on a in (1, 2) using count(*)",
        "select [x + 1 for x in [1]] as l, {'ref': 1} as d from t",
        "select a, row_number() over w from t window w as (order by a) limit 1",
        "show tables",
    ],
)
def test_a_view_that_reads_none(shop: duckdb.DuckDBPyConnection, query: str) -> None:
    shop.execute(f"create view v as {query}")
    assert faulty(shop) == set()


def test_a_chain_of_views_is_followed_by_the_names_that_duckdb_looks_up(shop: duckdb.DuckDBPyConnection) -> None:
    for statement in (
        'create view s."a "" AS select 1" (b, "c AS 2") as select a, a from ref.s.t',
        'create view s.two as select b from "a "" AS select 1"',
        "create view three as select * from S.TWO",
        "create view other.four as from three",
        "create view other.five as from shop.three",
        "create view other.six as from shop.other.five",
        "create view two as from t",
        "create view other.fine as from two",
        "create view finer as from s.t",
    ):
        shop.execute(statement)
    read = {'s.a " AS select 1', "s.two", "main.three", "other.four", "other.five", "other.six"}
    assert faulty(shop) == read
    words = {name: fault for _, name, fault in faults_of_views(shop, ["ref"])}
    assert words["three"].startswith("main.three reads s.two, and s.two reads s.a")


def test_a_definition_that_cannot_be_read_is_a_fault(shop: duckdb.DuckDBPyConnection) -> None:
    for definition in ("", "CREATE VIEW v AS", "CREATE VIEW v AS SELECT", "CREATE VIEW v AS SELECT 1; SELECT 2", "create view v"):
        assert duckdb_own_views._tree(shop, definition) is None
    deep = f"CREATE VIEW v AS SELECT {'(' * 5000}1{')' * 5000}"
    assert duckdb_own_views._tree(shop, deep) is None
    view = duckdb_own_views._view(shop, "s", "v", "", ["ref"])
    assert str(view.fault).startswith("s.v is a view whose definition cannot be read")
