"""Processes that die, starts that are refused, and the same demo by the dbt executable."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from stringx_dataops.contract.settings import ROOT
from tests.support.processes import says
from tests.support.service import Service, make_service


def processes(service: Service, *words: str) -> list[psutil.Process]:
    family = psutil.Process(service.process.pid).children(recursive=True)
    return [process for process in family if all(says(process, word) for word in words)]


def eventually(look: Callable[[], bool], seconds: float = 45) -> None:
    until = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.2)


@pytest.mark.parametrize(
    "words",
    [
        ("api.app",),
        pytest.param(("backend.app",), marks=pytest.mark.long),  # as that one
        ("api.worker.main",),
        pytest.param(("engine/child.py",), marks=pytest.mark.long),  # tests/faults kills them
        ("postgres", "-D"),
    ],
)
def test_a_killed_process_is_started_again_and_the_next_request_succeeds(service: Service, words: tuple[str, ...]) -> None:
    killed = processes(service, *words)
    assert killed
    for process in killed:
        with suppress(psutil.NoSuchProcess):  # it ended with one of the others
            process.kill()

    def serves() -> bool:
        try:
            body = {"target": "nyc", "table": "public.airports", "mode": "sync"}
            answer = service.call("POST", f"{service.backend}/api/v1/requests", json=body)
        except OSError:
            return False
        return answer.status_code == 200 and answer.json()["verdict"] == "pass"

    eventually(serves)
    eventually(lambda: any(process not in killed for process in processes(service, *words)))


def outcome(result: dict) -> list[tuple]:
    return [
        (rule["id"], rule["status"], rule["failures"], rule["total"], rule["measured"], rule["message"])
        for rule in result["rules"]
    ]


def test_a_second_start_reuses_everything_and_ctrl_c_ends_all_of_it() -> None:
    first = make_service(WORKER_CONCURRENCY="1")
    outer = first.home
    first.home = outer / "state"
    try:
        first.start()
        assert "loading the demo" in first.output
        key = first.key
        warm = first.check("public.flights")["checks"][0]
        assert first.stop(signal.SIGINT) == (0, [])
        first.start()
        assert "loading the demo" not in first.output
        assert first.key == key
        assert first.gate("public.airports")["gate"] == "open"
        again = first.check("public.flights")["checks"][0]
        assert outcome(again) == outcome(warm)
        assert first.stop() == (0, [])
    finally:
        if first.process.poll() is None:
            first.stop()
        shutil.rmtree(outer, ignore_errors=True)


@pytest.mark.long
def test_every_check_by_the_dbt_executable_has_equal_results(service: Service) -> None:
    """The whole demo both ways, on the same database; by default some tables in tests/faults/test_workers.py."""
    alone = make_service(WORKER_MAX_CHECKS="1")
    outer = alone.home
    alone.home = outer / "state"
    try:
        alone.start()
        for name in ("flights", "weather", "planes", "airlines", "airports"):
            first = alone.call("GET", f"{alone.backend}/api/v1/requests", params={"table": f"public.{name}", "include": "rules"})
            by_executable = first.json()["items"][-1]["checks"][0]  # of the first start
            by_child = service.check(f"public.{name}")["checks"][0]
            assert outcome(by_executable) == outcome(by_child)
            assert by_executable["verdict"] == by_child["verdict"]
            assert by_executable["dbt"]["invocation_id"] != by_child["dbt"]["invocation_id"]
        assert alone.check("public.airlines")["verdict"] == "pass"
        assert not processes(alone, "engine/child.py"), "nothing is kept warm"
    finally:
        alone.stop()
        shutil.rmtree(outer, ignore_errors=True)


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | variables
    return subprocess.run(
        ["./start-service.sh", "--local"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"DATAOPS_PORT": "http"}, "DATAOPS_PORT"),
        ({"STRINGX_DEMO": "maybe"}, "STRINGX_DEMO"),
        ({"STRINGX_HOMES": "/tmp/x"}, "STRINGX_HOMES"),
        ({"STRINGX_HOME": "/proc/stringx"}, "STRINGX_HOME"),
        ({"STRINGX_DATABASE_URL": "mysql://x"}, "STRINGX_DATABASE_URL"),
        ({"PYTHON": "/nowhere/python"}, "PYTHON"),
    ],
)
def test_a_start_that_cannot_be_is_one_line(variables: dict[str, str], word: str, tmp_path) -> None:
    done = start(**({"STRINGX_HOME": str(tmp_path / "home")} | variables))
    assert done.returncode == 2
    assert len((done.stdout + done.stderr).strip().splitlines()) == 1, done.stdout + done.stderr
    assert word in done.stderr


def test_a_port_in_use_is_named(tmp_path) -> None:
    tmp_path.chmod(0o755)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = start(STRINGX_HOME=str(tmp_path / "home"), BACKEND_PORT=port)
    assert done.returncode == 2
    assert port in done.stderr
    assert "BACKEND_PORT" in done.stderr


def test_app_py_says_in_one_line_what_is_missing() -> None:
    environment = {"PATH": os.environ["PATH"], "STRINGX_HOME": "/nowhere"}
    done = subprocess.run([str(ROOT / ".venv/bin/python"), "app.py"], cwd=ROOT / "api", env=environment, capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "STRINGX_DATABASE_URL" in done.stderr
