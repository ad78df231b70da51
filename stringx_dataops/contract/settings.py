"""Environment variables: their names, types and defaults. They are read once at start; secrets also from `NAME_FILE`.

`read_settings` returns typed settings, or raises a `SettingsError` whose text is shown to the user.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from stringx_dataops.contract import buckets, lineage, sign_in, variables
from stringx_dataops.contract.buckets import Bucket
from stringx_dataops.contract.lineage import LineageReceiver
from stringx_dataops.contract.sign_in import SignIn
from stringx_dataops.contract.variables import Network, SettingsError, secret

ROOT = Path(__file__).resolve().parents[2]
_LEAST_AUDIT_DAYS = 30


@dataclass(frozen=True)
class Settings:
    """The settings of an installation, shared by all roles. Paths are absolute; `lease_s` is seconds, retention is days."""

    home: Path
    bind_host: str
    allowed_hosts: frozenset[str]
    dataops_port: int
    backend_port: int
    docs_port: int
    dataops_url: str
    backend_url: str
    database_url: str | None
    database_direct_url: str | None
    dbt_project_dir: Path
    dbt_profiles_dir: Path
    kafka_bootstrap_servers: str | None
    kafka_port: int
    worker_concurrency: int
    worker_max_checks: int
    batch_checks: int
    queue_limit: int
    lease_s: int
    retention_results_days: int
    retention_samples_days: int
    retention_delivered_days: int
    retention_points_days: int
    public_url: str | None
    trusted_proxies: tuple[Network, ...]
    docs_url: str | None
    sign_in: SignIn | None
    lineage: LineageReceiver | None
    retention_days_years: int
    retention_audit_days: int
    secrets: Path
    duckdb_folders: tuple[Path, ...]
    duckdb_buckets: tuple[Bucket, ...]
    probe_folder: Path | None
    demo: bool

    def require_database_url(self) -> str:
        """The URL of the internal database. Raises SettingsError if it is not set."""
        if self.database_url is None:
            raise SettingsError(
                "STRINGX_DATABASE_URL is not set: give postgresql://user:password@host:port/dbname,"
                " or start everything with ./start-service.sh --local"
            )
        return self.database_url

    def require_session_url(self) -> str:
        """The same for what needs a session of the server, past a pooler. Raises SettingsError as above."""
        return self.database_direct_url or self.require_database_url()


# Every variable that an installation may set. The documentation lists them, and the container passes them on.
VARIABLES = (
    "STRINGX_HOME",
    "STRINGX_DATABASE_URL",
    "STRINGX_DATABASE_DIRECT_URL",
    "STRINGX_SECRETS",
    "STRINGX_DEMO",
    "STRINGX_API_KEY",
    "STRINGX_SERVICE_KEY",
    "STRINGX_SIGNING_SECRET",
    "DATAOPS_PORT",
    "DATAOPS_URL",
    "BACKEND_PORT",
    "BACKEND_URL",
    "DOCS_PORT",
    "BIND_HOST",
    "ALLOWED_HOSTS",
    "DBT_PROJECT_DIR",
    "DBT_PROFILES_DIR",
    "DUCKDB_FOLDERS",
    buckets.VARIABLE,
    "KAFKA_BOOTSTRAP_SERVERS",
    "KAFKA_TOPIC_PREFIX",
    "KAFKA_SECURITY_PROTOCOL",
    "KAFKA_SASL_MECHANISM",
    "KAFKA_SASL_USERNAME",
    "KAFKA_SASL_PASSWORD",
    "KAFKA_SSL_CAFILE",
    "KAFKA_SSL_CERTFILE",
    "KAFKA_SSL_KEYFILE",
    "KAFKA_SSL_KEY_PASSWORD",
    "WORKER_CONCURRENCY",
    "WORKER_MAX_CHECKS",
    "BATCH_CHECKS",
    "QUEUE_LIMIT",
    "LEASE_SECONDS",
    "RETENTION_RESULTS_DAYS",
    "RETENTION_SAMPLES_DAYS",
    "RETENTION_DELIVERED_DAYS",
    "RETENTION_POINTS_DAYS",
    "RETENTION_AUDIT_DAYS",
    "RETENTION_DAYS_YEARS",
    "PUBLIC_URL",
    "TRUSTED_PROXIES",
    "DOCS_URL",
    "PROBE_FOLDER",
    *sign_in.VARIABLES,
    *lineage.VARIABLES,
)
SECRETS = (
    "STRINGX_DATABASE_URL",
    "STRINGX_DATABASE_DIRECT_URL",
    "STRINGX_API_KEY",
    "STRINGX_SERVICE_KEY",
    "STRINGX_SIGNING_SECRET",
    "KAFKA_SASL_PASSWORD",
    "KAFKA_SSL_KEY_PASSWORD",
    sign_in.SECRET,
    lineage.SECRET,
)
FILES = ("KAFKA_SSL_CAFILE", "KAFKA_SSL_CERTFILE", "KAFKA_SSL_KEYFILE")  # variables that name a file


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment. Raises SettingsError, which names the first variable that cannot be used."""
    env = os.environ if environ is None else environ
    home = variables.path(env, "STRINGX_HOME", ROOT / ".stringx")
    dataops_port = variables.number(env, "DATAOPS_PORT", 5001, 1, 65535)
    backend_port = variables.number(env, "BACKEND_PORT", 5002, 1, 65535)
    public_url = variables.address(env, "PUBLIC_URL", "") if env.get("PUBLIC_URL") else None
    docs_url = variables.address(env, "DOCS_URL", "") if env.get("DOCS_URL") else None
    dataops_url = variables.address(env, "DATAOPS_URL", f"http://127.0.0.1:{dataops_port}")
    backend_url = variables.address(env, "BACKEND_URL", f"http://127.0.0.1:{backend_port}")
    project = variables.path(env, "DBT_PROJECT_DIR", ROOT / "stringx")
    return Settings(
        home=home,
        bind_host=env.get("BIND_HOST") or "127.0.0.1",
        dataops_port=dataops_port,
        backend_port=backend_port,
        docs_port=variables.number(env, "DOCS_PORT", 8001, 1, 65535),
        allowed_hosts=variables.hosts(env, "ALLOWED_HOSTS")
        | {str(urlsplit(url).hostname) for url in (dataops_url, backend_url, public_url, docs_url) if url},
        public_url=public_url,
        trusted_proxies=tuple(variables.networks(env, "TRUSTED_PROXIES")),
        docs_url=docs_url,
        sign_in=_sign_in(env, public_url),
        lineage=_lineage(env),
        dataops_url=dataops_url,
        backend_url=backend_url,
        database_url=variables.database_address(env, "STRINGX_DATABASE_URL"),
        database_direct_url=_direct_url(env),
        dbt_project_dir=project,
        dbt_profiles_dir=variables.path(env, "DBT_PROFILES_DIR", project),
        kafka_bootstrap_servers=env.get("KAFKA_BOOTSTRAP_SERVERS") or None,
        kafka_port=variables.number(env, "KAFKA_PORT", 9092, 1, 65534),
        worker_concurrency=variables.number(env, "WORKER_CONCURRENCY", _cores(), 1, 64),
        worker_max_checks=variables.number(env, "WORKER_MAX_CHECKS", 500, 1, 1_000_000),
        batch_checks=variables.number(env, "BATCH_CHECKS", 16, 1, 64),
        queue_limit=variables.number(env, "QUEUE_LIMIT", 20_000, 1, 10_000_000),
        lease_s=variables.number(env, "LEASE_SECONDS", 20, 2, 600),
        retention_results_days=variables.number(env, "RETENTION_RESULTS_DAYS", 400, 0, 36_500),
        retention_samples_days=variables.number(env, "RETENTION_SAMPLES_DAYS", 30, 0, 36_500),
        retention_delivered_days=variables.number(env, "RETENTION_DELIVERED_DAYS", 7, 0, 36_500),
        retention_points_days=variables.number(env, "RETENTION_POINTS_DAYS", 400, 0, 36_500),
        retention_days_years=variables.number(env, "RETENTION_DAYS_YEARS", 5, 0, 100),
        retention_audit_days=_audit_days(env),
        secrets=variables.path(env, "STRINGX_SECRETS", home / "secrets"),
        duckdb_folders=variables.folders(env, "DUCKDB_FOLDERS"),
        duckdb_buckets=_buckets(env),
        probe_folder=variables.path(env, "PROBE_FOLDER", home) if env.get("PROBE_FOLDER") else None,
        demo=variables.switch(env, "STRINGX_DEMO", default=True),
    )


