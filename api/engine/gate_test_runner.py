"""Runs the gate test with dbt, in the process that has loaded the project. Only `child` imports it."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from dbt.adapters.base.impl import DEFAULT_BASE_BEHAVIOR_FLAGS
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt.node_types import NodeType
from dbt.version import __version__ as dbt_version
from dbt_common.invocation import get_invocation_id

from api.engine.dbt_shortcuts import PACKAGES_OF_DBT
from api.engine.profile import SESSION_VARIABLE
from api.engine.protocol import Place, Request, RunGateTest
from api.engine.run_result import DbtRunResult
from stringx_dataops.contract.catalogue.dbt_project import SESSION_NAMES, SILENT, SILENT_FLAGS
from stringx_dataops.contract.gate_test.specification import Specification

_TARGET = "STRINGX_TARGET_"
# A value of the profile that is one expression and nothing else.
_ADDRESS = re.compile(
    r"""(?P<quote>["']){{ *env_var\('(?P<name>STRINGX_TARGET_\w+)'(, *'(?P<default>[\w./-]*)')?\)"""
    r""" *(?P<number>\| *as_number *)?}}(?P=quote)"""
)
_PLAIN = re.compile(r"[\w./-]*", re.ASCII)
# Each run makes an adapter, and each adapter adds its flags to this list of dbt. Every run would take 5 ms longer than the one
# before, so the list is cut back to this length.
_FLAGS = len(DEFAULT_BASE_BEHAVIOR_FLAGS)


class _Unwanted(Exception):
    """Ends a prepared run whose check did not come."""


class _Variables(dict[str, Specification]):
    """The vars of a run. dbt keeps this object and asks it for `gate` when the gate test begins; `receive` then sets it."""

    def __init__(self, receive: Callable[[], Specification]) -> None:
        super().__init__()
        self._receive = receive

    def __contains__(self, name: object) -> bool:
        if name == "gate" and not super().__contains__(name):
            self["gate"] = self._receive()
        return super().__contains__(name)


@dataclass
class GateTest:
    """The gate test of a loaded project. Used by one thread, any number of times."""

    manifest: Manifest
    project: Path  # the file dbt_project.yml
    profiles: Path  # the file profiles.yml
    arguments: list[str]
    _runner: dbtRunner = field(init=False)
    _never_prepares: bool = field(init=False)

    def __post_init__(self) -> None:
        self._runner = dbtRunner(self.manifest)
        has_hooks = any(node.resource_type == NodeType.Operation for node in self.manifest.nodes.values())
        self._never_prepares = has_hooks or any(map(_depends_on_check, _texts(self.manifest)))

    def run(self, expected: Request, receive: Callable[[], RunGateTest | None]) -> DbtRunResult | None:
        """Run dbt up to the gate test at the place of `expected`, then run the request that `receive` returns. Returns None, and
        runs nothing, if `expected` is no check and `receive` returns None, or if nothing can be prepared.

        Raises OSError if the profile of a check cannot be written."""
        is_check = isinstance(expected, RunGateTest)
        try:
            if not is_check and not self._can_prepare():
                return None
            self._set_up(expected)
        except OSError:
            if is_check:
                raise
            return None  # the next check reports it

        def specification() -> Specification:
            request = receive()
            if request is None:
                raise _Unwanted
            os.environ.update(dict.fromkeys(SESSION_NAMES.values(), request.session))
            return request.specification

        variables = _Variables(specification)
        folder = expected.place.folder
        folders = ["--profiles-dir", folder, "--target-path", folder, "--log-path", folder]
        run = self._runner.invoke(["test", "--select", "gate", *self.arguments, *folders], vars=variables, populate_cache=False)
        return _result(run) if is_check or variables else None

    def _can_prepare(self) -> bool:
        """Whether dbt may run up to the gate test before the check is known: nothing on the way may depend on the check or query
        the target."""
        project, profile = self.project.read_text(encoding="utf-8"), self.profiles.read_text(encoding="utf-8")
        depends = _depends_on_check(project) or _depends_on_check(_ADDRESS.sub("", profile))
        return not self._never_prepares and not depends and _is_silent(project, profile)

    def _set_up(self, request: Request) -> None:
        """Set the environment, dbt's list of flags and the profile."""
        for name in [name for name in os.environ if name.startswith((_TARGET, "DBT_ENV_SECRET_"))]:
            del os.environ[name]
        os.environ.update(request.place.environment)
        if isinstance(request, RunGateTest):
            os.environ[SESSION_VARIABLE] = request.session
        del DEFAULT_BASE_BEHAVIOR_FLAGS[_FLAGS:]
        self._write_profile(request.place)

    def _write_profile(self, place: Place) -> None:
        """Writes the profile with the target's address filled in: dbt would compile each expression again in each run (0.4 ms).
        dbt still fills in the password and values that need quoting. The session's name differs for each check, so it is left
        empty; the engine's driver takes it from its own variable."""
        text = _ADDRESS.sub(_value, self.profiles.read_text(encoding="utf-8"))
        written = Path(place.folder) / "profiles.yml"
        if not written.exists() or written.read_text(encoding="utf-8") != text:
            written.write_text(text, encoding="utf-8")


def fault_of_manifest(manifest: Manifest, project: Path) -> str | None:
    """In one line, what every check needs and the loaded project lacks; None if it has all."""
    tests = [node for node in manifest.nodes.values() if node.resource_type == NodeType.Test and node.name == "gate"]
    if not tests:
        return "it has no test named gate; add the package stringx to packages.yml and run `dbt deps`"
    name = str(yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))["name"])
    found = manifest.find_materialization_macro_by_name(name, "test", manifest.metadata.adapter_type)
    if found is None or "stringx_test" not in found.macro_sql:
        return (
            "it has not the line that runs the gate test; add to its macros:"
            " {% materialization test, default %}{{ return(stringx.stringx_test()) }}{% endmaterialization %}"
        )
    return None


