"""Files and databases of DuckDB that are written to while a check reads them: a gate never rests on a mixture, nor on what nobody
has read."""

import json
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest

from api.engine.pool import ChildFactory
from api.targets.engine import Machine
from api.targets.registry import engine_of
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.messages.checks import CheckResult
from tests.support import engine
from tests.support.datasets import apply
from tests.support.duckdb_lake import HEAD, Lake, by_id, rule, table
from tests.support.processes import eventually

ROWS = "select {rows} as id, {price} as price from range(2500)"
OLD, NEW = ROWS.format(rows="range", price="1.0"), ROWS.format(rows="range // 2", price="-1.0")
SLOW = "select x.id from s.t x, s.t y where md5(concat(x.id, y.id)) = 'none'"
RULES = [
    rule("prices", "between", "price", arguments={"min": 0}),
    rule("slow", "sql", arguments={"query": SLOW}),
    rule("ids", "unique", "id"),
]
OF_OLD = {"prices": ("pass", 0), "slow": ("pass", 0), "ids": ("pass", 0)}
OF_NEW = {"prices": ("fail", 2500), "slow": ("pass", 0), "ids": ("fail", 1250)}


def decided(result: CheckResult) -> dict[str, Any]:
    return {id: (each.status, each.failures) for id, each in by_id(result).items()}


def check_and_meanwhile(lake: Lake, path: str, act: Callable[[], object]) -> CheckResult:
    """The result of a check of s.t during which something is done, while a statement reads the file."""
    ends: list[CheckResult] = []
    attempt = lake.accept("s.t")
    running = threading.Thread(target=lambda: ends.extend(lake.serve(attempt)), daemon=True)
    running.start()
    eventually(lambda: _is_read(lake, path), 60)
    act()
    running.join(120)
    assert len(ends) == 1
    return ends[0]


def _is_read(lake: Lake, path: str) -> bool:
    """Whether the file is open in a child for longer than its columns are looked up."""
    done = threading.Event()
    return all(_is_open(lake, path) and not done.wait(0.01) for _ in range(20))


def _is_open(lake: Lake, path: str) -> bool:
    try:
        return any(file.path == path for pid in _pids(lake) for file in psutil.Process(pid).open_files())
    except psutil.Error:
        return False


def _pids(lake: Lake) -> list[int]:
    return [slot._process.pid for slot in lake.worker.others.slots if slot.alive and slot._process is not None]


def test_a_file_that_is_replaced_once_is_read_again(lake: Lake) -> None:
    path = lake.write("t.parquet", OLD)
    lake.configure({"locations": {"s.t": path}}, "s.t", *RULES)
    assert decided(lake.check("s.t")) == OF_OLD
    found = check_and_meanwhile(lake, path, lambda: lake.write("t.parquet", NEW))
    assert decided(found) == OF_NEW, found.reason
    assert "had one changed meanwhile, all would have been read again" in str(found.notes)


def test_a_file_that_is_replaced_all_the_time_is_no_table(lake: Lake) -> None:
    path = lake.write("t.parquet", OLD)
    lake.configure({"locations": {"s.t": path}}, "s.t", *RULES)
    done, times = threading.Event(), count()

    def replace() -> None:
        while not done.wait(0.05):
            shutil.copyfile(path, lake.folder / "new")
            (lake.folder / "new").replace(path)
            next(times)

    replacing = threading.Thread(target=replace, daemon=True)
    replacing.start()
    try:
        found = lake.check("s.t")
    finally:
        done.set()
        replacing.join()
    assert next(times) >= 3
    assert {each.status for each in found.rules or []} == {"error"}, found.reason
    assert "it was refreshed, altered or replaced each of three times that it was read" in str(by_id(found)["ids"].message)
    assert not lake.is_open("s.t")


