"""Targets of DuckDB from their document to the gate: configured at the Backend, checked by a worker in a child of their own."""

import os
import shlex
import subprocess
import threading
import time
from pathlib import Path

import duckdb
import pytest

from api.checks import lifecycle
from api.worker.attempt import Attempt
from backend.configuration import store
from backend.profiles import store as profiles
from backend.profiles import suggesting
from backend.requests import tracking
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.profiles import ProfileSettings
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.problems import Invalid
from tests.support.datasets import CATALOGUE, ME, apply, claimed
from tests.support.duckdb_lake import HEAD, ORDERS, Lake, by_id, rule, table, written_by_another
from tests.support.processes import eventually

ENDLESS = "select x.a from t x, t y, t z where md5(concat(x.a, y.a, z.a)) = 'none'"


def test_files_of_csv_from_the_document_to_the_gate(lake: Lake) -> None:
    (lake.folder / "1.csv").write_text("id,status,price,day\n1,open,1.50,2026-01-31\n2,,0.5,\n")
    columns = {"id": "bigint", "status": "text", "price": "decimal(10,2)", "day": "date"}
    lake.configure(
        {"csv_locations": {"sales.orders": {"files": f"{lake.folder}/*.csv", "columns": columns}}},
        "sales.orders",
        rule("ids", "unique", "id"),
        rule("status", "not_null", "status", fail_above=1),
        rule("price", "between", "price", arguments={"min": 0.5, "max": "1.50"}),
        rule("day", "between", "day", arguments={"min": "2026-01-01"}),
        rule("types", "column_type", "price", arguments={"type": "decimal"}),
    )
    first = lake.check("sales.orders")
    assert (first.verdict, first.row_count, by_id(first)["status"].failures) == ("pass", 2, 1), first.reason
    assert lake.is_open("sales.orders")
    (lake.folder / "2.csv").write_text("id,status,price,day\n3,paid,1.505,2026-02-01\n")
    second = by_id(lake.check("sales.orders"))
    assert second["price"].status == "error"
    assert second["price"].message == "could not be decided: column price holds a text that is no decimal(10,2)"
    assert {second[id].status for id in ("ids", "status", "day", "types")} == {"pass"}, "it hides no other rule"
    assert not lake.is_open("sales.orders")
    (lake.folder / "2.csv").write_text("id,status,price\n3,paid,1.5\n")
    third = lake.check("sales.orders")
    assert {each.status for each in third.rules or []} == {"error"}
    assert str(by_id(third)["ids"].message).endswith("2.csv lacks the column day")


def test_a_profile_of_files_suggests_rules_that_pass_on_them(lake: Lake) -> None:
    lake.write("orders/1.parquet", ORDERS.format(rows=300))
    beside = lake.make("reference.duckdb", "create schema sales", "create table sales.orders as select 'x' as id")
    target = {"locations": {"sales.orders": f"{lake.folder}/orders/*.parquet"}, "attach": {"ref": beside}}
    lake.configure(target, "sales.other", rule("rows", "row_count", arguments={"min": 1}))
    order = CheckOrder(target="shop", table="sales.orders", profile=ProfileSettings(sample_columns=["status", "price"]))
    tracked = tracking.accept(lake.database, CATALOGUE, order, "http", "s", "asker")
    lifecycle.accept(lake.database, CATALOGUE, CheckOrder.model_validate(tracked.body), 100, "asker")
    attempt = Attempt(claimed(lake.database))
    lake.worker.attempts[attempt.check.check_id] = attempt
    (found,) = lake.serve(attempt)
    assert (found.status, found.verdict, found.row_count) == ("succeeded", "pass", 300), found.reason
    view = profiles.of_request(lake.database, found.request_id)
    assert view.profile is not None
    assert [(column.name, column.distinct, column.max) for column in view.profile.columns] == [
        ("id", 300, None), ("status", 2, "paid"), ("price", 300, "448.5"),
    ]  # fmt: skip
    suggested = suggesting.suggestions(lake.database, CATALOGUE, view, with_values=True)
    assert suggested.fault is None
    rules = [each.rule for each in suggested.rules]
    assert {"unique", "accepted_values", "between", "column_type"} <= {each["type"] for each in rules}
    lake.configure(target, "sales.orders", *rules)
    passed = lake.check("sales.orders")
    assert {each.status for each in passed.rules or []} == {"pass"}
    lake.write("orders/2.parquet", "select 7 as id, 'lost' as status, -1.0 as price from range(30)")
    failed = by_id(lake.check("sales.orders"))
    assert {failed[id].status for id in ("id_unique", "status_accepted", "price_between")} == {"fail"}