def _texts(manifest: Manifest) -> Iterator[str]:
    """The texts of the macros and tests of the project and its packages, without those of dbt."""
    yield from (macro.macro_sql for macro in manifest.macros.values() if macro.package_name not in PACKAGES_OF_DBT)
    yield from (f"{node.raw_code} {getattr(node, 'test_metadata', '')}" for node in manifest.nodes.values())


def _depends_on_check(text: str) -> bool:
    """Whether a text reads what differs per check."""
    return "run_started_at" in text or SESSION_VARIABLE in text


def _is_silent(project: str, profile: str) -> bool:
    """Whether dbt sends nothing to the target before the gate test's first statement. By default it sends BEGIN and COMMIT even
    if there are no hooks."""
    try:
        flags = yaml.safe_load(project)["flags"]
        profiles = yaml.safe_load(profile)
        outputs = [output for name, each in profiles.items() if name != "config" for output in each["outputs"].values()]
        if all(each["type"] in SILENT for each in outputs):
            return True
        return all(flags[flag] is True for flag in SILENT_FLAGS.values()) and all(each["autocommit"] is True for each in outputs)
    except (yaml.YAMLError, LookupError, TypeError, AttributeError):
        return False


def _value(expression: re.Match[str]) -> str:
    """The value of an env_var expression if it is plain text in YAML and in Jinja, else the expression itself."""
    if expression["name"] == SESSION_VARIABLE:
        return '""'
    value = os.environ.get(expression["name"], expression["default"])
    if value is None:
        return expression[0]
    if expression["number"]:
        return value if value.isdecimal() else expression[0]
    return f'"{value}"' if _PLAIN.fullmatch(value) else expression[0]


def _result(run: dbtRunnerResult) -> DbtRunResult:
    results = list(getattr(run.result, "results", None) or [])
    tests = [result for result in results if result.node.name == "gate"]
    hooks = [result for result in results if result.node.resource_type == NodeType.Operation and result.status == "error"]
    failed = [hook for hook in hooks if "-on-run-start-" in hook.node.unique_id]
    if failed:
        message, outcome = f"on-run-start failed: {failed[0].message}", None
    elif tests:
        message, outcome = tests[0].message, tests[0].adapter_response.get("_message")
    else:
        message, outcome = one_line(run), None
    return DbtRunResult(get_invocation_id(), dbt_version, message, outcome)


def one_line(run: dbtRunnerResult) -> str:
    """Why a run has no result, in one line of up to 2,000 characters."""
    text = str(run.exception or "dbt ran no test").strip()
    return " ".join(text.split())[:2000]
