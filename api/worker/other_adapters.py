"""The children for targets of other adapters than the default one, beside those of a worker's loops."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api.engine.command import Executable
from api.engine.pool import ChildFactory, Slot
from api.worker import loading
from api.worker.execution import Executor
from database import configuration
from database.pool import Database
from stringx_dataops.contract.adapters import DEFAULT_ADAPTER, Adapter
from stringx_dataops.contract.catalogue import dbt_project
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.settings import Settings


@dataclass
class OtherAdapters:
    """Those of one worker. A loop asks for its executor when the first check of such a target comes, and keeps it."""

    settings: Settings
    database: Database
    catalogue: Catalogue
    factories: dict[Adapter, ChildFactory] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    _by_folder: dict[Path, list[Slot]] = field(default_factory=dict)  # of the loop that uses them
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def executor(self, folder: Path, adapter: Adapter) -> Executor:
        """For targets of an adapter, beside the executor of this folder."""
        project = loading.project_of(self.settings).of(adapter)
        runner: Slot | Executable = Executable(project)
        if loading.keeps_children_warm(self.settings):
            with self._lock:
                factory = self._factory(adapter)
                runner = Slot(factory, max_checks=1 if adapter in dbt_project.READS_ITSELF else self.settings.worker_max_checks)
                self.slots.append(runner)
                self._by_folder.setdefault(folder, []).append(runner)
        beside = folder.with_name(f"{folder.name}-{adapter}")
        return Executor(self.settings, self.database, self.catalogue, project, runner, beside)

    def beside(self, folder: Path) -> Sequence[Slot]:
        """The slots of a loop."""
        return self._by_folder.get(folder, ())

    def load(self) -> None:
        """Load dbt for the adapters that targets have, so that their first check need not wait for it."""
        with self.database.statements() as cursor:
            wanted = configuration.adapters(cursor) - {DEFAULT_ADAPTER}
        for adapter in wanted:
            with self._lock:
                if adapter not in self.factories and loading.is_installed(adapter):
                    self._factory(adapter).begin()

    def _factory(self, adapter: Adapter) -> ChildFactory:
        """The caller holds the lock."""
        if adapter not in self.factories:
            home = loading.home_of(self.settings) / f"dbt-{adapter}"
            project = loading.project_of(self.settings).of(adapter)
            self.factories[adapter] = ChildFactory(project, home, self.settings.home / "loaded")
        return self.factories[adapter]
