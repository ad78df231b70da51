"""The dataops command as a process of its own."""

import os
import subprocess
import sys

from stringx_dataops.contract.settings import ROOT

GATE = {
    "gate": "open",
    "table": "public.a",
    "verdict": "pass",
    "snapshot_at": None,
    "age_s": 1.0,
    "reasons": [],
    "pending": False,
}
PENDING = GATE | {"gate": "closed", "reasons": ["a newer request is not finished: 1"], "pending": True}
FAILED = GATE | {"gate": "closed", "verdict": "fail", "reasons": ["verdict fail"]}


def run(*arguments: str | bytes, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "STRINGX_API_KEY": "sx_key"} | variables
    command = [sys.executable, "-W", "error", "-c", "from stringx_dataops.cli.main import main; main()", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def assert_one_line(done: subprocess.CompletedProcess[str], code: int, words: str) -> None:
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stdout + done.stderr
    assert done.stderr.startswith("dataops: ")
    assert words in done.stderr