def test_files_of_parquet_from_the_document_to_the_gate(lake: Lake) -> None:
    lake.write("orders/1.parquet", ORDERS.format(rows=60))
    lake.write("orders/2.parquet", "select 1000 + range as id, 'open' as status, 1.0 as price from range(40)")
    lake.configure(
        {"locations": {"sales.orders": f"{lake.folder}/orders/*.parquet"}},
        "sales.orders",
        rule("ids", "unique", "id"),
        rule("statuses", "accepted_values", "status", arguments={"values": ["open", "paid"]}),
        rule("prices", "expression", arguments={"sql": "price >= 0"}, where="status = 'open'"),
        rule("rows", "row_count", arguments={"min": 100}),
    )
    assert not lake.is_open("sales.orders"), "nothing was checked yet"
    passed = lake.check("sales.orders")
    assert (passed.verdict, passed.status) == ("pass", "succeeded"), passed
    assert (by_id(passed)["ids"].total, by_id(passed)["prices"].total) == (100, 60)
    assert lake.is_open("sales.orders")
    lake.write("orders/3.parquet", "select 1000 as id, 'lost' as status, -1.0 as price from range(2)")
    failed = lake.check("sales.orders")
    assert failed.verdict == "fail"
    assert {id: each.failures for id, each in by_id(failed).items()} == {"ids": 2, "statuses": 2, "prices": 0, "rows": None}
    assert not lake.is_open("sales.orders")
    for path in (lake.folder / "orders").iterdir():
        path.unlink()
    gone = lake.check("sales.orders")
    assert gone.verdict == "error"
    assert "no file is named" in str(by_id(gone)["ids"].message)
    assert not lake.is_open("sales.orders")


def test_a_file_with_two_names_is_read_twice(lake: Lake) -> None:
    """As by everybody who reads the folder."""
    path = lake.write("orders/1.parquet", ORDERS.format(rows=5))
    (lake.folder / "orders" / "latest.parquet").symlink_to(path)
    (lake.folder / "1.csv").write_text("id,status\n1,open\n")
    (lake.folder / "latest.csv").symlink_to("1.csv")
    csv = {"s.csv": {"files": f"{lake.folder}/*.csv", "columns": {"id": "bigint", "status": "text"}}}
    target = {"locations": {"s.orders": f"{lake.folder}/orders/*.parquet"}, "csv_locations": csv}
    for name, rows in (("s.orders", 5), ("s.csv", 1)):
        lake.configure(target, name, rule("ids", "unique", "id"))
        found = lake.check(name)
        assert (found.row_count, by_id(found)["ids"].failures) == (2 * rows, rows)


def test_files_of_another_place_close_the_gate(lake: Lake) -> None:
    for name in ("a.parquet", "b.parquet"):
        lake.write(name, ORDERS.format(rows=5))
    lake.configure({"locations": {"s.t": f"{lake.folder}/a.parquet"}}, "s.t", rule("ids", "not_null", "id"))
    assert lake.check("s.t").verdict == "pass"
    assert lake.is_open("s.t")
    store.put_target(lake.database, ME, "shop", HEAD | {"locations": {"s.t": f"{lake.folder}/b.parquet"}}, None)
    assert not lake.is_open("s.t")


def test_dbt_is_loaded_before_the_first_check_of_a_target(lake: Lake) -> None:
    factories = lake.worker.others.factories
    before = factories.pop("duckdb")
    lake.configure({"locations": {"sales.orders": f"{lake.folder}/*.parquet"}}, "sales.orders", rule("ids", "unique", "id"))
    lake.worker.others.load()
    assert list(factories) == ["duckdb"]
    with factories["duckdb"].slot(1) as slot:
        slot.ensure_warm()
    factories["duckdb"] = before


