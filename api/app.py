"""The DataOps service's web application; `python app.py` serves it alone."""

import sys
from functools import partial
from pathlib import Path

if __name__ == "__main__":  # run as a file: the project's folder, not this one, is where imports begin
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

try:
    from flask import Flask

    from api import metrics
    from api.notifications import CHANNEL
    from api.routes import checks as check_routes
    from api.routes import deliveries, queue, rule_types
    from api.worker import heartbeats
    from database.loops import Loops
    from database.notifications import Listener
    from database.pool import Database
    from stringx_dataops.contract.catalogue.rule_types import Catalogue
    from stringx_dataops.contract.settings import Settings, read_settings
    from stringx_dataops.contract.variables import SettingsError
    from web import service
except ModuleNotFoundError as missing:
    if __name__ != "__main__":
        raise
    sys.exit(
        f"app.py: the package {missing.name} is not installed for {sys.executable};"
        " run `./start-service.sh --local` once, then use .venv/bin/python"
    )

WAITERS = 64
THREADS = WAITERS + 32  # those that take in what the others wait for
_DESCRIPTION = "Accepts quality checks of tables, runs them as a dbt test, answers with the verdict."


def create_app(settings: Settings | None = None) -> Flask:
    """The application; SettingsError in one line where the environment cannot be used."""
    settings = settings or read_settings()
    try:
        catalogue = Catalogue.load(settings.dbt_project_dir)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    database = Database(settings.require_database_url(), 12, "stringx api", settings.database_direct_url)
    listener = Listener(database, CHANNEL, WAITERS)

    loops, faults = Loops(), partial(heartbeats.faults, database)
    app = service.create(
        "api",
        "StringX DataOps",
        _DESCRIPTION,
        database,
        loops,
        faults,
        metrics.metrics,
        allowed_hosts=settings.allowed_hosts,
        trusted_proxies=settings.trusted_proxies,
    )
    app.register_blueprint(check_routes.blueprint(check_routes.Checks(settings, database, catalogue, listener)))
    app.register_blueprint(deliveries.blueprint(database))
    app.register_blueprint(queue.blueprint(database))
    app.register_blueprint(rule_types.blueprint(catalogue))
    app.extensions["stringx_start"] = partial(listener.start, loops)  # called in each web process, after the fork
    return app


def main() -> int:
    """Serve on DATAOPS_PORT with gunicorn, or say in one line what is missing."""
    import os

    try:
        create_app()
    except SettingsError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    root = Path(__file__).resolve().parent.parent
    os.chdir(root)
    os.environ["PYTHONPATH"] = str(root)
    command = [sys.executable, "-m", "gunicorn", "-c", "api/gunicorn.conf.py", "api.app:create_app()"]
    os.execv(sys.executable, command)


if __name__ == "__main__":
    sys.exit(main())
