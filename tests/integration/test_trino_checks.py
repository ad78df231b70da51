"""Targets of Trino from their document to the gate: configured at the Backend, checked by a worker in a warm child of their own."""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.checks import lifecycle
from api.engine.pool import ChildFactory
from api.targets.engine import Machine
from api.targets.registry import engine_of
from api.worker.attempt import Attempt
from backend.configuration import store
from backend.profiles import store as profiles
from backend.profiles import suggesting
from backend.requests import tracking
from database.loops import Loop
from database.pool import Database
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.messages.profiles import ProfileSettings
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import ROOT
from tests.support import engine, loaded
from tests.support.databases import Admin, make_target
from tests.support.datasets import CATALOGUE, ME, claimed
from tests.support.processes import eventually, free_port
from tests.support.trino_beside import Beside, a_catalog_beside
from tests.support.trino_server import Trino
from tests.support.trino_shop import HEAD, Shop, a_shop, by_id, rule, running

ORDERS = """
create table orders as select cast(n as bigint) as id, if(n % 3 = 0, 'open', 'paid') as status, n * decimal '1.5' as price
from unnest(sequence(0, 59)) as t (n)
"""
SLOW = "public.slow"  # of the catalog of `beside`


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChildFactory]:
    """Has loaded Trino's project once for all tests here."""
    made = ChildFactory(engine.PROJECT.of("trino"), tmp_path_factory.mktemp("dbt"), loaded.folder("trino"))
    yield made
    made.close()


@pytest.fixture
def shop(database: Database, factory: ChildFactory, trino: Trino, tmp_path: Path) -> Iterator[Shop]:
    with a_shop(database, factory, trino, tmp_path / "home") as made:
        yield made


def test_a_table_of_iceberg_from_the_document_to_the_gate(shop: Shop) -> None:
    shop.run(ORDERS)
    table = f"{shop.schema}.orders"
    shop.configure(
        table,
        rule("ids", "unique", "id"),
        rule("statuses", "accepted_values", "status", arguments={"values": ["open", "paid"]}),
        rule("prices", "between", "price", arguments={"min": 0}),
        rule("rows", "row_count", arguments={"min": 60}),
    )
    assert not shop.is_open(table), "nothing was checked yet"
    passed = shop.check(table)
    assert (passed.verdict, passed.status) == ("pass", "succeeded"), passed
    assert (by_id(passed)["ids"].total, passed.row_count) == (60, 60)
    assert "was read at its snapshot" in str(passed.notes)
    assert shop.is_open(table)
    shop.run("insert into orders values (0, 'lost', -1), (null, null, null)")
    failed = shop.check(table)
    assert failed.verdict == "fail"
    assert {id: each.failures for id, each in by_id(failed).items()} == {"ids": 1, "statuses": 1, "prices": 1, "rows": None}
    assert not shop.is_open(table)


def test_a_profile_suggests_rules_that_pass_and_notice_what_breaks(shop: Shop) -> None:
    shop.run(ORDERS)
    table = f"{shop.schema}.orders"
    shop.configure(f"{shop.schema}.other", rule("ids", "unique", "id"))
    order = CheckOrder(target="shop", table=table, profile=ProfileSettings(sample_columns=["status", "price"]))
    tracked = tracking.accept(shop.database, CATALOGUE, order, "http", "s", "asker")
    lifecycle.accept(shop.database, CATALOGUE, CheckOrder.model_validate(tracked.body), 100, "asker")
    attempt = Attempt(claimed(shop.database))
    shop.worker.attempts[attempt.check.check_id] = attempt
    (found,) = shop.serve(attempt)
    assert (found.status, found.verdict, found.row_count) == ("succeeded", "pass", 60), found.reason
    view = profiles.of_request(shop.database, found.request_id)
    assert view.profile is not None
    measured = [(column.name, column.distinct, column.max) for column in view.profile.columns]
    assert measured == [("id", 60, None), ("status", 2, "paid"), ("price", 60, "88.5")]
    suggested = suggesting.suggestions(shop.database, CATALOGUE, view, with_values=True)
    assert suggested.fault is None
    shop.configure(table, *(each.rule for each in suggested.rules))
    assert {each.status for each in by_id(shop.check(table)).values()} == {"pass"}
    shop.run("insert into orders values (0, 'lost', -100), (null, null, null)")
    failed = by_id(shop.check(table))
    assert {failed[id].status for id in ("id_unique", "id_not_null", "status_accepted", "price_between")} == {"fail"}


