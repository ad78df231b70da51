"""The files that a cluster's probes look at: fresh while it is true, and not any more."""

import threading
import time
from pathlib import Path

import pytest

from database import probes
from database.loops import Loop, Loops
from stringx_dataops.contract.settings import read_settings
from tests.support.processes import eventually


def test_the_files_are_fresh_while_loops_turn_and_the_process_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "EVERY_S", 0.01)
    folder = tmp_path / "probes"
    ready = threading.Event()
    loops = Loops()
    loop = loops.add(Loop("work", lambda _: 3600.0))
    loop.start()
    probes.start(loops, folder, "worker", ready.is_set)

    def fresh(name: str) -> bool:
        """Whether it is written anew."""
        file = folder / f"worker.{name}"
        if not file.exists():
            return False
        before = file.stat().st_mtime_ns
        time.sleep(0.1)
        return file.stat().st_mtime_ns > before

    eventually(lambda: fresh("alive"), 60, "a living process")
    assert not (folder / "worker.ready").exists()
    ready.set()
    eventually(lambda: fresh("ready"), 60, "a ready process")
    loop.may_take(-1)
    eventually(lambda: not fresh("alive") and not fresh("ready"), 60, "a loop that hangs")
    loop.may_take(60)
    eventually(lambda: fresh("alive") and fresh("ready"), 60, "a loop that turns again")


def test_a_loop_that_only_fails_does_not_hang() -> None:
    def fail(_: Loop) -> float:
        raise ValueError

    stop = threading.Event()
    loop = Loop("fails", fail, stop=stop)
    loop.start()
    eventually(lambda: loop.state.failures > 0, 60, "a failure")
    assert not loop.state.hangs
    stop.set()
    assert not Loop("was never started", fail).state.hangs


def test_without_a_folder_nothing_is_written() -> None:
    loops = Loops()
    probes.start(loops, read_settings({}).probe_folder, "worker", lambda: True)
    assert loops.states() == []
    assert read_settings({"PROBE_FOLDER": "/tmp/probes"}).probe_folder == Path("/tmp/probes")
