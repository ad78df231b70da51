"""`./start-service.sh`: the docker commands it gives, recorded by a stand-in on the PATH."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stringx_dataops.contract.settings import FILES, ROOT, SECRETS, VARIABLES

STAND_IN = """#!{python}
import json, os, sys
with open({log!r}, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] in ("info", "version") and not {engine}:
    sys.exit("Cannot connect to the Docker daemon")
if sys.argv[1] == "logs":
    print({logs!r})
"""


class Docker:
    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "calls.jsonl"
        self.install()

    def install(self, engine: bool = True, logs: str = "public.flights closed\nready  DataOps http://127.0.0.1:5001") -> None:
        program = self.folder / "docker"
        program.write_text(STAND_IN.format(python=sys.executable, log=str(self.log), engine=engine, logs=logs))
        program.chmod(0o755)

    def start(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": f"{self.folder}:/usr/bin:/bin", **variables}
        command = [str(ROOT / "start-service.sh"), *arguments]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    @property
    def run(self) -> list[str]:
        (found,) = [call for call in self.calls if call[0] == "run"]
        return found


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    return Docker(tmp_path)


def values(call: list[str], option: str) -> list[str]:
    return [value for name, value in itertools.pairwise(call) if name == option]


def test_it_builds_removes_and_runs_in_this_order(docker: Docker) -> None:
    done = docker.start()
    assert done.returncode == 0, done.stderr
    assert [call[0] for call in docker.calls] == ["info", "build", "rm", "run"]
    _, build, remove, run = docker.calls
    assert values(build, "-t") == ["dbt-data-ops:latest"]
    assert build[-1] == str(ROOT)
    assert remove == ["rm", "-f", "dbt-dataops-service"]
    assert run[-1] == "dbt-data-ops:latest"
    assert "-d" not in run


def test_the_container_can_write_its_state_alone_and_gets_no_privilege(docker: Docker) -> None:
    docker.start()
    assert "--read-only" in docker.run
    assert values(docker.run, "--tmpfs") == ["/tmp:size=256m"]
    assert values(docker.run, "--cap-drop") == ["ALL"]
    assert values(docker.run, "--security-opt") == ["no-new-privileges:true"]


def test_ports_are_on_loopback_and_the_state_in_a_volume(docker: Docker) -> None:
    docker.start()
    assert values(docker.run, "-p") == [f"127.0.0.1:{port}:{port}" for port in (5001, 5002, 8001)]
    assert values(docker.run, "-v") == ["dbt-data-ops:/var/lib/stringx"]
    assert values(docker.run, "--name") == ["dbt-dataops-service"]
    assert values(docker.run, "--stop-timeout") == ["40"]
    assert values(docker.run, "--add-host") == ["host.docker.internal:host-gateway"]


def test_the_docs_portal_stays_on_loopback_whatever_the_host(docker: Docker) -> None:
    docker.start(BIND_HOST="0.0.0.0", DOCS_PORT="9001")
    assert values(docker.run, "-p") == ["0.0.0.0:5001:5001", "0.0.0.0:5002:5002", "127.0.0.1:9001:9001"]
    assert "BIND_HOST=0.0.0.0" in values(docker.run, "-e")


def test_every_variable_is_passed_on_without_its_value(docker: Docker, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    given = dict.fromkeys(VARIABLES, "s3cret")
    given |= {name: str(folder) for name in ("STRINGX_SECRETS", "DBT_PROJECT_DIR", "DBT_PROFILES_DIR", "DUCKDB_FOLDERS", *FILES)}
    given |= {"DATAOPS_PORT": "6001", "BACKEND_PORT": "6002", "DOCS_PORT": "6003", "TARGET_NYC_PASSWORD": "s3cret"}
    given |= {"NOTIFY_TEAM": "s3cret", "NOTIFY_SOCKET": "/run/systemd/notify"}  # the second is of systemd
    done = docker.start(**given | {"BIND_HOST": "127.0.0.1"})
    assert done.returncode == 0, done.stderr
    passed = values(docker.run, "-e")
    assert {item.split("=")[0] for item in passed} >= {*VARIABLES, "TARGET_NYC_PASSWORD", "NOTIFY_TEAM"}
    assert "NOTIFY_SOCKET" not in passed
    assert not any("s3cret" in word for call in docker.calls for word in call)
    assert f"{folder}:{folder}" in values(docker.run, "-v")


@pytest.mark.parametrize("name", [f"{name}_FILE" for name in SECRETS] + ["TARGET_NYC_PASSWORD_FILE", "NOTIFY_TEAM_FILE"])
def test_a_secrets_file_is_mounted_where_it_is(docker: Docker, tmp_path: Path, name: str) -> None:
    file = tmp_path / "a secret"
    file.touch()
    docker.start(**{name: str(file)})
    assert name in values(docker.run, "-e")
    assert f"{file}:{file}" in values(docker.run, "-v")


def test_a_file_that_is_not_there_is_one_line(docker: Docker) -> None:
    done = docker.start(STRINGX_API_KEY_FILE="/nowhere/key")
    assert done.returncode == 2
    assert done.stderr == "start-service: STRINGX_API_KEY_FILE is '/nowhere/key', which does not exist\n"


def test_in_the_background_it_waits_for_ready(docker: Docker) -> None:
    done = docker.start("-d")
    assert done.returncode == 0, done.stderr
    assert "-d" in docker.run
    assert ["logs", "-f", "dbt-dataops-service"] in docker.calls
    assert "\nready  DataOps http://127.0.0.1:5001" in done.stdout
    assert "docker exec dbt-dataops-service cat /var/lib/stringx/api-key" in done.stdout


def test_a_container_that_ends_early_is_told(docker: Docker) -> None:
    docker.install(logs="all: STRINGX_DEMO is 'x'; give 1 or 0")
    done = docker.start("-d")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "start-service: dbt-dataops-service ended before it was ready; see: docker logs dbt-dataops-service"
    ]


def test_a_client_without_an_engine_names_the_local_form(docker: Docker) -> None:
    docker.install(engine=False)
    done = docker.start()
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "./start-service.sh --local" in line
    assert all(call[0] == "info" for call in docker.calls)


def test_no_docker_at_all_names_the_local_form(docker: Docker) -> None:
    done = subprocess.run(
        [str(ROOT / "start-service.sh")], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=30, check=False
    )
    if os.path.exists("/usr/bin/docker"):
        pytest.skip("a docker of this machine is in the way")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "--local" in done.stderr


def test_what_engines_need_is_built_in(docker: Docker) -> None:
    done = docker.start("--with", "trino,duckdb,trino")
    assert done.returncode == 0, done.stderr
    [build] = [call for call in docker.calls if call[0] == "build"]
    assert values(build, "--build-arg") == ["WITH=trino,duckdb"]


@pytest.mark.parametrize("name", ["oracle", "duckdb,oracle", "duckdb trino;", ",", ""])
def test_an_engine_that_there_is_not_is_one_line(docker: Docker, name: str) -> None:
    done = docker.start("--with", name)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("start-service: --with ")


@pytest.mark.parametrize(("argument", "word"), [("--kafka", "goes with --local"), ("--nonsense", "--help"), ("--with", "a name")])
def test_what_it_cannot_do_is_one_line(docker: Docker, argument: str, word: str) -> None:
    done = docker.start(argument)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert word in line


def test_the_help_lists_every_variable(docker: Docker) -> None:
    text = docker.start("--help").stdout
    assert [name for name in VARIABLES if name not in text] == []


def test_without_docker_the_packages_are_named_to_what_installs_them(tmp_path: Path) -> None:
    """By a program in place of Python that says what it was given."""
    python = tmp_path / "python"
    python.write_text('#!/bin/bash\n[[ $1 != -c ]] || { echo True; exit 0; }\necho "$* with ${LAUNCH_WITH-nothing}"\n')
    python.chmod(0o755)

    def start(*arguments: str) -> str:
        command = [str(ROOT / "start-service.sh"), "--local", *arguments]
        environ = {"PATH": "/usr/bin:/bin", "PYTHON": str(python)}
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=True).stdout

    assert start() == "-P -m launch.local with nothing\n"
    assert start("--with", "trino") == "-P -m launch.local with trino\n"
    assert start("--with", "duckdb,trino") == "-P -m launch.local with duckdb trino\n"
