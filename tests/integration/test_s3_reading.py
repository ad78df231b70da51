"""Objects of S3 as DuckDB reads them in the process of a check: from a real server, with several threads, while they change."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from api.engine import duckdb_objects, duckdb_statements
from api.engine.profile import PASSWORD_VARIABLE
from api.engine.s3_client import Client
from api.engine.s3_faults import Replaced, StorageFault
from tests.support.s3_server import REGION, ROOT_KEYS, SECRET, S3Server, s3_server
from tests.unit.test_duckdb_access import opened, tables
from tests.unit.test_duckdb_csv import Reading

pytestmark = pytest.mark.timeout(1200)  # the server is built once, which takes minutes
COLUMNS = {"a": "bigint", "b": "bigint"}


@pytest.fixture(scope="module")
def server(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(pytestconfig, tmp_path_factory.mktemp("s3")) as made:
        made.make_bucket("lake")
        yield made


@dataclass
class Lake:
    """A bucket, and connections as those of checks."""

    server: S3Server
    folder: Path
    patch: pytest.MonkeyPatch
    made: list[duckdb.DuckDBPyConnection] = field(default_factory=list)

    def put(self, key: str, query: str, form: str = "parquet") -> str:
        path = self.folder / "made"
        duckdb.sql(f"copy ({query}) to '{path}' (format {form}{', row_group_size 20000' if form == 'parquet' else ''})")
        self.server.put("lake", key, path.read_bytes())
        return f"s3://lake/{key}"

    def open(self, **locations: dict[str, Any]) -> Reading:
        reads = {"locations": locations, "s3": {"endpoint": self.server.url, "region": REGION}}
        self.patch.setenv("STRINGX_TARGET_READS", json.dumps(reads))
        self.made.append(opened(":memory:", self.folder, makes_views=False, **reads))
        return Reading(self.made[-1])


@pytest.fixture
def lake(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    monkeypatch.setattr(duckdb_statements, "_bound_memory", lambda: None)  # it would hold for all tests of this process
    monkeypatch.setenv(PASSWORD_VARIABLE, SECRET.format(ROOT_KEYS))
    made = Lake(server, tmp_path, monkeypatch)
    yield made
    for connection in made.made:
        connection.close()


def parquet(*names: str) -> dict[str, Any]:
    return {"format": "parquet", "files": list(names)}


def csv(*names: str) -> dict[str, Any]:
    return {"format": "csv", "files": list(names), "columns": COLUMNS, "delimiter": ",", "null_text": ""}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_object_that_is_replaced_is_looked_at_anew(lake: Lake, kind: str) -> None:
    def put(a: int, b: int, order: str) -> str:
        return lake.put(f"replaced.{kind}", f"select {order} from (select {a} as a, {b} as b)", kind)

    name = put(1, 2, "a, b")
    reading = lake.open(**{"s.t": csv(name) if kind == "csv" else parquet(name)})
    counted = "select count(*)::varchar from s.t where a < b"
    reading.begin()
    assert (reading.answer(counted), reading.changed()) == ("1", False)
    put(4, 3, "b, a")
    assert reading.changed()
    reading.begin()
    assert (reading.answer(counted), reading.changed()) == ("0", False)
    lake.server.delete("lake", f"replaced.{kind}")
    assert reading.changed()
    reading.begin()
    assert tables(reading.connection) == {"s.t": f"{name}: there is no such object"}
    assert reading.changed(), "what cannot be looked at is never as it was"


def test_an_object_that_was_replaced_while_it_was_read_has_changed_though_it_is_the_same_again(lake: Lake) -> None:
    name = lake.put("back.parquet", "select md5(range::varchar) as a from range(300000)")
    before = (lake.folder / "made").read_bytes()
    reading = lake.open(**{"s.t": parquet(name)})
    reading.begin()
    lake.put("back.parquet", "select 'x' as a")
    answer = reading.answer("select bit_xor(hash(a))::varchar from s.t")
    lake.server.put("lake", "back.parquet", before)
    assert "it was replaced while it was read" in str(answer)
    assert reading.changed()


def test_no_statement_reads_one_half_of_an_object_before_and_one_after(lake: Lake) -> None:
    """Each row of an object has the same value of `b`. It is replaced all the time while it is read."""
    query = "select range as a, {0} as b, concat(md5(range::varchar), '{0}') as t from range({1})"
    name = lake.put("halves.parquet", query.format(0, 200_000))
    other = lake.folder / "other"
    duckdb.sql(f"copy ({query.format(1, 190_000)}) to '{other}' (format parquet, row_group_size 20000)")
    contents = [(lake.folder / "made").read_bytes(), other.read_bytes()]
    reading, done, replaced = lake.open(**{"s.t": parquet(name)}), threading.Event(), 0

    def replace() -> None:
        nonlocal replaced
        while not done.is_set():
            lake.server.put("lake", "halves.parquet", contents[(replaced + 1) % 2])
            replaced += 1
            time.sleep(0.01)

    thread = threading.Thread(target=replace, daemon=True)
    thread.start()
    answers = []
    try:
        while len(answers) < 12 or replaced < 12:
            reading.begin()
            if (fault := tables(reading.connection)) and replaced:  # three times while its columns were looked up
                assert fault == {"s.t": f"{name}: it was replaced while it was read"}
                continue
            answers.append(reading.answer("select to_json([min(b), max(b), count(distinct t)])::varchar from s.t"))
            answers[-1] = (answers[-1], reading.changed())
    finally:
        done.set()
        thread.join()
    for answer, is_changed in answers:
        if isinstance(answer, dict):
            assert "it was replaced while it was read" in str(answer["message"]), answer
            assert is_changed
        else:
            assert answer in ("[0,0,200000]", "[1,1,190000]")
    reading.begin()
    assert isinstance(reading.answer("select count(*)::varchar from s.t where t like 'a%'"), str), "then it is as before"
    assert not reading.changed()


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_threads_that_read_one_object_at_the_same_time_read_the_right_bytes(lake: Lake, kind: str) -> None:
    query = "select range as a, (range * 7919) % 1000003 as b from range(600000)"
    form = "parquet" if kind == "parquet" else "csv, compression gzip" if kind == "csv.gz" else "csv"
    name = lake.put(f"large.{kind}", query, form)
    reading = lake.open(**{"s.t": parquet(name) if kind == "parquet" else csv(name)})
    expected = duckdb.sql(f"select sum(a * 3 + b)::varchar, bit_xor(hash(a, b))::varchar from ({query})").fetchall()[0]
    for _ in range(2):
        reading.begin()
        for sql, value in zip(("sum(a * 3 + b)", "bit_xor(hash(a, b))"), expected, strict=True):
            assert reading.answer(f"select ({sql})::varchar from s.t") == value
    assert not reading.changed()


def test_duckdb_reads_the_named_objects_and_nothing_else(lake: Lake, tmp_path: Path) -> None:
    name, other = lake.put("it's a b+c%é.parquet", "select 1 as a"), lake.put("other.parquet", "select 2 as a")
    local = tmp_path / "made"
    reading = lake.open(**{"s.t": parquet(name)})
    reading.begin()
    assert reading.answer("select a::varchar from s.t") == "1"
    for text in (other, "s3://lake/*.parquet", str(local), "s3://lake/made/../other.parquet", f"{name}?x", lake.server.url):
        quoted = text.replace("'", "''")
        answer = reading.answer(f"select a::varchar from read_parquet('{quoted}')")
        assert isinstance(answer, dict), text
        assert answer["sqlstate"] == "42501", (text, answer)
    with pytest.raises(duckdb.Error):
        reading.connection.execute(f"copy (select 1) to '{other}'")
    with pytest.raises(duckdb.Error):
        reading.connection.execute("set allowed_paths = []")


def test_the_file_system_knows_no_other_object_and_no_other_way_to_read(lake: Lake) -> None:
    name = lake.put("known.parquet", "select 1 as a")
    other = lake.put("unknown.parquet", "select 1 as a")
    reading = lake.open(**{"s.t": parquet(name)})
    reading.begin()
    objects = duckdb_objects.registered()
    assert (objects.glob("s3://lake/*.parquet"), objects.glob(other), objects.glob(name)) == ([], [], [name])
    with pytest.raises(StorageFault, match="does not name this object"):
        objects.open(other)
    with pytest.raises(StorageFault, match="nothing is written"):
        objects.open(name, "wb")
    opened = objects.open(name)
    with pytest.raises(StorageFault, match="in an unknown way"):
        opened.read(4)
    opened.seek(0)
    with ThreadPoolExecutor(1) as another:  # moves itself, not this thread
        another.submit(opened.seek, 4).result()
        assert opened.read(4) == b"PAR1"
        assert another.submit(opened.read, 4).result() != b"PAR1"
    opened.seek(0)
    with ThreadPoolExecutor(1) as another, pytest.raises(StorageFault, match="in an unknown way"):
        another.submit(opened.read, 4).result()
    assert objects.reader(name).read(4) == b"PAR1"


def test_an_object_without_rights_makes_its_table_an_error_and_no_other(lake: Lake) -> None:
    good, gone = lake.put("good.parquet", "select 1 as a"), "s3://lake/gone.parquet"
    reading = lake.open(**{"s.good": parquet(good), "s.gone": parquet(good, gone), "s.csv": csv("s3://lake/gone.csv")})
    reading.begin()
    assert tables(reading.connection) == {
        "s.gone": f"{gone}: there is no such object",
        "s.csv": "s3://lake/gone.csv: there is no such object",
    }
    assert reading.answer("select a::varchar from s.good") == "1"


def test_columns_of_objects_are_compared(lake: Lake) -> None:
    whole, decimal = lake.put("whole.parquet", "select 1 as a"), lake.put("decimal.parquet", "select 1.4 as a")
    header = lake.put("header.csv", "select 1 as a, 2 as c", "csv")
    reading = lake.open(**{"s.t": parquet(whole, decimal), "s.c": csv(header)})
    reading.begin()
    assert tables(reading.connection) == {
        "s.t": f"column a is a whole number in {whole} and DECIMAL with 1 digits behind the point in {decimal}; write one type",
        "s.c": f"the first line of {header} lacks the column b; it has something else at place 2",
    }


def test_a_state_that_is_no_longer_is_not_read(lake: Lake) -> None:
    name = lake.put("asked.parquet", "select 1 as a")
    client = Client(lake.server.url, REGION, ROOT_KEYS)
    state = client.look("lake", "asked.parquet")
    assert client.read("lake", "asked.parquet", 0, 4, state) == b"PAR1"
    lake.put("asked.parquet", "select 2 as a")
    with pytest.raises(Replaced, match=f"{name}: it was replaced while it was read"):
        client.read("lake", "asked.parquet", 0, 4, state)
    client.close()


def test_a_statement_that_finds_no_memory_for_an_object_says_so(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = lake.open(**{"s.t": parquet(lake.put("large.parquet", "select md5(range::varchar) as a from range(300000)"))})
    reading.begin()

    def fails(*_: Any) -> bytes:
        raise MemoryError

    monkeypatch.setattr(Client, "read", fails)  # a process that has no memory left is not made on purpose
    assert reading.answer("select bit_xor(hash(a))::varchar from s.t") == {
        "sqlstate": "53200",
        "message": "it needs more memory than memory_limit allows",
    }
