"""The Backend's web application."""

from flask import Flask

from backend import dispatch, figures, housekeeping, requests
from backend.routes import configuration as configuration_routes
from backend.routes import datasets as dataset_routes
from backend.routes import gates as gate_routes
from backend.routes import requests as request_routes
from contract import environment
from contract.catalogue import Catalogue
from contract.environment import Settings, SettingsError
from database import leases
from database.notifications import Listener
from database.pool import Database
from web import service

THREADS = 32
WAITERS = THREADS // 2  # the other half takes in the results they wait for
_DESCRIPTION = "Receives triggers, tracks requests, owns configuration and results, answers whether a gate is open."


def create_app(settings: Settings | None = None) -> Flask:
    """The application; SettingsError in one line where the environment cannot be used."""
    settings = settings or environment.read()
    try:
        catalogue = Catalogue.load(settings.dbt_project_dir)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    database = Database(settings.require_database_url(), size=12, application_name="stringx backend")
    listener = Listener(database, requests.CHANNEL, WAITERS)
    sender = dispatch.Sender(database, settings.dataops_url, environment.service_key(settings), leases.worker_name("backend"))
    signing_secrets = environment.signing_secrets(settings)
    app = service.create(
        "backend", "StringX Backend", _DESCRIPTION, database, list, figures.metrics, allowed_hosts=settings.allowed_hosts
    )
    app.register_blueprint(
        request_routes.blueprint(request_routes.Requests(database, catalogue, listener, sender, signing_secrets))
    )
    app.register_blueprint(configuration_routes.blueprint(database, catalogue))
    app.register_blueprint(dataset_routes.blueprint(database))
    app.register_blueprint(gate_routes.blueprint(database))

    def start() -> None:
        listener.start()
        dispatch.start(sender, listener)
        housekeeping.start(database, settings)

    app.extensions["stringx_start"] = start  # called in each web process, after the fork
    return app
