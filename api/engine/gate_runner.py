"""Runs the gate test with dbt in the process that has loaded the project. Imported by `child` alone."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from dbt.adapters.base.impl import DEFAULT_BASE_BEHAVIOR_FLAGS
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt.node_types import NodeType
from dbt.version import __version__ as dbt_version
from dbt_common.events.base_types import EventMsg
from dbt_common.invocation import get_invocation_id

from api.engine.dbt_shortcuts import PACKAGES_OF_DBT

_TARGET = "STRINGX_TARGET_"
_SESSION_NAME = "STRINGX_TARGET_APPLICATION_NAME"
# An expression of the profile that stands alone.
_ADDRESS = re.compile(
    r"""(?P<quote>["']){{ *env_var\('(?P<name>STRINGX_TARGET_\w+)'(, *'(?P<default>[\w./-]*)')?\)"""
    r""" *(?P<number>\| *as_number *)?}}(?P=quote)"""
)
_PLAIN = re.compile(r"[\w./-]*", re.ASCII)
# Each run makes an adapter, and each adapter adds its flags to this list of dbt's: a run would take 5 ms longer than
# the one before. What was added is taken off again.
_FLAGS = len(DEFAULT_BASE_BEHAVIOR_FLAGS)
# A request of the parent. `place`: folder, environment, and modification times of the project's settings. A check also has
# `gate`, its specification, and `session`, its application name. A request with a place alone asks the child to prepare there.
Request = dict[str, Any]


class _Unwanted(Exception):
    """Ends a run that was begun for a request that did not come."""


@dataclass
class GateTest:
    """The gate test, run by dbt as often as it is wanted."""

    manifest: Manifest
    project: Path  # the files
    profiles: Path
    arguments: list[str]
    _arrive: Callable[[], None] | None = field(init=False, default=None)
    _runner: dbtRunner = field(init=False)
    _never_prepares: bool = field(init=False)

    def __post_init__(self) -> None:
        self._runner = dbtRunner(self.manifest, callbacks=[self._on_event])
        has_hooks = any(node.resource_type == NodeType.Operation for node in self.manifest.nodes.values())
        self._never_prepares = has_hooks or any(map(_is_another_each_time, _texts(self.manifest)))

    def run(self, expected: Request, receive: Callable[[], Request | None]) -> dict[str, Any] | None:
        """Have dbt get ready at a place, and run there what is received then; None where that is nothing."""
        try:
            if "gate" not in expected and not self._can_prepare():
                return None
            self._settle(expected)
        except OSError:
            if "gate" in expected:
                raise
            return None  # the next check says so
        variables: dict[str, Any] = {}

        def arrive() -> None:
            request = receive()
            if request is None:
                raise _Unwanted
            variables["gate"] = request["gate"]
            os.environ["PGAPPNAME"] = request["session"]

        self._arrive = arrive
        folder = expected["place"]["folder"]
        folders = ["--profiles-dir", folder, "--target-path", folder, "--log-path", folder]
        run = self._runner.invoke(["test", "--select", "gate", *self.arguments, *folders], vars=variables, populate_cache=False)
        return self._answer(run) if "gate" in expected or variables else None

    def _answer(self, run: dbtRunnerResult) -> dict[str, Any]:
        results = list(getattr(run.result, "results", None) or [])
        gate = [result for result in results if result.node.name == "gate"]
        hooks = [result for result in results if result.node.resource_type == NodeType.Operation and result.status == "error"]
        failed = [hook for hook in hooks if "-on-run-start-" in hook.node.unique_id]
        ran = gate and not failed
        return {
            "invocation_id": get_invocation_id(),
            "dbt_version": dbt_version,
            "status": str(gate[0].status) if gate else None,
            "message": f"on-run-start failed: {failed[0].message}" if failed else gate[0].message if gate else one_line(run),
            "outcome": gate[0].adapter_response.get("_message") if ran else None,
        }

    def _on_event(self, event: EventMsg) -> None:
        """dbt is about to execute the gate test; its vars are read after this."""
        if event.info.name == "NodeExecuting" and self._arrive is not None:
            arrive, self._arrive = self._arrive, None
            arrive()

    def _can_prepare(self) -> bool:
        """Whether nothing is read on the way to the gate test that is another for each check, and nothing goes to the target."""
        project, profile = self.project.read_text(encoding="utf-8"), self.profiles.read_text(encoding="utf-8")
        tells = _is_another_each_time(project) or _is_another_each_time(_ADDRESS.sub("", profile))
        return not self._never_prepares and not tells and _is_silent(project, profile)

    def _settle(self, request: Request) -> None:
        """Everything outside of dbt."""
        for name in [name for name in os.environ if name.startswith((_TARGET, "DBT_ENV_SECRET_"))]:
            del os.environ[name]
        os.environ.update(request["place"]["environment"])
        if "session" in request:
            os.environ[_SESSION_NAME] = request["session"]
        del DEFAULT_BASE_BEHAVIOR_FLAGS[_FLAGS:]
        self._write_profile(Path(request["place"]["folder"]))

    def _write_profile(self, folder: Path) -> None:
        """Writes the profile with the target's address filled in: dbt would compile each expression again in each run (0.4 ms).
        dbt still fills in the password and values that need quoting. libpq's own variable has the session's name, which differs
        for each check."""
        text = _ADDRESS.sub(_value, self.profiles.read_text(encoding="utf-8"))
        written = folder / "profiles.yml"
        if not written.exists() or written.read_text(encoding="utf-8") != text:
            written.write_text(text, encoding="utf-8")


def fault_of_manifest(manifest: Manifest, project: Path) -> str | None:
    """What a check needs and the project has not."""
    gates = [node for node in manifest.nodes.values() if node.resource_type == NodeType.Test and node.name == "gate"]
    if not gates:
        return "it has no test named gate; add the package stringx to packages.yml and run `dbt deps`"
    name = str(yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))["name"])
    materialization = manifest.find_materialization_macro_by_name(name, "test", "postgres")
    if materialization is None or "stringx_test" not in materialization.macro_sql:
        return (
            "it has not the line that runs the gate test; add to its macros:"
            " {% materialization test, default %}{{ return(stringx.stringx_test()) }}{% endmaterialization %}"
        )
    return None


