"""What DuckDB may read and call once a connection is opened: real databases and files, without dbt's run around it."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from dbt_common.exceptions import DbtRuntimeError

from api.engine import duckdb_statements, duckdb_states
from api.engine.duckdb_access import Plugin
from api.engine.duckdb_views import make_views

OWN = [
    "create macro current_setting(x) as true",
    "create macro stringx_no_value(x) as null",
    "create macro mine(x) as 1",
    "create macro duckdb_functions() as table select 'x' as function_name, true as internal",
    "create macro lower(x) as 'a'",
    "create type json as varchar",
    "create type stringx_type as varchar",
]


def write(path: Path, query: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        quoted = str(path).replace("'", "''")
        connection.execute(f"copy ({query}) to '{quoted}' (format parquet)")
    return str(path)


def opened(
    path: str, tmp_path: Path, kept: list[duckdb.DuckDBPyConnection] | None = None, makes_views: bool = True, **reads: Any
) -> duckdb.DuckDBPyConnection:
    """As dbt-duckdb opens it with the profile. `kept`: gets the connection, whatever becomes of it."""
    options: dict[str, Any] = {"temp_directory": str(tmp_path / "spill"), "autoload_known_extensions": "false"}
    options |= {} if path == ":memory:" else {"access_mode": "read_only"}
    connection = duckdb.connect(path, config=options)
    if kept is not None:
        kept.append(connection)
    credentials = SimpleNamespace(path=path, config_options=options)
    Plugin("duckdb_access", {"reads": json.dumps(reads)}, credentials).configure_connection(connection)
    if "locations" in reads and makes_views:
        make_views(connection, reads["locations"])
    return connection


def tables(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Why each table that cannot be read cannot."""
    return dict(connection.execute('select name, fault from "stringx$".unreadable').fetchall())


def location(*files: str) -> dict[str, Any]:
    return {"format": "parquet", "files": list(files)}


@pytest.fixture(autouse=True)
def opened_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """None, as in a process that is new."""
    monkeypatch.setattr(duckdb_states, "_opened", {})


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create type mood as enum ('good'); create table t as select 1 as a")
        connection.execute(f"create view other as from read_text('{tmp_path}/other.txt')")
    (tmp_path / "other.txt").write_text("secret")
    return path


def test_a_database_file_is_read_alone(shop: Path, tmp_path: Path) -> None:
    with opened(str(shop), tmp_path) as connection:
        assert connection.execute("select a from t").fetchall() == [(1,)]
        for refused in (
            "from other",
            f"from read_text('{tmp_path}/other.txt')",
            "set enable_external_access = true",
            "set allowed_directories = ['/']",
            "set threads = 1",
            f"attach '{tmp_path}/x.duckdb'",
            "install httpfs",
            "load httpfs",
            f"copy t to '{tmp_path}/x.csv'",
            "insert into t values (2)",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(refused).fetchall()
        connection.execute("set TimeZone = 'Europe/Berlin'")


def test_views_read_the_folders_that_are_named(shop: Path, tmp_path: Path) -> None:
    with opened(str(shop), tmp_path, folders=[str(tmp_path)]) as connection:
        assert connection.execute("select content from other").fetchall() == [("secret",)]


@pytest.mark.parametrize("statement", OWN)
def test_a_database_with_names_of_its_own_is_refused_and_locked(shop: Path, tmp_path: Path, statement: str) -> None:
    with duckdb.connect(str(shop)) as connection:
        connection.execute(statement)
    kept: list[duckdb.DuckDBPyConnection] = []
    with pytest.raises(DbtRuntimeError, match="the database defines functions or types: "):
        opened(str(shop), tmp_path, kept)
    (connection,) = kept
    with connection, pytest.raises(duckdb.Error):
        connection.execute(f"from read_text('{tmp_path}/other.txt')")


def test_a_type_whose_name_duckdb_takes_for_another_is_none_of_its_own(shop: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(shop)) as connection:
        connection.execute('create type "\u017fmallint" as varchar')
    with opened(str(shop), tmp_path) as connection:
        assert connection.execute("select typeof(1::smallint)").fetchone() == ("SMALLINT",)


@pytest.mark.parametrize("name", ["shop", "ref"])
@pytest.mark.parametrize("end", ["wal", "wal.recovery", "wal.checkpoint"])
def test_a_link_beside_a_database_is_not_followed(shop: Path, ref: Path, tmp_path: Path, end: str, name: str) -> None:
    """The worker has looked before; this is for one that is put there meanwhile."""
    (tmp_path / f"{name}.duckdb.{end}").symlink_to(tmp_path / "other.txt")
    with pytest.raises((DbtRuntimeError, duckdb.Error)):
        opened(str(shop), tmp_path, attach={"ref": str(ref)})


@pytest.fixture
def ref(tmp_path: Path) -> Path:
    path = tmp_path / "ref.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema s; create table s.t as select 2 as a; create type mood as enum ('bad')")
        connection.execute(f"create view s.other as from read_text('{tmp_path}/other.txt')")
    return path


