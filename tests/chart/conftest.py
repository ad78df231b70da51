"""The chart, rendered by helm."""

import os
import shutil
from pathlib import Path

import pytest

from tests.support.chart import GO_BIN, find_helm
from tests.support.databases import need


@pytest.fixture(scope="session")
def helm() -> Path:
    """Skips with one line where there is none."""
    os.environ["PATH"] = f"{os.environ['PATH']}:{GO_BIN}"
    need("helm", "see CONTRIBUTING.md; .ci/run installs it")
    assert shutil.which("helm") == find_helm()
    return Path(find_helm())
