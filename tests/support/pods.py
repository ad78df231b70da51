"""Runs pods on this machine as their specifications say: what a kubelet does, without namespaces.

Honoured are command and arguments, variables (also from Secrets), volumes as folders, the order of init containers, all three kinds of
probes, hooks before the end, the time to end, and, where root runs the tests, the security contexts. A pod has no network of its own.
"""

import threading
import time

from tests.support import volumes
from tests.support.containers import Container, Surroundings
from tests.support.machine import Json, Machine

TICK_S = 0.1
_BACKOFF_S = 2.0


class Pod:
    """Runs in a thread of its own until it is told to end. `events` are lines with the time since the machine began."""

    def __init__(self, machine: Machine, name: str, template: Json) -> None:
        self.machine, self.name, self.spec = machine, name, template["spec"]
        self.role = str(template["metadata"]["labels"]["app.kubernetes.io/component"])
        self.folder = machine.folder / name
        self.folder.mkdir(parents=True)
        self.events: list[tuple[float, str]] = []
        security = self.spec["securityContext"]
        around = Surroundings(machine, self.folder, volumes.make(self.folder, self.spec, machine.secrets), security, self.said)
        self.inits = [Container(around, each) for each in self.spec.get("initContainers", ())]
        self.containers = [Container(around, each) for each in self.spec["containers"]]
        self.exit_codes: dict[str, int] = {}
        self.is_ready = False
        self.waits = True  # its init containers have not ended
        self.killed = False
        self._kills = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)

    def said(self, words: str) -> None:
        self.events.append((time.monotonic(), words))

    @property
    def port(self) -> int:
        return next((each.port for each in self.containers if each.port), 0)

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def output(self) -> str:
        logs = [f"== {self.name} {each.name}\n{each.output[-3000:]}" for each in (*self.inits, *self.containers)]
        return "\n".join([*logs, *(words for _, words in self.events)])

    def start(self) -> None:
        with self.machine.lock:
            self.machine.pods.append(self)
        self._thread.start()

    def stop(self) -> None:
        """Tell it to end, as the deletion of a pod does; returns at once."""
        self._stop.set()

    def join(self, within_s: float) -> None:
        self._thread.join(within_s)
        assert self.ended, f"{self.name} has not ended\n{self.output()}"

    def kill(self) -> None:
        """At once, whatever it is at."""
        self._kills = True
        self._stop.set()
        for each in (*self.inits, *self.containers):
            each.kill()

    def _live(self) -> None:
        try:
            if self._wait():
                self._run()
            self._end()
        except Exception as error:  # a fault of this runner, which the test is to see
            self.machine.failed_at[self.name] = repr(error)
            raise
        finally:
            with self.machine.lock:
                self.is_ready = False
                self.machine.pods.remove(self)

    def _wait(self) -> bool:
        """The init containers, one after the other, each until it succeeds; False if the pod has to end before."""
        for each in self.inits:
            while not self._stop.is_set():
                each.start()
                while each.runs and not self._stop.wait(TICK_S):
                    pass
                if not each.runs and each.process.returncode == 0:  # type: ignore[union-attr]
                    break
                each.kill()
                self._stop.wait(_BACKOFF_S)
        self.waits = False
        self.said("begins")
        return not self._stop.is_set()

    def _run(self) -> None:
        for each in self.containers:
            each.start()
        while not self._stop.wait(TICK_S):
            for each in self.containers:
                if each.runs:
                    each.probe()
                    continue
                self.said(f"{each.name} ended with {each.process and each.process.returncode}")
                if self.spec.get("restartPolicy", "Always") != "Always":
                    return
                each.restarts += 1
                self._stop.wait(_BACKOFF_S)
                each.start()
            ready = all(each.is_ready for each in self.containers)
            if ready != self.is_ready:
                self.said("is ready" if ready else "is not ready")
                self.is_ready = ready
                self.machine.balance()

    def _end(self) -> None:
        """Out of the Services, the hooks, SIGTERM, and SIGKILL when the time is over."""
        until = time.monotonic() + self.spec.get("terminationGracePeriodSeconds", 30)
        self.said("ends")
        self.is_ready = False
        self.machine.balance()
        hooks = [
            threading.Thread(target=each.before_end, daemon=True) for each in self.containers if each.runs and not self._kills
        ]
        for hook in hooks:
            hook.start()
        for hook in hooks:
            hook.join()
        for each in self.containers:
            each.terminate()
        while any(each.runs for each in self.containers) and time.monotonic() < until:
            time.sleep(TICK_S)
        for each in self.containers:
            if each.runs:
                self.killed = True
            each.kill()
            if each.process is not None:
                self.exit_codes[each.name] = each.process.returncode
        self.said("has ended")
