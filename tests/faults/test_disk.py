"""The disk of the internal database is full."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.faults.accounting import accounting
from tests.support.installation import FEW_RULE_TYPES, Installation
from tests.support.processes import eventually

DISK = "160m"  # a new cluster, its log, and a little


@pytest.fixture
def small(turn: int, tmp_path: Path) -> Iterator[Installation]:
    """An installation whose internal database lies on a small disk of its own."""
    mounted: list[Path] = []

    def mount(folder: Path) -> None:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "tmpfs", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            line = f"no small disk: mount needs root ({done.stderr.strip()})"
            if os.environ.get("CI") == "true":
                pytest.fail(line)
            pytest.skip(line)
        mounted.append(folder)

    made = Installation(each=1, prepare_internal=mount, rule_types=FEW_RULE_TYPES)
    try:
        made.start()
        yield made
    finally:
        made.stop_all()
        for folder in mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        made.end()


def fill(folder: Path) -> Path:
    """A file that takes what is left of the disk."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            pass  # full
    room = os.statvfs(folder)
    assert room.f_bavail * room.f_frsize < 65536
    return ballast


def test_a_full_disk_is_a_typed_error_and_passes_when_there_is_room_again(small: Installation) -> None:
    table, held_table = small.table("dirty"), small.table("warned", held=True)
    with held_table.held() as held:
        running = small.ask(held_table, timeout_s=300)
        small.executing(running)
        ballast = fill(small.folder / "internal")
        refused: dict[str, requests.Response] = {}

        def is_refused() -> bool:
            for service in ("api", "backend"):
                answer = small.post(table, service, mode="async")
                if answer.status_code not in (200, 202):
                    refused[service] = answer
            return len(refused) == 2

        eventually(is_refused, 60, "a request for which there is no room")
        for service, answer in refused.items():
            assert answer.status_code == 503, (service, answer.text)
            assert answer.headers["Content-Type"] == "application/problem+json"
            ready = small.call("GET", f"{small[service + '-1'].url}/readyz")
            assert ready.status_code == 503, (service, ready.text)
            assert small.call("GET", f"{small[service + '-1'].url}/healthz").status_code == 200
        held.let_go()  # its result finds no room, or just a little
        ballast.unlink()
    for service in ("api", "backend"):
        eventually(lambda s=service: small.supervised(lambda: small.post(table, s).status_code == 202), 45, "service again")
        eventually(lambda s=service: small.call("GET", f"{small[s + '-1'].url}/readyz").status_code == 200, 45, "readiness")
    assert small.result(running, 60)["verdict"] == "warn"
    accounting(small, within_s=90)
