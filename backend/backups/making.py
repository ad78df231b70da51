"""Backups of the internal database: a process writes each, this one passes it on and ends it when it takes too long."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Generator

from database import backup
from stringx_dataops.contract.problems import Busy, StringXError, Unavailable
from stringx_dataops.contract.settings import ROOT

LONGEST_S = 3600.0  # from the request to the last byte: its snapshot keeps the server from cleaning up
_SILENT_S = 120.0  # how long the process may write nothing
_PIECE = 256 * 1024
_BUSY_S = 60
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")  # … and what libpq reads


class BrokenOff(StringXError):
    """A backup that had begun has failed; whoever receives it notices, because its end is missing."""


def start(url: str, mark: str) -> Generator[bytes]:
    """The bytes of a backup of this database, of which there is at least one. It holds the mark (`backup.mark`). Raises Busy
    while another one is made, Unavailable if none can be; the iterator raises BrokenOff. Closing it ends the process."""
    environ = {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("PG")}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "database.backup", mark],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, cwd=ROOT,
        env=environ | {"PYTHONPATH": str(ROOT), "STRINGX_DATABASE_URL": url},
    )  # fmt: skip
    until = time.monotonic() + LONGEST_S
    pieces = _pieces(process, until)
    try:
        first = next(pieces, b"")
    except BrokenOff as error:
        if process.returncode == backup.BUSY:
            raise Busy(error.detail, retry_after_s=_BUSY_S) from error
        raise Unavailable(error.detail) from error
    return _with_first(first, pieces)


def _with_first(first: bytes, pieces: Generator[bytes]) -> Generator[bytes]:
    try:
        yield first
        yield from pieces
    finally:
        pieces.close()


def _pieces(process: subprocess.Popen[bytes], until: float) -> Generator[bytes]:
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        while True:
            left_s = min(_SILENT_S, until - time.monotonic())
            if left_s <= 0 or not select.select([process.stdout], [], [], left_s)[0]:
                raise BrokenOff("the backup took too long")
            piece = os.read(process.stdout.fileno(), _PIECE)
            if not piece:
                break
            yield piece
        if process.wait(_SILENT_S) != 0:
            lines = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
            raise BrokenOff(lines[-1][:500] if lines else "the backup cannot be made")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