def _texts(manifest: Manifest) -> Iterator[str]:
    """Of the macros and tests of the project and its packages."""
    yield from (macro.macro_sql for macro in manifest.macros.values() if macro.package_name not in PACKAGES_OF_DBT)
    yield from (f"{node.raw_code} {getattr(node, 'test_metadata', '')}" for node in manifest.nodes.values())


def _is_another_each_time(text: str) -> bool:
    return "run_started_at" in text or _SESSION_NAME in text


def _is_silent(project: str, profile: str) -> bool:
    """Whether dbt sends nothing before the gate test's first statement: no BEGIN and COMMIT around hooks that are not there."""
    try:
        flags = yaml.safe_load(project)["flags"]
        profiles = yaml.safe_load(profile)
        outputs = [output for name, each in profiles.items() if name != "config" for output in each["outputs"].values()]
        return flags["postgres_skip_autocommit_transaction_statements"] is True and all(
            each["autocommit"] is True for each in outputs
        )
    except (yaml.YAMLError, LookupError, TypeError, AttributeError):
        return False


def _value(expression: re.Match[str]) -> str:
    """What env_var gives, where that is plain text in YAML and in Jinja."""
    if expression["name"] == _SESSION_NAME:
        return '""'
    value = os.environ.get(expression["name"], expression["default"])
    if value is None:
        return expression[0]
    if expression["number"]:
        return value if value.isdecimal() else expression[0]
    return f'"{value}"' if _PLAIN.fullmatch(value) else expression[0]


def one_line(run: dbtRunnerResult) -> str:
    """Why a run has no result, in up to 2,000 characters."""
    text = str(run.exception or "dbt ran no test").strip()
    return " ".join(text.split())[:2000]
