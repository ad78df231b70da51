"""The variables that the dbt profile reads, and the environment of the processes that run dbt."""

import os

from stringx_dataops.contract.adapters import Adapter
from stringx_dataops.contract.settings import ROOT

PASSWORD_VARIABLE = "DBT_ENV_SECRET_TARGET_PASSWORD"  # dbt hides it in its logs, and renders it in profiles only
SESSION_VARIABLE = "STRINGX_TARGET_APPLICATION_NAME"  # the only one that differs between checks of a target


_PLUGINS = ROOT / "api" / "engine" / "plugins"  # by adapter: modules that dbt imports, because their names begin with dbt_


def module_path(adapter: Adapter, inherited: str = "") -> str:
    """PYTHONPATH of a process that runs dbt for this adapter: this project, the adapter's plugins, and what was there."""
    folders = [str(ROOT), *([str(_PLUGINS / adapter)] if (_PLUGINS / adapter).is_dir() else [])]
    return os.pathsep.join([*folders, *(each for each in inherited.split(os.pathsep) if each and each not in folders)])


def clean_environment() -> dict[str, str]:
    """The variables that a dbt process inherits: no secret of this project, and no password of another target."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV")
    return {name: value for name in kept if (value := os.environ.get(name)) is not None} | {
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
