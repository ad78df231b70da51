"""Makes the virtual environment and installs packages into it: `python -m launch.install [--dev] [EXTRA…]`.

The system's Python runs this, so it uses only the standard library.
"""

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from stringx_dataops.contract.files import write_whole
from stringx_dataops.contract.settings import ROOT

VENV = Path(os.environ.get("LAUNCH_VENV") or ROOT / ".venv")
PYTHON = VENV / "bin" / "python"
EXTRAS = ("duckdb", "trino")
_RUNTIME = ("requirements.txt", "pyproject.toml")
_NAMED = re.compile(rb"(?:#!|exec' \"?)(/[^\n]*?)/bin/python")  # the folder of a virtual environment, in its programs
_HEAD, _LONGEST = 1000, 100  # bytes


class InstallError(Exception):
    """The packages cannot be installed; the text is one line that names the fix."""


def install(log: Path, dev: bool = False, extras: Collection[str] = ()) -> None:
    """Install the pinned packages, each file checked by its hash, and this project. Does nothing if the lists have not changed.
    Each of `extras` has a list of its own, requirements-EXTRA.txt; the development tools bring all.

    The output of pip goes to `log`. Raises InstallError.
    """
    pip = (str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-input", "--no-deps")
    hashed = (*pip, "--require-hashes")
    if not (_is_of_this_python() and _is_in_place()):
        if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
            raise InstallError(
                f"{sys.executable} cannot make a virtual environment: install its venv module"
                f" (Debian, Ubuntu: apt install python3.{sys.version_info.minor}-venv), or set PYTHON to another one"
            )
        print("making .venv and installing the packages (about a minute, once)", flush=True)
        _run(log, sys.executable, "-m", "venv", "--clear", str(VENV))
    if not _is_done("installed", _RUNTIME):
        for name, part in (("build", _builder), ("used", _used)):  # setuptools first: it builds packages without a wheel
            requirements = VENV / f".{name}.txt"
            requirements.write_text(part((ROOT / "requirements.txt").read_text()))
            _run(log, *hashed, "--no-build-isolation", "-r", str(requirements))
        _run(log, *pip, "--no-build-isolation", "-e", str(ROOT))
        _set_done("installed", _RUNTIME)
    for extra in EXTRAS if dev else extras:
        if extra not in EXTRAS:
            raise InstallError(f"there is nothing to install with the name {extra!r}; give {' or '.join(EXTRAS)}")
        if not _is_done(f"installed-{extra}", (f"requirements-{extra}.txt",)):
            print(f"installing the packages for {extra}", flush=True)
            _run(log, *hashed, "-r", str(ROOT / f"requirements-{extra}.txt"))
            _set_done(f"installed-{extra}", (f"requirements-{extra}.txt",))
    if dev and not _is_done("installed-dev", ("requirements-dev.txt",)):
        _run(log, *hashed, "-r", str(ROOT / "requirements-dev.txt"))
        _set_done("installed-dev", ("requirements-dev.txt",))


def _builder(requirements: str) -> str:
    """Only the lines of setuptools."""
    lines = re.search(r"^setuptools==.*\\\n(?: +--hash=\S+(?: \\)?\n)+", requirements, re.MULTILINE)
    assert lines is not None  # requirements.txt always pins setuptools
    return lines[0]


def _used(requirements: str) -> str:
    """Without the reference to the list of packages that are required by others but never imported."""
    return re.sub(r"^-r .*\n", "", requirements, flags=re.MULTILINE)


def _digest(names: tuple[str, ...]) -> str:
    """Of the lists of packages, and of the project's folder, from which this project is installed."""
    return hashlib.sha256(b"".join([os.fsencode(ROOT), *((ROOT / name).read_bytes() for name in names)])).hexdigest()


def _is_done(stamp: str, names: tuple[str, ...]) -> bool:
    path = VENV / f".{stamp}"
    return path.exists() and path.read_text() == _digest(names)


def _set_done(stamp: str, names: tuple[str, ...]) -> None:
    write_whole(VENV / f".{stamp}", _digest(names))


def _is_of_this_python() -> bool:
    """Whether the virtual environment has a Python that starts (an upgrade of the system's Python can break it), and if PYTHON
    chooses one, whether it is that one."""
    if not os.access(PYTHON, os.X_OK):  # missing, or owned by another user
        return False
    probe = "import sys, pip; print(sys.version_info[0], sys.version_info[1], sys.base_prefix)"
    done = subprocess.run([str(PYTHON), "-c", probe], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return False
    major, minor, base = done.stdout.strip().split(" ", 2)
    if os.environ.get("PYTHON"):
        here = (sys.version_info[0], sys.version_info[1], os.path.realpath(sys.base_prefix))
        return (int(major), int(minor), os.path.realpath(base)) == here
    return (int(major), int(minor)) >= (3, 11)


def _is_in_place() -> bool:
    """Whether the programs of the virtual environment name its present folder, perhaps after a correction: the folder of the
    project may have been moved or copied. False if it has to be made anew."""
    pip = VENV / "bin" / "pip"
    found = _NAMED.search(pip.read_bytes()[:_HEAD]) if pip.exists() else None
    if found is None:
        return False
    old, new = found[1], os.fsencode(VENV)
    if old == new:
        return True
    if b" " in new or b" " in old or len(new) > _LONGEST:  # such a folder cannot stand in the first line of a program
        return False
    print(f"{VENV} was moved here: correcting it", flush=True)
    for path in (
        VENV / "pyvenv.cfg",
        *sorted((VENV / "bin").iterdir(), key=lambda path: path == pip),
    ):  # pip says that it is done
        if not path.is_symlink() and path.is_file() and old in (data := path.read_bytes()):
            _replace(path, data.replace(old, new))
    return True


def _replace(path: Path, data: bytes) -> None:
    """Write the file anew: it may be a hard link of another folder's."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(data)
    partial.chmod(path.stat().st_mode)
    partial.replace(path)


def _run(log: Path, *command: str) -> None:
    with log.open("ab") as file:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False)
    if done.returncode == 0:
        return
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    reason = next((line for line in reversed(lines) if line.startswith(("ERROR", "Error", "error"))), lines[-1] if lines else "")
    raise InstallError(f"installing failed: {reason} (all of it in {log}); start again when that is mended")


def main() -> int:
    """Install; returns the exit code, 2 with one line on standard error if that fails."""
    try:
        VENV.parent.mkdir(parents=True, exist_ok=True)
        install(
            VENV.parent / ".install.log", dev="--dev" in sys.argv[1:], extras=[each for each in sys.argv[1:] if each != "--dev"]
        )
    except (InstallError, OSError) as error:
        print(f"install: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
