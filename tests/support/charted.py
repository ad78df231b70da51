"""An installation of pods that the chart has rendered, several of each role, and what an upgrade of it does."""

import shutil
import threading
import time
from pathlib import Path
from typing import Any

from database import embedded
from stringx_dataops import __version__
from stringx_dataops.contract.settings import ROOT
from tests.support import chart
from tests.support.chart import NAME, Json
from tests.support.deployments import Deployment, of_kind, run_job
from tests.support.installation import Installation
from tests.support.machine import Machine
from tests.support.processes import eventually

CODE = ("api", "backend", "database", "launch", "portal", "stringx", "stringx_dataops", "web", "rules")
IMAGE = "dbt-data-ops"


def another_release(folder: Path, release: str) -> Path:
    """The same code, of which every process says that it is of this release."""
    folder.mkdir()
    for name in CODE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "target", "logs"))
    about = folder / "stringx_dataops" / "__init__.py"
    text = about.read_text()
    assert f'__version__ = "{__version__}"' in text
    about.write_text(text.replace(f'__version__ = "{__version__}"', f'__version__ = "{release}"'))
    return folder


class Charted(Installation):
    """PostgreSQL for the internal database and one to be checked, as in other installations; the rest are pods."""

    def __init__(self) -> None:
        super().__init__(each=0)
        self.machine = Machine(self.folder / "pods", {f"{IMAGE}:{__version__}": ROOT})
        self.deployments: dict[str, Deployment] = {}

    def start(self, values: Json | None = None) -> None:
        for postgres in (self.internal, self.checked):
            postgres.process.start()
        embedded.wait(self.internal.cluster)
        embedded.create(self.internal.cluster, "stringx", self._internal_password)
        embedded.create_database(self.internal.cluster, "stringx", "stringx")
        embedded.wait(self.checked.cluster)
        self._make_target()
        self.machine.secrets["targets"] = {"shop": (self.secrets / "shop").read_bytes()}
        self.machine.secrets[f"{NAME}-database"] = {"url": self._internal_url(self.internal.port).encode()}
        self.upgrade(values)
        keys = self.folder / "keys"
        keys.mkdir()
        for name, key in self.machine.secrets[f"{NAME}-keys"].items():
            (keys / name).write_bytes(key)
        self.to_backend.close()
        self.to_backend = self.machine.services[f"{NAME}-backend:5002"]
        self.configure_target("shop")
        self.mark()

    def upgrade(self, values: Json | None = None) -> None:
        """All at once, as `helm upgrade` does: returns when every pod is of the new templates and ready, and the rest have ended."""
        manifests = chart.render({"secrets": [{"name": "targets"}]} | (values or {}))
        self.machine.take(manifests)
        failed: list[BaseException] = []

        def run(what: Any, *arguments: Any) -> threading.Thread:
            def guarded() -> None:
                try:
                    what(*arguments)
                except BaseException as error:  # told by the thread of the test
                    failed.append(error)

            thread = threading.Thread(target=guarded, daemon=True)
            thread.start()
            return thread

        threads = [run(run_job, self.machine, job) for job in of_kind(manifests, "Job")]
        for each in of_kind(manifests, "Deployment"):
            name = each["metadata"]["name"]
            deployment = self.deployments.setdefault(name, Deployment(self.machine, name))
            threads.append(run(deployment.apply, each["spec"]))
        until = time.monotonic() + 1200
        while going := [thread for thread in threads if thread.is_alive()]:
            if failed:
                raise failed[0]  # the others would wait for it
            assert time.monotonic() < until, "\n".join(pod.output() for pod in self.machine.pods)
            going[0].join(1)
        if failed:
            raise failed[0]
        assert self.machine.failed_at == {}

    def end(self) -> None:
        self.machine.end()
        super().end()

    def wait_idle(self) -> None:
        eventually(lambda: not self.unfinished(), 120, "the end of all checks")
