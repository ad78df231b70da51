"""Other tools, each in an environment of its own: made once, and kept in the cache of pytest."""

import json
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from psycopg2.extensions import parse_dsn

from tests.support.databases import Target

RUNNERS = Path(__file__).parent / "runners"
REQUIREMENTS = {
    "soda3": ["soda-core-postgres>=3.5,<4"],
    "soda4": ["soda-postgres>=4.28,<5"],
    "gx0": ["great_expectations[postgresql]>=0.18.22,<0.19", "pandas<2.2", "sqlalchemy<2.1", "numpy<2"],
    "odcs": ["datacontract-cli[postgres]>=1,<2"],
    # The JSON Schema of ODCS 3.1; that of 3.2 takes every property without a type for a map.
    "odcs31": ["open-data-contract-standard==3.1.2", "jsonschema>=4,<5", "pyyaml>=6,<7"],
    "gx1": ["great_expectations[postgresql]>=1.24,<2"],
}


@dataclass(frozen=True)
class Tool:
    """A Python that has the tool."""

    python: Path

    def run(self, runner: str, given: Any) -> Any:
        """What a runner answers."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        done = subprocess.run(
            [self.python, RUNNERS / f"{runner}.py"],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            env=clean,
            timeout=1200,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)


def tools_folder(request: pytest.FixtureRequest) -> Path:
    """Where tools are kept between runs."""
    return Path(request.config.cache.mkdir("foreign-tools"))


def tool_of(name: str, folder: Path) -> Tool:
    """The tool, installed into a folder that is kept; by uv if it is there."""
    home = folder / name
    python = home / "bin" / "python"
    if not (home / "installed").exists():
        shutil.rmtree(home, ignore_errors=True)
        if (uv := shutil.which("uv")) is not None:
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, home], check=True)
            install = [uv, "pip", "install", "--quiet", "--python", str(python)]
        else:
            venv.create(home, with_pip=True)
            install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, *REQUIREMENTS[name]], check=True, timeout=900)
        (home / "installed").write_text("\n".join(REQUIREMENTS[name]))
    return Tool(python)


def connection_of(target: Target) -> dict[str, str]:
    """Host, port, user, password and database of the target's loader."""
    found = parse_dsn(target.loader_url)
    return {name: str(found.get(name, "")) for name in ("host", "port", "user", "password", "dbname")}