def test_further_databases_are_read_and_nothing_beside_them(shop: Path, ref: Path, tmp_path: Path) -> None:
    good = write(tmp_path / "good.parquet", "select 3 as a")
    more: dict[str, Any] = {"locations": {"l.t": location(good)}}
    for path, own, reads in ((str(shop), "t", {}), (":memory:", "l.t", more)):
        with opened(path, tmp_path, attach={"ref": str(ref)}, **reads) as connection:
            assert connection.execute(f"select max(a) from (from ref.s.t union all from {own})").fetchone() in ((2,), (3,))
            for refused in ("from ref.s.other", "insert into ref.s.t values (1)", f"attach '{tmp_path}/x' as y"):
                with pytest.raises(duckdb.Error):
                    connection.execute(refused).fetchall()
            opened_again = connection.cursor()
            assert opened_again.execute("from ref.s.t").fetchall() == [(2,)]


@pytest.mark.parametrize("statement", OWN)
def test_a_further_database_with_names_of_its_own_is_refused(shop: Path, ref: Path, tmp_path: Path, statement: str) -> None:
    with duckdb.connect(str(ref)) as connection:
        connection.execute(statement)
    with pytest.raises(DbtRuntimeError, match=f'database file "{ref}": the database defines functions or types: '):
        opened(str(shop), tmp_path, attach={"ref": str(ref)})


def test_a_further_database_has_the_name_of_no_schema(shop: Path, ref: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(shop)) as connection:
        connection.execute('create schema "REF"')
    with pytest.raises(DbtRuntimeError, match="a schema with the name of an attached one: ref"):
        opened(str(shop), tmp_path, attach={"ref": str(ref)})


@pytest.mark.parametrize("what", ["is gone", "is a link", "is no database", "was attached as another"])
def test_a_further_database_that_is_another_when_it_is_opened(shop: Path, ref: Path, tmp_path: Path, what: str) -> None:
    """The worker has looked before; this is for what happens meanwhile. The connection is locked, whatever becomes of it, and is
    not used by another attempt."""
    kept: list[duckdb.DuckDBPyConnection] = []
    name = "shop" if what == "was attached as another" else "ref"
    if name == "ref":
        ref.rename(tmp_path / "elsewhere")
    if what == "is a link":
        ref.symlink_to(tmp_path / "elsewhere")
    if what == "is no database":
        ref.write_bytes(b"SQLite format 3\0" + bytes(5000))
    with pytest.raises(DbtRuntimeError, match="DuckDB could read what" if what == "is a link" else f'database file "{ref}": '):
        opened(str(shop), tmp_path, kept, attach={name: str(ref)})
    (connection,) = kept
    credentials = SimpleNamespace(path=str(shop), config_options={"temp_directory": str(tmp_path / "spill")})
    plugin = Plugin("duckdb_access", {"reads": json.dumps({"attach": {name: str(ref)}})}, credentials)
    with connection:
        with pytest.raises(duckdb.Error):
            connection.execute(f"from read_text('{tmp_path}/other.txt')")
        with pytest.raises(DbtRuntimeError, match=r"DuckDB (could read what|has other databases than) the target"):
            plugin.configure_connection(connection)


