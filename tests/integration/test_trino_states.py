"""At which state tables of Trino are read: one snapshot of an Iceberg table for all that a check reads, and what is told of others."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import Admin, make_target
from tests.support.engine import gate, rule
from tests.support.trino_beside import Beside, a_catalog_beside
from tests.support.trino_server import Trino
from tests.support.trino_tables import TrinoTables, trino_tables


@pytest.fixture(scope="module")
def lake(trino: Trino, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrinoTables]:
    """A schema of Iceberg tables, and a child that checks them."""
    with trino.a_schema("lake") as schema, trino_tables(tmp_path_factory.mktemp("lake"), trino, "lake", schema) as made:
        made.execute(
            "create table orders (order_id integer, customer_id integer)", "insert into orders values (1, 1), (2, 2), (2, 7)"
        )
        yield made


def of_trino(id: str, type: str, *columns: str, **arguments: Any) -> dict[str, Any]:
    return rule(id, type, *columns, adapter="trino", **arguments)


def slow(beside: Beside) -> dict[str, Any]:
    """A rule whose query lasts until the statements of `meanwhile` have run."""
    return of_trino("slow", "sql", query=f"select a from {beside.catalog}.public.slow")


@contextmanager
def meanwhile(beside: Beside, lake: TrinoTables, *statements: str) -> Iterator[None]:
    """Runs statements on the lake while the slow query runs."""
    lock = ExitStack()
    lock.enter_context(beside.held())

    def execute() -> None:
        with lock:
            beside.until_a_reader_waits()
            lake.execute(*statements)

    thread = threading.Thread(target=execute, daemon=True)
    thread.start()
    yield
    thread.join()


@pytest.fixture(scope="module")
def beside(trino: Trino, admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    target = make_target(admin, tmp_path_factory.mktemp("beside"))
    with a_catalog_beside(trino, target) as made:
        yield made
    admin.run(f"drop database {target.dbname} with (force)")


def snapshots(lake: TrinoTables, table: str) -> list[int]:
    return [found for (found,) in lake.trino.rows(f'select snapshot_id from lake.{lake.schema}."{table}$refs"')]


def test_a_table_of_iceberg_is_read_at_its_present_snapshot_and_the_result_names_it(lake: TrinoTables) -> None:
    outcome = lake.outcome(gate("orders", rule("r", "unique", "order_id"), schema=lake.schema))
    [present] = snapshots(lake, "orders")
    assert outcome["notes"] == [f"{lake.schema}.orders was read at its snapshot {present}"]
    assert (outcome["row_count"], outcome["rules"][0]["failures"]) == (3, 1)


def test_what_is_written_during_a_check_is_seen_by_none_of_its_rules(lake: TrinoTables, beside: Beside) -> None:
    lake.execute("create table written as select order_id from orders")
    [before] = snapshots(lake, "written")
    table, other = f"{lake.schema}.written", f"lake.{lake.schema}.written"
    rules = [
        slow(beside),
        of_trino("query", "sql", query=f"select * from {table}"),
        of_trino("whole name", "sql", query=f"with w as (select order_id from {other}) select * from w, written where w.order_id = written.order_id"),
        of_trino("parentheses", "sql", query=f"select * from ({table})"),
        of_trino("comma", "sql", query=f"select a.order_id from {table} a join {table} b on a.order_id is not distinct from b.order_id, ({table}) c where c.order_id = 9"),
        of_trino("window", "sql", query="select rank() over written from written window written as (order by order_id)"),
        rule("unique", "unique", "order_id"),
        rule("other", "row_count_matches", other_table=f"{lake.schema}.orders"),
        rule("related", "relationship", "order_id", to_table=f"{lake.schema}.orders", to_column="order_id"),
    ]  # fmt: skip
    with meanwhile(beside, lake, "insert into written values (2), (9)"):
        found = lake.outcome(gate("written", *rules, schema=lake.schema, key=["order_id"], sample_rows=9))
    assert snapshots(lake, "written") != [before]
    told = {each["id"]: each for each in found["rules"]}
    assert (
        told["query"]["failures"],
        told["whole name"]["failures"],
        told["unique"]["failures"],
        told["related"]["failures"],
    ) == (3, 5, 1, 0)
    assert [told[id]["failures"] for id in ("parentheses", "comma", "window")] == [3, 0, 3]
    assert told["other"]["status"] == "pass"
    assert f"{table} was read at its snapshot {before}" in found["notes"]
    assert lake.outcome(gate("written", rule("r", "unique", "order_id"), schema=lake.schema))["rules"][0]["failures"] == 2


def test_columns_that_were_changed_after_the_last_snapshot_are_seen(lake: TrinoTables) -> None:
    lake.execute(
        "create table altered as select 1 as a", "alter table altered add column b integer", "alter table altered drop column a"
    )
    outcome = lake.outcome(gate("altered", rule("r", "not_null", "b"), rule("gone", "not_null", "a"), schema=lake.schema))
    assert [(each["status"], each["reason"]) for each in outcome["rules"]] == [
        ("fail", None),
        ("error", 'column "a" does not exist'),
    ]
    assert outcome["notes"] == [
        f"{lake.schema}.altered was read as it was, and it did not change: its columns were changed after its last snapshot"
    ]


def test_a_table_that_is_read_as_it_is_and_changes_is_read_again(lake: TrinoTables, beside: Beside) -> None:
    lake.execute("create table changing as select 1 as a", "alter table changing add column b integer")
    rules = [slow(beside), rule("r", "not_null", "b")]
    with meanwhile(beside, lake, "insert into changing values (2, 3)"):
        outcome = lake.outcome(gate("changing", *rules, schema=lake.schema))
    [present] = snapshots(lake, "changing")
    assert (outcome["row_count"], outcome["rules"][1]["failures"]) == (2, 1)
    assert outcome["notes"][0] == f"{lake.schema}.changing was read at its snapshot {present}"


def test_a_query_in_which_a_table_would_have_no_snapshot_is_an_error(lake: TrinoTables) -> None:
    query = "with orders as (select * from orders) select * from orders"
    [found] = lake.outcome(gate("orders", of_trino("q", "sql", query=query), schema=lake.schema))["rules"]
    words = f"orders is a table and a common table expression; write the table as {lake.schema}.orders"
    assert (found["status"], found["reason"]) == ("error", words)


def test_a_column_that_was_dropped_and_added_again_is_empty(lake: TrinoTables) -> None:
    """At the table's last snapshot Trino would read the old column, of the same name and type."""
    lake.execute(
        "create table anew as select * from (values (1, 10.5e0), (2, 1e0)) as t (id, price)",
        "alter table anew drop column price",
        "alter table anew add column price double",
    )
    rules = [
        rule("r", "not_null", "price"),
        rule("b", "is_null", "price"),
        of_trino("q", "sql", query=f"select * from {lake.schema}.anew where price is null"),
    ]
    outcome = lake.outcome(gate("anew", *rules, schema=lake.schema))
    assert [found["failures"] for found in outcome["rules"]] == [2, 0, 2]
    assert outcome["notes"] == [
        f"{lake.schema}.anew was read as it was, and it did not change: its columns were changed after its last snapshot"
    ]
    lake.execute("insert into anew values (3, 2e0)")
    [present] = snapshots(lake, "anew")
    outcome = lake.outcome(gate("anew", *rules, schema=lake.schema))
    assert [found["failures"] for found in outcome["rules"]] == [2, 1, 2]
    assert outcome["notes"] == [f"{lake.schema}.anew was read at its snapshot {present}"]


