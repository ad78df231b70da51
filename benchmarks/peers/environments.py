"""A virtual environment for each peer, made at the first run from its pinned requirement file and kept for later ones."""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stringx_dataops.contract.settings import ROOT

CACHE = ROOT / ".benchmarks"
REQUIREMENTS = Path(__file__).parent / "requirements"


class PeerError(Exception):
    """A peer that cannot be installed, started or asked; one line."""


@dataclass(frozen=True)
class Environment:
    name: str
    folder: Path

    def program(self, name: str) -> str:
        return str(self.folder / "bin" / name)


def environment(name: str) -> Environment:
    """Made if there is none of these very pins and this Python."""
    requirements = REQUIREMENTS / f"{name}.txt"
    pins = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    made = Environment(name, CACHE / f"{name}-{pins}")
    done = made.folder / "installed"
    if not done.exists():
        shutil.rmtree(made.folder, ignore_errors=True)
        _run(name, [sys.executable, "-m", "venv", str(made.folder)])
        _run(
            name,
            [made.program("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)],
        )
        _run(name, [made.program("python"), "-m", "compileall", "-q", str(made.folder / "lib")], check=False)
        done.touch()
    return made


def versions(name: str, packages: tuple[str, ...]) -> dict[str, str]:
    """As pinned."""
    lines = (REQUIREMENTS / f"{name}.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line)
    return {package: pins[package] for package in packages}


def _run(name: str, command: list[str], *, check: bool = True) -> None:
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False)
    if check and ran.returncode:
        lines = (ran.stderr or ran.stdout).strip().splitlines() or ["no output"]
        raise PeerError(f"{name} could not be installed: {([line for line in lines if 'ERROR' in line] or lines)[-1]}")
