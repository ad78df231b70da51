"""The dataops command in the process of a test, and a Backend that it can reach."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from werkzeug.serving import make_server

from stringx_dataops.cli import main as command_line


@contextmanager
def served(application: Any) -> Iterator[str]:
    """The address at which the application answers meanwhile."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Dataops:
    """Runs the command, which asks this Backend; returns its exit code, and what it wrote to standard output and standard error.
    `words` begin each command."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        server: str,
        *words: str,
        key: str = "sx_owner",
    ) -> None:
        self._monkeypatch, self._capsys, self._words = monkeypatch, capsys, words
        monkeypatch.setenv("STRINGX_BACKEND_URL", server)
        monkeypatch.setenv("STRINGX_API_KEY", key)

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        self._monkeypatch.setattr("sys.argv", ["dataops", *self._words, *arguments])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        out, err = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, out, err