def test_a_database_file_is_read_and_left_alone(lake: Lake) -> None:
    secret = lake.write("../home/secrets/secret.parquet", "select 1 as a")
    path = lake.make(
        "shop.duckdb",
        "create schema sales",
        f"create table sales.orders as {ORDERS.format(rows=30)}",
        f"create view sales.stolen as select * from read_parquet('{secret}')",
    )
    before = Path(path).read_bytes()
    lake.configure({"path": path}, "sales.orders", rule("ids", "unique", "id"), rule("all", "row_count", arguments={"min": 31}))
    found = lake.check("sales.orders")
    assert {id: each.status for id, each in by_id(found).items()} == {"ids": "pass", "all": "fail"}
    lake.configure({"path": path}, "sales.stolen", rule("a", "not_null", "a"))
    stolen = lake.check("sales.stolen")
    assert stolen.verdict == "error"
    advice = f"a view reads {secret}, which the target does not let it; add its folder to allow_paths"
    assert by_id(stolen)["a"].message == f"could not be decided: {advice}"
    assert Path(path).read_bytes() == before
    with duckdb.connect(path) as connection:  # nobody holds it any more
        connection.execute("insert into sales.orders values (99, 'open', 1)")
    assert sorted(each.name for each in lake.folder.iterdir()) == ["shop.duckdb"]


def test_a_file_that_is_cut_off_says_so(lake: Lake) -> None:
    path = Path(lake.write("cut.parquet", ORDERS.format(rows=1000)))
    path.write_bytes(path.read_bytes()[:1000])
    lake.configure({"locations": {"sales.orders": str(path)}}, "sales.orders", rule("ids", "not_null", "id"))
    why = f"{path} is damaged or incomplete, as it does not end as a file of Parquet; write it again"
    assert by_id(lake.check("sales.orders"))["ids"].message == f"could not be decided: {why}"


def test_a_database_file_with_the_name_of_its_schema_is_to_be_renamed(lake: Lake) -> None:
    path = lake.make("sales.duckdb", "create schema sales.sales", "create table sales.sales.orders as select 1 as id")
    lake.configure({"path": path}, "sales.orders", rule("ids", "not_null", "id"))
    assert str(by_id(lake.check("sales.orders"))["ids"].message).endswith("takes for the database; rename the file")


def test_views_of_a_database_file_read_the_folders_that_are_named(lake: Lake) -> None:
    lake.write("parts/1.parquet", ORDERS.format(rows=7))
    path = lake.make("shop.duckdb", f"create view orders as select * from read_parquet('{lake.folder}/parts/*.parquet')")
    lake.configure({"path": path, "allow_paths": [f"{lake.folder}/parts"]}, "main.orders", rule("id", "not_null", "id"))
    assert by_id(lake.check("main.orders"))["id"].total == 7
    (lake.folder / "parts" / "out").symlink_to(lake.worker.settings.home)
    found = lake.check("main.orders")
    assert (found.verdict, "holds a link that leads out of it" in str(found.reason)) == ("error", True)


def test_a_file_that_somebody_writes_is_an_error_with_the_reason(lake: Lake) -> None:
    path = lake.make("shop.duckdb", "create table t as select 1 as a")
    lake.configure({"path": path}, "main.t", rule("a", "not_null", "a"))
    with written_by_another(path):
        found = lake.check("main.t")
    assert found.verdict == "error"
    assert str(found.reason).endswith(
        "another process writes to " + path + ", and DuckDB lets nobody read meanwhile; check when it is done"
    )
    assert lake.check("main.t").verdict == "pass"


def test_a_check_that_takes_long_is_killed_with_its_query(lake: Lake) -> None:
    path = lake.make("shop.duckdb", "create table t as select range as a from range(30000)")
    lake.configure({"path": path}, "main.t", rule("endless", "sql", arguments={"query": ENDLESS}))
    attempt = lake.accept("main.t", timeout_s=200)
    ends: list[CheckResult] = []
    running = threading.Thread(target=lambda: ends.extend(lake.serve(attempt)), daemon=True)
    running.start()
    (slot,) = eventually(lambda: [each for each in lake.worker.others.slots if each.alive], 120)
    pid = slot._process.pid if slot._process is not None else 0
    eventually(lambda: _processor_s(pid) > 0.5, 120)
    began = time.monotonic()
    attempt.stop("canceled")
    running.join(120)
    assert ends, f"it went on for {time.monotonic() - began:.0f} s"
    assert (ends[0].status, ends[0].verdict) == ("canceled", "error")
    eventually(lambda: _has_ended(pid), 120)
    with duckdb.connect(path):
        pass
    store.apply(lake.database, CATALOGUE, ME, [table("main.t", rule("a", "not_null", "a"))], False)
    assert lake.check("main.t").verdict == "pass", "the next one has a child of its own"


def test_a_check_that_is_out_of_time(lake: Lake) -> None:
    path = lake.make("shop.duckdb", "create table t as select range as a from range(30000)")
    lake.configure({"path": path}, "main.t", rule("endless", "sql", arguments={"query": ENDLESS}), rule("a", "not_null", "a"))
    found = lake.check("main.t", timeout_s=2)
    assert found.verdict in ("error", "fail")
    assert not lake.is_open("main.t")


