"""Generates one project of the portal: writes it, runs `dbt docs generate`, and publishes the files one by one."""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api.engine.command import DbtProject, dbt_executable
from api.engine.profile import clean_environment
from api.targets.engine import Machine, TargetUnusable
from api.targets.registry import engine_of
from portal.parts import Part
from portal.project import RULE_TESTS, Project
from portal.project_state import ProjectState
from portal.sources import Names
from portal.state import PortalTarget
from portal.user_project import UserProject
from stringx_dataops.contract.adapters import DEFAULT_ADAPTER
from stringx_dataops.contract.catalogue.dbt_project import READS_ITSELF
from stringx_dataops.contract.settings import Settings

_LONGEST_S = 900.0
_LOW = ["nice", "-n", "10"]  # of a portal that is not there yet: people wait for it, and so does /readyz
_LOWEST = ["nice", "-n", "19"]

log = logging.getLogger(__name__)


@dataclass
class Generator:
    """Generates projects below `folder`. `processes` are the dbt processes that are running."""

    settings: Settings
    processes: set[subprocess.Popen[bytes]] = field(default_factory=set)

    @property
    def folder(self) -> Path:
        """Holds a project per target, and is what the portal serves."""
        return self.settings.home / "docs"

    @property
    def work(self) -> Path:
        """dbt's work files. Only if a target has a folder here, its portal was generated and may be removed."""
        return self.folder / ".work"

    def write_whole(self, target: PortalTarget, parts: Sequence[Part]) -> None:
        """Write a project with the sources of all parts of a large target, for use by hand."""
        folders = [part.folder for part in parts if part.tables]
        project = Project(self.folder / target.document.name, target, {}, self._user_project(target), parts=folders)
        project.write(self._profiles(target))

    def generate(self, target: PortalTarget, part: Part, names: Names, *, is_new: bool) -> bool:
        """Generate and publish a project; one that is new may take processor time that something else wants. Returns whether the
        target was reached; if not, the project has no new catalog."""
        name = target.document.name
        folder, work = self.folder / name / part.folder, self.work / name / part.folder
        work.mkdir(parents=True, exist_ok=True)
        shows_models = not (part.name and part.tables)
        up = "../../../" if part.name else "../"
        project = Project(folder, target, names, self._user_project(target), shows_models, to_front_page=up)
        project.write(self._profiles(target))
        without_target = ("--empty-catalog", "--no-populate-cache")
        if target.document.adapter in READS_ITSELF:  # a file that is open here could not be written meanwhile: no catalog
            reached = self._dbt(folder, work, {}, *without_target, is_new=is_new)
            if reached:
                _publish(work, folder, with_catalog=True)
                ProjectState.of(target, reached, project.source_ids()).write(folder)
            return reached
        try:
            variables = engine_of(target.document).environment(Machine.of(self.settings, work), "stringx docs")
            reached = self._dbt(folder, work, variables, is_new=is_new)
        except TargetUnusable as error:
            log.warning("%s", error)
            variables, reached = {}, False
        if reached or self._dbt(folder, work, variables, *without_target, is_new=is_new):
            _publish(work, folder, with_catalog=reached)
            ProjectState.of(target, reached, project.source_ids()).write(folder)
        return reached

    def _user_project(self, target: PortalTarget) -> UserProject | None:
        """The user's models are of the default adapter."""
        return UserProject.find(self.settings.dbt_project_dir) if target.document.adapter == DEFAULT_ADAPTER else None

    def _profiles(self, target: PortalTarget) -> Path:
        project = DbtProject(self.settings.dbt_project_dir, self.settings.dbt_profiles_dir)
        return project.of(target.document.adapter).profiles_dir

    def _dbt(self, folder: Path, work: Path, variables: dict[str, str], *more: str, is_new: bool) -> bool:
        """Run `dbt docs generate`; returns False, and logs dbt's output, if it failed.

        The tests that represent rules are not compiled, which would take half of the time. Their descriptions show the rules.
        """
        command = [
            *(_LOW if is_new else _LOWEST),
            dbt_executable(),
            "--no-use-colors",
            "docs",
            "generate",
            "--exclude",
            RULE_TESTS,
            *more,
        ]
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
        if not is_new:
            _give_way(process.pid)
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


def _give_way(pid: int) -> None:
    """On Linux, give a process only idle processor time, so that checks on the same machine do not wait for it."""
    if sys.platform == "linux":
        try:
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
        except OSError as error:  # the process has ended, or this is not allowed; its priority (nice) is low anyway
            log.debug("%s", error)


def _publish(work: Path, folder: Path, with_catalog: bool) -> None:
    """Put each file into place atomically. If the target was not reached, its last catalog stays."""
    public = folder / "target"
    public.mkdir(parents=True, exist_ok=True)
    for name in ("manifest.json", "catalog.json", "index.html"):
        if with_catalog or name != "catalog.json" or not (public / name).exists():
            os.replace(work / name, public / name)
