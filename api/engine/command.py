"""The `dbt test` command line of a check: what the result carries, and what a worker runs that keeps no warm children."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.engine.profile import PASSWORD_VARIABLE, clean_environment
from stringx_dataops.contract.catalogue import dbt_project

_LONGEST_ARGUMENT = 120 * 1024  # Linux ends a single argument at 128 KiB


@dataclass(frozen=True)
class DbtProject:
    """Where the project and its profile lie."""

    project_dir: Path
    profiles_dir: Path


@dataclass(frozen=True)
class Answer:
    """What a run of the gate test left behind; `outcome` is the JSON text of the per-rule results, None without one."""

    invocation_id: str | None
    dbt_version: str
    message: str | None
    outcome: str | None
    timed_out: bool = False


def dbt_executable() -> str:
    """The `dbt` that stands beside this interpreter."""
    beside = Path(sys.executable).with_name("dbt")
    return str(beside) if beside.exists() else shutil.which("dbt") or "dbt"


def arguments(project: DbtProject, gate: Mapping[str, Any], folder: Path) -> list[str]:
    """`dbt test …`; where the vars are too long for a shell, the project folder is one that carries them."""
    variables = json.dumps({"gate": gate}, ensure_ascii=True)
    long = len(variables) > _LONGEST_ARGUMENT
    project_dir = _folder_with_vars(project.project_dir, gate, folder) if long else project.project_dir
    command = [dbt_executable(), "test", "--select", "gate", "--project-dir", str(project_dir)]
    command += ["--profiles-dir", str(project.profiles_dir), "--target-path", str(folder), "--log-path", str(folder)]
    return command if long else [*command, "--vars", variables]


def by_hand(project: DbtProject, gate: Mapping[str, Any], folder: Path, environment: Mapping[str, str]) -> str:
    """One line for an empty shell: every variable but the password, whose variable it names."""
    variables = [f"{name}={shlex.quote(value)}" for name, value in environment.items() if name != PASSWORD_VARIABLE]
    variables += ["DBT_SEND_ANONYMOUS_USAGE_STATS=false", f'{PASSWORD_VARIABLE}="${{{PASSWORD_VARIABLE}}}"']
    guard = f': "${{{PASSWORD_VARIABLE}?set it to the password of the target}}"'
    return f"{guard} && env {' '.join(variables)} {shlex.join(arguments(project, gate, folder))}"


@dataclass
class Executable:
    """One `dbt test` process at a time; `terminate` may come from any thread."""

    project: DbtProject
    process: subprocess.Popen[str] | None = None

    def run(self, gate: Mapping[str, Any], folder: Path, environment: Mapping[str, str], timeout_s: float) -> Answer:
        """Run the `dbt test` executable as a process of its own; past `timeout_s` it is killed and the answer says so."""
        folder.mkdir(parents=True, exist_ok=True)
        command = arguments(self.project, gate, folder)
        self.process = subprocess.Popen(
            [command[0], "--quiet", "--no-use-colors", *command[1:]],
            env=clean_environment() | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            output, _ = self.process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            return Answer(None, "", None, None, timed_out=True)
        return _read_results(folder / "run_results.json", output)

    def terminate(self) -> None:
        if self.process is not None:
            self.process.kill()


def _read_results(path: Path, output: str) -> Answer:
    try:
        artifact = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Answer(None, "", " ".join(output.split())[:2000] or "dbt left no run_results.json", None)
    gate = [result for result in artifact["results"] if result["unique_id"].split(".")[-1] == "gate"]
    failed = [result for result in artifact["results"] if "-on-run-start-" in result["unique_id"] and result["status"] == "error"]
    if failed:
        said = artifact["metadata"]
        return Answer(said["invocation_id"], said["dbt_version"], f"on-run-start failed: {failed[0]['message']}", None)
    return Answer(
        invocation_id=artifact["metadata"]["invocation_id"],
        dbt_version=artifact["metadata"]["dbt_version"],
        message=gate[0]["message"] if gate else "dbt ran no test",
        outcome=gate[0]["adapter_response"].get("_message") if gate else None,
    )


def _folder_with_vars(project_dir: Path, gate: Mapping[str, Any], folder: Path) -> Path:
    """The project again, by links, under a `dbt_project.yml` that carries the vars (dbt reads no vars from a file)."""
    carried = folder / "project"
    carried.mkdir(parents=True, exist_ok=True)
    for item in project_dir.iterdir():
        link = carried / item.name
        if item.name not in ("dbt_project.yml", "target", "logs") and not link.is_symlink():
            link.symlink_to(item)
    settings = dbt_project.settings(project_dir)
    settings["vars"] = (settings.get("vars") or {}) | {"gate": gate}
    (carried / "dbt_project.yml").write_text(
        json.dumps(settings, ensure_ascii=True, default=str), encoding="utf-8"
    )  # JSON is YAML
    return carried
