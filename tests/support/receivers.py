"""Receivers of messages on loopback: HTTP that answers as it is told to, and SMTP."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

Answer = tuple[int, dict[str, str]]


@dataclass(frozen=True)
class Post:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """An HTTP receiver. `answers` are given in their order, then status 200. A callable gets the handler, and answers itself."""

    url: str = ""
    answers: list[Answer | Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")


@contextmanager
def http_receiver(*answers: Answer | Callable[[BaseHTTPRequestHandler], None]) -> Iterator[Receiver]:
    receiver = Receiver(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            receiver.posts.append(Post(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            answer = receiver.answers.pop(0) if receiver.answers else (200, {})
            if callable(answer):
                answer(self)
                return
            self.send_response(answer[0])
            for name, value in ({"Content-Length": "0"} | answer[1]).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


def closes_early(handler: BaseHTTPRequestHandler) -> None:
    """Half of a status line, then nothing."""
    handler.wfile.write(b"HTTP/1.1 2")
    handler.close_connection = True


def swallows(until: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    """Never answers while the test runs."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        until.wait(120)
        handler.close_connection = True

    return answer


def trickles(until: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    """One byte of a header after another, without end: no single wait for it is long."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            while not until.wait(0.1):
                handler.wfile.write(b"x")
        except OSError:
            pass

    return answer


def floods(handler: BaseHTTPRequestHandler) -> None:
    """An answer without end."""
    handler.close_connection = True
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            handler.wfile.write(b"x" * (1 << 20))
    except OSError:
        pass


@dataclass
class Mailbox:
    """An SMTP server. `refusal`: what it answers to each mail, if not that it takes it."""

    port: int = 0
    mails: list[Message] = field(default_factory=list)
    refusal: str | None = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refusal is not None:
            return self.refusal
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content))
        return "250 taken"


class _AnyPort(Controller):
    """On a port that the system chooses."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_receiver() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    controller = _AnyPort(mailbox, hostname="127.0.0.1", port=0)
    controller.start()
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop()
