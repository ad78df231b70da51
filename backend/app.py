"""The Backend's web application."""

from flask import Flask

from backend import metrics, retention
from backend.addresses import routes as address_routes
from backend.audit import routes as audit_routes
from backend.backups import routes as backup_routes
from backend.badges import routes as badge_routes
from backend.configuration import dataset_routes, layer_routes, refreshing, watch_routes
from backend.configuration import routes as configuration_routes
from backend.dashboard import routes as dashboard_routes
from backend.dashboard.service import Dashboard, OpenId
from backend.events import routes as event_routes
from backend.gates import routes as gate_routes
from backend.history import upkeep
from backend.incidents import routes as incident_routes
from backend.insights import routes as insight_routes
from backend.keys import routes as key_routes
from backend.lineage import sending as lineage
from backend.marks import routes as mark_routes
from backend.notifications import digests, planning, sending
from backend.notifications import routes as notification_routes
from backend.notifications.log import Log
from backend.notifications.secrets import Secrets
from backend.notifications.sending import Mailroom
from backend.profiles import routes as profile_routes
from backend.requests import dispatch, tracking
from backend.requests import routes as request_routes
from backend.requests.asking import Asking
from backend.schedules import routes as schedule_routes
from backend.schedules import upkeep as schedule_upkeep
from backend.verdicts import keys as verdict_keys
from backend.verdicts import routes as verdict_routes
from backend.verdicts.signing import VerdictSigner
from backend.waivers import routes as waiver_routes
from backend.waivers import upkeep as waiver_upkeep
from database import leases
from database.loops import Loops
from database.notifications import Listener
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.messages.addresses import Addresses
from stringx_dataops.contract.settings import Settings, read_settings, service_key, sign_in_secret, signing_secrets
from stringx_dataops.contract.variables import SettingsError
from web import service
from web.look import files as look

WAITERS = 64
THREADS = WAITERS + 32  # those that take in what the others wait for
_DESCRIPTION = "Receives triggers, tracks requests, owns configuration and results, answers whether a gate is open."


def create_app(settings: Settings | None = None) -> Flask:
    """The application; SettingsError in one line where the environment cannot be used."""
    settings = settings or read_settings()
    try:
        catalogue = Catalogue.load(settings.dbt_project_dir)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    database = Database(settings.require_database_url(), 12, "stringx backend", settings.database_direct_url)
    listener = Listener(database, tracking.CHANNEL, WAITERS)
    dispatcher = dispatch.Dispatcher(database, settings.dataops_url, service_key(settings), leases.worker_name("backend"))
    asking = Asking(database, catalogue, dispatcher)
    secrets = signing_secrets(settings)
    vault = verdict_keys.Vault(secrets)
    mailroom = Mailroom(Secrets(settings.secrets, secrets), settings.public_url)
    messages = Log(database, mailroom, dispatcher.name)
    loops = Loops()
    app = service.create(
        "backend",
        "StringX Backend",
        _DESCRIPTION,
        database,
        loops,
        list,
        metrics.metrics,
        allowed_hosts=settings.allowed_hosts,
        own_sign_in=["dashboard", look.NAME],
        trusted_proxies=settings.trusted_proxies,
    )
    requests = request_routes.Requests(asking, listener, secrets)
    app.register_blueprint(request_routes.blueprint(requests))
    app.register_blueprint(profile_routes.blueprint(requests))
    app.register_blueprint(configuration_routes.blueprint(database, catalogue))
    app.register_blueprint(dataset_routes.blueprint(database))
    app.register_blueprint(layer_routes.blueprint(database, catalogue))
    app.register_blueprint(watch_routes.blueprint(database))
    app.register_blueprint(gate_routes.blueprint(database, VerdictSigner(vault, settings.public_url)))
    app.register_blueprint(verdict_routes.blueprint(database, vault))
    app.register_blueprint(key_routes.blueprint(database))
    app.register_blueprint(audit_routes.blueprint(database))
    app.register_blueprint(backup_routes.blueprint(database))
    app.register_blueprint(address_routes.blueprint(Addresses(dashboard=settings.public_url, docs=settings.docs_url)))
    app.register_blueprint(waiver_routes.blueprint(database, catalogue))
    app.register_blueprint(mark_routes.blueprint(database))
    app.register_blueprint(event_routes.blueprint(database, settings.public_url))
    app.register_blueprint(badge_routes.blueprint(database, settings.public_url))
    app.register_blueprint(incident_routes.blueprint(database))
    app.register_blueprint(schedule_routes.blueprint(database))
    app.register_blueprint(notification_routes.blueprint(messages))
    app.register_blueprint(
        dashboard_routes.blueprint(
            Dashboard(
                database,
                catalogue,
                asking,
                messages,
                settings.public_url,
                settings.trusted_proxies,
                settings.docs_url,
                _openid(settings),
            )
        )
    )
    app.register_blueprint(look.blueprint())
    app.register_blueprint(insight_routes.blueprint(database, catalogue))

    def start() -> None:
        listener.start(loops)
        dispatch.start(dispatcher, listener, loops)
        retention.start(database, settings, loops)
        verdict_keys.start(database, vault, loops)
        upkeep.start(database, settings, loops)
        waiver_upkeep.start(database, loops)
        schedule_upkeep.start(database, catalogue, loops)
        refreshing.start(database, catalogue, loops)
        planning.start(database, loops)
        digests.start(database, loops)
        sending.start(database, mailroom, listener, loops, dispatcher.name)
        lineage.start(database, settings, catalogue, listener, loops, dispatcher.name)

    app.extensions["stringx_mailroom"] = mailroom
    app.extensions["stringx_start"] = start  # called in each web process, after the fork
    return app


def _openid(settings: Settings) -> OpenId | None:
    if settings.sign_in is None:
        return None
    from backend.sign_in.provider import Provider  # takes a while, and only these installations need it

    secret = sign_in_secret()
    return OpenId(settings.sign_in, Provider(settings.sign_in, secret), secret)
