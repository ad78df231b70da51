"""Virtual environments of other people: other Pythons, packages from the index, and what `pip install` of this project brings."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from stringx_dataops.contract.settings import ROOT

_OFFLINE = (
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Name or service not known",
    "dns error",
)
_BROUGHT_BY_VENV = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence.pth", "_virtualenv")


@cache
def python_of(minor: int) -> Path | None:
    """A Python 3.`minor` of this machine that works; None if there is none."""
    named = [shutil.which(f"python3.{minor}"), *map(str, Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"))]
    for found in filter(None, named):
        probe = [
            found,
            "-c",
            f"import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, {minor})); print(sys.executable)",
        ]
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            real = subprocess.run([found, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True, check=True)
            return Path(real.stdout.strip())
    return None


def build(folder: Path) -> tuple[Path, Path]:
    """Wheel and sdist of the project as it is checked out; the wheel is built of the sdist."""
    sources, unpacked = folder / "sources", folder / "unpacked"
    for name in ("stringx_dataops", "stringx/macros/rules"):
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    sdist = folder / _hook(sources, "build_sdist", folder)
    shutil.unpack_archive(sdist, unpacked, filter="data")
    [source] = unpacked.iterdir()
    return folder / _hook(source, "build_wheel", folder), sdist


def _hook(source: Path, name: str, into: Path) -> str:
    """What a build front end calls, with the setuptools that is pinned: no package is fetched."""
    code = f"from setuptools import build_meta; print(build_meta.{name}({str(into)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


@dataclass(frozen=True)
class Environment:
    """A virtual environment, apart from the project's own: its programs see neither the checkout nor this process's settings."""

    folder: Path

    @property
    def packages(self) -> Path:
        [found] = self.folder.glob("lib/python3*/site-packages")
        return found

    def run(
        self, *command: str, cwd: Path, check: bool = True, timeout: float = 300, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """A program of it."""
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
        environment = kept | {"PATH": path, "HOME": str(cwd)} | variables
        program = [str(self.folder / "bin" / command[0]), *command[1:]]
        done = subprocess.run(
            program,
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def size(self) -> int:
        """Bytes of all that was installed, with the bytecode, without pip and setuptools."""
        brought = [entry for entry in self.packages.iterdir() if not entry.name.startswith(_BROUGHT_BY_VENV)]
        files = [path for entry in brought for path in ([entry] if entry.is_file() else entry.rglob("*"))]
        return sum(path.stat().st_size for path in files if path.is_file())

    def names(self) -> set[str]:
        """The installed packages."""
        return {path.name.partition("-")[0].lower().replace("_", "-") for path in self.packages.glob("*.dist-info")}


def environment(config: pytest.Config, python: Path, *requirements: str, name: str = "", fresh: bool = False) -> Environment:
    """An environment of this Python with these packages. One is kept for the next run, unless it has to be fresh; skips without a
    network, but with CI=true."""
    key = hashlib.sha256("\n".join([str(python), *requirements]).encode()).hexdigest()[:12]
    folder = config.cache.mkdir("environments") / f"{name or 'plain'}-{key}"  # type: ignore[union-attr]
    if fresh or not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", folder], check=True, capture_output=True)
        install(Environment(folder), *requirements)
        (folder / "done").touch()
    return Environment(folder)


def install(into: Environment, *requirements: str) -> None:
    """With uv where there is one, else with pip."""
    uv = shutil.which("uv")
    python = str(into.folder / "bin" / "python")
    command = (
        [uv, "pip", "install", "--python", python, "--compile-bytecode"] if uv else [python, "-m", "pip", "install", "--quiet"]
    )
    done = subprocess.run([*command, *requirements], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode and os.environ.get("CI") != "true" and any(words in done.stderr for words in _OFFLINE):
        pytest.skip("packages cannot be fetched without a network")
    assert done.returncode == 0, done.stdout + done.stderr
