"""The Trino that tests have: shared, with a password, with a second worker."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from trino.exceptions import TrinoUserError

from stringx_dataops.contract.settings import ROOT
from tests.support import trino_server
from tests.support.trino_server import Trino, own


def test_all_processes_of_a_run_share_one_server(trino: Trino, lake_schema: str) -> None:
    trino.run("create table t as select 1 as a", catalog="lake", schema=lake_schema)
    program = f"from tests.support.trino_server import shared; print(shared().value('select a from lake.{lake_schema}.t'))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert trino_server.shared() == trino


def test_an_iceberg_table_is_read_as_it_was(trino: Trino, lake_schema: str) -> None:
    trino.run("create table t as select 1 as a", "insert into t values 2", catalog="lake", schema=lake_schema)
    before = trino.value('select snapshot_id from "t$snapshots" order by committed_at limit 1', "lake", lake_schema)
    assert trino.value(f"select count(*) from t for version as of {before}", "lake", lake_schema) == 1
    assert trino.value("select count(*) from t", "lake", lake_schema) == 2


_ASKS_FOR_ONE = """
import json
from dataclasses import asdict
from tests.support.trino_server import own
with own(password="a secret", memory_mb=900) as server:
    print(json.dumps(asdict(server)), flush=True)
    input()
"""


def test_a_server_with_a_password_takes_no_other_and_ends_with_the_process_that_asked_for_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _ASKS_FOR_ONE], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        server = Trino(**json.loads(process.stdout.readline()))
        assert server.value("select current_user") == "tests"
        wrong = requests.post(
            f"{server.url}/v1/statement", "select 1", auth=("tests", "another"), verify=server.authority, timeout=30
        )
        assert wrong.status_code == 401
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{server.url}/v1/info", timeout=30)
        java = _children(server.pid)
        assert java
        process.kill()
    until = time.monotonic() + 120
    while any(_lives(pid) for pid in [server.pid, *java]):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert not Path(server.folder).parent.exists()


@pytest.mark.long  # a cluster of two takes half a minute to find each other
def test_a_worker_takes_part_and_a_catalog_is_added_while_it_runs() -> None:
    with own(memory_mb=900) as server:
        server.add_worker(memory_mb=900)
        assert server.value("select count(*) from system.runtime.nodes where state = 'active'") == 2
        server.run("create catalog other using tpch")
        server.run("create schema lake.s", "create table lake.s.t as select * from other.tiny.orders")
        assert server.value("select count(*) from lake.s.t") == 15_000
        with pytest.raises(TrinoUserError, match="does not exist"):
            server.value("select 1 from lake.s.nothing")
    assert not Path(server.folder).exists()


def _children(pid: int) -> list[int]:
    return [int(found) for found in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
