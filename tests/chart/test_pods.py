"""Several pods of each role, as the chart describes them, run and are replaced by those of a later release under load."""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.faults.accounting import accounting
from tests.support import chart, confinement
from tests.support.chart import NAME
from tests.support.charted import IMAGE, Charted, another_release
from tests.support.deployments import of_kind

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("helm"), pytest.mark.timeout(2400)]
VALUES: dict[str, Any] = {"worker": {"concurrency": 1}}
LATER = "99.0.0"


@pytest.fixture(scope="module")
def charted(helm: object) -> Iterator[Charted]:
    made = Charted()
    try:
        made.start(VALUES)
        yield made
    finally:
        made.end()


class Load:
    """Clients that ask for checks one after the other, sync and async, until they are told to stop."""

    def __init__(self, charted: Charted, clients: int = 4) -> None:
        self.charted = charted
        self.tables = [charted.table("dirty" if number % 2 else "clean", rows=100) for number in range(8)]
        self.refused: list[str] = []
        self.asked = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,), daemon=True) for number in range(clients)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(120)

    def _ask(self, client: int) -> None:
        turn = 0
        while not self._stop.wait(0.2):
            turn += 1
            table = self.tables[(client + turn) % len(self.tables)]
            try:
                answer = self.charted.post(table, mode="sync" if (client + turn) % 3 else "async", timeout=120)
                self.asked += 1
                if answer.status_code not in (200, 202):
                    self.refused.append(f"{answer.status_code} {answer.text[:300]}")
            except requests.RequestException as error:
                self.refused.append(repr(error))


def test_two_of_each_role_run_and_a_check_goes_through_them(charted: Charted) -> None:
    for role, number in (("backend", 2), ("api", 2), ("worker", 2), ("docs", 2)):
        pods = charted.machine.of_role(role)
        assert len(pods) == number
        assert all(pod.is_ready for pod in pods), "\n".join(pod.output() for pod in pods)
    with Load(charted) as load:
        time.sleep(5)
    assert load.refused == []
    assert len(accounting(charted)) == len(charted.accepted) > 4


@pytest.mark.skipif(not confinement.is_possible(), reason="only root can confine a process")
def test_no_process_writes_beside_its_volumes_or_has_a_capability(charted: Charted) -> None:
    """The pods have got ready, and checks went through them."""
    for pod in charted.machine.pods:
        for container in (*pod.inits, *pod.containers):
            assert "Read-only file system" not in container.output
            assert "Permission denied" not in container.output
        for process in (each for container in pod.containers for each in container.family()):
            security = pod.spec["securityContext"]
            assert process.uids().effective == confinement.user(security), process.cmdline()
            assert process.gids().effective == security["runAsGroup"], process.cmdline()
            status = Path(f"/proc/{process.pid}/status").read_text()
            assert re.findall(r"^Cap(?:Prm|Bnd):\s*([0-9a-f]+)", status, re.MULTILINE) == ["0" * 16] * 2, process.cmdline()


def test_each_docs_pod_shows_every_portal(charted: Charted) -> None:
    table = charted.table("clean", rows=10)
    for pod in charted.machine.of_role("docs"):
        until = time.monotonic() + 900
        url = f"http://127.0.0.1:{pod.port}"
        while table.name not in requests.get(f"{url}/shop/manifest.json", timeout=30).text:
            assert time.monotonic() < until, pod.output()
            time.sleep(1)
        assert requests.get(f"{url}/shop/", timeout=30).status_code == 200


def test_an_upgrade_under_load_goes_in_order_and_loses_no_check(charted: Charted) -> None:
    charted.mark()
    charted.machine.images[f"{IMAGE}:{LATER}"] = another_release(charted.folder / LATER, LATER)
    before = {role: charted.machine.of_role(role) for role in ("backend", "api", "worker", "docs")}
    with Load(charted) as load:
        time.sleep(3)
        charted.upgrade(VALUES | {"image": {"tag": LATER}})
        time.sleep(3)
    after = {role: charted.machine.of_role(role) for role in before}
    for role, pods in after.items():
        assert len(pods) == 2
        assert not {pod.name for pod in pods} & {pod.name for pod in before[role]}
        assert all(pod.ended and not pod.killed for pod in before[role]), role
        codes = {code for pod in before[role] for code in pod.exit_codes.values()}
        assert codes == {0}, (role, codes)

    def first(role: str) -> float:
        """When the first new pod of a role went on after it had waited."""
        return min(at for pod in after[role] for at, words in pod.events if words == "begins")

    def last(role: str) -> float:
        """When the last old one had ended."""
        return max(at for pod in before[role] for at, words in pod.events if words == "has ended")

    assert first("api") > last("backend") - 6, "a Backend takes its release back when it ends"
    assert first("worker") > last("api") - 6
    waited = after["worker"][0].inits[0].output
    assert "wait worker: " in waited, "a worker of the later release waited for others"
    assert load.refused == [], f"of {load.asked}"
    checks = accounting(charted)
    assert len(checks) == len(charted.accepted) > 10
    assert {row["release"] for row in charted.rows("select release from public.stringx_loops where service like 'web:%'")} == {
        LATER
    }


def test_pods_of_a_release_that_cannot_start_leave_the_old_ones(charted: Charted) -> None:
    """A setting that is wrong: the new pod never gets ready, and no old one is touched."""
    before = {pod.name for pod in charted.machine.of_role("backend")}
    broken = chart.render({"secrets": [{"name": "targets"}], "image": {"tag": LATER}, "config": {"QUEUE_LIMIT": "many"}})
    [deployment] = [each for each in of_kind(broken, "Deployment") if each["metadata"]["name"] == f"{NAME}-backend"]
    with pytest.raises(AssertionError, match="QUEUE_LIMIT"):
        charted.deployments[f"{NAME}-backend"].apply(deployment["spec"], within_s=20)
    assert before <= {pod.name for pod in charted.machine.of_role("backend")}
    assert requests.get(f"{charted.to_backend.url}/readyz/self", timeout=60).status_code == 200
