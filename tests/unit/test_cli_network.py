"""How the dataops command reaches the service: proxies, netrc, ports, answers that do not come."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cli import GATE, assert_one_line, run


@pytest.mark.parametrize(
    ("status", "answer", "code", "words"),
    [
        (200, b"<html>", 3, "not as a StringX Backend does"),
        (200, [], 3, "not as a StringX Backend does"),
        (200, {}, 3, "is no StringX Backend"),
        (404, b"nginx", 3, "not as a StringX Backend does"),
        (502, b"nginx", 3, "not as a StringX Backend does"),
        (500, {"detail": "something went wrong"}, 3, "something went wrong"),
        (503, {"detail": "the database is away"}, 3, "the database is away"),
        (429, {"detail": "the queue is full"}, 3, "the queue is full"),
        (401, {"detail": "the key is not known"}, 3, "the key is not known (the key is from STRINGX_API_KEY)"),
        (403, {"detail": "the key lacks the scope read"}, 3, "(the key is from STRINGX_API_KEY)"),
        (404, {"detail": "no configuration for table public.a"}, 2, "no configuration for table public.a"),
        (
            422,
            {"detail": "x", "errors": [{"pointer": "/query/not_before", "message": "is no time"}]},
            2,
            "/query/not_before: is no time",
        ),
    ],
)
def test_an_answer_that_is_no_gate_is_one_line(
    serve: Callable[..., str], status: int, answer: object, code: int, words: str
) -> None:
    assert_one_line(run("--server", serve((status, answer)), "gate", "nyc", "public.a"), code, words)


def test_a_key_of_a_file_is_named_by_its_path(serve: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("sx_old\n")
    done = run("--server", serve((401, {"detail": "no"})), "gate", "a", "b.c", STRINGX_API_KEY="", STRINGX_HOME=str(tmp_path))
    assert_one_line(done, 3, f"(the key is from {tmp_path / 'api-key'})")


def test_a_server_that_does_not_answer_is_one_line_once_a_check_was_accepted(serve: Callable[..., str]) -> None:
    view = {"request_id": "7", "table": "public.a", "status": "queued", "verdict": None, "checks": []}
    done = run("--server", serve((202, view), (503, {"detail": "away"})), "check", "nyc", "public.a", "--wait", "1")
    assert_one_line(done, 3, "away")


DEAD_PROXY = dict.fromkeys(
    ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:9"
)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0.0.0.0", "LOCALHOST"])
def test_a_proxy_is_no_way_to_this_machine(serve: Callable[..., str], host: str) -> None:
    done = run("--server", serve((200, GATE)).replace("127.0.0.1", host), "gate", "nyc", "public.a", **DEAD_PROXY)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_a_proxy_leads_to_another_machine_and_a_netrc_does_not_take_the_keys_place(
    serve: Callable[..., str], tmp_path: Path
) -> None:
    """The proxy is asked for the whole address, with our key."""
    (tmp_path / ".netrc").write_text("default login somebody password else\n")
    proxy = serve((200, lambda asked: GATE | {"reasons": [asked.path, asked.headers["Authorization"]]}))
    variables = {"HTTP_PROXY": proxy, "http_proxy": proxy, "HOME": str(tmp_path)}
    done = run("--server", "http://stringx.example", "gate", "nyc", "public.a", "--json", **variables)
    assert json.loads(done.stdout)["reasons"] == ["http://stringx.example/api/v1/gates/nyc/public.a", "Bearer sx_key"]
    assert_one_line(run("--server", "http://stringx.example", "gate", "a", "b.c", **DEAD_PROXY), 3, "nothing answers at")


def test_nothing_listens_on_a_free_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert_one_line(
        run("check", "nyc", "public.a", "--wait", BACKEND_PORT=str(port)), 3, f"nothing answers at http://127.0.0.1:{port}"
    )