def test_a_table_whose_snapshots_may_not_be_read_is_told_of(shop: Shop, tmp_path: Path) -> None:
    rules = [{"user": "tests", "privileges": ["SELECT", "INSERT", "OWNERSHIP"]}, {"table": "orders", "privileges": ["SELECT"]}]
    (tmp_path / "rules.json").write_text(json.dumps({"schemas": [{"user": "tests", "owner": True}], "tables": rules}))
    catalog = f"guarded_{uuid.uuid4().hex}"
    shop.trino.run(
        f"create catalog {catalog} using iceberg with (\"iceberg.catalog.type\" = 'TESTING_FILE_METASTORE',"
        " \"hive.metastore.catalog.dir\" = 'local:///', \"fs.native-local.enabled\" = 'true',"
        f" \"local.location\" = '{tmp_path}', \"iceberg.security\" = 'file', \"security.config-file\" = '{tmp_path}/rules.json')"
    )
    try:
        shop.trino.run("create schema s", ORDERS.replace("orders", "s.orders"), catalog=catalog)
        shop.configure("s.orders", rule("ids", "unique", "id"), catalog=catalog)
        found = shop.check("s.orders")
        assert found.verdict == "pass", found
        words = "the user may not read s.orders$refs, so it may have changed meanwhile"
        assert found.notes == [f"s.orders was read as it was by each query: {words}"]
    finally:
        shop.trino.run(f"drop catalog {catalog}")


def test_a_rule_names_a_table_of_another_catalog_or_its_own_by_three_names(shop: Shop) -> None:
    shop.run(ORDERS, "create table ids as select * from orders where id < 50")
    table, own = f"{shop.schema}.orders", f"lake.{shop.schema}.ids"
    shop.configure(
        table,
        rule("foreign", "relationship", "id", arguments={"to_table": "tpch.tiny.customer", "to_column": "custkey"}),
        rule("some", "row_count_matches", arguments={"other_table": "tpch.tiny.customer", "other_where": "custkey <= 60"}),
        rule("own", "relationship", "id", arguments={"to_table": own, "to_column": "id"}),
        rule("quoted", "relationship", "id", arguments={"to_table": f'"lake"."{shop.schema}"."ids"', "to_column": "id"}),
        rule("rows", "compare_rows", arguments={"other_table": own, "key": "id"}),
    )
    found = shop.check(table)
    assert {id: (each.status, each.failures) for id, each in by_id(found).items()} == {
        "foreign": ("fail", 1), "some": ("pass", None), "own": ("fail", 10), "quoted": ("fail", 10), "rows": ("fail", 10),
    }, found  # fmt: skip
    assert len(found.notes) == 3


def test_a_child_serves_one_check_after_the_other(shop: Shop) -> None:
    shop.run(ORDERS)
    table = f"{shop.schema}.orders"
    shop.configure(table, rule("ids", "unique", "id"))
    assert shop.check(table).verdict == "pass"
    (slot,) = shop.worker.others.slots
    first = slot._process
    assert first is not None
    slot.prepare()
    assert shop.check(table).verdict == "pass"
    slot.prepare()
    shop.run("insert into orders values (0, 'open', 1)")
    assert shop.check(table).verdict == "fail"
    assert slot._process is first


def test_another_place_closes_the_gate(shop: Shop) -> None:
    shop.run(ORDERS)
    table = f"{shop.schema}.orders"
    shop.configure(table, rule("ids", "unique", "id"))
    assert shop.check(table).verdict == "pass"
    assert shop.is_open(table)
    store.put_target(shop.database, ME, "shop", shop.target | {"user": "other"}, None)
    assert not shop.is_open(table)


