"""The `dbt test` command of a check: results carry it for people, and workers without warm children run it."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from api.engine.profile import PASSWORD_VARIABLE, clean_environment
from api.engine.run_result import DbtRunResult, out_of_time, without_result
from stringx_dataops.contract.adapters import DEFAULT_ADAPTER, Adapter
from stringx_dataops.contract.catalogue import dbt_project
from stringx_dataops.contract.gate_test.specification import Specification

_LONGEST_ARGUMENT = 120 * 1024  # characters; Linux takes at most 128 KiB per argument


@dataclass(frozen=True)
class DbtProject:
    """The folder of a dbt project, and the folder of its `profiles.yml`. `adapter` is the one that its profile names."""

    project_dir: Path
    profiles_dir: Path
    adapter: Adapter = DEFAULT_ADAPTER

    @property
    def root(self) -> Path:
        """The folder that holds all of its files: the project of another adapter uses some of the project around it."""
        return self.project_dir if self.adapter == DEFAULT_ADAPTER else self.project_dir.parent

    def of(self, adapter: Adapter) -> "DbtProject":
        """The project for another adapter: a folder of the package `stringx`, which has its profile too."""
        if adapter == self.adapter:
            return self
        folder = dbt_project.homes_of_rules(self.project_dir)[0] / adapter
        return DbtProject(folder, folder, adapter)


def dbt_executable() -> str:
    """The `dbt` beside this Python interpreter, else the one on the PATH."""
    beside = Path(sys.executable).with_name("dbt")
    return str(beside) if beside.exists() else shutil.which("dbt") or "dbt"


def arguments(project: DbtProject, specification: Specification, folder: Path) -> list[str]:
    """`dbt test …`, which writes to `folder`. If the vars are too long for a shell, the project is a copy that contains them."""
    variables = json.dumps({"gate": specification}, ensure_ascii=True)
    long = len(variables) > _LONGEST_ARGUMENT
    project_dir = _project_with_vars(project, specification, folder) if long else project.project_dir
    command = [dbt_executable(), "test", "--select", "gate", "--project-dir", str(project_dir)]
    command += ["--profiles-dir", str(project.profiles_dir), "--target-path", str(folder), "--log-path", str(folder)]
    return command if long else [*command, "--vars", variables]


def by_hand(project: DbtProject, specification: Specification, folder: Path, environment: Mapping[str, str]) -> str:
    """A line for a shell without variables. It sets all of them except the password: it names the variable to set."""
    variables = [f"{name}={shlex.quote(value)}" for name, value in environment.items() if name != PASSWORD_VARIABLE]
    variables.append("DBT_SEND_ANONYMOUS_USAGE_STATS=false")
    guard = ""
    if PASSWORD_VARIABLE in environment:
        variables.append(f'{PASSWORD_VARIABLE}="${{{PASSWORD_VARIABLE}}}"')
        guard = f': "${{{PASSWORD_VARIABLE}?set it to the password of the target, or the text with its keys}}" && '
    return f"{guard}env {' '.join(variables)} {shlex.join(arguments(project, specification, folder))}"


@dataclass
class Executable:
    """Runs the `dbt test` executable, one process at a time; `terminate` may be called from any thread."""

    project: DbtProject
    process: subprocess.Popen[str] | None = None

    def run(self, specification: Specification, folder: Path, environment: Mapping[str, str], timeout_s: float) -> DbtRunResult:
        """Run one check. After `timeout_s` the process is killed, and the result is `timed_out`."""
        folder.mkdir(parents=True, exist_ok=True)
        command = arguments(self.project, specification, folder)
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
            return out_of_time()
        return _read_results(folder / "run_results.json", output)

    def terminate(self) -> None:
        """Kill the process; `run` then returns a result without an outcome."""
        if self.process is not None:
            self.process.kill()


def _read_results(path: Path, output: str) -> DbtRunResult:
    try:
        artifact = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return without_result(" ".join(output.split())[:2000] or "dbt left no run_results.json")
    invocation_id, dbt_version = artifact["metadata"]["invocation_id"], artifact["metadata"]["dbt_version"]
    hooks = [each for each in artifact["results"] if "-on-run-start-" in each["unique_id"] and each["status"] == "error"]
    if hooks:
        return DbtRunResult(invocation_id, dbt_version, f"on-run-start failed: {hooks[0]['message']}", outcome=None)
    tests = [each for each in artifact["results"] if each["unique_id"].split(".")[-1] == "gate"]
    if not tests:
        return DbtRunResult(invocation_id, dbt_version, "dbt ran no test", outcome=None)
    return DbtRunResult(invocation_id, dbt_version, tests[0]["message"], tests[0]["adapter_response"].get("_message"))


def _project_with_vars(project: DbtProject, specification: Specification, folder: Path) -> Path:
    """A folder of links to the project's files, with a `dbt_project.yml` that contains the vars. dbt reads vars from no other
    file."""
    project_dir = project.project_dir
    linked = folder / "project"
    if project.root != project_dir:
        _link_files(project.root, linked, project_dir.name)
        linked = linked / project_dir.name
    _link_files(project_dir, linked)
    settings = dbt_project.settings(project_dir)
    settings["vars"] = (settings.get("vars") or {}) | {"gate": specification}
    (linked / "dbt_project.yml").write_text(
        json.dumps(settings, ensure_ascii=True, default=str), encoding="utf-8"
    )  # JSON is YAML
    return linked


def _link_files(folder: Path, linked: Path, *without: str) -> None:
    linked.mkdir(parents=True, exist_ok=True)
    for item in folder.iterdir():
        link = linked / item.name
        if item.name not in ("dbt_project.yml", "target", "logs", *without) and not link.is_symlink():
            link.symlink_to(item)
