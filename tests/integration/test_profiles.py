"""Profiles: requests that measure a table, kept apart from all that decides."""

import threading
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from api.checks import claims, lifecycle
from api.checks.lookup import find_subject
from api.checks.result_parts import Ending
from backend import retention
from backend.insights import requests
from backend.kafka import results_out
from backend.profiles import store
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult
from stringx_dataops.contract.messages.profiles import MOST_PROFILES, Profile
from stringx_dataops.contract.problems import NotFound
from stringx_dataops.contract.settings import read_settings
from tests.integration.test_trials import moved
from tests.support.databases import Target
from tests.support.datasets import CATALOGUE, check_now, claimed, now
from tests.support.engine import Engine
from tests.support.processes import eventually
from tests.support.profiles import Shop, accepted, order

CANARY = "canary-4711"


@pytest.fixture
def real(database: Database, target: Target, engine: Engine) -> Shop:
    """With a database behind the target."""
    return Shop(database, target, engine)


def ended(database: Database, request_id: str, table: str = "public.a", rows: int = 3) -> CheckResult:
    """A profile through both services to its end, as if dbt had found so many rows and no column."""
    accepted(database, order(table, request_id))
    check, moment = claimed(database), now(database)
    measured = Profile(target="shop", table=table, relation="table", snapshot_at=moment, row_count=rows, columns=[])
    ending = Ending("succeeded", "pass", None, moment, snapshot_at=moment, row_count=rows, profile=measured.as_json())
    found = check.result_with(ending)
    assert claims.finish(database, check, found, "http://backend")
    tracking.store(database, request_id, CheckResult.model_validate(found.as_json()))
    return found


def test_a_table_that_is_not_configured_is_measured(real: Shop) -> None:
    real.target.execute("create table orders as select n as id, 'x' || n as code from generate_series(1, 5) n")
    found = real.run(order("public.orders", request_id="p"))
    assert (found.status, found.verdict, found.trial, found.row_count, found.reason) == ("succeeded", "pass", True, 5, None)
    assert found.dbt is not None
    assert '"profile": {' in found.dbt.command
    view = real.view("p")
    assert (view.status, view.row_count, view.requested_by) == ("succeeded", 5, "asker")
    assert view.profile is not None
    assert [column.distinct for column in view.profile.columns] == [5, 5]
    assert [each.columns for each in view.profile.key_shares if each.share == 1] == [["id"], ["code"]]
    (check,) = requests.find(real.database, "p").checks
    assert check.profile is None, "it is stored once"


def test_no_value_of_a_hidden_column_leaves_the_database(real: Shop, tmp_path_factory: pytest.TempPathFactory) -> None:
    real.target.execute(
        f"create table people as select '{CANARY}-' || n as name, n as id, n::text::json as doc from generate_series(1, 9) n"
    )
    real.target.execute(
        "create view broken as select name, name::integer as number, id / (id - 3) as part from people where id < 5"
    )
    real.apply({"apiVersion": "stringx/v1", "target": "shop", "table": "public.people", "key": ["id"]})
    found = [real.run(order(f"public.{table}", request_id=table)) for table in ("people", "broken")]
    people = real.view("people").profile
    assert people is not None
    assert [(column.values_hidden, column.max) for column in people.columns] == [(True, None), (False, "9"), (True, None)]
    assert all(CANARY not in str(each.as_json()) for each in found)
    with real.database.transaction() as cursor:
        tables = cursor.all("select oid::regclass::text as name from pg_class where relkind = 'r' and relnamespace::regnamespace::text in ('stringx', 'dataops')")  # fmt: skip
        held = [
            row["name"] for row in tables if cursor.one(f"select 1 from {row['name']} t where t::text like '%{CANARY}%' limit 1")
        ]
    assert len(tables) > 20
    assert held == []
    folders = [folder for name in ("child*", "runs*") for folder in tmp_path_factory.getbasetemp().glob(name)]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]


def test_a_column_that_a_request_names_is_shown(real: Shop) -> None:
    real.target.execute(f"create table people as select '{CANARY}' as name, 1 as id")
    found = real.profile("public.people", sample_columns=["name"])
    assert [(each.name, each.min, each.values_hidden) for each in found.columns] == [("name", CANARY, False), ("id", None, True)]
    assert found.columns[0].top is not None
    assert CANARY in str(found.columns[0].top)