def test_a_field_of_a_row_that_was_dropped_and_added_again_is_empty(lake: TrinoTables) -> None:
    value = """cast(row(1, row('x', 1.5)) as row(a integer, "In" row("b c" varchar, d decimal(3, 1))))"""
    lake.execute(f"create table nested as select 1 as id, {value} as r")
    empty = of_trino("q", "sql", query=f'select * from {lake.schema}.nested where r."in".d is null')
    outcome = lake.outcome(gate("nested", empty, schema=lake.schema))
    [present] = snapshots(lake, "nested")
    assert outcome["notes"] == [f"{lake.schema}.nested was read at its snapshot {present}"]
    assert outcome["rules"][0]["failures"] == 0
    lake.execute('alter table nested drop column r."In".d', 'alter table nested add column r."In".d decimal(3, 1)')
    outcome = lake.outcome(gate("nested", empty, schema=lake.schema))
    assert outcome["rules"][0]["failures"] == 1
    assert outcome["notes"][0].endswith(
        "was read as it was, and it did not change: its columns were changed after its last snapshot"
    )


def test_fields_within_an_array_are_read_as_they_are_unless_nothing_was_changed_since_the_snapshot(lake: TrinoTables) -> None:
    value = "array[cast(row(1, 'x') as row(a integer, b varchar))]"
    lake.execute(
        f"create table listed as select 1 as id, {value} as r",
        "alter table listed drop column r.element.b",
        "alter table listed add column r.element.b varchar",
    )
    empty = of_trino("q", "sql", query=f"select * from {lake.schema}.listed where element_at(r, 1).b is null")
    outcome = lake.outcome(gate("listed", empty, schema=lake.schema))
    assert outcome["rules"][0]["failures"] == 1
    assert outcome["notes"] == [
        f"{lake.schema}.listed was read as it was, and it did not change: "
        "its columns or fields within them may have been changed after its last snapshot"
    ]


