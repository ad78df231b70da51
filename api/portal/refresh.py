"""Keeps the portals true: generates a target's docs when its configuration or a verdict has changed.

`python -m api.portal.refresh`. A target's portal is made at once when it is new, and at most once a minute after that. A
target that cannot be reached keeps its last catalog, still shows its verdicts, and is tried again every five minutes.
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
from typing import NoReturn

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
AGAIN_AFTER_S = 300.0  # where the last generation did not reach the target
AT_ONCE = 2  # targets generated side by side, so that one that hangs does not hold up the others
STATE = "portal.json"  # tells the front page that a portal is complete, and when it was made
FINGERPRINT = "fingerprint"  # in a target's work folder: what its portal shows
_LONGEST_S = 300.0

log = logging.getLogger(__name__)


@dataclass
class Generation:
    """The last generation of a target's portal, under way or done."""

    fingerprint: str
    began: float
    thread: threading.Thread | None = None
    reached: bool = False

    @property
    def under_way(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def is_due(self, fingerprint: str, now: float) -> bool:
        if self.under_way:
            return False
        changed = fingerprint != self.fingerprint and now - self.began >= AT_MOST_EVERY_S
        return changed or (not self.reached and now - self.began >= AGAIN_AFTER_S)


@dataclass
class Refresher:
    """What was generated when, and the processes that are at it."""

    settings: Settings
    database: Database
    made: dict[str, Generation] = field(default_factory=dict)
    processes: set[subprocess.Popen[bytes]] = field(default_factory=set)

    @property
    def folder(self) -> Path:
        return self.settings.home / "docs"

    @property
    def work(self) -> Path:
        """Private to dbt; a target's folder in here says that its portal is ours to remove."""
        return self.folder / ".work"

    def run(self) -> NoReturn:
        self.remember()
        while True:
            try:
                self.look()
            except StringXError as error:  # the internal database is away
                log.warning("%s", error)
            time.sleep(LOOK_EVERY_S)

    def remember(self) -> None:
        """Take portals of an earlier start as made now: a start has better things to do than to make them again."""
        for file in self.work.glob(f"*/{FINGERPRINT}"):
            name = file.parent.name
            if (self.folder / name / STATE).exists():
                self.made[name] = Generation(file.read_text(encoding="utf-8"), time.monotonic(), reached=True)

    def look(self) -> None:
        """Begin generating what has changed; forget what is gone."""
        found = state.fingerprints(self.database)
        for name, fingerprint in found.items():
            last, now = self.made.get(name), time.monotonic()
            if sum(generation.under_way for generation in self.made.values()) >= AT_ONCE:
                break  # the others are due at the next look
            if last is None or last.is_due(fingerprint, now):
                self.made[name] = generation = Generation(fingerprint, now)
                generation.thread = threading.Thread(target=self._attempt, args=(name, generation), daemon=True)
                generation.thread.start()
        self._forget_all_but(set(found))

    def wait(self) -> None:
        """Until nothing is under way."""
        for generation in self.made.values():
            if generation.thread is not None:
                generation.thread.join()

    def _forget_all_but(self, names: set[str]) -> None:
        for folder in self.work.glob("*"):
            name = folder.name
            if name not in names and not (name in self.made and self.made[name].under_way):
                shutil.rmtree(self.folder / name, ignore_errors=True)
                shutil.rmtree(folder, ignore_errors=True)
                self.made.pop(name, None)

    def _attempt(self, name: str, generation: Generation) -> None:
        try:
            target = state.read(self.database, name)
            generation.reached = target is None or self.generate(target)
            if target is not None and generation.reached:
                (self.work / name / FINGERPRINT).write_text(generation.fingerprint, encoding="utf-8")
        except StringXError as error:
            log.warning("%s", error)
        except Exception:  # one target's trouble (a full disk, a document of another release) is not the others'
            log.exception("the portal of target %s", name)

    def generate(self, target: PortalTarget) -> bool:
        """Whether the target was reached; its portal is made anyway."""
        name = target.document.name
        folder, work = self.folder / name, self.work / name
        work.mkdir(parents=True, exist_ok=True)
        project.write(target, folder, self.settings.dbt_profiles_dir, self.settings.dbt_project_dir)
        try:
            variables = connection_environment(target.document, self.settings.secrets, "stringx docs")
            reached = self._dbt(folder, work, variables)
        except TargetUnusable as error:
            log.warning("%s", error)
            variables, reached = {}, False
        if reached or self._dbt(folder, work, variables, "--empty-catalog", "--no-populate-cache"):  # connects nowhere
            self._publish(target, work, folder, with_catalog=reached)
        return reached

    def _dbt(self, folder: Path, work: Path, variables: dict[str, str], *more: str) -> bool:
        """Run the real `dbt docs generate`; False where it ended with an error, which is in the log."""
        command = ["nice", "-n", "10", dbt_executable(), "--no-use-colors", "docs", "generate", *more]
        command += ["--project-dir", str(folder), "--profiles-dir", str(folder)]
        command += ["--target-path", str(work), "--log-path", str(work)]
        process = subprocess.Popen(
            command,
            env=clean_environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.processes.add(process)
        try:
            output, _ = process.communicate(timeout=_LONGEST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
        finally:
            self.processes.discard(process)
        if process.returncode != 0:
            log.warning("dbt docs generate in %s: %s", folder, " ".join(output.decode(errors="replace").split())[-500:])
        return process.returncode == 0

    def _publish(self, target: PortalTarget, work: Path, folder: Path, with_catalog: bool) -> None:
        """Each file appears complete; the catalog of a target that was not reached stays the last one."""
        public = folder / "target"
        public.mkdir(parents=True, exist_ok=True)
        for name in ("manifest.json", "catalog.json", "index.html"):
            if with_catalog or name != "catalog.json" or not (public / name).exists():
                os.replace(work / name, public / name)
        verdicts = [table.verdict or "not checked" for table in target.tables]
        said = {"tables": len(target.tables), "verdicts": {word: verdicts.count(word) for word in sorted(set(verdicts))}}
        said |= {"reached": with_catalog, "made_at": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())}
        partial = folder / f".{STATE}"
        partial.write_text(json.dumps(said), encoding="utf-8")
        partial.replace(folder / STATE)


def main() -> int:
    logs.configure()
    try:
        settings = environment.read()
        database = Database(settings.require_database_url(), size=1 + AT_ONCE, application_name="stringx docs")
    except SettingsError as error:
        print(f"docs: {error}", file=sys.stderr)
        return 2
    refresher = Refresher(settings, database)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _end(refresher))
    os.umask(0o022)
    refresher.run()


def _end(refresher: Refresher) -> NoReturn:
    """At once, with every dbt; a half-written file is nobody's, for each is put in its place when complete."""
    for process in list(refresher.processes):
        process.kill()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
