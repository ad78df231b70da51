"""During an upgrade the release before incidents goes on storing results, on the schema of this one: its real code, from the project's
history. Its results open and close incidents as those of this release do."""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from api.checks import claims, lifecycle
from database.pool import Database
from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.contract.settings import ROOT
from tests.support.datasets import ask, claimed, decided

FIRST_CHANGE = "database/migrations/0029_incidents.sql"
_STORES = """
import json, sys
from backend.history import upkeep
from backend.requests import tracking
from database.pool import Database
from stringx_dataops.contract.messages.checks import CheckResult
from stringx_dataops.contract.settings import ROOT

database = Database(sys.argv[1], size=2)
for line in sys.stdin:
    for found in json.loads(line):
        assert tracking.store(database, found["request_id"], CheckResult.model_validate(found))
    while upkeep.refresh_states(database):
        continue
    print(str(ROOT), flush=True)
"""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as it was before incidents."""
    git = ["git", "-c", f"safe.directory={ROOT}"]
    try:
        log = [*git, "log", "--diff-filter=A", "--format=%H", "--", FIRST_CHANGE]
        added = subprocess.run(log, cwd=ROOT, capture_output=True, check=True, text=True, timeout=60).stdout.split()[-1]
        archive = [*git, "archive", f"{added}^", "--", "backend", "database", "stringx", "stringx_dataops", "web"]
        packed = subprocess.run(archive, cwd=ROOT, capture_output=True, check=True, timeout=60).stdout
    except (OSError, subprocess.CalledProcessError, IndexError):
        pytest.skip("the code of the release before is not here: clone the project with its whole history")
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archived:
        archived.extractall(folder, filter="data")
    assert not (folder / FIRST_CHANGE).exists()
    return folder


class Old:
    """A process that runs the release before, on this database."""

    def __init__(self, root: Path, url: str) -> None:
        self._root = root
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _STORES, url],
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def stores(self, *results: JsonObject) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(results), file=self._process.stdin, flush=True)
        assert self._process.stdout.readline().strip() == str(self._root), "it is not the code of the release before"

    def end(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait(timeout=30)


def incidents(database: Database) -> list[tuple[str, str | None, list[str]]]:
    """Names, why they are over, and the rules that opened them."""
    with database.transaction() as cursor:
        rows = cursor.all("select * from stringx.incidents order by opened_at, name")
    return [(row["name"], row["closed_because"], [rule["id"] for rule in row["rules"]]) for row in rows]


def events(database: Database) -> list[tuple[str, list[str]]]:
    with database.transaction() as cursor:
        rows = cursor.all("select name, kinds from stringx.events order by event_id")
    return [(row["name"], row["kinds"]) for row in rows]


def test_results_that_the_release_before_stores_open_and_close_incidents(shop: Database, internal_url: str, before: Path) -> None:
    def found(failures: dict[str, int] | None = None, **asked: str) -> JsonObject:
        ask(shop, **asked)
        check = claimed(shop)
        assert claims.finish(shop, check, decided(shop, check, **(failures or {})), "http://backend")
        posted = lifecycle.find(shop, check.check_id).result
        assert posted is not None
        return posted

    old = Old(before, internal_url)
    try:
        old.stores(found({"a": 3}, table="public.a"))
        assert incidents(shop) == [("public.a", None, ["a"])]
        old.stores(found({"a": 2}, table="public.a"))
        assert events(shop) == [("public.a", ["closed"])], "it was closed already"
        old.stores(found(table="public.a"), found({"b": 1}, dataset="sales"))
        assert incidents(shop) == [("public.a", "check", ["a"]), ("public.b", None, ["b"]), ("sales", None, ["b"])]
        old.stores(found(dataset="sales"))
        assert [because for _, because, _ in incidents(shop)] == ["check"] * 3
        assert sorted(events(shop)[2:]) == [(name, [kind]) for name in ("public.b", "sales") for kind in ("closed", "opened")]
    finally:
        old.end()
