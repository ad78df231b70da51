"""Keeps pods as Deployments and Jobs say."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator

from tests.support.machine import Json, Machine
from tests.support.pods import TICK_S, Pod


class Deployment:
    """Keeps the pods of a Deployment: a new template replaces them one by one, as its strategy says."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine, self.name = machine, name
        self._number = 0
        self._template: Json = {}
        self.pods: list[Pod] = []

    def apply(self, spec: Json, within_s: float = 900) -> None:
        """Returns when all pods are of the template and ready."""
        strategy = spec["strategy"]["rollingUpdate"]
        assert strategy["maxUnavailable"] == 0
        template = spec["template"]
        if template != self._template:
            old, self.pods = self.pods, []
            self._template = template
        else:
            old = []
        if not old:
            while len(self.pods) < spec["replicas"]:
                self._begin()
            for pod in self.pods:
                self._wait_ready(pod, within_s)
            return
        while len(self.pods) < spec["replicas"]:
            self._wait_ready(self._begin(), within_s)
            if old:
                gone = old.pop(0)
                gone.stop()
                gone.join(120)
                self._note(gone)
        for gone in old:
            gone.stop()
            gone.join(120)
            self._note(gone)

    def _note(self, gone: Pod) -> None:
        assert not gone.killed, f"{gone.name} did not end in time\n{gone.output()}"

    def _begin(self) -> Pod:
        self._number += 1
        digest = hashlib.sha256(json.dumps(self._template, sort_keys=True).encode()).hexdigest()[:6]
        pod = Pod(self.machine, f"{self.name}-{digest}-{self._number}", self._template)
        self.pods.append(pod)
        pod.start()
        return pod

    def _wait_ready(self, pod: Pod, within_s: float) -> None:
        until = time.monotonic() + within_s
        while not pod.is_ready:
            assert not pod.ended, f"{pod.name} has ended\n{pod.output()}"
            assert time.monotonic() < until, f"{pod.name} is not ready\n{pod.output()}"
            time.sleep(TICK_S)


def of_kind(manifests: list[Json], kind: str) -> Iterator[Json]:
    yield from (each for each in manifests if each["kind"] == kind)


def run_job(machine: Machine, job: Json, within_s: float = 120) -> None:
    """To its end, which has to be a success."""
    shutil.rmtree(machine.folder / job["metadata"]["name"], ignore_errors=True)
    pod = Pod(machine, job["metadata"]["name"], job["spec"]["template"])
    pod.start()
    pod.join(within_s)
    assert set(pod.exit_codes.values()) == {0}, pod.output()
