"""Runs a command that ends with another process: `python -P trino_guard.py PID FOLDER PLACE COMMAND…`; its log is in FOLDER.

It ends, and PLACE is removed with all that it holds, on SIGTERM or once the process with this number is gone, however that ended.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time

import psutil

_PR_SET_PDEATHSIG = 1


def main(pid: int, folder: str, place: str, command: list[str]) -> None:
    owner = psutil.Process(pid)  # knows when it began, so another one with its number is not taken for it
    with open(os.path.join(folder, "server.log"), "ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_end_with_parent)
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    while not ended and process.poll() is None and owner.is_running() and owner.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.2)
    if not ended and process.poll() is not None:
        time.sleep(2)  # whoever waits for the server reads its log
        place = folder
    process.kill()  # it holds nothing that outlives the run
    process.wait()
    shutil.rmtree(place, ignore_errors=True)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:4], sys.argv[4:])
