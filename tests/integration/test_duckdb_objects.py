"""Targets of DuckDB whose files are objects of S3, on a real server: from their document to the gate."""

import gzip
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from api.engine.pool import ChildFactory
from api.engine.profile import PASSWORD_VARIABLE
from api.engine.s3_signing import Keys
from backend.configuration import store
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.problems import Invalid
from tests.support.datasets import ME
from tests.support.duckdb_lake import HEAD, ORDERS, Lake, by_id, lake_of, rule
from tests.support.processes import eventually
from tests.support.proxy import Proxy
from tests.support.s3_server import ROOT_KEYS, SECRET, S3Server, s3_server

STRANGER = Keys("stranger", "strangers-secret")
pytestmark = pytest.mark.timeout(1200)  # the server is built once, which takes minutes
NUMBERS = count()


@pytest.fixture(scope="module")
def server(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(pytestconfig, tmp_path_factory.mktemp("s3")) as made:
        made.make_user(STRANGER)
        yield made


@dataclass
class Storage:
    """A bucket of its own, and a worker that may read what lies below `open/` in it, also by way of a proxy."""

    server: S3Server
    proxy: Proxy
    bucket: str
    lake: Lake

    @property
    def place(self) -> str:
        return f"s3://{self.bucket}/open"

    def put(self, name: str, data: bytes) -> None:
        self.server.put(self.bucket, f"open/{name}", data)

    def copy(self, path: str, name: str) -> None:
        self.put(name, Path(path).read_bytes())

    def write(self, name: str, query: str) -> None:
        self.copy(self.lake.write("made.parquet", query), name)

    def keep(self, keys: Keys, name: str = "keys") -> None:
        folder = self.lake.worker.settings.secrets / "shop"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(SECRET.format(keys))

    def target(self, location: str, **storage: Any) -> dict[str, Any]:
        return {"s3": {"endpoint": self.server.url, "credentials_file": "keys"} | storage, "locations": {"s.t": location}}

    def check(self, target: dict[str, Any], *rules: dict[str, Any]) -> CheckResult:
        self.lake.configure(target, "s.t", *(rules or (rule("id", "not_null", "id"),)))
        return self.lake.check("s.t")


@pytest.fixture
def storage(server: S3Server, database: Database, duckdb_factory: ChildFactory, tmp_path: Path) -> Iterator[Storage]:
    bucket = f"bucket-{next(NUMBERS)}"
    server.make_bucket(bucket)
    (tmp_path / "lake").mkdir()
    proxy = Proxy([urlsplit(server.url).port or 0])
    settings = {
        "STRINGX_HOME": str(tmp_path / "home"),
        "DUCKDB_FOLDERS": str(tmp_path / "lake"),
        "DUCKDB_BUCKETS": f"s3://elsewhere, {server.url}/{bucket}/open, {proxy.url}/{bucket}/open",
    }
    with lake_of(database, duckdb_factory, tmp_path / "lake", settings) as lake:
        made = Storage(server, proxy, bucket, lake)
        made.keep(ROOT_KEYS)
        yield made
    proxy.close()


def decided(result: CheckResult) -> dict[str, Any]:
    return {each.id: (each.status, each.failures, each.total, each.measured) for each in result.rules or []}


def test_objects_are_decided_as_the_same_files_on_disk(storage: Storage) -> None:
    lake, rows = (
        storage.lake,
        "select range as id, if(range % 3 = 0, 'open', md5(range::varchar)) as status, range * 1.5 as price",
    )
    for part, over in enumerate(("range(150000)", "range(130000, 280000)")):
        storage.copy(lake.write(f"orders/{part}.parquet", f"{rows} from {over}"), f"orders/{part}.parquet")
    text = "".join(f"{number},x{number % 7},{number}.5\n" for number in range(60_000))
    columns = {"id": "bigint", "status": "text", "price": "decimal(10,1)"}
    for name, data in {
        "1.csv": f"id,status,price\n{text}".encode(),
        "2.csv.gz": gzip.compress(b"price,id,status\n0.5,7,y\n", mtime=0),
    }.items():
        (lake.folder / name).write_bytes(data)
        storage.put(f"items/{name}", data)
    rules = [
        rule("ids", "unique", "id"),
        rule("statuses", "accepted_values", "status", arguments={"values": ["open", "x1", "x2", "x3"]}),
        rule("prices", "between", "price", arguments={"min": 10, "max": 100_000}),
        rule("rows", "row_count", arguments={"max": 10}),
        rule("sum", "sql", arguments={"query": "select id from s.t group by id having sum(price) > 200000"}),
    ]
    found = {}
    for kind, place, items in (
        ("disk", f"{lake.folder}/orders", str(lake.folder)),
        ("s3", f"{storage.place}/orders", f"{storage.place}/items"),
    ):
        target = storage.target(f"{storage.place}/orders/0.parquet") | {"threads": 4}
        target["locations"] = {"a.b": f"{storage.place}/orders/0.parquet", "s.t": f"{place}/*.parquet"}
        of_parquet = storage.check(target, *rules)
        assert kind == "disk" or "is read from files, which are no snapshot" in str(of_parquet.notes)
        target["locations"].pop("s.t")
        target["csv_locations"] = {
            "s.t": {"files": f"{items}/1.csv", "columns": columns},
            "s.p": {"files": f"{items}/*.csv.gz", "columns": columns},
        }
        of_csv = storage.check(
            target, *rules, rule("refers", "relationship", "id", arguments={"to_table": "s.p", "to_column": "id"})
        )
        found[kind] = (decided(of_parquet), decided(of_csv))
    assert found["s3"] == found["disk"]
    assert found["s3"][0]["ids"][1] == 20_000
    assert found["s3"][1]["refers"][1] == 59_999


def test_a_new_object_is_part_of_the_next_check_and_none_is_an_error(storage: Storage) -> None:
    storage.write("1.parquet", ORDERS.format(rows=5))
    target, rows = storage.target(f"{storage.place}/*.parquet"), rule("rows", "row_count", arguments={"min": 1})
    first = storage.check(target, rows, rule("ids", "unique", "id"))
    assert (first.verdict, first.row_count, storage.lake.is_open("s.t")) == ("pass", 5, True), first.reason
    storage.write("2.parquet", ORDERS.format(rows=2))
    second = storage.check(target, rows, rule("ids", "unique", "id"))
    assert (second.row_count, by_id(second)["ids"].failures, storage.lake.is_open("s.t")) == (7, 2, False)
    for name in ("1", "2"):
        storage.server.delete(storage.bucket, f"open/{name}.parquet")
    third = storage.check(target, rows)
    assert third.verdict == "error"
    assert f"no file is named {storage.place}/*.parquet at the storage" in str(by_id(third)["rows"].message)


def test_what_cannot_be_read_is_an_error_in_one_line_that_names_the_fix(storage: Storage, tmp_path: Path) -> None:
    storage.write("1.parquet", ORDERS.format(rows=5))
    target = storage.target(f"{storage.place}/*.parquet")
    wrong = Keys(ROOT_KEYS.access_key_id, "another-secret")
    for keys, words in (
        (STRANGER, "access denied; let the keys of the target read it"),
        (wrong, "the secret access key is wrong; correct what s3.credentials_file or s3.credentials_env of the target names"),
        (Keys("nobody", "x"), "the storage does not know the access key"),
    ):
        storage.keep(keys)
        found = storage.check(target)
        assert found.verdict == "error"
        assert words in str(found.reason), found.reason
        assert "\n" not in str(found.reason)
        assert keys.secret_access_key not in found.model_dump_json()
    (storage.lake.worker.settings.secrets / "shop" / "keys").write_text("secret!")
    assert "holds something else than keys of S3; write aws_access_key_id" in str(storage.check(target).reason)
    (storage.lake.worker.settings.secrets / "shop" / "keys").unlink()
    assert "cannot read the s3.credentials_file 'keys'" in str(storage.check(target).reason)


def test_a_check_whose_storage_falls_silent_ends_when_it_is_canceled(storage: Storage) -> None:
    for number in range(30):
        storage.write(f"{number}.parquet", ORDERS.format(rows=5))
    lake, proxy = storage.lake, storage.proxy
    first = storage.check(storage.target(f"{storage.place}/*.parquet", endpoint=proxy.url))
    assert first.verdict == "pass", first.reason
    before, proxy.delay_s = proxy.connections, 0.1
    attempt, ends = lake.accept("s.t", timeout_s=200), []
    running = threading.Thread(target=lambda: ends.extend(lake.serve(attempt)), daemon=True)
    running.start()
    eventually(lambda: proxy.connections > before + 1, 120)  # the first one was that of the worker
    proxy.swallow()
    (slot,) = [each for each in lake.worker.others.slots if each.alive]
    pid = slot._process.pid if slot._process is not None else 0
    attempt.stop("canceled")
    running.join(120)
    assert [(end.status, end.verdict) for end in ends] == [("canceled", "error")]
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", 120)
    proxy.forward()
    assert lake.check("s.t").verdict == "pass"


def test_everybody_may_read_a_bucket_without_keys(storage: Storage) -> None:
    storage.write("1.parquet", ORDERS.format(rows=5))
    target = storage.target(f"{storage.place}/*.parquet", credentials_file=None, anonymous=True)
    assert "access denied" in str(storage.check(target).reason)
    storage.server.let_everybody_read(storage.bucket)
    found = storage.check(target)
    assert (found.verdict, found.row_count) == ("pass", 5), found.reason


def test_the_command_of_a_result_has_no_keys_and_runs_by_hand(storage: Storage) -> None:
    storage.write("1.parquet", ORDERS.format(rows=5))
    found = storage.check(storage.target(f"{storage.place}/1.parquet"), rule("many", "row_count", arguments={"min": 6}))
    assert found.verdict == "fail", found.reason
    assert ROOT_KEYS.secret_access_key not in found.model_dump_json()
    assert found.dbt is not None
    without = {"PATH": os.environ["PATH"], "HOME": "/"}
    refused = subprocess.run(["bash", "-c", found.dbt.command], capture_output=True, text=True, env=without, check=False)
    assert "or the text with its keys" in refused.stderr
    given = without | {PASSWORD_VARIABLE: SECRET.format(ROOT_KEYS)}
    ran = subprocess.run(["bash", "-c", found.dbt.command], capture_output=True, text=True, env=given, check=False)
    assert (ran.returncode, "FAIL 1" in ran.stdout) == (1, True), ran.stdout[-2000:] + ran.stderr
    assert ROOT_KEYS.secret_access_key not in ran.stdout + ran.stderr


def test_objects_of_other_places_close_the_gate_and_sql_reaches_none(storage: Storage) -> None:
    for name in ("1", "2"):
        storage.write(f"{name}.parquet", ORDERS.format(rows=5))
    assert storage.check(storage.target(f"{storage.place}/1.parquet")).verdict == "pass"
    store.put_target(storage.lake.database, ME, "shop", HEAD | storage.target(f"{storage.place}/2.parquet"), None)
    assert not storage.lake.is_open("s.t")
    with pytest.raises(Invalid, match="reads a file by its name"):
        storage.check(
            storage.target(f"{storage.place}/1.parquet"),
            rule("file", "sql", arguments={"query": f"select 1 from '{storage.place}/2.parquet'"}),
        )
    with pytest.raises(Invalid, match="read_parquet"):
        storage.check(
            storage.target(f"{storage.place}/1.parquet"),
            rule("file", "sql", arguments={"query": f"select 1 from read_parquet('{storage.place}/2.parquet')"}),
        )
