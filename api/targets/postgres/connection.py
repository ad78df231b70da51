"""How a check reaches its target: the environment of the dbt profile, and the address of sessions beside dbt."""

from collections.abc import Mapping
from pathlib import Path

from api.engine.profile import PASSWORD_VARIABLE, SESSION_VARIABLE
from api.targets.secrets import password
from stringx_dataops.contract.documents.engines.postgres import PostgresTarget

AUTHENTICATION_VARIABLE = "PGREQUIREAUTH"


def connection_environment(target: PostgresTarget, secrets_dir: Path, application_name: str) -> dict[str, str]:
    """The variables that `profiles.yml` reads, the password among them; TargetUnusable where it is missing."""
    return {
        "STRINGX_TARGET_HOST": target.host,
        "STRINGX_TARGET_PORT": str(target.port),
        "STRINGX_TARGET_USER": target.user,
        "STRINGX_TARGET_DBNAME": target.dbname,
        "STRINGX_TARGET_SCHEMA": target.dbt_schema,
        "STRINGX_TARGET_SSLMODE": target.tls,
        "STRINGX_TARGET_SSLROOTCERT": target.sslrootcert or _system_roots(target),
        SESSION_VARIABLE: application_name,
        AUTHENTICATION_VARIABLE: target.authentication,  # libpq's own variable: dbt's profile has no field for it
        "PGCLIENTENCODING": "UTF8",  # that of the database, or of the role, need not hold every name and value
        PASSWORD_VARIABLE: password(target, secrets_dir),
    }


def session_address(variables: Mapping[str, str]) -> dict[str, str]:
    """libpq's parameters of what `connection_environment` gave."""
    named = {
        "host": "STRINGX_TARGET_HOST",
        "port": "STRINGX_TARGET_PORT",
        "user": "STRINGX_TARGET_USER",
        "dbname": "STRINGX_TARGET_DBNAME",
        "sslmode": "STRINGX_TARGET_SSLMODE",
        "sslrootcert": "STRINGX_TARGET_SSLROOTCERT",
        "require_auth": AUTHENTICATION_VARIABLE,
        "password": PASSWORD_VARIABLE,
    }
    return {parameter: variables[name] for parameter, name in named.items() if variables[name]}


def _system_roots(target: PostgresTarget) -> str:
    """libpq's word for the certificate authorities of the system; it goes with verify-full only."""
    return "system" if target.tls == "verify-full" else ""
