"""A process of Trino: its configuration, and the guard that ends it with the process that asked for it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.java import OPTIMIZING, SHORT_LIVED
from tests.support.trino_distribution import distribution, java

_STARTS_WITHIN_S = 200
_GUARDS: dict[int, subprocess.Popen[bytes]] = {}  # that this process has started
_JAVA = ("-server", "-XX:+ExitOnOutOfMemoryError", "-Djdk.attach.allowAttachSelf=true", "-Xshare:auto")
CATALOGS = {
    "tpch": "connector.name=tpch\n",
    "memory": "connector.name=memory\nmemory.max-data-per-node=256MB\n",
    "lake": "connector.name=iceberg\niceberg.catalog.type=TESTING_FILE_METASTORE\nhive.metastore.catalog.dir=local:///\n"
    "fs.native-local.enabled=true\nlocal.location={lake}\n",
}


@dataclass(frozen=True)
class Node:
    """A process of Trino; with `coordinator`, the port of one, it is a worker of that."""

    folder: Path
    lake: Path
    port: int
    memory_mb: int = 1200
    coordinator: int | None = None
    takes_part: bool = True
    processor: int | None = None  # the only one that it runs on
    measured: bool = False  # how fast it is counts
    more: tuple[str, ...] = field(default=())

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def start(self, owner: int, place: Path | None = None) -> int:
        """Returns the number of the process that guards it; it ends with the process `owner`, and `place` with it."""
        etc, home = self.folder / "etc", distribution()
        (etc / "catalog").mkdir(parents=True)
        self.lake.mkdir(exist_ok=True)
        config = [
            f"coordinator={'true' if self.coordinator is None else 'false'}",
            f"http-server.http.port={self.port}",
            f"discovery.uri=http://127.0.0.1:{self.coordinator or self.port}",
            "catalog.management=dynamic",  # so that a test may make a catalog
            f"plugin.dir={home / 'plugin'}",
            f"query.max-memory-per-node={self.memory_mb // 3}MB",
            f"memory.heap-headroom-per-node={self.memory_mb // 4}MB",
            "query.min-expire-age=30s",
            # the coordinator's catalogs are in etc/catalog of the folder that it runs in
            *(
                ("catalog.store=file", f"node-scheduler.include-coordinator={str(self.takes_part).lower()}")
                if self.coordinator is None
                else ()
            ),
            *self.more,
        ]
        (etc / "config.properties").write_text("\n".join(config) + "\n")
        if self.coordinator is None:
            for name, text in CATALOGS.items():
                (etc / "catalog" / f"{name}.properties").write_text(text.format(lake=self.lake))
        options = {
            "node.environment": "tests",
            "node.id": f"node-{self.port}",
            "node.data-dir": self.folder / "data",
            "node.internal-address": "127.0.0.1",
            "config": etc / "config.properties",
            "java.io.tmpdir": self.folder,
        }
        command = [
            *([] if self.processor is None else ["taskset", "--cpu-list", str(self.processor)]),
            *(java(), *_JAVA, *(OPTIMIZING if self.measured else SHORT_LIVED), f"-Xmx{self.memory_mb}m"),
            *(f"-D{name}={value}" for name, value in options.items()),
            *("-cp", f"{home}/lib/*", "io.trino.server.TrinoServer"),
        ]
        guard = Path(__file__).with_name("trino_guard.py")
        process = subprocess.Popen(
            [sys.executable, "-P", guard, str(owner), self.folder, place or self.folder, *command],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        _GUARDS[process.pid] = process
        return process.pid


def wait(pid: int, log: Path, holds: Callable[[], bool]) -> None:
    """Until that holds; RuntimeError with the end of the log if the process ends before, or after some minutes."""
    until, said = time.monotonic() + _STARTS_WITHIN_S, ""
    while not holds():
        said = log.read_text(errors="replace")[-3000:] if log.exists() else said
        if not lives(pid) or time.monotonic() > until:
            end(pid)
            raise RuntimeError(f"Trino does not start: {said}")
        time.sleep(0.1)


def lives(pid: int) -> bool:
    if (started := _GUARDS.get(pid)) is not None:
        return started.poll() is None
    return Path(f"/proc/{pid}").exists()


def end(pid: int) -> None:
    """Returns when it is gone."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    until = time.monotonic() + 20
    while lives(pid) and time.monotonic() < until:
        time.sleep(0.05)
