"""What the portal says about the process that makes it: one that is gone, one whose loop does not turn."""

import json
import time
from pathlib import Path

import pytest

from database.loops import Loop, Loops
from portal import health
from portal.app import create_app
from stringx_dataops.contract.settings import read_settings
from tests.support.processes import eventually


def test_the_portal_is_ready_while_the_process_that_makes_it_reports_turning_loops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "EVERY_S", 0.01)
    client = create_app(read_settings({"STRINGX_HOME": str(tmp_path)})).test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "docs-refresh" in answer.json["reasons"][0]  # type: ignore[index]

    loops = Loops()
    loop = loops.add(Loop("refresh", lambda _: 3600.0))
    loop.start()
    waiting: list[int | None] = [None]
    health.start(loops, tmp_path / "docs", lambda: waiting[0])
    eventually(lambda: "not read the configuration" in client.get("/readyz").text, 60, "the first report")
    waiting[0] = 2
    eventually(lambda: "2 portals" in client.get("/readyz").text, 60, "portals that are to be made")
    assert client.get("/readyz").status_code == 503
    waiting[0] = 0
    eventually(lambda: client.get("/readyz").status_code == 200, 60, "readiness")
    assert 'stringx_loop_turns_total{loop="docs.refresh"}' in client.get("/metrics").text
    loop.may_take(-1)
    eventually(lambda: client.get("/readyz").status_code == 503, 60, "the loop that is late")
    [reason] = client.get("/readyz").json["reasons"]  # type: ignore[index]
    assert reason.startswith("the loop refresh has not turned for")


@pytest.mark.parametrize(
    "said", ["", "{", "[]", "null", json.dumps({"at": "x", "loops": []}), json.dumps({"at": 1, "loops": [{}]})]
)
def test_a_report_that_cannot_be_read_is_none(tmp_path: Path, said: str) -> None:
    (tmp_path / ".loops.json").write_text(said)
    assert health.read(tmp_path) is None


def test_an_old_report_is_none(tmp_path: Path) -> None:
    (tmp_path / ".loops.json").write_text(json.dumps({"at": time.time() - 3600, "loops": []}))
    assert health.read(tmp_path) is None
