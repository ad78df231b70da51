"""Keeps the portals true: generates a target's docs when its configuration or a verdict has changed.

`python -m api.portal.refresh`. A target's portal is made at once when it is new, and at most once a minute after that. A
target that cannot be reached keeps its last catalog and still shows its verdicts.
"""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from api.engine.command import dbt_executable
from api.portal import project, state
from api.portal.state import PortalTarget
from api.targets import TargetUnusable, clean_environment, connection_environment
from contract import environment
from contract.environment import Settings, SettingsError
from contract.problems import StringXError
from database.pool import Database
from web import logs

LOOK_EVERY_S = 3.0
AT_MOST_EVERY_S = 60.0
_LONGEST_S = 300.0
STATE = "portal.json"  # marks a folder as ours, and tells the front page when it was made

log = logging.getLogger(__name__)


@dataclass
class Refresher:
    """What was generated when, and the process that is at it."""

    settings: Settings
    database: Database
    stop: threading.Event = field(default_factory=threading.Event)
    running: subprocess.Popen[bytes] | None = None
    made: dict[str, tuple[str, float]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.settings.home / "docs"

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self.look()
            except StringXError as error:  # the internal database is away
                log.warning("%s", error)
            self.stop.wait(LOOK_EVERY_S)

    def look(self) -> None:
        """Generate what has changed; forget what is gone."""
        targets = state.read(self.database)
        for target in targets:
            fingerprint, made_at = self.made.get(target.document.name, ("", -AT_MOST_EVERY_S))
            if fingerprint != target.fingerprint and time.monotonic() - made_at >= AT_MOST_EVERY_S and not self.stop.is_set():
                self.made[target.document.name] = (target.fingerprint, time.monotonic())
                self._generate(target)
        names = {target.document.name for target in targets}
        for marker in self.folder.glob(f"*/{STATE}"):
            if marker.parent.name not in names:
                shutil.rmtree(marker.parent, ignore_errors=True)
                self.made.pop(marker.parent.name, None)

    def end(self) -> None:
        self.stop.set()
        if (process := self.running) is not None:
            process.kill()

    def _generate(self, target: PortalTarget) -> None:
        name = target.document.name
        folder, work = self.folder / name, self.folder / ".work" / name
        project.write(target, folder, self.settings.dbt_profiles_dir)
        try:
            variables = connection_environment(target.document, self.settings.secrets, "stringx docs")
            reached = self._dbt(folder, work, variables)
        except TargetUnusable as error:
            log.warning("%s", error)
            variables, reached = {}, False
        if not reached and not self._dbt(folder, work, variables, "--empty-catalog", "--no-populate-cache"):
            return
        self._publish(target, work, folder / "target", with_catalog=reached)

    def _dbt(self, folder: Path, work: Path, variables: dict[str, str], *more: str) -> bool:
        work.mkdir(parents=True, exist_ok=True)
        command = [dbt_executable(), "--quiet", "--no-use-colors", "docs", "generate", *more]
        command += ["--project-dir", str(folder), "--profiles-dir", str(folder)]
        command += ["--target-path", str(work), "--log-path", str(work)]
        self.running = subprocess.Popen(
            ["nice", "-n", "10", *command],  # noqa: S607 (whichever nice there is)
            env=clean_environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            output, _ = self.running.communicate(timeout=_LONGEST_S)
        except subprocess.TimeoutExpired:
            self.running.kill()
            output, _ = self.running.communicate()
        code, self.running = self.running.returncode, None
        if code != 0 and not self.stop.is_set():
            log.warning("dbt docs generate: %s", " ".join(output.decode(errors="replace").split())[-500:])
        return code == 0

    def _publish(self, target: PortalTarget, work: Path, public: Path, with_catalog: bool) -> None:
        """Each file appears complete; the catalog of a target that was not reached stays the last one."""
        public.mkdir(parents=True, exist_ok=True)
        for name in ("manifest.json", "catalog.json", "index.html"):
            if name == "catalog.json" and not with_catalog and (public / name).exists():
                continue
            if (work / name).exists():
                shutil.copyfile(work / name, public / f".{name}")
                (public / f".{name}").replace(public / name)
        verdicts = [table.verdict or "not checked" for table in target.tables]
        said = {"tables": len(target.tables), "verdicts": {word: verdicts.count(word) for word in sorted(set(verdicts))}}
        said |= {"reached": with_catalog, "made_at": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())}
        partial = public.parent / f".{STATE}"
        partial.write_text(json.dumps(said), encoding="utf-8")
        partial.replace(public.parent / STATE)


def main() -> int:
    logs.configure()
    try:
        settings = environment.read()
        database = Database(settings.require_database_url(), size=1, application_name="stringx docs")
    except SettingsError as error:
        print(f"docs: {error}", file=sys.stderr)
        return 2
    refresher = Refresher(settings, database)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: refresher.end())
    os.umask(0o022)
    refresher.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