@pytest.fixture(scope="module")
def catalog_beside(trino: Trino, admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    target = make_target(admin, tmp_path_factory.mktemp("beside"))
    with a_catalog_beside(trino, target) as made:
        yield made
    admin.run(f"drop database {target.dbname} with (force)")


@pytest.fixture
def beside(catalog_beside: Beside) -> Iterator[Beside]:
    """Queries of `slow` last as long as the test, if nobody ends them."""
    with catalog_beside.held():
        yield catalog_beside


def configure_slow(shop: Shop, beside: Beside) -> None:
    shop.configure(SLOW, rule("nulls", "not_null", "a"), rule("keys", "unique", "a"), catalog=beside.catalog)


def test_a_canceled_check_ends_its_queries(shop: Shop, beside: Beside) -> None:
    configure_slow(shop, beside)
    attempt = shop.accept(SLOW, timeout_s=200)
    ends: list[CheckResult] = []
    thread = threading.Thread(target=lambda: ends.extend(shop.serve(attempt)), daemon=True)
    thread.start()
    beside.until_a_reader_waits()
    assert shop.running(attempt)
    attempt.stop("canceled")
    thread.join(120)
    assert [(end.status, end.verdict) for end in ends] == [("canceled", "error")]
    assert shop.running(attempt) == 0


def test_a_check_that_is_out_of_time_ends_its_queries(shop: Shop, beside: Beside) -> None:
    configure_slow(shop, beside)
    attempt = shop.accept(SLOW, timeout_s=5)
    (found,) = shop.serve(attempt)
    assert found.verdict == "error"
    assert not shop.is_open(SLOW)
    assert shop.running(attempt) == 0


def test_a_child_that_is_killed_leaves_no_query(shop: Shop, beside: Beside) -> None:
    configure_slow(shop, beside)
    attempt = shop.accept(SLOW, timeout_s=200)
    thread = threading.Thread(target=lambda: shop.execute(attempt), daemon=True)
    thread.start()
    beside.until_a_reader_waits()
    (slot,) = shop.worker.others.slots
    assert slot._process is not None
    os.kill(slot._process.pid, signal.SIGKILL)
    thread.join(120)
    assert shop.running(attempt) == 0
    assert lifecycle.find(shop.database, attempt.check.check_id).status == "queued", "it is claimed again"


# A worker that is killed: its child is another process, which sees the end of their socket.
_WORKER = """
import json, sys
from pathlib import Path
from api.engine.pool import ChildFactory
from tests.support.engine import PROJECT
folder, kept, environment, specification = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]), json.loads(sys.argv[4])
with ChildFactory(PROJECT.of("trino"), folder, kept).slot(10) as slot:
    slot.ensure_warm()
    slot.run(specification, folder / "run", environment, 200)
"""


def test_a_worker_that_is_killed_leaves_no_query(trino: Trino, beside: Beside, tmp_path: Path) -> None:
    name = f"stringx {uuid.uuid4()} 1"
    document = HEAD | {"host": trino.host, "port": trino.port, "user": "reader", "catalog": beside.catalog}
    environment = engine_of(parse_target(document)).environment(Machine(tmp_path, (), (), tmp_path), name)
    schema, table = SLOW.split(".")
    specification = engine.gate(table, engine.rule("nulls", "not_null", "a"), schema=schema, statement_timeout_ms=200_000)
    arguments = [str(tmp_path / "dbt"), str(loaded.folder("trino")), json.dumps(environment), json.dumps(specification)]
    with subprocess.Popen([sys.executable, "-c", _WORKER, *arguments], cwd=ROOT) as worker:
        beside.until_a_reader_waits()
        assert running(trino, name)
        worker.kill()
    eventually(lambda: running(trino, name) == 0, 60)


def test_a_target_that_is_away_is_an_error_with_the_reason(shop: Shop) -> None:
    port = free_port()
    shop.configure("s.t", rule("a", "not_null", "a"), port=port)
    found = shop.check("s.t")
    assert found.verdict == "error"
    assert found.reason == f"target shop: unreachable, nothing listens on 127.0.0.1:{port}; start it, or correct host and port"
    shop.configure("s.t", rule("a", "not_null", "a"), session_properties={"no_such": 1})
    found = shop.check("s.t")
    assert found.reason == "target shop: session_properties are refused: Session property 'no_such' does not exist"


def test_a_table_that_is_not_there_is_an_error_that_names_it(shop: Shop) -> None:
    shop.configure(f"{shop.schema}.nothing", rule("a", "not_null", "a"))
    found = shop.check(f"{shop.schema}.nothing")
    assert found.verdict == "error"
    assert f"{shop.schema}.nothing" in str(by_id(found)["a"].message)


def test_what_is_not_possible_is_refused_when_it_is_configured(shop: Shop) -> None:
    with pytest.raises(Invalid) as refused:
        shop.configure(
            "s.t", rule("cast", "castable", "a", arguments={"to": "integer"}), rule("d", "dbt", arguments={"test": "x"})
        )
    assert "castable is not possible on trino; it runs on postgres" in str(refused.value)


def test_the_command_of_a_result_runs_by_hand(shop: Shop) -> None:
    shop.run(ORDERS)
    shop.configure(f"{shop.schema}.orders", rule("many", "row_count", arguments={"min": 61}))
    found = shop.check(f"{shop.schema}.orders")
    assert found.dbt is not None
    line = found.dbt.command
    assert "PASSWORD" not in line
    assert shlex.split(line)[0] == "env"
    ran = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, env={"PATH": os.environ["PATH"], "HOME": "/"}, check=False
    )
    assert (ran.returncode, "FAIL 1" in ran.stdout) == (1, True), ran.stdout[-2000:] + ran.stderr


