"""What a number was measured on."""

import os
import platform
from importlib.metadata import version

import psutil

from database import embedded


def describe() -> str:
    memory = psutil.virtual_memory().total >> 30
    packages = ", ".join(f"{name} {version(name)}" for name in ("dbt-core", "dbt-postgres"))
    postgres = embedded.binaries().parent.name.removeprefix("pginstall")
    return f"{os.cpu_count()} cores, {memory} GiB; Python {platform.python_version()}, {packages}, PostgreSQL {postgres}"
