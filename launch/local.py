"""`./start-service.sh --local`: checks, a virtual environment, the packages, then the supervisor in our place.

Run by the system's Python, so only the standard library until the last line.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from contract import environment
from contract.environment import ROOT, SettingsError
from launch import preflight
from launch.preflight import PreflightError

VENV = Path(os.environ.get("LAUNCH_VENV") or ROOT / ".venv")
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".installed"


def main() -> int:
    try:
        settings = environment.read()
        descriptor = preflight.check(settings, os.environ)
        install(settings.home / "logs" / "install.log")
    except SettingsError as error:
        print(f"start-service: {error}", file=sys.stderr)
        return 2
    except PreflightError as error:
        for line in error.args:
            print(f"start-service: {line}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    environ = dict(os.environ, LAUNCH_LOCK=str(descriptor), PYTHONPATH=str(ROOT), PATH=f"{VENV / 'bin'}:{os.environ['PATH']}")
    environ.pop("PYTHONHOME", None)
    os.execve(PYTHON, [str(PYTHON), "-P", "-m", "launch", "all"], environ)


def install(log: Path) -> None:
    """Packages as pinned, and this project; nothing to do where the lists are those of the last time."""
    wanted = hashlib.sha256()
    for name in ("requirements.txt", "pyproject.toml"):
        wanted.update((ROOT / name).read_bytes())
    digest = wanted.hexdigest()
    if STAMP.exists() and STAMP.read_text() == digest and _works():
        return
    if not _works():
        if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
            raise PreflightError(
                f"{sys.executable} cannot make a virtual environment: install its venv module"
                f" (Debian, Ubuntu: apt install python3.{sys.version_info.minor}-venv), or set PYTHON to another one"
            )
        print("start-service: making .venv and installing the packages (about a minute, once)", flush=True)
        _run(log, sys.executable, "-m", "venv", "--clear", str(VENV))
    else:
        print("start-service: installing what requirements.txt names", flush=True)
    pip = (str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-input", "--no-deps")
    builder = next(line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("setuptools=="))
    _run(log, *pip, builder)  # first: what comes without a wheel is built with it
    _run(log, *pip, "--no-build-isolation", "-r", str(ROOT / "requirements.txt"))
    _run(log, *pip, "--no-build-isolation", "-e", str(ROOT))
    STAMP.write_text(digest)


def _works() -> bool:
    """Whether the virtual environment has a Python that starts; not after an upgrade of the system's."""
    if not PYTHON.exists():
        return False
    probe = [str(PYTHON), "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"]
    return subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def _run(log: Path, *command: str) -> None:
    with log.open("ab") as file:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False)
    if done.returncode == 0:
        return
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    reason = next((line for line in reversed(lines) if line.startswith(("ERROR", "Error", "error"))), lines[-1] if lines else "")
    raise PreflightError(f"installing failed: {reason} (all of it in {log}); start again when that is mended")


if __name__ == "__main__":
    sys.exit(main())
