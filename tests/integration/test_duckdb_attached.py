"""Targets of DuckDB whose rules read tables of further database files: what they count is true, and whatever is wrong with such a
file, or with a name of it, closes the gate."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from stringx_dataops.contract.problems import Invalid
from tests.support.datasets import apply
from tests.support.duckdb_lake import HEAD, Lake, by_id, rule, table, written_by_another

CUSTOMERS = "create or replace table sales.customers as select range as id, if(range < 6, 'DE', 'FR') as country from range(9)"
ORDERS = "select range as id, range % 12 as customer, range * 1.5 as price from range(40)"
UNKNOWN = """select o.id from sales.orders as o left join REF."Sales".customers as c on c.id = o.customer
where c.id is null"""


def relationship(id: str, other: str, **arguments: Any) -> dict[str, Any]:
    return rule(id, "relationship", "customer", arguments={"to_table": other, "to_column": "id"} | arguments)


RULES = [
    relationship("known", "ref.sales.customers"),
    relationship("of_germany", '"Ref"."SALES"."Customers"', to_where="country = 'DE'"),
    rule("rows", "row_count_matches", arguments={"other_table": "ref.sales.copies"}),
    rule("prices", "aggregate_matches", "price", arguments={"function": "sum", "other_table": "ref.sales.copies"}),
    rule("copies", "compare_rows", columns=["price"], arguments={"other_table": "ref.sales.copies", "key": "id"}),
    rule("unknown", "sql", arguments={"query": UNKNOWN}),
    rule("of_their_own", "sql", arguments={"query": "with copies as (select 1 as id) select c.id from copies as c where c.id in (select r.id + 50 from ref.sales.copies as r)"}),
    rule("small", "sql", arguments={"query": "select id from small.main.t where id not in (select id from sales.orders)"}),
]  # fmt: skip


def made(lake: Lake, **copies: str) -> dict[str, str]:
    """Two further databases, with a copy of the orders in which these columns are written otherwise."""
    replaced = ", ".join(f"{expression} as {name}" for name, expression in copies.items())
    ref = lake.make(
        "reference.duckdb",
        "create schema if not exists sales",
        CUSTOMERS,
        f"create or replace table sales.copies as select * {f'replace ({replaced})' if copies else ''} from ({ORDERS})",
    )
    return {"ref": ref, "small": lake.make("small.duckdb", "create or replace table t as select 7 as id")}


def true(lake: Lake) -> dict[str, tuple[str, int | None]]:
    """What each rule has to say, computed in Python from the rows."""
    with duckdb.connect(f"{lake.folder}/reference.duckdb", read_only=True) as connection:
        copies = dict(connection.execute("select id, price from sales.copies").fetchall())
        customers = dict(connection.execute("select id, country from sales.customers").fetchall())
        orders = {id: (customer, price) for id, customer, price in connection.execute(ORDERS).fetchall()}
    unknown = sum(customer not in customers for customer, _ in orders.values())
    not_german = sum(customers.get(customer) != "DE" for customer, _ in orders.values())
    differ = len(copies.keys() ^ orders.keys()) + sum(id in copies and copies[id] != price for id, (_, price) in orders.items())
    is_sum = sum(copies.values()) == sum(price for _, price in orders.values())

    def of(failures: int) -> tuple[str, int | None]:
        return ("fail" if failures else "pass", failures)

    return {
        "known": of(unknown),
        "of_germany": of(not_german),
        "rows": ("pass" if len(copies) == len(orders) else "fail", None),
        "prices": ("pass" if is_sum else "fail", None),
        "copies": of(differ),
        "unknown": of(unknown),
        "of_their_own": ("pass", 0),
        "small": ("pass", 0),
    }


@pytest.mark.parametrize("beside", ["path", "locations"])
def test_rules_read_tables_of_further_databases(lake: Lake, beside: str) -> None:
    data: dict[str, Any]
    if beside == "path":
        data = {"path": lake.make("shop.duckdb", "create schema sales", f"create table sales.orders as {ORDERS}")}
    else:
        data = {"locations": {"sales.orders": lake.write("orders/1.parquet", ORDERS)}}
    # An own table of the same name has other rows, and is not meant.
    if beside == "path":
        lake.make("shop.duckdb", "create table sales.customers as select -1 as id, 'FR' as country")
    target = data | {"attach": made(lake)}
    lake.configure(target, "sales.orders", *RULES)
    first = lake.check("sales.orders")
    found = {id: (each.status, each.failures) for id, each in by_id(first).items()}
    assert found == true(lake), [(each.id, each.message) for each in first.rules or [] if each.status == "error"]
    assert {found[id] for id in ("known", "of_germany")} == {("fail", 9), ("fail", 18)}
    made(lake, price="price + if(id in (3, 4), 1, 0)", id="if(id = 9, 90, id)")
    lake.make("reference.duckdb", "insert into sales.customers select range, 'DE' from range(9, 12)")
    second = lake.check("sales.orders")
    found = {id: (each.status, each.failures) for id, each in by_id(second).items()}
    assert found == true(lake)
    assert (found["known"], found["unknown"], found["copies"], found["rows"]) == (
        ("pass", 0),
        ("pass", 0),
        ("fail", 4),
        ("pass", None),
    )
    if beside == "path":
        return
    lake.configure(target, "sales.orders", RULES[0], rule("ids", "unique", "id"))
    passed = lake.check("sales.orders")
    assert (passed.verdict, lake.is_open("sales.orders")) == ("pass", True)
    assert passed.dbt is not None
    ran = subprocess.run(
        ["bash", "-c", passed.dbt.command], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, check=False
    )
    assert (ran.returncode, "PASS" in ran.stdout) == (0, True), f"{shlex.split(passed.dbt.command)[:1]} {ran.stdout[-2000:]}"
    other = target | {"attach": made(lake) | {"more": lake.make("more.duckdb", "create table t as select 1 as a")}}
    lake.configure(other, "sales.orders", RULES[0], rule("ids", "unique", "id"))
    assert not lake.is_open("sales.orders"), "it is another target: it was not checked yet"


def test_rules_compare_tables_of_one_name_in_two_databases(lake: Lake) -> None:
    """Each condition counts for the table that it is about, though both have the same names."""
    mine = [(id, id % 12, id * 1.5) for id in range(40)]
    theirs = [(id, id % 7, id * 1.5 + (id in (3, 30))) for id in range(5, 45)]

    def rows(of: list[tuple[int, int, float]]) -> str:
        values = ", ".join(f"({id}, {customer}, {price}::double)" for id, customer, price in of)
        return f"create table sales.orders as select * from (values {values}) as t(id, customer, price)"

    path = lake.make("shop.duckdb", "create schema sales", rows(mine))
    ref = lake.make("reference.duckdb", "create schema sales", rows(theirs))
    of_both: dict[str, Any] = {"other_table": "ref.sales.orders", "other_where": "id >= 20"}
    own = "id < 30 or sales.orders.id = 38"
    query = """select x.id from sales.orders as x where not exists (
        select 1 from ref.sales.orders as orders where orders.id = x.id and orders.price = x.price)"""
    rules = [
        relationship("known", "ref.sales.orders", to_column="customer", to_where="sales.orders.id >= 20 and orders.customer < 5")
        | {"where": own},
        rule("copies", "compare_rows", columns=["price"], where=own, arguments=of_both | {"key": "id"}),
        rule("sums", "aggregate_matches", "price", where=own, arguments=of_both | {"function": "sum", "tolerance": 10000}),
        rule("rows", "row_count_matches", where=own, arguments=of_both | {"tolerance": 10000}),
        rule("unlike", "sql", arguments={"query": query}),
    ]
    apply(lake.database, HEAD | {"path": path, "attach": {"ref": ref}}, table("sales.orders", *rules) | {"key": ["id"]})
    checked = lake.check("sales.orders")
    found = by_id(checked)
    assert {each.status for each in found.values()} == {"pass", "fail"}, checked.reason

    here = {id: (customer, price) for id, customer, price in mine if id < 30 or id == 38}
    there = {id: (customer, price) for id, customer, price in theirs if id >= 20}
    customers = {customer for customer, _ in there.values() if customer < 5}
    differ = {id for id in here.keys() | there.keys() if id not in here or id not in there or here[id][1] != there[id][1]}
    all_there = {id: price for id, _, price in theirs}
    wanted = {
        "known": sum(customer not in customers for customer, _ in here.values()),
        "copies": len(differ),
        "unlike": sum(all_there.get(id) != price for id, _, price in mine),
    }
    assert {id: found[id].failures for id in wanted} == wanted
    assert wanted == {"known": 15, "copies": 34, "unlike": 6}
    assert found["sums"].measured == abs(sum(price for _, price in here.values()) - sum(price for _, price in there.values()))
    assert found["rows"].measured == abs(len(here) - len(there)) != abs(len(mine) - len(theirs))
    sample = {row[0] for row in found["unlike"].sample.rows}
    assert sample <= {0, 1, 2, 3, 4, 30}
    assert len(sample) == 5


def test_views_of_the_target_read_no_database_under_attach(lake: Lake) -> None:
    """What DuckDB would read by them could be the target's own table: `ref.sales.v` names customers."""
    ref = lake.make(
        "reference.duckdb",
        "create schema sales",
        "create table customers as select 3 as id, false as active",
        "create view sales.v as select * from customers",
        "create table sales.t as select 3 as id, false as active",
    )
    path = lake.folder / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"attach '{ref}' as ref")
        for statement in (
            "create schema sales",
            "create table sales.orders as select 9 as id, 9 as customer",
            "create table customers as select 9 as id, true as active",
            'create view w as select * from "ref".sales.v',
            "create view sales.direct as select (select max(id) from REF.sales.t) as id",
            'create view sales."x AS select" as select id from main.w where true',
            'create view sales.chain as with c as (select id from "x AS select") select * from c',
            "create view sales.hidden as select id from query_table('ref.sales.t')",
            "create view fine as select * from customers where id > 0",
            "create view sales.finer as select fine.id from fine join sales.orders as ref on ref.id = fine.id",
        ):
            connection.execute(statement)
        connection.execute("detach ref")
    reads = "views may not read databases under attach: write what it reads in the rule"
    faults = {
        "main.w": f"main.w is a view that reads ref.sales.v; {reads}",
        '"Main"."W"': f"main.w is a view that reads ref.sales.v; {reads}",
        "sales.direct": "sales.direct is a view that reads REF.sales.t",
        '"sales"."x AS select"': "sales.x AS select reads main.w, and main.w is a view that reads ref.sales.v",
        "sales.chain": "sales.chain reads sales.x AS select, and sales.x AS select reads main.w, and main.w is a view",
        "sales.hidden": "sales.hidden is a view that calls query_table, so it may read a database under attach",
        "main.fine": None,
        "sales.finer": None,
    }
    rules = [relationship(f"r{number}", name) for number, name in enumerate(faults)]
    queries = [
        rule("q0", "sql", arguments={"query": "select id from w where not active"}),
        rule("q6", "sql", arguments={"query": "select id from fine where not active"}),
    ]
    target = {"path": str(path), "attach": {"ref": ref}}
    lake.configure(target, "sales.orders", *rules, *queries, relationship("own", "main.customers"))
    said = by_id(lake.check("sales.orders"))
    wrong = {
        each["id"]: (said[each["id"]].status, said[each["id"]].message)
        for each, name in zip(rules, faults, strict=True)
        if said[each["id"]].status != ("pass" if faults[name] is None else "error")
        or (faults[name] or "") not in str(said[each["id"]].message)
    }
    assert not wrong
    assert faults["main.w"] in str(said["q0"].message)
    assert (said["q0"].status, said["q6"].status, said["own"].status) == ("error", "pass", "pass")
    assert not lake.is_open("sales.orders")
    lake.configure(target, "main.w", rule("active", "accepted_values", "active", arguments={"values": [True]}))
    checked = lake.check("main.w")
    assert (checked.verdict, faults["main.w"] in str(by_id(checked)["active"].message)) == ("error", True)
    assert not lake.is_open("main.w")


