"""Backends forked off one process that has imported their code, so that each starts without the seconds that imports take. For tests of what
it serves; those of its start and its end run `launch` as a person does (`processes`)."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from stringx_dataops.contract.settings import ROOT


class Forks:
    """`running` makes it; its process ends with this one, and with it nothing: whoever starts a Backend ends it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    @contextmanager
    def backend(self, environment: Mapping[str, str], log: Path) -> Iterator[None]:
        """A Backend with this environment and no other, for a block; what it says goes to `log`. When the block begins, it need not serve yet."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"environment": dict(environment), "log": str(log)}) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], 120)
        assert ready, "no Backend was forked within 120 s"
        master = psutil.Process(int(self._process.stdout.readline()))
        try:
            yield
        finally:
            family = [master, *master.children(recursive=True)] if master.is_running() else []
            for process in family:
                process.kill()
            psutil.wait_procs(family, timeout=60)


@contextmanager
def running() -> Iterator[Forks]:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.support.forked"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield Forks(process)
        process.kill()


def _main() -> None:
    import gunicorn.app.wsgiapp

    import backend.app  # noqa: F401
    import web.connections
    import web.serving  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system reaps what is forked
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid:
            print(pid, flush=True)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing, log = os.open(os.devnull, os.O_RDONLY), os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number, descriptor in enumerate((nothing, log, log)):
            os.dup2(descriptor, number)
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.argv = ["gunicorn", "-c", str(ROOT / "backend" / "gunicorn.conf.py"), "backend.app:create_app()"]
        gunicorn.app.wsgiapp.run()
        os._exit(0)


if __name__ == "__main__":
    _main()