def test_a_broken_column_hides_no_other(real: Shop) -> None:
    real.target.execute(
        "create table base as select n as id, 'x' || n as text, null::integer as empty from generate_series(1, 8) n"
    )
    real.target.execute("create view v as select id, text::integer as number, 1 / (id - 4) as part, text, empty from base")
    found = real.profile("public.v")
    assert {column.name: column.error for column in found.columns} == {
        "id": None, "number": "invalid text representation (SQLSTATE 22P02)", "part": "division by zero (SQLSTATE 22012)", "text": None, "empty": None,
    }  # fmt: skip
    by_name = {column.name: column for column in found.columns}
    assert (by_name["id"].mean, by_name["text"].distinct, by_name["empty"].nulls, by_name["part"].distinct) == (4.5, 8, 8, None)
    assert (found.relation, found.row_count) == ("view", 8)


def test_columns_without_a_privilege_are_named_and_the_others_measured(real: Shop) -> None:
    real.target.execute("create table secret as select 1 as id, 2 as salary")
    real.target.execute(f"revoke all on secret from {real.target.user}; grant select (id) on secret to {real.target.user}")
    found = real.profile("public.secret")
    assert [(each.name, each.error, each.distinct) for each in found.columns] == [
        ("id", None, 1), ("salary", "permission denied for this column", None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ddl", "table", "settings", "reason"),
    [
        ("", "public.gone", {}, 'relation "public.gone" does not exist'),
        ("create table t (a int); revoke all on t from {user}", "public.t", {}, "permission denied for table t"),
        ("create table t (a int)", "public.t", {"columns": ["b"]}, 'column "b" does not exist'),
        ("create view t as select 1 / (n - 1) as a from generate_series(1, 2) n where 1 / (n - 1) > 0", "public.t", {}, "division by zero (SQLSTATE 22012)"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_ends_as_errored(
    real: Shop, ddl: str, table: str, settings: dict[str, list[str]], reason: str
) -> None:
    if ddl:
        real.target.execute(ddl.format(user=real.target.user))
    found = real.run(order(table, request_id="p", **settings))
    assert (found.status, found.verdict, found.reason) == ("errored", "error", reason)
    view = real.view("p")
    assert (view.status, view.reason, view.profile) == ("errored", reason, None)


def test_tables_without_rows_without_columns_and_with_hostile_names(real: Shop) -> None:
    real.target.execute("create table nothing (); create table empty (a integer, b text)")
    real.target.execute("""create table "Odd "" 'name; --" ("a""b'; --" integer, "%s {{ x }}" text, "n" integer)""")
    real.target.execute("""insert into "Odd "" 'name; --" values (1, 'x', 2), (1, 'y', 2)""")
    assert real.profile("public.nothing").columns == []
    empty = real.profile("public.empty")
    assert [(each.nulls, each.distinct, each.mean, each.length) for each in empty.columns] == [(0, 0, None, None)] * 2
    odd = real.profile("""public.Odd " 'name; --""")
    assert [(each.name, each.distinct) for each in odd.columns] == [("""a"b'; --""", 1), ("%s {{ x }}", 2), ("n", 1)]


def test_as_many_columns_as_a_table_can_have(real: Shop) -> None:
    real.target.execute("create table wide (" + ", ".join(f"c{n} integer" for n in range(1600)) + ")")
    real.target.execute("insert into wide (c0, c1599) values (1, 2), (1, 3)")
    found = real.profile("public.wide")
    assert len(found.columns) == 1600
    assert [(each.nulls, each.distinct) for each in (found.columns[0], found.columns[1], found.columns[-1])] == [
        (0, 1),
        (2, 0),
        (0, 2),
    ]


def test_a_sample_says_so_and_is_the_same_again(real: Shop) -> None:
    real.target.execute("create table many as select n as id, n % 10 as digit from generate_series(1, 20000) n; analyze many")
    real.target.execute("create view v as select * from many")
    first, second = (real.profile("public.many", sample_rows=2000) for _ in range(2))
    assert first.sample is not None
    assert (first.is_estimated, first.sample.method, first.sample.share, first.row_count) == (True, "bernoulli", 0.1, 20000)
    assert 1600 < first.sample.rows < 2400
    ident = first.columns[0]
    assert (ident.distinct, ident.is_distinct_exact) == (first.sample.rows, False)
    assert first.columns == second.columns
    assert real.profile("public.v", sample_rows=2000).notes == ["a view cannot be sampled: all of its rows were read"]
    assert real.profile("public.many", sample_rows=30000).sample is None


def test_constraints_foreign_keys_and_comments(real: Shop) -> None:
    real.target.execute("create table shops (id integer primary key); insert into shops values (1), (2)")
    real.target.execute("create table sales (id integer primary key, shop integer references shops, code text not null unique, day integer check (day > 0), a integer, b integer)")  # fmt: skip
    real.target.execute(
        "create unique index by_pair on sales (a, b); comment on table sales is 'sold'; comment on column sales.code is 'scanned'"
    )
    real.target.execute("insert into sales select n, 1 + n % 2, 'c' || n, n, n, n from generate_series(1, 4) n")
    found = real.profile("public.sales")
    assert (found.comment, found.columns[2].comment, found.columns[2].not_null) == ("sold", "scanned", True)
    assert {(each.kind, tuple(each.columns)) for each in found.constraints} == {
        ("primary_key", ("id",)), ("unique", ("code",)), ("unique", ("a", "b")), ("check", ("day",))
    }  # fmt: skip
    (key,) = found.foreign_keys
    assert (key.columns, key.other_table, key.other_columns) == (["shop"], "public.shops", ["id"])
    assert [(each.columns, each.origin) for each in found.key_shares][:3] == [
        (["id"], "constraint"), (["a", "b"], "constraint"), (["code"], "constraint")
    ]  # fmt: skip
    assert [column.distinct for column in found.columns] == [4, 2, 4, 4, 4, 4]


def test_a_pair_of_columns_may_be_the_key(real: Shop) -> None:
    real.target.execute("create table slots as select n / 10 as hall, n % 10 as seat, 'x' as note from generate_series(0, 99) n")
    best = real.profile("public.slots").key_shares[0]
    assert (best.columns, best.share, best.origin) == (["hall", "seat"], 1.0, "measured")


SLOW = "create view slow as select n as id from generate_series(1, 3) n where pg_sleep(30) is not null"


def is_sleeping(target: Target) -> bool:
    """Whether a statement of the checking role sleeps; other roles do not see what it waits for."""
    address = {"host": target.host, "port": target.port, "dbname": target.dbname}
    with closing(psycopg2.connect(user=target.user, password=target.password, **address)) as session, session.cursor() as cursor:
        cursor.execute("select 1 from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()")
        return cursor.fetchone() is not None


def test_a_running_profile_is_canceled(real: Shop) -> None:
    real.target.execute(SLOW)
    accepted(real.database, order("public.slow", request_id="p"))
    check = claims.claim(real.database, "w")
    assert check is not None
    results: list[CheckResult] = []
    attempt = real.attempt(check)
    thread = threading.Thread(target=lambda: results.append(real.finish(attempt)), daemon=True)
    thread.start()
    eventually(lambda: is_sleeping(real.target), 60, "its statement")
    attempt.stop("canceled")
    thread.join(60)
    assert [found.status for found in results] == ["canceled"]
    assert real.view("p").status == "canceled"
    eventually(lambda: not is_sleeping(real.target), 25, "the end of its statement")


def test_a_profile_has_its_own_timeout(real: Shop) -> None:
    real.target.execute(SLOW)
    found = real.run(order("public.slow", request_id="p", timeout_s=3))
    assert real.view("p").profile is None
    assert (found.status, found.reason) in (
        ("errored", "it took longer than its share of the timeout"),
        ("timed_out", "not finished within 3 s; raise timeout"),  # where dbt itself took so long
    )


def test_a_profile_survives_its_worker(real: Shop) -> None:
    real.target.execute("create table t as select 1 as a")
    accepted(real.database, order("public.t", request_id="p"))
    lost = claims.claim(real.database, "killed")
    assert lost is not None
    assert claims.hand_back(real.database, lost, why="its worker was lost", crashed=True)
    found = real.work()
    assert (found.status, found.attempt, real.view("p").status) == ("succeeded", 2, "succeeded")


def test_a_profile_moves_nothing(shop: Database) -> None:
    results_out.begin(shop)
    check_now(shop, {"a": 1}, table="public.a")
    before = moved(shop)
    waiting = accepted(shop, order("public.a", request_id="p"))
    assert moved(shop) == before, "waiting"
    lifecycle.cancel(shop, waiting.check_id, "http://backend")
    found = ended(shop, "q", table="public.b")
    assert (found.trial, found.full, found.rules_hash) == (True, False, None)
    assert moved(shop) == before, "ended"
    assert requests.find(shop, "q").trial


def test_a_worker_of_the_release_before_checks_nothing_in_its_place(shop: Database) -> None:
    accepted(shop, order("public.a"))
    accepted(shop, order("public.unknown"))
    with shop.transaction() as cursor:
        known, unknown = (
            CheckRequest.model_validate(row["body"])
            for row in cursor.all("select body from dataops.checks where trial is null order by table_name")
        )
    subject = find_subject(shop, CATALOGUE, known, ["public.a"])
    assert subject.in_scope(known, CATALOGUE.default_dimensions) == []
    with pytest.raises(NotFound):
        find_subject(shop, CATALOGUE, unknown, ["public.unknown"])


def test_a_result_that_such_a_release_sends_ends_the_profile(shop: Database) -> None:
    accepted(shop, order("public.a", request_id="p"))
    check, moment = claimed(shop), now(shop)
    found = check.result_with(Ending("errored", "error", "no_rules", moment)).model_copy(update={"trial": False, "asked": {"target": "shop", "table": "public.a", "rule_ids": ["trial_1"]}})  # fmt: skip
    tracking.store(shop, "p", found)
    view = store.of_request(shop, "p")
    assert (view.status, view.reason, requests.find(shop, "p").trial) == ("errored", "no_rules", True)


def test_a_result_that_comes_twice_is_stored_once(shop: Database) -> None:
    found = ended(shop, "p", rows=3)
    tracking.store(shop, "p", found)
    (item,) = store.page(shop, {})["items"]
    assert (item["row_count"], item["profile"]) == (3, None)


def test_a_profile_that_was_deleted_while_it_ran_stays_deleted(shop: Database) -> None:
    accepted(shop, order("public.a", request_id="p"))
    store.delete(shop, store.of_request(shop, "p").profile_id)
    check, moment = claimed(shop), now(shop)
    tracking.store(shop, "p", check.result_with(Ending("errored", "error", "x", moment)))
    assert store.page(shop, {})["items"] == []
    assert requests.find(shop, "p").status == "errored"


def test_a_profile_that_was_asked_of_dataops_is_tracked_with_its_result(shop: Database) -> None:
    lifecycle.accept(shop, CATALOGUE, order("public.a", request_id="direct", columns=["a"]), 100, "somebody")
    check, moment = claimed(shop), now(shop)
    measured = Profile(target="shop", table="public.a", relation="table", snapshot_at=moment, row_count=2, columns=[])
    tracking.store(shop, "direct", check.result_with(Ending("succeeded", "pass", None, moment, profile=measured.as_json())))
    view = store.of_request(shop, "direct")
    assert (view.status, view.row_count, view.requested_by, view.settings.columns) == ("succeeded", 2, "somebody", ["a"])


def test_profiles_outlive_their_request_and_the_oldest_go(shop: Database, tmp_path: Path) -> None:
    ended(shop, "old")
    with shop.transaction() as cursor:
        cursor.run(
            "update stringx.requests set finished_at = finished_at - interval '25 hours', created_at = created_at - interval '25 hours'"
        )
    settings = read_settings({"STRINGX_HOME": str(tmp_path), "RETENTION_POINTS_DAYS": "10"})
    retention.clean(shop, settings)
    with pytest.raises(NotFound):
        requests.find(shop, "old")
    assert store.of_request(shop, "old").profile is not None
    with shop.transaction() as cursor:
        cursor.run("update stringx.profiles set created_at = created_at - interval '11 days'")
    accepted(shop, order("public.a", request_id="lost"))
    with shop.transaction() as cursor:
        cursor.run(
            "update stringx.profiles set created_at = created_at - interval '2 days' where request_id = 'lost'; delete from stringx.requests"
        )
    retention.clean(shop, settings)
    assert store.page(shop, {})["items"] == []
    with shop.transaction() as cursor:
        assert cursor.all("select 1 from stringx.profiles") == []


def test_a_table_keeps_so_many_profiles(shop: Database) -> None:
    with shop.transaction() as cursor:
        cursor.run(
            "insert into stringx.profiles (profile_id, request_id, target, table_name, settings, status, created_at)"
            " select gen_random_uuid(), 'r' || n, 'shop', 'public.a', '{}', 'succeeded', now() - n * interval '1 hour'"
            f" from generate_series(1, {MOST_PROFILES}) n"
        )
    ended(shop, "newest")
    items = store.page(shop, {"table": "public.a"}, store.Page(limit=1000))["items"]
    assert len(items) == MOST_PROFILES
    assert (items[0]["request_id"], f"r{MOST_PROFILES}" in {item["request_id"] for item in items}) == ("newest", False)


def test_a_canceled_profile_that_waits_ends_at_once(shop: Database) -> None:
    check = accepted(shop, order("public.a", request_id="p"))
    tracking.cancel(shop, "p")
    found = lifecycle.cancel(shop, check.check_id, "http://backend")
    tracking.store(shop, "p", CheckResult.model_validate(found.result))
    assert store.of_request(shop, "p").status == "canceled"
