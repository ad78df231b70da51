"""The chart, rendered by helm."""

import os
import shutil
from pathlib import Path

import pytest

from tests.support.chart import find_helm
from tests.support.databases import need
from tests.support.go_programs import GO_BIN


@pytest.fixture(scope="session")
def helm() -> Path:
    """Skips with one line where there is none."""
    os.environ["PATH"] = f"{os.environ['PATH']}:{GO_BIN}"
    need("helm", "see CONTRIBUTING.md; .ci/run installs it")
    assert shutil.which("helm") == find_helm()
    return Path(find_helm())
