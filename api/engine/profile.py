"""The variables that the dbt profile reads, and the environment of the processes that run dbt."""

import os

PASSWORD_VARIABLE = "DBT_ENV_SECRET_TARGET_PASSWORD"  # the one name that dbt scrubs from its logs and renders nowhere else
SESSION_VARIABLE = "STRINGX_TARGET_APPLICATION_NAME"  # the one that is another for each check of a target


def clean_environment() -> dict[str, str]:
    """What a dbt process inherits: no secret of ours and no other target's password."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV")
    return {name: value for name in kept if (value := os.environ.get(name)) is not None} | {
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
