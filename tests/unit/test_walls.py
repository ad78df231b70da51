"""The walls between folders hold: what `lint-imports` forbids is caught, in modules that are new too."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
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
        ("api/worker/new.py", "api.engine.gate_test_runner", "what imports dbt"),
        ("stringx_dataops/contract/new.py", "database.pool", "what other people install"),
        ("launch/new.py", "web.service", "launch starts"),
        ("api/worker/new.py", "api.targets.postgres.sessions", "engines of targets"),
        ("api/checks/new.py", "stringx_dataops.contract.documents.engines.postgres", "documents of one engine"),
        ("backend/configuration/new.py", "stringx_dataops.contract.custom_sql.postgres.dialect", "dialects of custom SQL"),
        ("api/engine/new.py", "api.targets.registry", "the engine is a leaf"),
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


OF_AN_EXTRA = {  # imported where they are used
    "stringx_dataops.verifying",
    "stringx_dataops.cli.letters",
    *(f"stringx_dataops.contract.{name}" for name in ("http_answers", "http_posts", "signatures")),
}


def test_what_other_people_install_imports_its_own_dependencies_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras, groups = project["project"]["optional-dependencies"], project["dependency-groups"]
    wanted = [*extras["services"], *extras["kafka"], *extras["verify"], *groups["checkout"]]
    names = {re.split(r"[^\w.-]", item)[0].lower() for item in wanted} - {"setuptools", "stringx-dataops"}
    modules = {"psycopg2-binary": "psycopg2", "dbt-core": "dbt", "dbt-postgres": "dbt", "kafka-python": "kafka"}
    blocked = sorted({modules.get(name, name.replace("-", "_")) for name in names} | {"werkzeug", "jinja2", "dbt_common"})
    assert {"flask", "gunicorn", "dbt", "psycopg2", "kafka", "standardwebhooks"} <= set(blocked)
    found = [str(path.with_suffix("").relative_to(ROOT)).replace("/", ".") for path in (ROOT / "stringx_dataops").rglob("*.py")]
    imported = [name.removesuffix(".__init__") for name in sorted(found) if name not in OF_AN_EXTRA]
    code = "import importlib, sys; sys.modules.update(dict.fromkeys(sys.argv[1].split(',')))\n"
    code += "for name in sys.argv[2].split(','): importlib.import_module(name)"
    done = subprocess.run(
        [sys.executable, "-c", code, ",".join(blocked), ",".join(imported)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_no_thread_of_a_test_holds_the_run_after_its_test_has_failed() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "Thread":
                assert any(each.arg == "daemon" for each in call.keywords), f"{path}, line {call.lineno}: add daemon=True"
