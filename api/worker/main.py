"""The worker's process: `python -m api.worker.main`. It begins to load dbt, and imports the rest of the worker meanwhile."""

import os
import sys

from api.worker import loading
from stringx_dataops.contract.catalogue.dbt_project import fault_of_project
from stringx_dataops.contract.settings import SettingsError, read_settings


def main() -> int:
    """Run until a signal ends the process. Returns 2 if the settings or the dbt project are wrong; else it does not return."""
    try:
        settings = read_settings()
        settings.require_database_url()
        if fault := fault_of_project(settings.dbt_project_dir, settings.dbt_profiles_dir):
            raise SettingsError(fault)
    except SettingsError as error:
        print(f"worker: {error}", file=sys.stderr)
        return 2
    child_factory = loading.child_factory(settings)
    if settings.worker_max_checks > 1:
        child_factory.begin()
    from api.worker import process  # takes about a second

    return process.run(settings, child_factory)


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # without waiting until dbt is loaded
