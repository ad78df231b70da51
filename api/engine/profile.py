"""The variables that the dbt profile reads, and the environment of the processes that run dbt."""

import os

PASSWORD_VARIABLE = "DBT_ENV_SECRET_TARGET_PASSWORD"  # dbt hides it in its logs, and renders it in profiles only
SESSION_VARIABLE = "STRINGX_TARGET_APPLICATION_NAME"  # the only one that differs between checks of a target


def clean_environment() -> dict[str, str]:
    """The variables that a dbt process inherits: no secret of this project, and no password of another target."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV")
    return {name: value for name in kept if (value := os.environ.get(name)) is not None} | {
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