@pytest.mark.parametrize("column", ["price integer", "r row(a integer, b varchar)"])
def test_a_table_whose_columns_alone_change_while_it_is_read_as_it_is_is_read_again(
    lake: TrinoTables, beside: Beside, column: str
) -> None:
    table, name = f"retyped_{column[0]}", column.partition(" ")[0]
    value = "5" if name == "price" else "cast(row(1, 'x') as row(a integer, b varchar))"
    dropped, added = (name, column) if name == "price" else ("r.b", "r.b varchar")
    lake.execute(f"create table {table} as select 1 as id, {value} as {name}", f"alter table {table} add column extra integer")
    change = [f"alter table {table} drop column {dropped}", f"alter table {table} add column {added}"]
    field = "price" if name == "price" else "r.b"
    rules = [
        of_trino("q", "sql", query=f"select * from {lake.schema}.{table} where {field} is null"),
        slow(beside),
    ]
    with meanwhile(beside, lake, *change):
        outcome = lake.outcome(gate(table, *rules, schema=lake.schema))
    assert outcome["rules"][0]["failures"] == 1


def test_a_table_that_is_named_in_several_ways_is_read_at_one_snapshot(lake: TrinoTables) -> None:
    schema = lake.schema
    [present] = snapshots(lake, "orders")
    rules = [
        rule("schema", "relationship", "order_id", to_table=f"{schema}.orders", to_column="order_id", adapter="trino"),
        rule("catalog", "relationship", "order_id", to_table=f"lake.{schema}.orders", to_column="order_id", adapter="trino"),
        of_trino("bare", "sql", query="select * from orders where order_id = 1"),
        of_trino("quoted", "sql", query=f'select * from "{schema}"."ORDERS" where order_id = 1'),
    ]
    outcome = lake.outcome(gate("orders", *rules, schema=schema))
    assert [(found["reason"], found["failures"]) for found in outcome["rules"]] == [(None, 0), (None, 0), (None, 1), (None, 1)]
    assert outcome["notes"] == [f"{schema}.orders was read at its snapshot {present}"]


def test_a_table_without_rows_is_empty_and_no_error(lake: TrinoTables) -> None:
    lake.execute("create table nothing (a integer)")
    outcome = lake.outcome(gate("nothing", rule("r", "not_null", "a"), rule("c", "row_count", min=1), schema=lake.schema))
    assert (outcome["row_count"], outcome["verdict"]) == (0, "fail")
    assert len(outcome["notes"]) == 1


