"""A worker that is told to end, or cannot run, before it has its own modules: nothing of it is left, and it does not wait for dbt."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from stringx_dataops.contract.settings import ROOT
from tests.support.processes import eventually


def start(home: Path, **variables: str) -> "subprocess.Popen[bytes]":
    known = {
        "STRINGX_HOME": str(home),
        "STRINGX_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "STRINGX_SERVICE_KEY": "k" * 40,
        "STRINGX_SIGNING_SECRET": "whsec_" + "c" * 43 + "=",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-P", "-m", "api.worker.main"]
    return subprocess.Popen(command, cwd=ROOT, env=known | variables, stderr=subprocess.PIPE)


def loader(worker: "subprocess.Popen[bytes]") -> psutil.Process:
    (found,) = eventually(lambda: psutil.Process(worker.pid).children(), 120, "the process that loads dbt")
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_told_to_end_while_it_starts_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    worker = start(tmp_path)
    loading = loader(worker)
    worker.send_signal(number)
    worker.communicate(timeout=120)
    assert worker.returncode == 0
    eventually(lambda: not loading.is_running(), 120, "the end of the process that loads dbt")


def test_a_worker_with_a_wrong_setting_ends_with_a_line_and_leaves_no_process(tmp_path: Path) -> None:
    worker = start(tmp_path, STRINGX_SIGNING_SECRET="no secret")
    _, said = worker.communicate(timeout=120)
    assert worker.returncode == 2
    assert said.decode().count("\n") == 1
    assert said.startswith(b"worker: STRINGX_SIGNING_SECRET")
    eventually(lambda: not _loaders(tmp_path), 120, "the end of the process that loads dbt")


def _loaders(home: Path) -> list[psutil.Process]:
    return [each for each in psutil.process_iter(["cmdline"]) if any(str(home) in part for part in each.info["cmdline"] or [])]
