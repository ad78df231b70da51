"""What is kept of the dbt projects that are loaded, shared by all processes of a test run: most load the same one. Services that a
test starts as a user does have folders of their own."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

_VARIABLE = "TESTS_LOADED_DBT"  # inherited by the processes that share the tests


def begin(config: pytest.Config) -> None:
    """Make the folder, which ends with the process that makes it."""
    if _VARIABLE not in os.environ:
        os.environ[_VARIABLE] = tempfile.mkdtemp(prefix="stringx-dbt-")
        config.add_cleanup(end)


def end() -> None:
    shutil.rmtree(os.environ.pop(_VARIABLE), ignore_errors=True)


def folder(kind: str = "ours") -> Path | None:
    """Where it is kept of projects of a kind, of which a few are kept at most; None outside of a test run."""
    return Path(os.environ[_VARIABLE]) / kind if _VARIABLE in os.environ else None


def share(home: Path) -> None:
    """Have the worker of this STRINGX_HOME keep it there."""
    if (shared := folder("installations")) is not None and not (home / "loaded").exists():
        shared.mkdir(exist_ok=True)
        (home / "loaded").symlink_to(shared)
