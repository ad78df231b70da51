"""What it was measured on."""

import os
import platform
import subprocess
from pathlib import Path

from benchmarks.peers.environments import versions
from stringx_dataops.contract.settings import ROOT


def machine() -> dict[str, str | int]:
    return {
        "cpu": _field(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "os": f"{_system()}, {platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
    }


def commit() -> str:
    """Of this checkout, and whether something is changed in it; empty outside of one."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def peers() -> dict[str, str]:
    return {
        **versions("dbt", ("dbt-core", "dbt-postgres")),
        **versions("soda", ("soda-core", "soda-postgres")),
        **versions("great_expectations", ("great_expectations", "SQLAlchemy", "psycopg2-binary")),
    }


def _field(file: Path, name: str) -> str | None:
    if not file.exists():
        return None
    return next((line.split(":", 1)[1].strip() for line in file.read_text().splitlines() if line.startswith(name)), None)


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform(terse=True)
