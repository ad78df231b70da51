"""Slow, silent and senseless clients hold no thread of a web server: each test has far more of them than there are threads."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from stringx_dataops.contract.settings import ROOT
from tests.support.processes import eventually

MANY = 60  # of 2 threads
SETTINGS = """
import web.connections
web.connections.REQUEST_S, web.connections._THREAD_WAITS_S, web.connections._ANSWER_S = {request_s}, 1, {answer_s}
web.connections._ANSWER_RATE = 100_000_000
bind, threads, workers, keepalive, worker_connections = "127.0.0.1:{port}", 2, 1, 60, {connections}
worker_class, control_socket_disable, graceful_timeout = "web.connections.RequestWorker", True, 5
wsgi_app, pythonpath = "served:app", {folder!r}

def post_worker_init(worker):
    import served
    served.worker = worker
"""
SERVED = """
import threading

from flask import Flask
from database.notifications import Listener
from stringx_dataops.contract.problems import StringXError
from web import bodies, problems, waiting

bodies._READ_S = 1
held = threading.Event()
whole = Flask("whole")
whole.register_error_handler(StringXError, problems.render)
whole.add_url_rule("/whole", "whole", view_func=lambda: str(len(bodies.raw_body())), methods=["POST"])
listener = Listener(None, "served")
whole.add_url_rule("/wait", "wait", view_func=lambda: waiting.wait_for(listener, "end", lambda: None, 600) or "not yet")
whole.add_url_rule("/waiting", "waiting", view_func=lambda: str(len(listener._waited)))

def app(environ, start_response):
    if environ["PATH_INFO"] in ("/whole", "/wait", "/waiting"):
        return whole(environ, start_response)
    path, headers = environ["PATH_INFO"], [("Content-Type", "text/plain")]
    if path == "/unread":
        body = [b"no"]
    elif path == "/large":
        body = [b"x" * 1_000_000] * 30
    elif path == "/file":
        start_response("200 OK", headers)
        return environ["wsgi.file_wrapper"](open(__file__ + ".large", "rb"))
    elif path == "/held":
        body = [b"released" if held.wait(120) else b"held for too long"]
    elif path == "/healthz":
        held.set()
        body = [b"alive"]
    elif path == "/places":
        body = [str(worker.nr_conns).encode()]
    else:
        body = [str(len(environ["wsgi.input"].read())).encode()]
    if path != "/large":
        headers.append(("Content-Length", str(len(body[0]))))
    start_response("200 OK", headers)
    return body