def test_names_that_are_no_tables_of_the_target_are_errors(lake: Lake) -> None:
    """DuckDB would take some for its own databases, or for that of the target."""
    path = lake.make(
        "shop.duckdb", "create schema sales", f"create table sales.orders as {ORDERS}", "create table solo as select 7 as id"
    )
    lake.make("aside.duckdb", "create table customers as select range as id from range(20)")
    ref = lake.make(
        "reference.duckdb",
        "create schema sales",
        "create table customers as select range as id from range(20)",
        "create table solo as select range as id from range(20)",
        "create view sales.v as select * from customers",
        "create view sales.solos as select * from solo",
        "create view sales.theirs as select 1 as id, content from read_text('/etc/passwd')",
    )
    own = "is the target's own database: write sales.orders"
    view = "is a view; of databases under attach only tables are read"
    names = {
        "ref.sales.nothing": "there is no table ref.sales.nothing",
        "ref.nothing.customers": "there is no table ref.nothing.customers",
        "ref.customers": "ref is a database under attach: write database.schema.table",
        "REF.customers": "REF is a database under attach: write database.schema.table",
        "ref.sales.v": f"ref.sales.v {view}",
        "ref.Sales.solos": f"ref.Sales.solos {view}",
        "ref.sales.theirs": f"ref.sales.theirs {view}",
        "shop.sales.orders": f"shop {own}",
        '"Shop"."sales"."orders"': f"Shop {own}",
        "aside.main.customers": "the target attaches no database aside; name it under attach",
        "sales.a.b": 'write names that have a dot in quotes, such as "a"."b.c"',
        '"sales"."a.b"': "there is no table sales.a.b",
    }
    rules = [relationship(f"r{number}", name) for number, name in enumerate(names)]
    of_query = [name for name in names if not name.startswith('"sales"')]
    queries = [
        rule(f"q{number}", "sql", arguments={"query": f"select id from {name} where id < 0"})
        for number, name in enumerate(of_query)
    ]
    others = {name: lake.make(f"{name}2.duckdb") for name in ("shop", "aside", "sales")}
    # The target is another one since its rules were configured, which then named databases that it attached.
    before = {"path": lake.make("first.duckdb"), "attach": {"ref": ref} | others}
    lake.configure(before, "sales.orders", *rules, *queries, relationship("whole", "ref.main.solo"))
    target = {"path": path, "attach": {"ref": ref}}
    apply(lake.database, HEAD | target)
    found = lake.check("sales.orders")
    said = by_id(found)
    assert (said["whole"].status, {said[each["id"]].status for each in (*rules, *queries)}) == ("pass", {"error"})
    wrong = {
        name: said[f"{kind}{number}"].message
        for kind, of_kind in (("r", list(names)), ("q", of_query))
        for number, name in enumerate(of_kind)
        if names[name] not in str(said[f"{kind}{number}"].message)
    }
    assert not wrong
    assert not lake.is_open("sales.orders")
    lake.configure({"path": path, "attach": {"ref": ref}}, "ref.customers", rule("id", "not_null", "id"))
    checked = lake.check("ref.customers")
    assert "to check a table of it, make its file a target with path" in str(by_id(checked)["id"].message)
    assert not lake.is_open("ref.customers")
    lake.configure(target, "sales.orders", RULES[0])
    apply(lake.database, HEAD | {"path": path})
    assert "the target attaches no database ref" in str(by_id(lake.check("sales.orders"))["known"].message)
    for name in ("memory.main.customers", "system.main.duckdb_tables", "shop.sales.orders", "reff.sales.customers"):
        with pytest.raises(Invalid, match=f"the target attaches no database {name.partition('.')[0]}: name it under attach"):
            lake.configure(target, "sales.orders", relationship("r", name))
    with pytest.raises(Invalid, match=r"write schema\.table, or database\.schema\.table for one of another database"):
        lake.configure({"path": path}, "sales.orders", relationship("deep", "a.b.c.d"))