def service_key(settings: Settings) -> str:
    """The key with which the services call each other. Raises SettingsError if there is none."""
    return _required("STRINGX_SERVICE_KEY", settings.home / "service-key")


def sign_in_secret() -> str:
    """The secret of the client at the OpenID provider. Raises SettingsError if it cannot be read."""
    value = secret(sign_in.SECRET)
    if value is None:
        raise SettingsError(f"{sign_in.SECRET} is not set; give the secret of the client OIDC_CLIENT_ID")
    return value


def lineage_key() -> str | None:
    """The key of the receiver of OpenLineage events; None if it wants none. Raises SettingsError if it cannot be read."""
    return secret(lineage.SECRET)


def signing_secrets(settings: Settings) -> list[str]:
    """The secrets that sign posted results and verify them: one, or two during a rotation. Raises SettingsError if unusable."""
    # Imported here, because the rest of this module must work before anything is installed.
    from stringx_dataops.contract.signatures import read_secrets

    text = _required("STRINGX_SIGNING_SECRET", settings.home / "signing-secret")
    try:
        return read_secrets(text)
    except ValueError as error:
        raise SettingsError(f"STRINGX_SIGNING_SECRET {error}") from error


def _required(variable: str, file: Path) -> str:
    value = secret(variable, file)
    if value is None:
        raise SettingsError(f"{variable} is not set and has no file in {file.parent}; run the role migrate first")
    return value


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _buckets(env: Mapping[str, str]) -> tuple[Bucket, ...]:
    try:
        return buckets.read(env)
    except ValueError as error:
        raise SettingsError(str(error)) from error


