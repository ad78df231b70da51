"""Queries of an attempt on a real Trino: found by their source, ended from outside, and never left behind by a process that has
ended."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from api.targets.engine import Engine, Machine, Sessions
from api.targets.registry import engine_of
from api.worker import left_behind
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.problems import Unavailable
from stringx_dataops.contract.settings import ROOT
from tests.support.processes import eventually, free_port
from tests.support.trino_server import Trino

# A query runs while nobody takes its rows. The process is one of dbt's as far as Trino sees it.
_ASKS = """
import sys, threading, time
import api.engine.trino_connection, trino.dbapi
from api.engine import abandoned
host, port, user = sys.argv[1:4]
connection = trino.dbapi.connect(
    host=host, port=int(port), user=user, http_scheme="http", verify=True, catalog="tpch", schema="sf1", timezone="UTC", max_attempts=1
)
connection.cursor().execute("select * from lineitem")
print("runs", flush=True)
if sys.stdin.readline().strip() == "abandon":
    abandoned.end()
    try:
        connection.cursor().execute("select 1")
    except Exception as error:
        print(f"refused: {error}", flush=True)
time.sleep(600)
"""


def environment(trino: Trino, name: str, **changes: object) -> dict[str, str]:
    document = {
        "apiVersion": "stringx/v1", "kind": "Target", "name": "lake", "adapter": "trino", "host": trino.host, "port": trino.port,
        "user": trino.user, "catalog": "tpch",
    }  # fmt: skip
    machine = Machine(ROOT, (), (), ROOT)
    return engine_of(parse_target(document | changes)).environment(machine, name)


@contextmanager
def asking(trino: Trino, name: str) -> Iterator[subprocess.Popen[str]]:
    """A process whose query runs."""
    with subprocess.Popen(
        [sys.executable, "-c", _ASKS, trino.host, str(trino.port), trino.user], cwd=ROOT, text=True,
        env=os.environ | environment(trino, name), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "runs\n"
            yield process
        finally:
            process.kill()


def the_engine() -> Engine:
    document = {
        "apiVersion": "stringx/v1",
        "kind": "Target",
        "name": "lake",
        "adapter": "trino",
        "host": "h",
        "user": "u",
        "catalog": "c",
    }
    return engine_of(parse_target(document))


def sessions_of(variables: dict[str, str]) -> Sessions:
    found = the_engine().sessions(variables)
    assert found is not None
    return found


def running(trino: Trino, name: str) -> int:
    """How many queries run with this source, as SQL tells it."""
    states = "('FINISHED', 'FAILED')"
    return int(trino.value(f"select count(*) from system.runtime.queries where source = '{name}' and state not in {states}"))


def names() -> tuple[str, str]:
    check = uuid.uuid4()
    return f"stringx {check} 1", f"stringx {check} 2"


def test_a_query_is_seen_and_ended_by_its_source(trino: Trino) -> None:
    mine, other = names()
    sessions = sessions_of(environment(trino, mine))
    assert not sessions.is_connected()
    assert sessions.cancel() == 0
    with asking(trino, mine), asking(trino, other):
        assert (running(trino, mine), running(trino, other)) == (1, 1)
        assert sessions.is_connected()
        assert sessions.cancel() == 1
        eventually(lambda: not sessions.is_connected(), 120)
        assert (running(trino, mine), running(trino, other)) == (0, 1)


def test_a_query_of_another_user_is_left(trino: Trino) -> None:
    mine, _ = names()
    with asking(trino, mine):
        assert sessions_of(environment(trino, mine, user="somebody")).cancel() == 0
        assert running(trino, mine) == 1


def test_a_process_that_is_killed_leaves_its_query_which_is_ended_from_outside(trino: Trino) -> None:
    mine, later = names()
    with asking(trino, mine) as process:
        process.kill()
        process.wait()
        assert running(trino, mine) == 1, "or nobody would have to end it"
        left_behind.end(the_engine(), environment(trino, mine), {})
        assert running(trino, mine) == 0
    with asking(trino, mine) as process:
        process.kill()
        process.wait()
        left_behind.end_those_before(the_engine(), environment(trino, later), 1, {})
        assert running(trino, mine) == 1
        left_behind.end_those_before(the_engine(), environment(trino, later), 2, {})
        assert running(trino, mine) == 0


def test_a_process_that_nobody_waits_for_ends_its_query_and_sends_no_other(trino: Trino) -> None:
    mine, _ = names()
    with asking(trino, mine) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("abandon\n")
        process.stdin.flush()
        assert "nobody waits for the check any more" in process.stdout.readline()
        eventually(lambda: running(trino, mine) == 0, 120)


def test_a_target_that_does_not_answer_is_unavailable(trino: Trino) -> None:
    sessions = sessions_of(environment(trino, "stringx x 1", port=free_port()))
    with pytest.raises(Unavailable, match="the target does not answer: ConnectionError"):
        sessions.cancel()
    left_behind.end(the_engine(), environment(trino, "stringx x 1", port=free_port()), {})
    with pytest.raises(Unavailable):
        sessions_of(environment(trino, "x", host="localhost", sslmode="require")).is_connected()
