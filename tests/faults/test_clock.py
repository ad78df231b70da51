"""Clocks that are off: only the database's counts for leases, and a signature has five minutes."""

import os
import re
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from stringx_dataops.contract import signatures
from stringx_dataops.contract.settings import ROOT
from tests.faults.accounting import accounting
from tests.support.databases import Admin, make_target, running_cluster
from tests.support.installation import Installation
from tests.support.processes import Process, eventually

_PLACES = (
    "/usr/lib/x86_64-linux-gnu/faketime",
    "/usr/lib/aarch64-linux-gnu/faketime",
    "/usr/lib/faketime",
    "/usr/lib64/faketime",
)


@pytest.fixture(scope="module")
def library() -> str:
    """libfaketime; where it is missing the tests are skipped with one line, with CI=true they fail."""
    for place in _PLACES:
        if (found := Path(place) / "libfaketime.so.1").exists():
            return str(found)
    line = "libfaketime is missing: apt-get install faketime"
    if os.environ.get("CI") == "true":
        pytest.fail(line)
    pytest.skip(line)


# libfaketime 0.9.10 refuses to sleep until a moment of the clock that it leaves alone, which is how Python sleeps since 3.11.
_SLEEP = "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds) and None\n"


def off_by(library: str, offset: str, folder: Path) -> dict[str, str]:
    """The variables that set the clock of a process off; how long things take stays true."""
    (folder / "sitecustomize.py").write_text(_SLEEP)
    variables = {"LD_PRELOAD": library, "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": f"{folder}:{ROOT}"}
    command = [sys.executable, "-c", "import time; time.sleep(0.1); print(time.time())"]
    said = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=True).stdout
    assert abs(float(said) - time.time()) > 500, "the clock is not off"
    return variables


def is_off(process: Process) -> bool:
    return "libfaketime" in Path(f"/proc/{process.pid}/maps").read_text()


def test_a_worker_whose_clock_is_off_keeps_its_lease_and_delivers(
    installation: Installation, library: str, tmp_path: Path, dice: Random
) -> None:
    offset = dice.choice(["-1h", "+1h"])
    table = installation.table("dirty", held=True)
    worker = installation.run_extra(installation.make(f"worker{offset}", "worker", **off_by(library, offset, tmp_path)))
    installation.wait_warm(worker)
    assert is_off(worker)
    for other in installation.of_role("worker"):
        other.pause()
    with table.held() as held:
        request = installation.ask(table, "api", timeout_s=120)
        check_id = installation.executing(request)
        assert installation.worker_of(check_id) is worker
        for other in installation.of_role("worker"):
            other.resume()
        installation.sleep_past_lease()
        assert installation.worker_of(check_id) is worker, "its lease has run out"
        for other in installation.of_role("worker"):
            other.pause()  # it delivers itself
        held.let_go()
        result = installation.result(request)
    assert (result["verdict"], result["attempt"]) == ("fail", 1)
    row = installation.rows(
        "select finished_at - queued_at as took, clock_timestamp() - finished_at as ago from dataops.checks where request_id = %s",
        [request],
    )[0]
    assert timedelta(0) < row["took"] < timedelta(minutes=3)
    assert timedelta(0) < row["ago"] < timedelta(minutes=3)
    for other in installation.of_role("worker"):
        other.resume()
    accounting(installation)


def test_a_receiver_whose_clock_is_off_refuses_signatures_until_it_is_right(
    installation: Installation, library: str, tmp_path: Path
) -> None:
    table = installation.table("warned")
    backend = installation.make("backend-off", "backend", **off_by(library, "+10m", tmp_path))
    installation.run_extra(backend)
    installation.wait_served(backend)
    assert is_off(backend)
    upstreams, installation.to_backend.upstreams = installation.to_backend.upstreams, [backend.port]
    installation.to_backend.cut()
    try:
        request = installation.ask(table, "api", url=installation["api-1"].url)
        statement = "select last_error from dataops.outbox join dataops.checks using (check_id) where request_id = %s"
        eventually(
            lambda: installation.rows(statement, [request]) == [{"last_error": "status 401"}], 60, "a post that is refused"
        )
        body = '{"any": "thing"}'
        headers = signatures.sign([installation.signing_secret], "message", body)
        answer = installation.call(
            "POST", f"{backend.url}/api/v1/requests/x/results", data=body.encode(),
            headers=headers | {"Content-Type": "application/json", "Authorization": f"Bearer {installation.service_key}"},
        )  # fmt: skip
        assert answer.status_code == 401
    finally:
        installation.to_backend.upstreams = upstreams
        installation.to_backend.cut()
    assert installation.result(request)["verdict"] == "warn"
    accounting(installation)


def test_a_check_of_a_target_whose_clock_is_ahead_ends_and_says_so(
    installation: Installation, library: str, tmp_path: Path
) -> None:
    with running_cluster(**off_by(library, "+2h", tmp_path)) as cluster:
        target = make_target(Admin(cluster), tmp_path / "secrets")
        target.execute("create table orders as select 1 as id")
        assert target.query("select clock_timestamp() > timestamptz 'epoch' + %f * interval '1 s'" % (time.time() + 3600)) == [
            (True,)
        ]
        (installation.secrets / "ahead").write_text(target.password)
        installation.put("targets/ahead", target.document("ahead", password_file="ahead"))
        rules = [{"id": "known", "type": "not_null", "column": "id"}]
        installation.put("tables/ahead/public.orders", {"rules": rules})
        asked = {"target": "ahead", "table": "public.orders", "mode": "sync"}
        answer = installation.call("POST", f"{installation.to_backend.url}/api/v1/requests", json=asked).json()
    assert (answer["status"], answer["verdict"]) == ("errored", "error")
    said = re.fullmatch(r"the clock of target ahead is (.+) ahead of the internal database's: set the clocks", answer["reason"])
    assert said is not None
    assert said[1] in ("1h 59m", "2h 0m")
