"""A network that can be broken: a TCP proxy between two processes, whose mode may change while connections are open."""

import re
import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Mode = Literal["forward", "swallow", "drop_answers", "reply"]
_READ = 1 << 16
_LINGER_NONE = struct.pack("ii", 1, 0)  # a close sends RST


@dataclass(eq=False)
class _Pair:
    """One connection of a client and the one to its upstream."""

    client: socket.socket
    upstream: socket.socket | None = None
    sent: bytearray = field(default_factory=bytearray)

    def close(self, *, abruptly: bool = False) -> None:
        for one in (self.client, self.upstream):
            if one is not None:
                try:
                    if abruptly:
                        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # closed from the other side
                one.close()


class Proxy:
    """Listens on loopback and connects each client to the next upstream that answers, as a load balancer does."""

    def __init__(self, upstreams: Sequence[int]) -> None:
        self.upstreams = list(upstreams)
        self.connections = 0  # taken so far
        self.delay_s = 0.0  # before each piece that is forwarded, in both directions
        self.recording = False
        self.heard: list[bytearray] = []  # what clients said while recording, one entry a connection
        self._reply = b""
        self._mode: Mode = "forward"
        self._flows = threading.Event()
        self._flows.set()
        self._pairs: set[_Pair] = set()
        self._lock = threading.Lock()
        self._turn = 0
        self._listener: socket.socket | None = None
        self.port = self._listen(0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        """Connections that are open now."""
        with self._lock:
            return len(self._pairs)

    def forward(self) -> None:
        """As if nothing stood between; what was swallowed arrives late."""
        self._mode = "forward"
        self.delay_s = 0.0
        self._flows.set()
        if self._listener is None:
            self._listen(self.port)

    def swallow(self) -> None:
        """Connections stay open, new ones are taken, and not a byte passes."""
        self._mode = "swallow"
        self._flows.clear()

    def drop_answers(self) -> None:
        """What clients say arrives; at the first byte of an answer the client's connection is cut."""
        self._mode = "drop_answers"

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answers every HTTP request itself, each on a connection of its own."""
        lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self._reply = "\r\n".join([*lines, "", ""]).encode() + body
        self._mode = "reply"
        self.cut()

    def record(self) -> None:
        """From now on, on connections that are kept from before too."""
        with self._lock:
            for pair in self._pairs:
                pair.sent = bytearray()
        self.heard, self.recording = [], True

    def refuse(self) -> None:
        """Nothing listens any more, and open connections are cut."""
        listener, self._listener = self._listener, None
        if listener is not None:
            try:
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            except OSError:
                pass  # not connected, says the kernel, and wakes it
            listener.close()
        self.cut()

    def cut(self) -> int:
        """Resets every open connection; how many there were."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            pair.close(abruptly=True)
        return len(pairs)

    def close(self) -> None:
        self._flows.set()
        self.refuse()

    def header_values(self, name: str) -> list[str]:
        """Of an HTTP header, in the requests that were recorded, in their order."""
        pattern = re.compile(rb"^" + name.encode() + rb": *([^\r\n]*)\r$", re.IGNORECASE | re.MULTILINE)
        return [found.decode() for said in list(self.heard) for found in pattern.findall(said)]

    def _listen(self, port: int) -> int:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="proxy", daemon=True).start()
        return int(listener.getsockname()[1])

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # refused from now on
            pair = _Pair(client)
            with self._lock:
                self.connections += 1
                self._pairs.add(pair)
            threading.Thread(target=self._serve, args=(pair,), name="proxy-pair", daemon=True).start()

    def _serve(self, pair: _Pair) -> None:
        try:
            if self._mode == "reply":
                self._answer(pair)
                return
            self._flows.wait()
            pair.upstream = self._connect()
            back = threading.Thread(target=self._pump, args=(pair, pair.upstream, pair.client), name="proxy-back", daemon=True)
            back.start()
            self._pump(pair, pair.client, pair.upstream)
            back.join()
        except OSError:
            pass  # either side went away, or no upstream answers: the client sees a closed connection
        finally:
            with self._lock:
                self._pairs.discard(pair)
            pair.close()

    def _connect(self) -> socket.socket:
        for attempt in range(len(self.upstreams)):
            with self._lock:
                self._turn += 1
                port = self.upstreams[self._turn % len(self.upstreams)]
            try:
                upstream = socket.create_connection(("127.0.0.1", port), timeout=5)
            except OSError:
                if attempt == len(self.upstreams) - 1:
                    raise
                continue
            upstream.settimeout(None)
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return upstream
        raise ConnectionRefusedError

    def _pump(self, pair: _Pair, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(_READ):
                if source is pair.client:
                    self._hear(pair, data)
                if self._mode == "drop_answers" and source is pair.upstream:
                    pair.close(abruptly=True)
                    return
                if self.delay_s:
                    time.sleep(self.delay_s)
                self._flows.wait()
                sink.sendall(data)
        except OSError:
            pass  # the other direction ends with it
        try:
            self._flows.wait()  # an end is a packet too
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # ended already

    def _hear(self, pair: _Pair, data: bytes) -> None:
        if self.recording:
            if not pair.sent:
                self.heard.append(pair.sent)
            pair.sent += data

    def _answer(self, pair: _Pair) -> None:
        """One request, read to its end as far as Content-Length says."""
        said = bytearray()
        while b"\r\n\r\n" not in said:
            if not (data := pair.client.recv(_READ)):
                return
            said += data
        head, _, body = bytes(said).partition(b"\r\n\r\n")
        length = re.search(rb"^content-length: *(\d+)", head, re.IGNORECASE | re.MULTILINE)
        missing = int(length.group(1)) - len(body) if length else 0
        while missing > 0 and (data := pair.client.recv(_READ)):
            missing -= len(data)
            said += data
        self._hear(pair, bytes(said))
        pair.client.sendall(self._reply)
