"""Connections to the internal database, as far as no server is needed."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2 import extensions

from database.connecting import bound_waits, connect
from database.pool import Database
from stringx_dataops.contract.problems import Unavailable


@pytest.mark.parametrize("url", ["postgresql://u:hunter2%zz@127.0.0.1:1/d", "postgresql://u:hunter2@[::1]x/d"])
def test_what_libpq_cannot_read_is_not_quoted(url: str) -> None:
    """Nor in the traceback, which the log would show."""
    with pytest.raises(psycopg2.OperationalError, match=r"^its address cannot be read: \w+") as raised:
        connect(url, "test")
    assert "hunter2" not in str(raised.value)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    with pytest.raises(Unavailable, match="does not answer: its address cannot be read"), Database(url).transaction():
        pass


@pytest.fixture
def bounded() -> Iterator[None]:
    bound_waits()
    yield
    extensions.set_wait_callback(None)


@pytest.mark.usefixtures("bounded")
def test_a_silent_number_of_a_name_does_not_hide_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a network swallows what goes to an IPv6 address."""
    with closing(socket.create_server(("127.0.0.9", 0))) as silent:
        port = silent.getsockname()[1]
        with closing(socket.create_server(("127.0.0.1", port))) as server:
            numbers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, port)) for number in ("127.0.0.9", "127.0.0.1")]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: numbers)  # no name of a test machine has two
            reached = threading.Thread(target=lambda: server.accept()[0].close(), daemon=True)
            reached.start()
            with pytest.raises(psycopg2.OperationalError, match="closed the connection unexpectedly"):
                connect(f"postgresql://u:p@db.invalid:{port}/d", "test")
            reached.join(120)
            assert not reached.is_alive()
