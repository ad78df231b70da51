"""Asks Prometheus' own tool."""

import os
import shutil
import subprocess

import pytest


def promtool(*arguments: str) -> str:
    """Its output. Without it the test is skipped with one line; with CI=true that is a failure."""
    if shutil.which("promtool") is None:
        line = "promtool is not installed: Debian's package prometheus has it"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(line)
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