def test_samples_are_of_the_rows_that_were_counted(lake: Lake) -> None:
    """A file that is replaced while samples are read, after the rules were decided."""
    path = lake.write("t.parquet", OLD)
    slow = rule("slow", "sql", arguments={"query": f"{SLOW} or x.id = y.id and x.id < 3"})
    apply(lake.database, HEAD | {"locations": {"s.t": path}}, table("s.t", slow) | {"key": ["id"]})
    found = lake.check("s.t")
    assert by_id(found)["slow"].sample.rows == [[0], [1], [2]]

    def replace() -> None:
        while _is_open(lake, path):
            pass
        if eventually(lambda: _is_read(lake, path) or not _pids(lake), 60):
            lake.write("t.parquet", NEW)

    for _ in range(5):  # it may not be seen that the file is closed and opened again
        lake.write("t.parquet", OLD)
        found = check_and_meanwhile(lake, path, replace)
        if by_id(found)["slow"].sample is None:
            break
    assert decided(found) == {"slow": ("fail", 3)}
    assert by_id(found)["slow"].sample is None
    assert "there are no samples: what they are taken from has changed since the rules were decided" in str(found.notes)


@pytest.mark.parametrize("what", ["old.duckdb", "old.duckdb.wal", "ref.duckdb"])
def test_a_database_file_that_is_overwritten_is_an_error(lake: Lake, what: str) -> None:
    """DuckDB's lock hinders no `cp`, neither of the target's own file nor of one that it attaches."""
    for name, query in (("old", OLD), ("new", NEW), ("ref", OLD)):
        lake.make(f"{name}.duckdb", "create schema s", f"create table s.t as {query}")
    path, beside = str(lake.folder / "old.duckdb"), str(lake.folder / "ref.duckdb")
    known = rule("known", "relationship", "id", arguments={"to_table": "ref.s.t", "to_column": "id"})
    lake.configure({"path": path, "attach": {"ref": beside}}, "s.t", *RULES, known)
    assert decided(lake.check("s.t")) == OF_OLD | {"known": ("pass", 0)}
    assert lake.is_open("s.t")
    found = check_and_meanwhile(lake, path, lambda: shutil.copyfile(lake.folder / "new.duckdb", lake.folder / what))
    assert found.verdict == "error"
    overwritten = lake.folder / what.removesuffix(".wal")
    assert f"{overwritten} was changed, replaced or removed while it was read; check again when its writer is done" in str(
        found.reason
    )
    assert not lake.is_open("s.t")
    Path(f"{path}.wal").unlink(missing_ok=True)
    after = {
        "old.duckdb": OF_NEW | {"known": ("pass", 0)},
        "old.duckdb.wal": OF_OLD | {"known": ("pass", 0)},
        "ref.duckdb": OF_OLD | {"known": ("fail", 1250)},
    }
    assert decided(lake.check("s.t")) == after[what]


def test_the_moment_of_a_check_is_the_one_before_its_files_are_looked_up(lake: Lake, duckdb_factory: ChildFactory) -> None:
    """So a gate that asks for a check of a later moment does not rest on one that has not looked at all files."""
    lake.write("1.parquet", OLD)
    target = parse_target(HEAD | {"locations": {"s.t": f"{lake.folder}/*.parquet"}})
    before = datetime.now(UTC)
    environment = engine_of(target).environment(Machine.of(lake.worker.settings, lake.folder), "x")
    lake.write("2.parquet", NEW)
    meanwhile = datetime.now(UTC)
    reading = engine.rule("now", "expression", sql=f"now() >= '{meanwhile:%Y-%m-%d %H:%M:%S.%f}+00'")
    with duckdb_factory.slot(1) as child:
        child.ensure_warm()
        answer = child.run(
            engine.gate("t", engine.rule("ids", "unique", "id"), reading, schema="s"), lake.folder, environment, 90
        )
    assert answer.outcome is not None, answer.message
    outcome = json.loads(answer.outcome)
    assert (outcome["verdict"], outcome["tables"][0]["row_count"]) == ("pass", 2500), outcome
    assert before <= datetime.fromisoformat(outcome["snapshot_at"]) < meanwhile
