"""Runs pods on this machine as their specifications say: what a kubelet does, without namespaces.

Honoured are command and arguments, variables (also from Secrets), volumes as folders, the order of init containers, all three kinds of
probes, hooks before the end, and the time to end. A pod has no network of its own: the port that the specification names is replaced by
a free one, and the names of Services by addresses of proxies, which hand requests to pods that are ready.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests

from stringx_dataops.contract.settings import ROOT
from tests.support.processes import free_port
from tests.support.proxy import Proxy

Json = dict[str, Any]
_PORTS = {5001: "DATAOPS_PORT", 5002: "BACKEND_PORT", 8001: "DOCS_PORT"}
_TICK_S = 0.1
_BACKOFF_S = 2.0


def image_variables() -> dict[str, str]:
    """What the image sets, as its Dockerfile says."""
    text = (ROOT / "Dockerfile").read_text().rsplit("\nFROM ", 1)[1].replace("\\\n", " ")
    return dict(re.findall(r"\b([A-Z_]+)=(\S+)", " ".join(re.findall(r"^ENV (.*)$", text, re.MULTILINE))))


def of_code(text: str, root: Path) -> str:
    """With the folder of the code in place of the image's."""
    return text.replace("/usr/app/dbt", str(root / "stringx")).replace("/usr/app", str(root))


@dataclass
class Machine:
    """What all pods have in common: the code of each image, Secrets, and Services by their names in a cluster."""

    folder: Path
    images: dict[str, Path]
    secrets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    services: dict[str, Proxy] = field(default_factory=dict)  # by `name:port`
    pods: list["Pod"] = field(default_factory=list)
    failed_at: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def take(self, manifests: list[Json]) -> None:
        """Secrets and Services. A Secret that is immutable stays as it was."""
        for each in manifests:
            name = each["metadata"]["name"]
            if each["kind"] == "Secret" and not (each.get("immutable") and name in self.secrets):
                self.secrets[name] = {key: base64.b64decode(value) for key, value in each["data"].items()}
            if each["kind"] == "Service":
                self.services.setdefault(f"{name}:{each['spec']['ports'][0]['port']}", Proxy([]))

    def addressed(self, text: str) -> str:
        """The addresses of Services in a value of a variable, as they are here."""
        for name, proxy in self.services.items():
            text = text.replace(f"http://{name}", proxy.url)
        return text

    def of_role(self, role: str) -> list["Pod"]:
        with self.lock:
            return [pod for pod in self.pods if pod.role == role]

    def balance(self) -> None:
        """Services lead to the pods that are ready."""
        with self.lock:
            for name, proxy in self.services.items():
                role = name.partition(":")[0].rsplit("-", 1)[1]
                proxy.upstreams = [pod.port for pod in self.pods if pod.role == role and pod.is_ready and pod.port]

    def end(self) -> None:
        left = list(self.pods)
        for pod in left:
            pod.kill()
        for pod in left:
            pod.join(60)
            pod.kill()  # what it started meanwhile
        for proxy in self.services.values():
            proxy.close()


