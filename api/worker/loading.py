"""What a worker begins before all else, because it takes longest: the process that loads dbt. This module imports little."""

import os
import socket
from importlib import metadata
from pathlib import Path

from api.engine.command import DbtProject
from api.engine.pool import ChildFactory
from stringx_dataops.contract.adapters import Adapter
from stringx_dataops.contract.settings import Settings


def home_of(settings: Settings) -> Path:
    """The folder of this process's own, because several workers may share STRINGX_HOME."""
    return settings.home / "work" / f"{socket.gethostname()}-{os.getpid()}"


def project_of(settings: Settings) -> DbtProject:
    """The dbt project that the settings name."""
    return DbtProject(settings.dbt_project_dir, settings.dbt_profiles_dir)


def keeps_children_warm(settings: Settings) -> bool:
    """Whether dbt is loaded once; otherwise each check runs the `dbt test` executable."""
    return settings.worker_max_checks > 1


def is_installed(adapter: Adapter) -> bool:
    """Whether dbt's package for it is."""
    try:
        metadata.version(f"dbt-{adapter}")
    except metadata.PackageNotFoundError:
        return False
    return True


def child_factory(settings: Settings) -> ChildFactory:
    """Loads that project. What takes long is kept for the next worker."""
    return ChildFactory(project_of(settings), home_of(settings) / "dbt", settings.home / "loaded")
