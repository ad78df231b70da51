"""The walls between folders hold: what `lint-imports` forbids is caught, in modules that are new too."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stringx_dataops.contract.settings import ROOT

PACKAGES = ("api", "backend", "database", "launch", "portal", "stringx_dataops", "web")


@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("api/checks/new.py", "flask", "Flask only"),
        ("api/checks/new.py", "backend.app", "layers"),
        ("backend/gates/new.py", "psycopg2", "the driver only"),
        ("backend/new.py", "kafka", "the Kafka client only"),
        ("api/worker/new.py", "dbt.version", "dbt only"),
        ("portal/new.py", "api.worker.main", "processes are started"),
        ("api/worker/new.py", "api.engine.gate_runner", "what imports dbt"),
        ("stringx_dataops/contract/new.py", "database.pool", "what other people install"),
        ("launch/new.py", "web.service", "launch starts"),
    ],
)
def test_a_forbidden_import_of_a_new_module_is_caught(tmp_path: Path, module: str, imported: str, contract: str) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "*.conf.py"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / module).write_text(f"import {imported}\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(rf"^{contract}[^\n]*(\n[^\n]*)?BROKEN", done.stdout, re.MULTILINE), done.stdout


def test_no_test_imports_from_another_folders_conftest() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        for folder in re.findall(r"^\s*from tests\.(?:(\w+)\.)?conftest import", path.read_text(), re.MULTILINE):
            assert path.parent == ROOT / "tests" / folder, path
