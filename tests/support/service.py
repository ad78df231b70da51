"""The product as a person starts it, `./start-service.sh --local`, with its ports, logs and answers."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests

from launch import broker
from stringx_dataops.contract.settings import ROOT

READY_WITHIN_S = 170


PORTAL_WITHIN_S = 800


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def free_pair() -> int:
    """A port that is free, as is the next one."""
    while True:
        [first] = free_ports(1)
        with socket.socket() as next_one:
            if first < 65000 and next_one.connect_ex(("127.0.0.1", first + 1)):
                return first


def has_kafka() -> bool:
    """Whether a broker can be started here."""
    try:
        broker.require_programs()
    except broker.BrokerError:
        return False
    return True


@dataclass
class Service:
    """A running installation."""

    home: Path
    environment: dict[str, str]
    log: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def dataops(self) -> str:
        return f"http://127.0.0.1:{self.environment['DATAOPS_PORT']}"

    @property
    def backend(self) -> str:
        return f"http://127.0.0.1:{self.environment['BACKEND_PORT']}"

    @property
    def docs(self) -> str:
        return f"http://127.0.0.1:{self.environment['DOCS_PORT']}"

    @property
    def key(self) -> str:
        return (self.home / "api-key").read_text().strip()

    def start(self) -> None:
        """Returns when it says `ready`."""
        with self.log.open("wb") as file:
            self.process = subprocess.Popen(
                ["./start-service.sh", "--local", *self.options], cwd=ROOT, env=self.environment, stdout=file, stderr=file
            )
        until = time.monotonic() + READY_WITHIN_S
        while "\nready" not in f"\n{self.output}":
            assert self.process.poll() is None, self.output
            assert time.monotonic() < until, self.output + self.logs()
            time.sleep(0.1)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, list[str]]:
        """The exit code, and what of it is still running."""
        if self.process.poll() is not None:  # it ended by itself; the test that waits for it says why
            return self.process.returncode, []
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        _, left = psutil.wait_procs(family, timeout=5)
        return code, [str(process) for process in left]

    @property
    def output(self) -> str:
        return self.log.read_text()

    def logs(self) -> str:
        return "\n".join(f"== {path.name}\n{path.read_text()[-2000:]}" for path in (self.home / "logs").glob("*.log"))

    def call(self, method: str, url: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}"} | options.pop("headers", {})
        return requests.request(method, url, headers=headers, timeout=90, **options)

    def check(self, table: str, target: str = "nyc", **asked: Any) -> dict[str, Any]:
        """A sync request's answer, which must be 200."""
        body = {"target": target, "table": table, "mode": "sync"} | asked
        answer = self.call("POST", f"{self.backend}/api/v1/requests", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def gate(self, table: str, target: str = "nyc", **query: str) -> dict[str, Any]:
        answer = self.call("GET", f"{self.backend}/api/v1/gates/{target}/{table}", params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def portal(self, target: str, node: str = "") -> dict[str, Any]:
        """The manifest of a target's portal, once all of that is there and has this node. It is made only where a processor is free: on a busy machine
        that takes minutes, so that a test that waits for it has a longer `timeout`."""
        until = time.monotonic() + PORTAL_WITHIN_S
        while time.monotonic() < until:
            answers = [self.call("GET", f"{self.docs}/{target}/{file}") for file in ("", "manifest.json")]
            if all(answer.ok for answer in answers):
                found: dict[str, Any] = answers[1].json()
                if not node or node in found["nodes"]:
                    return found
            time.sleep(1)
        raise AssertionError(f"the portal of {target} is not there\n{self.logs()}")

    def dataops_command(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """The command line as a process."""
        return self.run("dataops", *arguments, **variables)

    def run(self, program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A program of the virtual environment, as a person runs it beside the service."""
        command = [str(ROOT / ".venv" / "bin" / program), *arguments]
        environment = self.environment | variables
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def make_service(**variables: str) -> Service:
    home = Path(tempfile.mkdtemp(prefix="stringx-service-"))
    home.chmod(0o755)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "PYTHON") if name in os.environ}
    names = ("DATAOPS_PORT", "BACKEND_PORT", "DOCS_PORT")
    ports = dict(zip(names, map(str, free_ports(3)), strict=True))
    return Service(home, kept | ports | {"STRINGX_HOME": str(home / "state")} | variables, home / "output.log")
