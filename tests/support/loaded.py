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


def folder() -> Path | None:
    """Where it is kept; None outside of a test run."""
    return Path(os.environ[_VARIABLE]) if _VARIABLE in os.environ else None


def share(home: Path) -> None:
    """Have the worker of this STRINGX_HOME keep it there."""
    if (shared := folder()) is not None and not (home / "loaded").exists():
        (home / "loaded").symlink_to(shared)