class Container:
    """One container of a pod: its process, and what its probes have found."""

    def __init__(self, pod: "Pod", spec: Json) -> None:
        self.pod, self.spec, self.name = pod, spec, str(spec["name"])
        self.root = pod.machine.images[spec["image"]]
        self.port = free_port() if spec.get("ports") else 0
        self.log = pod.folder / f"{self.name}.log"
        self.restarts = 0
        self.began_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self.forget()

    def forget(self) -> None:
        self.started = "startupProbe" not in self.spec
        self.ready = "readinessProbe" not in self.spec
        self._failures = {"startupProbe": 0, "livenessProbe": 0, "readinessProbe": 0}
        self._due = dict.fromkeys(self._failures, 0.0)

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def is_ready(self) -> bool:
        return self.runs and self.started and self.ready

    def local(self, text: str) -> str:
        """With this machine's folders in place of those of the container."""
        folders = {mount["mountPath"]: str(self.pod.volumes[mount["name"]]) for mount in self.spec.get("volumeMounts", ())}
        paths = "|".join(re.escape(path) for path in sorted(folders, key=len, reverse=True))
        return re.sub(rf"(?<![\w/.-])({paths})(?=$|[/\s'\"\\)])", lambda found: folders[found[1]], text) if paths else text

    def variables(self) -> dict[str, str]:
        found = image_variables() | {each["name"]: self._value(each) for each in self.spec.get("env", ())}
        found = {name: self.pod.machine.addressed(of_code(self.local(value), self.root)) for name, value in found.items()}
        found |= {"BIND_HOST": "127.0.0.1", "TMPDIR": self.local("/tmp"), "PATH": os.environ["PATH"]}
        if self.port:
            found[_PORTS[self.spec["ports"][0]["containerPort"]]] = str(self.port)
        return found

    def _value(self, each: Json) -> str:
        if "value" in each:
            return str(each["value"])
        source = each["valueFrom"]["secretKeyRef"]
        return self.pod.machine.secrets[source["name"]][source["key"]].decode()

    def start(self) -> None:
        assert self.spec.get("command") is None, "the image's entry point is what is run here"
        command = [sys.executable, "-P", "-m", "launch", *map(self.local, self.spec["args"])]
        with self.log.open("ab") as file:
            self.process = subprocess.Popen(
                command, cwd=self.root, env=self.variables(), stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )
        self.forget()
        self.began_at = time.monotonic()

    def probe(self) -> None:
        """Run the probes that are due."""
        for kind in ("startupProbe",) if not self.started else ("livenessProbe", "readinessProbe"):
            probe = self.spec.get(kind)
            if probe is None or time.monotonic() < self._due[kind]:
                continue
            self._due[kind] = time.monotonic() + probe.get("periodSeconds", 10)
            self._found(kind, probe, self._ask(probe))

    def _ask(self, probe: Json) -> bool:
        timeout = probe.get("timeoutSeconds", 1)
        try:
            if "httpGet" in probe:
                assert probe["httpGet"]["port"] == self.spec["ports"][0]["name"]
                url = f"http://127.0.0.1:{self.port}{probe['httpGet']['path']}"
                return 200 <= requests.get(url, timeout=timeout).status_code < 400
            return self.run(probe["exec"]["command"], timeout)
        except (OSError, subprocess.TimeoutExpired):
            return False

    def _found(self, kind: str, probe: Json, good: bool) -> None:
        if good:
            self._failures[kind] = 0
            self.started = True
            self.ready = self.ready or kind == "readinessProbe" or "readinessProbe" not in self.spec
            return
        self._failures[kind] += 1
        if self._failures[kind] < probe.get("failureThreshold", 3):
            return
        if kind == "readinessProbe":
            self.ready = False
        else:
            self.pod.said(f"{self.name}: {kind} failed {self._failures[kind]} times")
            self.kill()

    def run(self, command: list[str], timeout: float) -> bool:
        done = subprocess.run(
            [self.local(each) for each in command], env=self.variables(), timeout=timeout, check=False,
            stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
        return done.returncode == 0

    def before_end(self) -> None:
        hook = self.spec.get("lifecycle", {}).get("preStop")
        if hook is not None:
            assert self.run(hook["exec"]["command"], 30)

    def terminate(self) -> None:
        if self.runs:
            self.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]

    def family(self) -> list[psutil.Process]:
        try:
            return (
                [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
                if self.process
                else []
            )
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        for process in self.family():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass  # ended meanwhile
        if self.process is not None:
            self.process.wait(10)

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Pod:
    """Runs in a thread of its own until it is told to end. `events` are lines with the time since the machine began."""

    def __init__(self, machine: Machine, name: str, template: Json) -> None:
        self.machine, self.name, self.spec = machine, name, template["spec"]
        self.role = str(template["metadata"]["labels"]["app.kubernetes.io/component"])
        self.folder = machine.folder / name
        self.folder.mkdir(parents=True)
        self.volumes = {volume["name"]: self._volume(volume) for volume in self.spec.get("volumes", ())}
        self.inits = [Container(self, each) for each in self.spec.get("initContainers", ())]
        self.containers = [Container(self, each) for each in self.spec["containers"]]
        self.events: list[tuple[float, str]] = []
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
                while each.runs and not self._stop.wait(_TICK_S):
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
        while not self._stop.wait(_TICK_S):
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
        hooks = [threading.Thread(target=each.before_end) for each in self.containers if each.runs and not self._kills]
        for hook in hooks:
            hook.start()
        for hook in hooks:
            hook.join()
        for each in self.containers:
            each.terminate()
        while any(each.runs for each in self.containers) and time.monotonic() < until:
            time.sleep(_TICK_S)
        for each in self.containers:
            if each.runs:
                self.killed = True
            each.kill()
            if each.process is not None:
                self.exit_codes[each.name] = each.process.returncode
        self.said("has ended")

    def _volume(self, volume: Json) -> Path:
        path = self.folder / "volumes" / volume["name"]
        path.mkdir(parents=True)
        sources = []
        if "secret" in volume:
            sources = [volume["secret"]]
        elif "projected" in volume:
            sources = [dict(each["secret"], secretName=each["secret"]["name"]) for each in volume["projected"]["sources"]]
        else:
            assert "emptyDir" in volume, volume
        files: dict[str, bytes] = {}
        for source in sources:
            secret = self.machine.secrets[source["secretName"]]
            items = source.get("items") or [{"key": key, "path": key} for key in secret]
            files |= {item["path"]: secret[item["key"]] for item in items}
        if sources:
            _write_as_a_kubelet_does(path, files)
        return path


def _write_as_a_kubelet_does(folder: Path, files: Mapping[str, bytes]) -> None:
    """Links to a folder that `..data` names, so that all files change at once."""
    stamp = f"..{time.strftime('%Y_%m_%d_%H_%M_%S')}.{os.urandom(4).hex()}"
    for name, content in files.items():
        file = folder / stamp / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o440)
    (folder / "..next").symlink_to(stamp)
    (folder / "..next").rename(folder / "..data")
    for name in {name.split("/")[0] for name in files}:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(Path("..data") / name)


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
            time.sleep(_TICK_S)


def of_kind(manifests: list[Json], kind: str) -> Iterator[Json]:
    yield from (each for each in manifests if each["kind"] == kind)


def run_job(machine: Machine, job: Json, within_s: float = 120) -> None:
    """To its end, which has to be a success."""
    shutil.rmtree(machine.folder / job["metadata"]["name"], ignore_errors=True)
    pod = Pod(machine, job["metadata"]["name"], job["spec"]["template"])
    pod.start()
    pod.join(within_s)
    assert set(pod.exit_codes.values()) == {0}, pod.output()
