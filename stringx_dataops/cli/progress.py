"""The line that shows how far it is, while a person waits at a terminal: on standard error, erased at the end."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

from stringx_dataops.answers import Progress
from stringx_dataops.cli.terminal import cut

POLL_S = 1.0  # how often the Backend is asked while somebody watches
_REDRAW_S = 0.25
_ERASE = "\r\x1b[K"
_BAR = 20  # cells


class Line:
    """A context manager. `active`: whether standard error is a terminal that can erase a line; otherwise nothing is shown."""

    def __init__(self, subject: str) -> None:
        self.active = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._subject = subject
        self._lock = threading.Lock()
        self._words: Callable[[float], str] = lambda _: "asks"
        self._at = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Line":
        if self.active:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.active:
            self._ended.set()
            self._thread.join()
            self._write(_ERASE)

    def show(self, words: Callable[[float], str], subject: str | None = None) -> None:
        """From now on these words, by the seconds that have passed since now."""
        with self._lock:
            self._words, self._at = words, time.monotonic()
            self._subject = subject or self._subject

    def follow(self, progress: Progress | None, subject: str | None = None) -> None:
        """How far a request is."""
        if progress is not None:
            self.show(lambda passed: words(progress, passed), subject)

    def _run(self) -> None:
        while not self._ended.wait(_REDRAW_S):
            with self._lock:
                text = f"{self._subject}: {self._words(time.monotonic() - self._at)}"
            self._write(_ERASE + cut(text, shutil.get_terminal_size().columns - 1))

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, UnicodeEncodeError):  # the terminal is gone, or cannot show it
            self._ended.set()


def words(progress: Progress, passed: float) -> str:
    """How far a request is, so many seconds after it was asked."""
    elapsed, expected = progress.elapsed_s + passed, progress.expected_s
    phase = {
        "queued": "waits" if progress.position is None else f"waits at place {progress.position} in the queue",
        "starting": "starts",
        "reading": "reads the data",
        "delivering": "delivers the result",
    }.get(progress.phase, progress.phase)
    usual = "" if expected is None else f" of about {expected:.0f} s" if expected >= 1 else " of about 1 s"
    bar = "" if not expected or progress.phase == "queued" else f"  {_bar(elapsed / expected)}"
    return f"{phase}, {elapsed:.0f} s{usual}{bar}"


def _bar(share: float) -> str:
    done = round(min(share, 1.0) * _BAR)
    return f"[{'#' * done}{'.' * (_BAR - done)}]"
