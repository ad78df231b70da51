"""The recipe "Add an engine" of CONTRIBUTING.md, tried: a skeleton is written into a copy of the project, whose own tests then take it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stringx_dataops.contract.settings import ROOT
from tests.support import fourth_engine


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = fourth_engine.copy(tmp_path_factory.mktemp("copy"))
    fourth_engine.name_it(folder)
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """In the copy, whose modules come before those of the checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TESTS_", "PYTEST_"))}
    environment |= {"PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )


def test_a_fourth_engine_is_added_by_the_recipe(copied: Path) -> None:
    """What is missing is named by mypy first, and nothing is once the skeleton is there."""
    named = run(copied, "mypy", "stringx_dataops/contract/custom_sql/dialects.py", "--no-incremental")
    assert re.search(r'dialects\.py:\d+: error: .*"assert_never".*elephant', named.stdout), named.stdout + named.stderr
    fourth_engine.write_the_rest(copied)
    tests = ("tests/unit/test_engines.py", "tests/unit/test_engine_macros.py", f"tests/integration/test_{fourth_engine.NAME}.py")
    done = run(copied, "pytest", "-q", "-p", "no:cacheprovider", *tests)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout


def test_the_recipe_names_every_file_that_the_skeleton_changes() -> None:
    recipe = (ROOT / "CONTRIBUTING.md").read_text().partition("### Add an engine")[2].partition("\n### ")[0]
    for place in (
        "stringx_dataops/contract/adapters.py", "stringx_dataops/contract/documents/engines/", "stringx_dataops/contract/documents/targets.py",
        "stringx_dataops/contract/custom_sql/", "dialects.py", "api/targets/registry.py", "stringx_dataops/contract/catalogue/dbt_project.py",
        "stringx/macros/rules/rules.yml", "portal/macros/", "tests/unit/test_engines.py",
    ):  # fmt: skip
        assert place in recipe, place
