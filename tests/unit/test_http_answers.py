"""Answers of other programs over HTTP: whatever comes is read with a bound, or is one of a few errors."""

import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from stringx_dataops import connection
from stringx_dataops.cli import main
from stringx_dataops.connection import Connection
from stringx_dataops.contract import http_answers
from stringx_dataops.contract.http_answers import Unreadable
from stringx_dataops.errors import Refused, Undecided
from tests.support.stranger import SENSELESS, Stranger, answer

HEADERS = {"Accept-Encoding": "identity"}


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    made = Stranger()
    yield made
    made.close()


def test_every_senseless_answer_is_read_with_a_bound_or_a_fault(stranger: Stranger) -> None:
    read, said, session = [], [], http_answers.new_session()
    for _ in SENSELESS:
        try:
            response = session.post(f"http://127.0.0.1:{stranger.port}/", json={}, headers=HEADERS, timeout=30, stream=True)
            read.append(http_answers.read(response, largest=1 << 20))
        except http_answers.FAULTS as fault:
            said.append(http_answers.words_of(fault))
    assert len(read) >= 30
    for one in read:
        assert not http_answers.is_uuid(one.field("check_id")) or one.field("request_id") == "of another"
        for words in (one.described(), one.detail()):
            said.append(words)
    assert all(words.isprintable() and len(words) < 300 for words in said)
    assert stranger.answered >= len(SENSELESS) - 1


def test_the_command_line_says_of_every_senseless_answer_that_it_is_none(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LARGEST", 1 << 20)
    backend = Connection(f"http://127.0.0.1:{stranger.port}", "key", "a test")
    lines = []
    for one in SENSELESS:
        try:
            backend.get("/api/v1/requests")
        except (Undecided, Refused) as fault:
            lines.append(str(fault))
        else:
            assert b"{" in one, "an object, which is for the command to look into"
    assert not any("\n" in line for line in lines)


@pytest.mark.parametrize("field", [{"table": None}, {"checks": [7]}, {"checks": [{"rules": [{}]}]}])
def test_an_answer_of_another_shape_is_one_line_of_the_command(
    field: dict[str, object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = {"request_id": "x", "status": "succeeded", "verdict": "pass", "checks": [{}], "target": "t"}
    made = Stranger([answer(json.dumps(shown | field))])
    monkeypatch.setenv("STRINGX_API_KEY", "key")
    monkeypatch.setattr("sys.argv", ["dataops", "--server", f"http://127.0.0.1:{made.port}", "requests", "show", "x"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    made.close()
    assert ended.value.code == 3
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("redirect", [301, 307])
def test_the_body_of_a_redirect_is_bounded_too(redirect: int) -> None:
    body = "x" * (2 << 20)
    made = Stranger([answer(body, redirect, Location="/", Set_Cookie="a=b")])
    session = http_answers.new_session()
    response = session.post(f"http://127.0.0.1:{made.port}/", timeout=30, stream=True, headers=HEADERS)
    with pytest.raises(Unreadable, match=f"status {redirect}, more than 1000 bytes"):
        http_answers.read(response, largest=1000)
    assert not session.cookies
    made.close()


def test_a_whole_answer_keeps_its_connection() -> None:
    """Two requests over one connection: what was read to its end is not closed."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = f"{self.client_address[1]}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with http_answers.new_session() as session:
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        ports = {http_answers.read(session.get(url, stream=True, headers=HEADERS, timeout=30)).body for _ in range(3)}
    assert len(ports) == 1
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("0192f6d2-7b1c-7c3e-8f00-0123456789ab", True),
        ("0192F6D2-7B1C-7C3E-8F00-0123456789AB", True),
        ("0192f6d27b1c7c3e8f000123456789ab", False),
        ("{0192f6d2-7b1c-7c3e-8f00-0123456789ab}", False),
        ("urn:uuid:0192f6d2-7b1c-7c3e-8f00-0123456789ab", False),
        (" 0192f6d2-7b1c-7c3e-8f00-0123456789ab", False),
        (7, False),
        (None, False),
    ],
)
def test_a_uuid_is_text_of_one_form(text: object, is_one: bool) -> None:
    assert http_answers.is_uuid(text) is is_one
