"""`unique` by every type that counts distinct values in place of groups, and by some that do not: the same failures and keys as plain SQL."""

import psycopg2
import pytest

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

# Values that are equal and look different, or the reverse, stand beside plain ones.
VALUES = {
    "smallint": ("n % 30000", "-1::smallint"),
    "integer": ("n", "-5"),
    "bigint": ("n * 10000000000", "-5"),
    "text": ("'word ' || n", "'Ä'"),
    "varchar(20)": ("'word ' || n", "''"),
    "char(12)": ("'word ' || n", "'a'"),
    "numeric": ("n / 7.0", "case when n % 2 = 0 then 1.0 else 1.000 end"),
    "numeric(40,3)": ("n", "'NaN'::numeric"),
    "real": ("n", "case when n % 2 = 0 then -0.0 else 0.0 end"),
    "double precision": ("n / 3.0::double precision", "'NaN'::double precision"),
    "uuid": ("md5(n::text)::uuid", "md5('')::uuid"),
    "timestamp": ("timestamp '2020-01-01' + n * interval '1 minute'", "timestamp 'infinity'"),
    "timestamptz": ("timestamptz '2020-01-01' + n * interval '1 minute'", "timestamptz '-infinity'"),
    "date": ("date '2000-01-01' + n", "date 'infinity'"),
    "boolean": ("null::boolean", "true"),
    "bytea": ("decode(md5(n::text), 'hex')", "''::bytea"),
    "posint": ("n + 1", "7"),
    "mood": ("null::mood", "'glad'::mood"),
}
ROWS, REPEATED = 6000, 40


def fill(target: Target, type_name: str, name: str, repeated: int) -> None:
    plain, same = VALUES[type_name]
    target.execute(
        f"create table {name} as select n, (case when n < {repeated} then {same} when n % 50 = 0 then null else {plain} end)::"
        f"{type_name} as value from generate_series(0, {ROWS - 1}) n"
    )
    target.execute(f"analyze {name}")


def truth(target: Target, name: str) -> tuple[int, int]:
    """Rows beyond the first of each key, and keys that repeat: by a window, which the product does not use."""
    [(failures, keys)] = target.query(
        f"select count(*) filter (where place > 1), count(*) filter (where place = 2)"
        f" from (select row_number() over (partition by value) as place from {name} where value is not null) as numbered"
    )
    return failures, keys


@pytest.mark.parametrize("type_name", VALUES)
def test_a_repeated_key_of_any_type_is_counted_as_plain_sql_counts_it(engine: Engine, target: Target, type_name: str) -> None:
    target.execute("create domain posint as integer check (value > 0); create type mood as enum ('glad', 'sad')")
    for name, repeated in (("dirty", REPEATED), ("clean", 1)):
        fill(target, type_name, name, repeated)
        found = engine.rules(target, gate(name, rule("key", "unique", "value")))["key"]
        assert (found["failures"], found["measured"]) == truth(target, name), found
        assert found["status"] == ("fail" if found["failures"] else "pass")
        assert found["failures"] >= REPEATED - 1 or name == "clean"


@pytest.mark.parametrize("workers", [0, 2])
def test_halves_that_processes_share_find_what_one_process_finds(engine: Engine, target: Target, workers: int) -> None:
    target.execute(
        "create table orders as select (hashint8(n) & 1) * 1000000 + n as id, n % 3 = 0 as sold from generate_series(1, 300000) n"
    )
    target.execute("insert into orders select id, true from orders where id % 1000 = 7")
    target.execute("vacuum analyze orders")
    everywhere, sold = (
        truth(target, "(select id as value from orders) as o"),
        truth(target, "(select id as value from orders where sold) as o"),
    )
    spec = gate(
        "orders", rule("all", "unique", "id"), rule("some", "unique", "id", where="sold"), rule("after", "not_null", "sold")
    )
    found = engine.rules(target, spec | {"max_parallel_workers_per_gather": workers})
    assert (found["all"]["failures"], found["all"]["measured"]) == everywhere
    assert (found["some"]["failures"], found["some"]["measured"]) == sold
    assert everywhere[0] > sold[0] > 0
    assert found["after"]["status"] == "pass"


def test_a_type_that_is_not_known_is_still_told_from_a_column_that_is_not_there(engine: Engine, target: Target) -> None:
    target.execute("create table orders as select n as id, point(n, n) as place from generate_series(1, 10) n")
    spec = gate("orders", rule("id", "unique", "id"), rule("place", "unique", "place"), rule("gone", "unique", "nowhere"))
    found = engine.rules(target, spec)
    assert found["id"]["status"] == "pass"
    assert "could not identify an equality operator" in found["place"]["reason"]
    assert "nowhere" in found["gone"]["reason"]


def test_a_table_may_have_the_names_that_the_statement_uses(engine: Engine, target: Target) -> None:
    """A key that repeats is found whatever the table and its columns are called."""
    for name in ("counted", "found", "halves", "repeated", "stringx_counted"):
        target.execute(
            f"create table {name} as select n % 5 as present, n % 5 as different, n % 5 as id from generate_series(1, 20) n"
        )
        found = engine.rules(target, gate(name, *(rule(column, "unique", column) for column in ("present", "different", "id"))))
        assert {(one["failures"], one["measured"], one["status"]) for one in found.values()} == {(15, 5, "fail")}, name


@pytest.mark.parametrize("kind", ["view", "partitioned table", "window"])
def test_halves_of_a_view_a_partitioned_table_and_a_window(engine: Engine, target: Target, kind: str) -> None:
    target.execute(
        "create table base (id integer, day date) " + ("partition by range (day)" if kind == "partitioned table" else "")
    )
    if kind == "partitioned table":
        target.execute(
            "create table base_1 partition of base for values from ('2026-01-01') to ('2026-01-03');"
            " create table base_2 partition of base default"
        )
    target.execute("insert into base select n % 900, date '2026-01-01' + n / 300 from generate_series(0, 2999) n")
    target.execute("create view seen as select * from base where id <> 7; analyze base")
    window = {"column": "day", "from": "2026-01-02", "to": "2026-01-03"} if kind == "window" else None
    name = "seen" if kind == "view" else "base"
    found = engine.rules(target, gate(name, rule("key", "unique", "id"), window=window))["key"]
    inside = "true" if window is None else "day >= '2026-01-02' and day < '2026-01-03'"
    repeated = f"select id, count(*) as n, count(*) filter (where {inside}) as i from {name} group by id"
    truth = target.query(
        f"select sum(case when n = i then i - 1 else i end), count(*) from ({repeated}) as r where n > 1 and i > 0"
    )
    assert (found["failures"], found["measured"]) == truth[0]
    assert found["failures"] > 0


def test_a_table_that_is_locked_is_waited_for_once(engine: Engine, target: Target) -> None:
    target.execute("create table orders as select n as id from generate_series(1, 10) n")
    connection = psycopg2.connect(target.loader_url)
    try:
        connection.cursor().execute("lock table orders in access exclusive mode")
        spec = gate("orders", rule("key", "unique", "id"), lock_timeout_ms=400)
        found = engine.rules(target, spec)["key"]
        waits = connection.cursor()
        waits.execute("select count(*) from pg_locks where not granted")
        assert waits.fetchone() == (0,)
    finally:
        connection.close()
    assert found["reason"] == "another session holds a lock on it longer than lock_timeout"