def test_dbt_is_loaded_before_the_first_check_of_a_target(shop: Shop) -> None:
    worker = shop.worker
    factory = worker.others.factories.pop("trino")
    shop.configure("s.t", rule("a", "not_null", "a"))
    worker.load_others(Loop("unused", lambda _: None))
    assert worker.others.factories == {}, "PostgreSQL's children come first"
    for slot in worker.slots:
        slot.warm = True
    worker.load_others(Loop("unused", lambda _: None))
    assert list(worker.others.factories) == ["trino"]
    with worker.others.factories["trino"].slot(1) as slot:
        slot.ensure_warm()
    worker.others.factories["trino"] = factory


def test_without_warm_children_a_process_runs_each_check(
    database: Database, factory: ChildFactory, trino: Trino, beside: Beside, tmp_path: Path
) -> None:
    with a_shop(database, factory, trino, tmp_path / "home", WORKER_MAX_CHECKS="1") as shop:
        shop.run(ORDERS)
        shop.configure(f"{shop.schema}.orders", rule("ids", "unique", "id"))
        assert shop.check(f"{shop.schema}.orders").verdict == "pass"
        configure_slow(shop, beside)
        attempt = shop.accept(SLOW, timeout_s=200)
        thread = threading.Thread(target=lambda: shop.execute(attempt), daemon=True)
        thread.start()
        beside.until_a_reader_waits()
        attempt.stop("canceled")
        thread.join(120)
        assert lifecycle.find(shop.database, attempt.check.check_id).status == "canceled"
        assert shop.running(attempt) == 0


def test_a_query_that_somebody_ends_on_the_cluster_closes_the_gate(shop: Shop, beside: Beside) -> None:
    configure_slow(shop, beside)
    attempt = shop.accept(SLOW, timeout_s=200)
    ends: list[CheckResult] = []
    thread = threading.Thread(target=lambda: ends.extend(shop.serve(attempt)), daemon=True)
    thread.start()
    beside.until_a_reader_waits()
    of_check = f"source = 'stringx {attempt.check.check_id} {attempt.check.attempt}'"
    query_of_check = f"select query_id from system.runtime.queries where state = 'RUNNING' and {of_check}"
    ((query,),) = eventually(lambda: shop.trino.rows(query_of_check), 60)
    shop.trino.run(f"call system.runtime.kill_query(query_id => '{query}', message => 'make room')")
    thread.join(120)
    assert [end.verdict for end in ends] == ["error"]
    assert ends[0].reason == "target shop: somebody ended the check's query there (ADMINISTRATIVELY_KILLED)"
    assert shop.running(attempt) == 0
