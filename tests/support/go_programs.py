"""Programs and files of modules that the Go proxy serves. A program is built once, of its sources, and kept for the next run."""

import fcntl
import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.databases import need

GO_BIN = Path(os.environ.get("GOBIN") or Path(os.environ.get("GOPATH") or Path.home() / "go") / "bin")
_HOW = "install it from Debian or go.dev"


def kept(config: pytest.Config, name: str) -> Path:
    """A folder that stays for the next run."""
    need("go", _HOW)
    return Path(config.cache.mkdir(name))  # type: ignore[union-attr]


def go(*arguments: str, folder: Path, **variables: str) -> str:
    """What the go command prints, in a folder."""
    done = subprocess.run(["go", *arguments], cwd=folder, capture_output=True, text=True, check=False, env=os.environ | variables)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def built(config: pytest.Config, module: str, version: str, package: str) -> Path:
    """The program of a package of a module: one that is installed, if it is of this version, or built once. With a go.mod of its own: `go install` asks which versions there are, which the proxy
    does not tell of each module."""
    folder = kept(config, f"{module.replace('/', '-')}-{version}")
    made = folder / package.rpartition("/")[2]
    if (installed := GO_BIN / made.name).exists():
        lines = go("version", "-m", str(installed), folder=folder).splitlines()
        if any(line.split()[:3] == ["mod", module, version] for line in lines):
            return installed
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several processes share the tests, and a large program takes minutes
        if not made.exists():
            (folder / "go.mod").write_text(f"module k\ngo 1.22\nrequire {module} {version}\n")
            go("build", "-mod=mod", "-trimpath", "-ldflags=-s -w", "-o", f"{folder}/", f"{module}/{package}", folder=folder)
    return made


def sources(module: str, version: str, folder: Path) -> Path:
    """The folder with the files of a module; `folder` is where the go command runs."""
    need("go", _HOW)
    return Path(json.loads(go("mod", "download", "-json", f"{module}@{version}", folder=folder))["Dir"])
