"""`dataops repeat`: runs the dbt test of a stored result again, on this machine.

The command comes from the Backend and is never given to a shell. It is taken apart, and only what such a command has is run: this
machine's dbt, its dbt project, and a few variables.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click

from stringx_dataops.answers import EXIT
from stringx_dataops.cli.options import MOST, example
from stringx_dataops.cli.output import show
from stringx_dataops.cli.terminal import state
from stringx_dataops.client import Client, Refused, Undecided, path_of
from stringx_dataops.contract.messages.verdicts import worst
from stringx_dataops.contract.settings import ROOT

_PASSWORD = "DBT_ENV_SECRET_TARGET_PASSWORD"  # noqa: S105 the name of a variable
_VARIABLE = re.compile(r"(STRINGX_TARGET_[A-Z_]+|DBT_SEND_ANONYMOUS_USAGE_STATS|PGREQUIREAUTH|PGCLIENTENCODING)=")
_OF_WORKERS = {  # what a check has that runs on the workers' machine alone, and why
    "STRINGX_TARGET_READS": "a check of DuckDB reads files of the workers' machine",
    "STRINGX_TARGET_MODULES": "a check of DuckDB reads files of the workers' machine",
    "PYTHONPATH": "a check of Trino needs modules of the workers' machine",
}
_FLAGS = ("--select", "--project-dir", "--profiles-dir", "--target-path", "--log-path", "--vars")


@dataclass(frozen=True)
class _Command:
    """What the `dbt.command` of a result holds: variables, and the values of its options."""

    variables: Mapping[str, str]
    options: Mapping[str, str]


@click.command(epilog=example("dataops repeat 0190f2a4-5240-77db-ba2c-2075931ff54b", "dataops repeat last-load --print"))
@click.argument("check")
@click.option("--print", "prints_only", is_flag=True, help="print the command for a shell and run nothing")
@click.pass_obj
def repeat(server: str | None, check: str, prints_only: bool) -> int:
    """Run the dbt test of a check again, by hand. CHECK is the id of a request or of a check.

    Shows the command, runs it with the dbt and the dbt project of this machine, and ends with the exit code of its verdict. The
    result is printed, not stored; waivers do not change it. The
    target's password is read from DBT_ENV_SECRET_TARGET_PASSWORD, or asked for.
    """
    text = _stored(Client.from_environment(server), check)
    show(text)
    if prints_only:
        return 0
    command = taken_apart(text)
    dbt, project, profiles = _dbt(), _project(command.options), _folder("DBT_PROFILES_DIR", command.options["--profiles-dir"])
    own = {name: value for name, value in os.environ.items() if not name.startswith("STRINGX_")}  # the key is not dbt's business
    environment = {**own, **command.variables, _PASSWORD: _password()}
    with tempfile.TemporaryDirectory(prefix="dataops-repeat-") as folder:
        colors = [] if _uses_colors() else ["--no-use-colors"]
        arguments = [dbt, *colors, "test", "--select", "gate", "--project-dir", str(project), "--profiles-dir", str(profiles)]
        arguments += ["--target-path", folder, "--log-path", folder]
        arguments += ["--vars", command.options["--vars"]] if "--vars" in command.options else []
        sys.stdout.flush()
        code = subprocess.run(arguments, env=environment, check=False).returncode
        return _verdict(Path(folder) / "run_results.json", code)


def _stored(client: Client, name: str) -> str:
    """The command of the newest result of a request, or of a check by its id."""
    view = _of_request(client, name) or _of_check(client, name)
    if view is None:
        raise Refused([f"there is no request and no check {name!r} that this key may see"])
    if not view.get("dbt"):
        raise Refused([f"check {view['check_id']} has no dbt command: {view.get('reason') or view['status']}"])
    return str(view["dbt"]["command"])


def _of_request(client: Client, name: str) -> Mapping[str, Any] | None:
    try:
        checks = client.request(name).raw["checks"]
    except Refused:
        return None
    return checks[-1] if checks else {"check_id": name, "status": "not started"}


def _of_check(client: Client, name: str) -> Mapping[str, Any] | None:
    """Looked for among the newest requests, because the API finds results by their requests."""
    for view in islice(client.items(path_of("requests"), {"limit": "1000"}), MOST):
        if any(check["check_id"] == name for check in view["checks"]):
            whole: Sequence[Mapping[str, Any]] = client.request(view["request_id"]).raw["checks"]
            return next((check for check in whole if check["check_id"] == name), None)
    return None


def taken_apart(text: str) -> _Command:
    """Raises Undecided for a text of another shape, which another release may send."""
    strange = Undecided("the stored command is not as expected; is the Backend of the same release? Paste it to run it")
    try:
        words = shlex.split(text.removeprefix("env ") if text.startswith("env ") else text.partition(" && env ")[2])
    except ValueError as error:
        raise strange from error
    variables, rest = {}, list(words)
    while rest and re.match(r"[A-Z_]+=", rest[0]):
        name, _, value = rest.pop(0).partition("=")
        if name in _OF_WORKERS:
            raise Refused([f"{_OF_WORKERS[name]}; paste its command there"])
        if _VARIABLE.match(f"{name}="):
            variables[name] = value
        elif name != _PASSWORD:
            raise strange
    if len(rest) < 2 or Path(rest[0]).name != "dbt" or rest[1] != "test" or len(rest) % 2:
        raise strange
    options = dict(zip(rest[2::2], rest[3::2], strict=True))
    if not set(options) <= set(_FLAGS) or options.get("--select") != "gate" or "--profiles-dir" not in options:
        raise strange
    return _Command(variables, options)


def _uses_colors() -> bool:
    color = click.get_current_context().color
    return sys.stdout.isatty() if color is None else color


def _dbt() -> str:
    beside = Path(sys.executable).with_name("dbt")
    found = str(beside) if beside.exists() else shutil.which("dbt")
    if found is None:
        raise Refused(["dbt is not installed here; install dbt-postgres, or paste the command above where it is"])
    return found


def _project(options: Mapping[str, str]) -> Path:
    if "--vars" not in options:  # too long for a shell: they are in a copy of the project, where the worker ran
        copy = Path(options["--project-dir"])
        if not (copy / "dbt_project.yml").is_file():
            raise Refused([f"the rules are too long for a command, and their dbt project {copy} is not on this machine any more"])
        return copy
    return _folder("DBT_PROJECT_DIR", options["--project-dir"])


def _folder(variable: str, stored: str) -> Path:
    """That of the variable, of the command, or of the checkout."""
    file = "dbt_project.yml" if variable == "DBT_PROJECT_DIR" else "profiles.yml"
    for folder in (os.environ.get(variable), stored, str(ROOT / "stringx")):
        if folder and (Path(folder) / file).is_file():
            return Path(folder)
    raise Refused([f"there is no {file} in {stored} on this machine; set {variable}, or paste the command above where it is"])


def _password() -> str:
    if (given := os.environ.get(_PASSWORD)) is not None:
        return given
    if sys.stdin.isatty() and sys.stderr.isatty():
        return str(click.prompt("Password of the target", hide_input=True, default="", show_default=False, err=True))
    raise Refused([f"set {_PASSWORD} to the password of the target (empty if it needs none)"])


def _verdict(results: Path, code: int) -> int:
    """What dbt left behind, in a line; the exit code of the verdict."""
    try:
        tests = json.loads(results.read_text(encoding="utf-8"))["results"]
        outcome = next(json.loads(text) for text in _outcomes(tests))
        verdict = worst(table["verdict"] for table in outcome["tables"])
    except (OSError, ValueError, LookupError, TypeError, StopIteration) as error:
        raise Undecided(f"dbt ended with {code} and left no verdict; its own lines above say why") from error
    for table in outcome["tables"]:
        show(f"{table['schema']}.{table['name']}: {state(table['verdict'])}")
        for rule in table["rules"]:
            if rule["status"] != "pass":
                numbers = "" if rule.get("failures") is None else f", {rule['failures']} failures of {rule.get('total')}"
                show(f"  {state(rule['status'], 5)}  {rule['id']}{numbers}")
    return EXIT[verdict]


def _outcomes(tests: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    return (str(each["adapter_response"]["_message"]) for each in tests if each["unique_id"].split(".")[-1] == "gate")
