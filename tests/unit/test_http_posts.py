"""Posts from service to service: over a kept connection, to where they were sent alone, and with faults that have names."""

import socket
import threading
from http.server import BaseHTTPRequestHandler

import pytest
import requests

from stringx_dataops.contract import http_answers
from stringx_dataops.contract.http_answers import Unreadable
from stringx_dataops.contract.http_posts import Limits, Poster
from tests.support.receivers import closes_early, http_receiver, swallows

LIMITS = Limits(connect_s=5, read_s=0.5, body_s=2, largest=1000)


def test_a_connection_is_kept_and_no_cookie_or_redirect_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    ports: list[int] = []

    def answer(status: int, **headers: str) -> object:
        def write(handler: BaseHTTPRequestHandler) -> None:
            ports.append(handler.client_address[1])
            handler.send_response(status)
            for name, value in {"Content-Length": "2", "Set-Cookie": "a=b", **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(b"{}")

        return write

    with http_receiver(answer(202), answer(307, Location="http://127.0.0.1:9/"), (204, {}), answer(500)) as receiver:  # type: ignore[arg-type]
        poster = Poster("key", LIMITS)
        found = [poster.post(f"{receiver.url}/a%2Fb?c", data=b"body", headers={"X-Own": "1"}).status for _ in range(4)]
    assert found == [202, 307, 204, 500]
    assert len(set(ports)) == 1
    for post in receiver.posts:
        assert (post.path, post.body) == ("/a%2Fb?c", b"body")
        assert (post.headers["authorization"], post.headers["x-own"]) == ("Bearer key", "1")
        assert "cookie" not in post.headers
        assert post.headers["accept-encoding"] == "identity"


def test_a_post_without_a_body_says_so() -> None:
    with http_receiver() as receiver:
        assert Poster("key", LIMITS).post(receiver.url).status == 200
        assert receiver.posts[0].headers["content-length"] == "0"


def test_faults_have_the_names_that_are_shown() -> None:
    until = threading.Event()
    with socket.socket() as closed, http_receiver(closes_early, swallows(until), (200, {"Content-Length": "9999"})) as receiver:
        closed.bind(("127.0.0.1", 0))
        poster = Poster("key", LIMITS)
        for url, fault, words in (
            (f"http://127.0.0.1:{closed.getsockname()[1]}/", requests.ConnectionError, "ConnectionError"),
            (receiver.url, requests.ConnectionError, "ConnectionError"),
            (receiver.url, requests.ReadTimeout, "ReadTimeout"),
            (receiver.url, Unreadable, "status 200"),
            ("http://[", requests.exceptions.InvalidURL, "InvalidURL"),
            ("nothing://x", requests.exceptions.InvalidURL, "InvalidURL"),
        ):
            with pytest.raises(http_answers.FAULTS) as raised:
                poster.post(url, data=b"x")
            assert isinstance(raised.value, fault), (url, raised.value)
            assert http_answers.words_of(raised.value).startswith(words)
        until.set()


def test_a_kept_connection_that_was_closed_is_opened_again_only_for_posts_that_may_arrive_twice() -> None:
    def closes(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    for resends in (True, False):
        with http_receiver(closes, (204, {})) as receiver:
            poster = Poster("key", LIMITS, resends=resends)
            if resends:
                assert poster.post(receiver.url).status == 204
            else:
                with pytest.raises(requests.ConnectionError):
                    poster.post(receiver.url)
            assert len(receiver.posts) == 1 + resends
