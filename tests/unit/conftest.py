"""What the tests of several modules here share: a server that answers as it is told."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """A server that gives these answers {status, body, headers} one after the other, the last one for ever; its address."""
    started: list[ThreadingHTTPServer] = []

    def start(*answers: tuple[Any, ...]) -> str:
        left = list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, value, *headers = left.pop(0) if len(left) > 1 else left[0]
                value = value(self) if callable(value) else value
                body = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                for name, text in (pair for each in headers for pair in each.items()):
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()
