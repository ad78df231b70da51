"""Packages of Node.js, as pinned in a folder of the tests."""

import subprocess
from pathlib import Path

from tests.support.databases import need


def installed(folder: Path) -> Path:
    """The folder's node_modules, installed where they are not, or are others. Skips where Node.js lacks."""
    need("node", "install Node.js 18 or newer (Debian, Ubuntu: apt install nodejs npm)")
    need("npm", "install npm (Debian, Ubuntu: apt install npm)")
    modules = folder / "node_modules"
    lock, done = (folder / "package-lock.json").read_text(), modules / ".installed"
    if not done.exists() or done.read_text() != lock:
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        done.write_text(lock)
    return modules