def test_functions_of_a_database_do_not_decide_about_rules(lake: Lake) -> None:
    path = lake.make(
        "shop.duckdb", "create table t as select null as a", "create macro count(x) as 0", "create macro mine(x) as 1"
    )
    lake.configure({"path": path}, "main.t", rule("a", "not_null", "a"))
    found = lake.check("main.t")
    assert found.verdict == "error"
    assert "defines functions, or types with names of DuckDB's own (count, mine)" in str(found.reason)


def test_files_whose_types_differ_are_notable(lake: Lake) -> None:
    lake.write("parts/1.parquet", "select 1 as a")
    lake.write("parts/2.parquet", "select 1.4 as a")
    lake.configure(
        {"locations": {"s.t": f"{lake.folder}/parts/*.parquet"}},
        "s.t",
        rule("whole", "expression", arguments={"sql": "a = floor(a)"}),
    )
    found = lake.check("s.t")
    assert found.verdict == "error"
    assert "column a is a whole number in" in str(by_id(found)["whole"].message)


def test_checks_that_wait_together_run_alone(lake: Lake) -> None:
    for name in "ab":
        lake.write(f"{name}.parquet", ORDERS.format(rows=5))
    lake.configure(
        {"locations": {f"s.{name}": f"{lake.folder}/{name}.parquet" for name in "ab"}}, "s.a", rule("id", "not_null", "id")
    )
    apply(lake.database, table("s.b", rule("id", "not_null", "id"), rule("few", "row_count", arguments={"max": 4})))
    attempts = [lake.accept(f"s.{name}") for name in "ab"]
    assert [found.verdict for found in lake.serve(*attempts)] == ["pass", "fail"]


def test_what_is_not_possible_is_refused_when_it_is_configured(lake: Lake) -> None:
    target = {"locations": {"s.t": f"{lake.folder}/a.parquet"}}
    with pytest.raises(Invalid) as refused:
        lake.configure(
            target,
            "s.t",
            rule("rows", "castable", "a", arguments={"to": "integer"}),
            rule("read", "expression", arguments={"sql": "a = (select 1 from read_csv('/etc/passwd'))"}),
            rule("call", "not_null", "a", where="getenv('HOME') is null"),
            rule("file", "sql", arguments={"query": "select 1 from '/etc/passwd'"}),
        )
    said = "\n".join(f"{error.pointer} {error.message}" for error in refused.value.errors)
    assert "castable is not possible on duckdb; it runs on postgres" in said
    assert "calls getenv, which is not allowed on duckdb" in said
    assert "holds SELECT" in said
    assert "reads a file by its name" in said


def test_rules_that_are_older_than_the_adapter_are_undecided(lake: Lake) -> None:
    lake.write("a.parquet", ORDERS.format(rows=5))
    postgres = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "h", "dbname": "d", "user": "u"}
    rules = [
        rule("old", "castable", "id", arguments={"to": "integer"}),
        rule("sql", "expression", arguments={"sql": "id ~ '^1'"}),
    ]
    apply(lake.database, postgres, table("s.t", *rules, rule("id", "not_null", "id")))
    store.put_target(lake.database, ME, "shop", HEAD | {"locations": {"s.t": f"{lake.folder}/a.parquet"}}, None)
    found = by_id(lake.check("s.t"))
    assert {id: each.status for id, each in found.items()} == {"old": "error", "sql": "error", "id": "pass"}
    assert "castable" in str(found["old"].message)
    assert "holds ~" in str(found["sql"].message)
    assert not lake.is_open("s.t")


def test_the_command_of_a_result_runs_by_hand(lake: Lake) -> None:
    lake.write("a.parquet", ORDERS.format(rows=5))
    lake.configure({"locations": {"s.t": f"{lake.folder}/a.parquet"}}, "s.t", rule("many", "row_count", arguments={"min": 6}))
    found = lake.check("s.t")
    assert found.dbt is not None
    line = found.dbt.command
    assert "PASSWORD" not in line
    assert shlex.split(line)[0] == "env"
    ran = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, env={"PATH": os.environ["PATH"], "HOME": "/"}, check=False
    )
    assert (ran.returncode, "FAIL 1" in ran.stdout) == (1, True), ran.stdout[-2000:] + ran.stderr


def _processor_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
