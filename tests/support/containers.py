"""Runs one container of a pod on this machine: its process, with the variables and folders that its specification names, and its probes.

The port that the specification names is replaced by a free one, and the names of Services by addresses on this machine.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from stringx_dataops.contract.settings import ROOT
from tests.support import confinement
from tests.support.machine import Json, Machine
from tests.support.processes import free_port

_PORTS = {5001: "DATAOPS_PORT", 5002: "BACKEND_PORT", 8001: "DOCS_PORT"}


def image_variables() -> dict[str, str]:
    """What the image sets, as its Dockerfile says."""
    text = (ROOT / "Dockerfile").read_text().rsplit("\nFROM ", 1)[1].replace("\\\n", " ")
    return dict(re.findall(r"\b([A-Z_]+)=(\S+)", " ".join(re.findall(r"^ENV (.*)$", text, re.MULTILINE))))


def of_code(text: str, root: Path) -> str:
    """With the folder of the code in place of the image's."""
    return text.replace("/usr/app/dbt", str(root / "stringx")).replace("/usr/app", str(root))


@dataclass(frozen=True)
class Surroundings:
    """What a container gets of its pod: a folder for logs, its volumes as folders by their names, its security context, and where to
    say what happens."""

    machine: Machine
    folder: Path
    volumes: dict[str, Path]
    security: Json
    said: Callable[[str], None]


class Container:
    """One container of a pod: its process, and what its probes have found."""

    def __init__(self, pod: Surroundings, spec: Json) -> None:
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
        if confinement.is_possible():
            mounts = self.spec.get("volumeMounts", ())
            writable = [self.pod.volumes[mount["name"]] for mount in mounts if not mount.get("readOnly")]
            command = confinement.confined(command, self.pod.security, self.spec["securityContext"], writable)
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
            self.process.wait(60)

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""
