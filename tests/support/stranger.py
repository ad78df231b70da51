"""A program that listens where a service should, and answers each request with something senseless."""

import itertools
import json
import re
import socket
import threading
from collections.abc import Iterator, Sequence

from stringx_dataops.contract.ids import new_id

_PIECE = b"x" * (1 << 16)
_ENDLESS_BYTES = 300 << 20  # more than a process of ours may take in all


def answer(body: bytes | str, status: int = 200, kind: str = "application/json", **headers: str) -> bytes:
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} x", f"Content-Type: {kind}", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def head(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: application/json", *lines, "", ""]).encode()


HTML = "<!DOCTYPE html><html><title>Welcome to nginx!</title></html>"
SENSELESS: tuple[bytes, ...] = (
    answer(HTML, kind="text/html"),
    answer(HTML + " " * 200_000, kind="text/html"),  # more than is read of an acknowledgement
    *(answer(body) for body in ("", "{}", "[]", "null", "42", "NaN", '"check_id"', "{", "[" * 100_000, '{"check_id": ' * 9_999)),
    *(answer(json.dumps({"check_id": value})) for value in (None, 7, True, [], {}, "", "x", "\0", "\ud800", f"{{{new_id()}}}")),
    answer(json.dumps({"check_id": new_id(), "request_id": "of another"})),
    answer(json.dumps([{"check_id": new_id()}])),
    answer(b"\xff\xfe\x00", 202),
    answer(HTML, 204, "text/html"),
    answer(HTML, 302, "text/html", Location="http://127.0.0.1:1/\xff"),
    *(answer(HTML, status, "text/html") for status in (400, 404, 409, 422)),
    answer('{"detail": {"a": "\\u0000"}}', 422),
    answer('{"detail": "\\u0000 \\ud800"}', 503, Retry_After="\xb2"),
    answer("[]", 500, Retry_After="-1"),
    answer("{}", Content_Encoding="gzip"),
    head("Content-Length: 1000") + b'{"check_id"',  # cut off
    head("Transfer-Encoding: chunked") + b"5\r\n{}",
    head("Transfer-Encoding: chunked") + b"zz\r\n{}\r\n",
    head("X: " + "y" * 70_000),
    b"SSH-2.0-OpenSSH_9.6\r\n",
    head(f"Content-Length: {_ENDLESS_BYTES}"),  # the stranger goes on until nobody reads
)


# Those that acknowledge nothing: a receiver that answers with another 2xx has the result.
NOT_ACKNOWLEDGING = (*SENSELESS[:2], *(one for one in SENSELESS if not one.startswith(b"HTTP/1.1 2")))


class Stranger:
    """Listens on loopback, closes each connection after one answer, and begins anew where it has given all of them."""

    def __init__(self, answers: Sequence[bytes] = SENSELESS) -> None:
        self._answers: Iterator[bytes] = itertools.cycle(answers)
        self.answered = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                if not self._read(client):
                    return
                with self._lock:
                    said = next(self._answers)
                client.sendall(said)
                if said == SENSELESS[-1]:
                    for _ in range(_ENDLESS_BYTES // len(_PIECE)):
                        client.sendall(_PIECE)
                client.shutdown(socket.SHUT_WR)
                while client.recv(1 << 16):  # so that the answer is not reset before it is read
                    pass
            except OSError:
                pass  # the other side has had enough
            finally:
                with self._lock:
                    self.answered += 1

    @staticmethod
    def _read(client: socket.socket) -> bool:
        """A request to its end; whether there was one."""
        said = bytearray()
        while b"\r\n\r\n" not in said:
            if not (data := client.recv(1 << 16)):
                return False
            said += data
        begin, _, body = bytes(said).partition(b"\r\n\r\n")
        length = re.search(rb"^content-length: *(\d+)", begin, re.IGNORECASE | re.MULTILINE)
        missing = int(length.group(1)) - len(body) if length else 0
        while missing > 0 and (data := client.recv(1 << 16)):
            missing -= len(data)
        return True