def test_a_further_database_that_is_written_before_it_is_opened_was_not_overwritten(
    shop: Path, ref: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is attached after the target's own file was opened."""
    monkeypatch.setenv("STRINGX_TARGET_READS", json.dumps({"attach": {"ref": str(ref)}}))
    monkeypatch.setattr(duckdb_statements, "_files", None)  # those of a test before
    duckdb_states.note(f"{tmp_path}/other.txt")  # of a target before
    (tmp_path / "other.txt").unlink()
    credentials = SimpleNamespace(path=str(shop), config_options={})
    for rows, path in ((2, ref), (3, shop)):
        duckdb_statements.Plugin("duckdb_statements", {}, credentials).update_connection_config(credentials, {})
        with duckdb.connect(str(ref)) as writer:
            writer.execute("insert into s.t values (3)")
        with opened(str(shop), tmp_path, attach={"ref": str(ref)}) as connection:
            assert connection.execute("select count(*) from ref.s.t").fetchone() == (rows,)
            assert not duckdb_statements.stringx_files_changed(None)
            path.write_bytes(path.read_bytes())
            with pytest.raises(DbtRuntimeError, match=f'database file "{path}": it was overwritten while it was read'):
                duckdb_statements.stringx_files_changed(None)


def test_a_link_that_is_put_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.parquet", "select 1 as a")
    link = tmp_path / "orders.parquet"
    link.symlink_to(secret)
    with pytest.raises(DbtRuntimeError, match="DuckDB could read what the target does not name"):
        opened(":memory:", tmp_path, locations={"s.orders": location(str(link))})


def test_a_link_that_is_put_in_the_place_of_a_folder_is_not_followed(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "parts").symlink_to("/etc")
    with pytest.raises(DbtRuntimeError, match="DuckDB could read what the target does not name"):
        opened(str(shop), tmp_path, folders=[str(tmp_path / "parts")])


def test_files_become_tables(tmp_path: Path) -> None:
    one = write(
        tmp_path / "status=paid" / "it's 1.parquet", "select 1::integer as id, 'open' as status, 1.5::decimal(2, 1) as price"
    )
    other = "select 1000000.5::decimal(20, 1) as price, 'lost' as status, 9007199254740993::bigint as id"
    two = write(tmp_path / "status=paid" / "2.parquet", other)
    with opened(":memory:", tmp_path, locations={'S."x': location(one, two)}) as connection:
        rows = connection.execute('select id, status, price::varchar from "S"."""x"').fetchall()
        assert rows == [(1, "open", "1.5"), (9007199254740993, "lost", "1000000.5")]
        assert tables(connection) == {}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select 1.5 as a, 'x' as b", "column a is a whole number in"),
        ("select 1::double as a, 'x' as b", "column a is a whole number in"),
        ("select true as a, 'x' as b", "column a is a whole number in"),
        ("select 1::decimal(9, 2) as a, 'x' as b", "DECIMAL with 2 digits behind the point in"),
        ("select 1 as a", "column b is in"),
        ("select 1 as a, 'x' as b, 2 as c", "column c is in"),
        ("select 1 as a, 'x' as B", None),
    ],
)
def test_files_that_differ_are_no_table(tmp_path: Path, query: str, words: str | None) -> None:
    """DuckDB would round, cast or leave out."""
    files = [write(tmp_path / "1.parquet", "select 1 as a, 'x' as b"), write(tmp_path / "2.parquet", query)]
    with opened(":memory:", tmp_path, locations={"s.t": location(*files), "s.good": location(files[0])}) as connection:
        if words is None:
            assert tables(connection) == {}
            return
        (fault,) = tables(connection).values()
        assert words in fault
        assert "\n" not in fault
        assert connection.execute("select count(*) from s.good").fetchall() == [(1,)]
        with pytest.raises(duckdb.Error):
            connection.execute("from s.t")


def test_names_are_one_only_if_duckdb_takes_them_for_one(tmp_path: Path) -> None:
    """It knows no other letters in upper and lower case than those of ASCII, and would read NULL for the others."""
    names = [("état", "ÉTAT"), ("straße", "STRASSE"), ("\u212a", "k"), ("\u0130", "i"), ("état1", "éTaT1")]
    locations = {}
    for number, pair in enumerate(names):
        files = [write(tmp_path / f"{number}{name}.parquet", f"""select 1 as "{name}" """) for name in pair]
        locations[f"S{number % 2}.t{number}"] = location(*files)
    with opened(":memory:", tmp_path, locations=locations) as connection:
        assert tables(connection).keys() == {"S0.t0", "S1.t1", "S0.t2", "S1.t3"}
        assert "column ÉTAT is in" in tables(connection)["S0.t0"]
        assert connection.execute('select "éTAT1" from s0.t4').fetchall() == [(1,), (1,)]


def test_what_is_no_parquet_is_a_fault_of_its_table(tmp_path: Path) -> None:
    for name, text in (("empty", b""), ("text", b"a,b\n1,2\n" * 10)):
        (tmp_path / f"{name}.parquet").write_bytes(text)
    good = write(tmp_path / "good.parquet", "select 1 as a")
    both = {f"s.{name}": location(good, str(tmp_path / f"{name}.parquet")) for name in ("empty", "text")}
    with opened(":memory:", tmp_path, locations=both | {"s.none": {**location(), "fault": "no file is named x"}}) as connection:
        assert tables(connection).keys() == {"s.empty", "s.text", "s.none"}
        assert tables(connection)["s.none"] == "no file is named x"


def test_schemas_of_duckdb_itself_are_no_tables(tmp_path: Path) -> None:
    good = write(tmp_path / "good.parquet", "select 1 as a")
    with opened(":memory:", tmp_path, locations={'"a.b"."c"': location(good)}) as connection:
        assert connection.execute('select a from "a.b".c').fetchall() == [(1,)]
    with opened(":memory:", tmp_path, locations={"pg_catalog.pg_class": location(good), "main.t": location(good)}) as connection:
        assert tables(connection).keys() == {"pg_catalog.pg_class"}