def _audit_days(env: Mapping[str, str]) -> int:
    """The database deletes no younger entries than this bound, whatever it is asked (0023_keys.sql)."""
    days = variables.number(env, "RETENTION_AUDIT_DAYS", 400, 0, 36_500)
    if 0 < days < _LEAST_AUDIT_DAYS:
        raise SettingsError(f"RETENTION_AUDIT_DAYS is {days}; give at least {_LEAST_AUDIT_DAYS}, or 0 to keep the log for ever")
    return days


def _sign_in(env: Mapping[str, str], public_url: str | None) -> SignIn | None:
    try:
        return sign_in.read(env, public_url)
    except ValueError as error:
        raise SettingsError(str(error)) from error


def _lineage(env: Mapping[str, str]) -> LineageReceiver | None:
    try:
        return lineage.read(env)
    except ValueError as error:
        raise SettingsError(str(error)) from error


def _direct_url(env: Mapping[str, str]) -> str | None:
    """Leads to the same database as the other one."""
    text = variables.database_address(env, "STRINGX_DATABASE_DIRECT_URL")
    if text is not None and not (env.get("STRINGX_DATABASE_URL") or env.get("STRINGX_DATABASE_URL_FILE")):
        raise SettingsError("STRINGX_DATABASE_DIRECT_URL is set without STRINGX_DATABASE_URL; set the pooler's address there")
    return text