"""
HEADER = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


class Server:
    def __init__(self, port: int) -> None:
        self.port = port

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def ask(self, *pieces: bytes) -> bytes:
        """All that comes until the server closes the connection."""
        with closing(self.connect()) as client:
            for piece in pieces:
                client.sendall(piece)
            return read_to_end(client)

    def get(self, path: str) -> bytes:
        return self.ask(b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path.encode())

    def is_well(self) -> bool:
        answer = self.ask(HEADER.replace(b"Host: x", b"Host: x\r\nConnection: close") % 5, b"hello")
        return answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n\r\n5")


def read_to_end(client: socket.socket) -> bytes:
    found = b""
    try:
        while piece := client.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def started(folder: Path, request_s: float, connections: int = 500, answer_s: float = 1) -> Iterator[Server]:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    (folder / "served.py").write_text(SERVED)
    (folder / "served.py.large").write_bytes(bytes(30_000_000))
    settings = folder / "gunicorn.conf.py"
    settings.write_text(
        SETTINGS.format(port=port, request_s=request_s, answer_s=answer_s, connections=connections, folder=str(folder))
    )
    command = [sys.executable, "-P", "-m", "gunicorn", "-c", str(settings)]
    process = subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    server = Server(port)

    def answers() -> bool:
        try:
            return server.is_well()
        except ConnectionRefusedError:
            return False

    try:
        eventually(answers, 60, "the server")
        yield server
    finally:
        process.terminate()
        assert process.wait(60) == 0


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Waits for a request as long as a test may take."""
    yield from started(tmp_path_factory.mktemp("patient"), 600)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Waits for a request no longer than a moment."""
    yield from started(tmp_path_factory.mktemp("hasty"), 1, connections=40)


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"P",
        b"\r\n\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        HEADER % 10 + b"x",
        b"GET /unread HTTP/1.1\r\nHost: x\r\n\r\nGET /unread HT",
        b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n",
        b"POST /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"GET /unread HTTP/1.0\r\nHost: x\r\n\r\n",
    ],
    ids=[
        "silence",
        "a byte",
        "empty lines",
        "header",
        "body",
        "the next request",
        "long body",
        "chunks",
        "open after the answer",
    ],
)
def test_clients_that_do_not_go_on_hold_up_no_other(patient: Server, beginning: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(MANY):
            client = stack.enter_context(closing(patient.connect()))
            client.sendall(beginning)
        for _ in range(5):
            assert patient.is_well()


def test_clients_that_do_not_read_hold_up_no_other(patient: Server) -> None:
    with ExitStack() as stack:
        for _ in range(6):
            client = stack.enter_context(closing(patient.connect()))
            client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert patient.is_well()


@pytest.mark.parametrize("path", ["large", "file"])
def test_clients_that_read_a_few_bytes_now_and_then_hold_up_no_other(patient: Server, path: str) -> None:
    """There is always something that they take: to the end it would be an hour."""
    ended = threading.Event()

    def read_slowly(client: socket.socket) -> None:
        with suppress(OSError):
            while not ended.wait(0.05) and client.recv(400):
                pass

    with ExitStack() as stack, ThreadPoolExecutor() as readers:
        stack.callback(ended.set)
        for _ in range(4):
            client = stack.enter_context(closing(patient.connect()))
            client.sendall(f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            readers.submit(read_slowly, client)
        for _ in range(5):
            assert patient.is_well()
        ended.set()


@pytest.mark.parametrize("path", ["large", "file"])
def test_a_large_answer_is_sent_whole(tmp_path: Path, path: str) -> None:
    for server in started(tmp_path, 600, answer_s=200):
        whole = server.ask(f"GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert whole.count(b"x" if path == "large" else b"\0") >= 30_000_000


def test_a_request_may_come_in_pieces_and_several_in_one(patient: Server) -> None:
    last = HEADER.replace(b"Host: x", b"Host: x\r\nConnection: close") % 3 + b"abc"
    pieces = [bytes([byte]) for byte in b"\r\n" + HEADER % 2 + b"xy"]
    answer = patient.ask(*pieces, HEADER % 40_000, b"z" * 39_999, b"z" + HEADER % 0 + last[:30], last[30:])
    assert [part.split(b"\r\n\r\n")[1] for part in answer.split(b"HTTP/1.1 200 OK")[1:]] == [b"2", b"40000", b"0", b"3"]


def test_a_long_body_that_is_dripped_holds_its_thread_for_a_while_only(patient: Server) -> None:
    with closing(patient.connect()) as client:
        client.sendall(b"POST /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + b"x" * 40_000)
        client.settimeout(0.1)
        for _ in range(600):
            try:
                assert client.recv(1000).startswith(b"HTTP/1.1 400 ")
                return
            except TimeoutError:
                client.sendall(b"x")
    raise AssertionError("the body is still waited for")


def test_a_client_that_waits_for_a_word_gets_it(patient: Server) -> None:
    with closing(patient.connect()) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"body")
        assert read_to_end(client).endswith(b"\r\n\r\n4")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 40_000, 431),
        (b"GET / HTTP/1.1\r\nno header\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 150 + b"\r\n", 431),
    ],
)
def test_what_the_server_refuses_is_a_problem_too(patient: Server, sent: bytes, status: int) -> None:
    head, _, body = patient.ask(sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"application/problem+json" in head
    problem = json.loads(body)
    assert problem["status"] == status
    assert problem["detail"]


def test_a_request_that_does_not_come_in_time_is_refused(hasty: Server) -> None:
    assert hasty.ask(HEADER % 10 + b"x").startswith(b"HTTP/1.1 408 ")
    assert hasty.ask() == b""


def test_a_connection_that_was_kept_may_be_silent_for_longer(hasty: Server) -> None:
    with closing(hasty.connect()) as client:
        for size in (0, 1):
            client.sendall(HEADER % size + b"x" * size)
            answer = b""
            while not answer.endswith(b"\r\n\r\n%d" % size):
                piece = client.recv(1000)
                assert piece, answer
                answer += piece
            assert answer.startswith(b"HTTP/1.1 200 ")
            time.sleep(3)


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Server]:
    """Has few places."""
    yield from started(tmp_path, 600, connections=40)


def test_more_clients_than_there_are_places_leave_room_for_the_next(crowded: Server) -> None:
    """Each that comes has the one closed that has been coming for longest, which may have sent more at that moment."""
    with ExitStack() as stack:
        clients: list[socket.socket] = []
        for _ in range(20):
            for client in clients:
                with suppress(OSError):  # it was closed for another
                    client.sendall(b"y")
            more = [stack.enter_context(closing(crowded.connect())) for _ in range(20)]
            for client in more:
                client.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
            clients += more
        for _ in range(5):
            assert crowded.is_well()
    places = "that all others are gone, and none was counted twice"
    eventually(lambda: crowded.ask(b"GET /places HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\n1"), 60, places)


def test_the_process_says_that_it_lives_while_every_thread_waits(patient: Server) -> None:
    """A kubelet that gets no answer ends the process, and with it all that the threads are at."""
    with ThreadPoolExecutor(3) as clients:
        waiting = [clients.submit(patient.get, "/held") for _ in range(3)]  # one more than there are threads
        assert patient.get("/healthz").endswith(b"alive")
        assert all(each.result(120).endswith(b"released") for each in waiting)


def test_who_waits_for_a_result_gets_an_answer_when_the_process_ends(tmp_path: Path) -> None:
    running = started(tmp_path, 600)
    server = next(running)
    with ThreadPoolExecutor(1) as clients:
        asked = clients.submit(server.get, "/wait")
        eventually(lambda: server.get("/waiting").endswith(b"1"), 60, "a request that waits")
        running.close()  # SIGTERM, and a few seconds for what is under way
        assert asked.result(60).endswith(b"not yet")