def _functions(lake: Lake, ref: str) -> None:
    lake.make("reference.duckdb", "create macro mine(x) as 1")


def _schema(lake: Lake, ref: str) -> None:
    lake.make("shop.duckdb", "create schema ref", "create table ref.customers as select range as id from range(20)")


def _encrypted(lake: Lake, ref: str) -> None:
    Path(ref).unlink()
    with duckdb.connect() as connection:
        connection.execute("set force_mbedtls_unsafe = 'true'")
        connection.execute(f"attach '{ref}' as r (encryption_key 'secret')")
        connection.execute("create table r.t as select 1 as a")


def _damaged(lake: Lake, ref: str) -> None:
    whole = Path(ref).read_bytes()
    Path(ref).write_bytes(whole[:4096] + bytes(len(whole) - 4096))


def _gone(lake: Lake, ref: str) -> None:
    Path(ref).unlink()


def _own(lake: Lake, ref: str) -> None:
    Path(ref).unlink()
    Path(ref).symlink_to(lake.folder / "shop.duckdb")


def _outside(lake: Lake, ref: str) -> None:
    Path(ref).rename(lake.folder / "../reference.duckdb")
    Path(ref).symlink_to(lake.folder / "../reference.duckdb")


FAULTS: list[tuple[Callable[[Lake, str], None], str]] = [
    (_functions, "{ref} defines functions, or types with names of DuckDB's own (mine), which could decide about rules"),
    (_schema, "attach names ref, and {own} has a schema of that name, which DuckDB could not tell from it"),
    (_encrypted, "{ref} is encrypted, and targets have no keys; write it without encryption"),
    (_damaged, "{ref} is damaged"),
    (_gone, "there is no file {ref} where the workers run; make it, or correct attach"),
    (_own, "{ref} (attach) is the same file as that of path; leave one out"),
    (_outside, "{ref} lies in none of the folders that DUCKDB_FOLDERS lists where the workers run, and a link leads there"),
]


