"""What a stranger on the network may send: slow, huge and with keys that are not theirs, beside normal service."""

import os
import re
import resource
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.service import Service

MANY = 500  # half-sent requests of each service
LARGE = 100 << 20
MEMORY = 50 << 20  # that a process may take more at its peak


@pytest.fixture
def open_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))


@pytest.mark.usefixtures("open_files")
def test_five_hundred_half_sent_headers_hold_up_nobody(service: Service) -> None:
    with ExitStack() as stack:
        for port in ("BACKEND_PORT", "DATAOPS_PORT", "DOCS_PORT"):
            for _ in range(MANY):
                client = socket.create_connection(("127.0.0.1", int(service.environment[port])), timeout=60)
                stack.enter_context(closing(client))
                client.sendall(b"POST /api/v1/requests HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        assert service.check("public.airlines")["verdict"] == "pass"
        assert service.gate("public.airlines")["gate"] == "open"
        for base in (service.backend, service.dataops, service.docs):
            answer = service.call("GET", f"{base}/healthz")  # the portals are ready when all have been made once
            assert answer.status_code == 200, answer.text


def test_forty_long_bodies_that_are_dripped_hold_up_nobody(service: Service) -> None:
    """With a key: without one they are refused at once."""
    head = f"POST /api/v1/quality-checks HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {service.key}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 900000\r\n\r\n"
    ended = threading.Event()

    def drip(clients: list[socket.socket]) -> None:
        while not ended.wait(5):
            for client in clients:
                with suppress(OSError):
                    client.sendall(b" ")

    with ExitStack() as stack:
        clients = [
            socket.create_connection(("127.0.0.1", int(service.environment["DATAOPS_PORT"])), timeout=60) for _ in range(40)
        ]
        for client in clients:
            stack.enter_context(closing(client))
            client.sendall(head.encode() + b" " * 40_000)
        dripping = threading.Thread(target=drip, args=[clients], daemon=True)
        dripping.start()
        stack.callback(dripping.join)
        stack.callback(ended.set)
        assert requests.get(f"{service.dataops}/healthz", timeout=30).status_code == 200
        assert service.check("public.airlines")["verdict"] == "pass"


def _pieces() -> Iterator[bytes]:
    for _ in range(LARGE >> 16):
        yield bytes(1 << 16)


def _peaks(service: Service) -> dict[int, int]:
    """The most memory that each process of the service has had, in bytes."""
    found = {}
    for process in psutil.Process(service.process.pid).children(recursive=True):
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            continue  # it has just ended
        if peak := re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE):
            found[process.pid] = int(peak[1]) * 1024
    return found


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_of_100_mb_is_refused_and_kept_nowhere(service: Service, is_chunked: bool) -> None:
    before = _peaks(service)
    for url in (f"{service.backend}/api/v1/requests", f"{service.dataops}/api/v1/quality-checks"):
        data = _pieces() if is_chunked else b" " * LARGE
        try:
            answer = service.call("POST", url, data=data, headers={"Content-Type": "application/json"})
        except requests.ConnectionError:
            continue  # it hung up before all of it was sent
        assert answer.status_code == 413
    assert service.check("public.airlines")["verdict"] == "pass"
    grown = {pid: peak - before[pid] for pid, peak in _peaks(service).items() if pid in before}
    assert max(grown.values()) < MEMORY, grown


def test_no_key_stands_in_any_log(service: Service) -> None:
    wrong = f"sx_{secrets.token_urlsafe(32)}"
    for base in (service.backend, service.dataops, service.docs):
        for path in ("/api/v1/targets", "/api/v1/requests/x", f"/?key={wrong}", f"/api/v1/quality-checks/x?{wrong}=1"):
            for header in (f"Bearer {wrong}", f"Basic {wrong}", wrong):
                answer = requests.get(base + path, headers={"Authorization": header, "X-Api-Key": wrong}, timeout=30)
                assert answer.status_code < 500
                assert wrong not in answer.text
    service.check("public.airlines")
    keys = [service.key, wrong, *((service.home / file).read_text().strip() for file in ("service-key", "signing-secret"))]
    assert all(len(key) > 20 for key in keys)
    for folder, _, files in os.walk(service.home / "logs"):
        for file in files:
            text = (Path(folder) / file).read_text(errors="replace")
            assert not [key[:6] for key in keys if key in text], file
    assert not [key[:6] for key in keys if key in service.output]
