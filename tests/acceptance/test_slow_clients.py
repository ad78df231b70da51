"""Clients that begin a request and never go on, beside normal service."""

import resource
import socket
from contextlib import ExitStack, closing

import pytest

from tests.acceptance.conftest import Service

MANY = 500  # of each service


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
            answer = service.call("GET", f"{base}/readyz")
            assert answer.status_code == 200, answer.text