def test_whatever_is_wrong_with_a_further_database_closes_the_gate_and_names_it(lake: Lake) -> None:
    rows = "select range as id, range % 9 as customer from range(20)"
    for fault, words in FAULTS:
        for path in lake.folder.iterdir():
            path.unlink()
        own = lake.make("shop.duckdb", "create schema sales", f"create table sales.orders as {rows}")
        ref = lake.make("reference.duckdb", "create schema sales", CUSTOMERS)
        lake.configure({"path": own, "attach": {"ref": ref}}, "sales.orders", RULES[0])
        if fault is _functions:
            assert lake.check("sales.orders").verdict == "pass"
            assert lake.is_open("sales.orders")
            with written_by_another(ref):
                held = lake.check("sales.orders")
            assert f"another process writes to {ref}, and DuckDB lets nobody read meanwhile" in str(held.reason)
            assert not lake.is_open("sales.orders")
            assert lake.check("sales.orders").verdict == "pass"
        fault(lake, ref)
        found = lake.check("sales.orders")
        assert found.verdict == "error", fault
        assert words.format(ref=ref, own=own) in str(found.reason), fault
        assert not lake.is_open("sales.orders"), fault


@pytest.mark.parametrize("name", ["reference.duckdb", "shop.duckdb"])
def test_a_damaged_block_that_is_found_while_it_is_read_names_its_file(lake: Lake, name: str) -> None:
    """Of either file: it can be opened, and rules that do not read the block are decided."""
    rows = "select range as id, random() as r, md5(range::varchar) as customer from range(200000)"
    for each in ("reference.duckdb", "shop.duckdb"):
        lake.make(each, "create schema sales", f"create table sales.orders as {rows}", "create table sales.t as select 1 as id")
    path, ref = f"{lake.folder}/shop.duckdb", f"{lake.folder}/reference.duckdb"
    known = rule("known", "relationship", "customer", arguments={"to_table": "ref.sales.orders", "to_column": "customer"})
    lake.configure({"path": path, "attach": {"ref": ref}}, "sales.orders", known, rule("rows", "row_count", arguments={"min": 1}))
    assert lake.check("sales.orders").verdict == "pass"
    whole = (lake.folder / name).read_bytes()
    (lake.folder / name).write_bytes(whole[:274_432] + bytes(len(whole) // 2) + whole[274_432 + len(whole) // 2 :])
    found = lake.check("sales.orders")
    words = f"a database file of the target is damaged; write it again, or put a whole copy in place: {lake.folder}/{name}"
    assert (found.verdict, lake.is_open("sales.orders")) == ("error", False)
    assert words in f"{found.reason} {by_id(found)['known'].message if found.rules else ''}"


def test_a_further_database_may_have_what_a_killed_writer_left(lake: Lake) -> None:
    """Its rows are those that were committed, which lie in the file beside it."""
    own = lake.make("shop.duckdb", "create schema sales", f"create table sales.orders as {ORDERS}")
    ref = lake.make("reference.duckdb", "create schema sales", CUSTOMERS)
    statement = "insert into sales.customers select range, 'DE' from range(9, 12)"
    program = f"import duckdb, os; held = duckdb.connect({ref!r}); held.execute({statement!r}); os._exit(1)"
    subprocess.run([sys.executable, "-c", program], check=False)
    assert Path(f"{ref}.wal").exists()
    lake.configure({"path": own, "attach": {"ref": ref}}, "sales.orders", RULES[0])
    found = lake.check("sales.orders")
    assert (found.verdict, by_id(found)["known"].failures) == ("pass", 0), found.reason
    assert Path(f"{ref}.wal").exists(), "it is left alone"
