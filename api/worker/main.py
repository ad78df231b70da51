"""The worker's process: `python -m api.worker.main`. It begins to load dbt, and imports the rest of the worker meanwhile."""

import os
import signal
import sys
import traceback

from api.worker import loading
from stringx_dataops.contract.catalogue.dbt_project import fault_of_project
from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.variables import SettingsError


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

    def end(*_: object) -> None:
        child_factory.kill()
        os._exit(0)  # as a worker that has nothing to hand back

    for number in (signal.SIGTERM, signal.SIGINT):  # until the worker has its own; process 1 of a container has no other
        signal.signal(number, end)
    if loading.keeps_children_warm(settings):
        child_factory.begin()
    try:
        from api.worker import process  # takes about a second

        return process.run(settings, child_factory)
    finally:
        child_factory.kill()


if __name__ == "__main__":
    code = 1
    try:
        code = main()
    except BaseException:  # printed here, because the end of the interpreter would wait until dbt is loaded
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(code)
