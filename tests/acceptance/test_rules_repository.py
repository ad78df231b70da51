"""The example of a repository of rules: its README, and the jobs of its workflows, run from the very files."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stringx_dataops.contract.settings import ROOT
from tests.support.service import Service

EXAMPLE = ROOT / "examples" / "rules-repository"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLS = ("pip install",)
TABLE = "/api/v1/tables/nyc/public.airports"


@pytest.fixture
def repository(service: Service, tmp_path: Path) -> Iterator[Path]:
    """A copy of the example; afterwards the Backend has the rules that it had."""
    before = service.call("GET", service.backend + TABLE).json()
    shutil.copytree(EXAMPLE, tmp_path / "repository")
    yield tmp_path / "repository"
    assert service.call("PUT", service.backend + TABLE, json=before).status_code == 200


def run(service: Service, folder: Path, script: str, code: int = 0, **variables: str) -> str:
    """The output of a script, with `dataops` of this environment on the PATH."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "STRINGX_BACKEND_URL": service.backend,
        "STRINGX_API_KEY": service.key,
    } | variables
    done = subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == code, (script, done.stdout, done.stderr)
    return done.stdout


def test_the_minute_of_the_readme(service: Service, repository: Path) -> None:
    text = (EXAMPLE / "README.md").read_text()
    outputs: dict[str, str] = {}
    for block in BLOCK.findall(text):
        for line in block.splitlines():
            said = re.search(r"# exits with (\d)", line)
            outputs[line.partition("  #")[0].strip()] = run(service, repository, line, int(said[1]) if said else 0)
    assert outputs["dataops rules diff rules"] in text
    assert "pass   latitude" in outputs["dataops rules try rules --rule latitude"]
    assert "1 rule tightened" in outputs["dataops rules versions nyc public.airports"]
    assert "Table nyc/public.airports: updated" in outputs["dataops rules apply rules --source example/rules --prune --yes"]
    assert (repository / "stringx.schema.json").read_text() == (ROOT / "docs" / "stringx.schema.json").read_text()
    stored = service.call("GET", service.backend + TABLE).json()
    assert next(rule for rule in stored["rules"] if rule["id"] == "latitude")["arguments"] == {"min": -90, "max": 90}


def test_the_jobs_of_workflows_and_the_hook_run_as_they_are_written(service: Service, repository: Path) -> None:
    variables = {
        "GITHUB_REPOSITORY": "acme/rules", "GITHUB_STEP_SUMMARY": str(repository / "summary.md"),
        "CI_SERVER_HOST": "git.example.com", "CI_PROJECT_PATH": "acme/rules",
    }  # fmt: skip
    jobs: dict[str, Any] = yaml.safe_load((repository / ".github/workflows/rules.yml").read_text())["jobs"]
    steps = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    scripts = {name: [line for line in lines if not line.startswith(INSTALLS)] for name, lines in steps.items()}
    gitlab: dict[str, Any] = yaml.safe_load((repository / ".gitlab-ci.yml").read_text())
    hooks = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    (wanted,) = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]

    file = repository / "rules/nyc/tables/public.airports.yml"
    file.write_text(file.read_text().replace("max: 90", "max: 85"))
    for script in scripts["check"]:
        run(service, repository, script, **variables)
    assert "rule latitude: tightened" in (repository / "summary.md").read_text()
    run(service, repository, "\n".join(gitlab["validate"]["script"]), **variables)
    assert gitlab["diff"]["allow_failure"]["exit_codes"] == [1]
    run(service, repository, "\n".join(gitlab["diff"]["script"]), code=1, **variables)
    run(service, repository, "\n".join(scripts["apply"]), **variables)
    assert "unchanged" in run(service, repository, "\n".join(gitlab["apply"]["script"]), **variables)
    hook = f"{hooks[wanted['id']]['entry']} {' '.join(wanted['args'])}"
    run(service, repository, hook)
    file.write_text(file.read_text().replace("between", "betwen"))
    assert "did you mean between?" in run(service, repository, hook, code=2)
    annotation = run(service, repository, scripts["check"][0], code=2, **variables)
    assert annotation.startswith("::error file=rules/nyc/tables/public.airports.yml,line=")