def test_of_views_and_of_other_connectors_the_result_says_that_they_are_read_as_they_are(lake: TrinoTables) -> None:
    lake.execute("create view seen as select * from orders")
    words = "was read as it was by each query: only Iceberg's tables have snapshots"
    outcome = lake.outcome(gate("seen", rule("r", "not_null", "order_id"), schema=lake.schema))
    assert (outcome["verdict"], outcome["notes"]) == ("pass", [f"{lake.schema}.seen {words}"])
    related = rule("r", "relationship", "customer_id", to_table="tpch.tiny.customer", to_column="custkey", adapter="trino")
    outcome = lake.outcome(gate("orders", related, schema=lake.schema))
    assert (outcome["rules"][0]["failures"], outcome["notes"][1]) == (0, f"tpch.tiny.customer {words}")


def test_a_relation_of_which_trino_cannot_say_whether_it_has_snapshots_is_an_error(lake: TrinoTables) -> None:
    other = of_trino("r", "row_count_matches", other_table="system.metadata.catalogs")
    [found] = lake.outcome(gate("orders", other, schema=lake.schema))["rules"]
    assert (found["status"], "getTableHandle() is not implemented" in found["reason"]) == ("error", True)


def test_a_faulty_rule_among_many_is_found_by_halves(lake: TrinoTables) -> None:
    rules = [rule(f"r{number}", "between", "order_id", min=number, max=10) for number in range(31)]
    rules.insert(11, of_trino("faulty", "expression", sql="10 / (order_id - 2) > 0"))
    found = lake.rules(gate("orders", *rules, schema=lake.schema))
    assert found.pop("faulty")["reason"] == "argument sql: division by zero (SQLSTATE 22012)"
    assert [each["failures"] for each in found.values()] == [0, 0, 1, *[3] * 28]
    scans = "select count(*) from system.runtime.queries where source = 'stringx test' and query like '%order_id - 2%'"
    assert lake.trino.value(scans) < 20


def test_tables_of_two_catalogs_are_compared(lake: TrinoTables, beside: Beside) -> None:
    """Iceberg beside PostgreSQL."""
    beside.target.execute(
        "create table customers (customer_id integer, name text); insert into customers values (1, 'a'), (2, 'b'), (3, 'c')"
    )
    other = f"{beside.catalog}.public.customers"
    rules = [
        of_trino("related", "relationship", "customer_id", to_table=other, to_column="customer_id"),
        of_trino("rows", "row_count_matches", other_table=other),
        of_trino("sums", "aggregate_matches", "customer_id", function="sum", other_table=other),
        of_trino("query", "sql", query=f"select o.order_id from orders o left join {other} c on c.customer_id = o.customer_id where c.name is null"),
    ]  # fmt: skip
    outcome = lake.outcome(
        gate("orders", *rules, schema=lake.schema, key=["order_id"], sample_rows=2, sample_columns=["customer_id"])
    )
    found = {each["id"]: each for each in outcome["rules"]}
    assert [found[id]["status"] for id in ("related", "rows", "sums", "query")] == ["fail", "pass", "fail", "fail"]
    assert found["related"]["sample"]["rows"] == [[2, 7]]
    assert (found["sums"]["measured"], found["query"]["failures"]) == (4, 1)
    assert any(note.startswith(other) for note in outcome["notes"])


def test_a_file_that_is_gone_is_an_error_that_names_no_row(lake: TrinoTables) -> None:
    lake.execute("create table lost as select order_id from orders")
    for file in (Path(lake.trino.folder) / "lake").rglob(f"{lake.schema}/lost-*/data/*"):
        file.unlink()
    outcome = lake.outcome(
        gate("lost", rule("r", "unique", "order_id"), rule("c", "between", "order_id", min=5), schema=lake.schema)
    )
    assert {each["reason"] for each in outcome["rules"]} == {"Trino reports ICEBERG_CANNOT_OPEN_SPLIT"}
