"""What the start refuses before anything long: one line each, with the way out."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from database.account import account
from launch import preflight
from launch.preflight import PreflightError
from stringx_dataops.contract.settings import ROOT, Settings, read_settings

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes user")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"STRINGX_HOME": str(tmp_path / "home")})


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("DATAOPS_PROT", "DATAOPS_PORT"),
        ("DATAOP_PORT", "DATAOPS_PORT"),
        ("STRINGX_HOEM", "STRINGX_HOME"),
        ("STRINGX_DATABASE_URL_FIEL", "STRINGX_DATABASE_URL_FILE"),
        ("WORKER_CONCURENCY", "WORKER_CONCURRENCY"),
    ],
)
def test_a_misspelled_variable_is_named_with_what_it_may_mean(name: str, close: str) -> None:
    (line,) = preflight.unknown_variables({name: "1"})
    assert name in line
    assert f"did you mean {close}?" in line


def test_a_variable_of_ours_that_nothing_reads_is_named() -> None:
    (line,) = preflight.unknown_variables({"STRINGX_COLOUR_OF_THE_DOOR": "red"})
    assert line.startswith("STRINGX_COLOUR_OF_THE_DOOR is not a variable that is read")


def test_what_is_ours_and_what_is_others_passes() -> None:
    others = ("PATH", "WORKER_CLASS_NAME", "DOCKER_HOST", "DATAOPS_SERVICE_HOST", "DATAOPS_PORT_5001_TCP", "TARGET_NYC_PASSWORD")
    assert list(preflight.unknown_variables(dict.fromkeys((*preflight.KNOWN, *others), "x"))) == []


def test_a_port_in_use_is_named_with_its_variable(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        lines = list(preflight.taken_ports(replace(settings, backend_port=port), with_kafka=False))
    assert [line for line in lines if f"port {port} is in use" in line and "BACKEND_PORT" in line]


def test_two_services_cannot_share_a_port(settings: Settings) -> None:
    lines = list(preflight.taken_ports(replace(settings, backend_port=settings.dataops_port), with_kafka=False))
    assert any("DATAOPS_PORT and BACKEND_PORT are both" in line for line in lines)


def test_the_broker_s_two_ports_are_looked_at_where_it_is_started(settings: Settings) -> None:
    wanted = replace(settings, kafka_port=settings.docs_port - 1)
    assert any("DOCS_PORT and KAFKA_PORT are both" in line for line in preflight.taken_ports(wanted, with_kafka=True))
    assert not [line for line in preflight.taken_ports(wanted, with_kafka=False) if "KAFKA" in line]


def test_an_address_of_no_interface_is_named(settings: Settings) -> None:
    (line,) = preflight.taken_ports(replace(settings, bind_host="203.0.113.7"), with_kafka=False)
    assert line.startswith("BIND_HOST is '203.0.113.7'")


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (line,) = preflight.make_home(tmp_path / "file" / "home")
    assert line.startswith(f"STRINGX_HOME is {tmp_path / 'file' / 'home'}, which cannot be written")


def test_a_second_start_on_the_same_home_is_refused(tmp_path: Path) -> None:
    assert list(preflight.make_home(tmp_path)) == []
    descriptor = preflight.lock(tmp_path)
    try:
        with pytest.raises(PreflightError, match=r"already running on .* STRINGX_HOME"):
            preflight.lock(tmp_path)
    finally:
        os.close(descriptor)
    os.close(preflight.lock(tmp_path))  # and is free when the first has ended


def test_whoever_starts_it_as_root_learns_that_only_postgres_runs_as_another_user(settings: Settings) -> None:
    line = preflight.runs_as_root(settings)
    if os.geteuid() != 0:
        assert line is None
        return
    who = account()
    assert who is not None
    assert line is not None
    assert f"only PostgreSQL runs as another user ({who.pw_name})" in line
    assert "\n" not in line
    external = preflight.runs_as_root(replace(settings, database_url="postgresql://db.example.com/stringx"))
    assert external is not None
    assert "PostgreSQL" not in external


@as_root
def test_a_folder_closed_to_postgres_is_named_where_root_starts(settings: Settings, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "home").mkdir(parents=True)
    for folder in (*tmp_path.parents, tmp_path):
        if folder.owner() == "root" and "pytest" in str(folder):
            folder.chmod(0o755)
    closed.chmod(0o700)
    (line,) = preflight.closed_to_postgres(replace(settings, home=closed / "home"))
    assert line.startswith(f"{closed} cannot be entered by the user ")
    closed.chmod(0o711)
    (closed / "home").chmod(0o711)
    assert list(preflight.closed_to_postgres(replace(settings, home=closed / "home"))) == []


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"DATAOPS_PORT": "http"}, "DATAOPS_PORT"),
        ({"STRINGX_DEMO": "maybe"}, "STRINGX_DEMO"),
        ({"STRINGX_HOEM": "/x"}, "STRINGX_HOME"),
        ({"STRINGX_HOME": "/dev/null/home"}, "STRINGX_HOME"),
        ({"PYTHON": "/nowhere/python"}, "PYTHON"),
    ],
)
def test_the_local_start_ends_with_one_line_and_2(tmp_path: Path, variables: dict[str, str], named: str) -> None:
    environ = {"PATH": os.environ["PATH"], "STRINGX_HOME": str(tmp_path / "home"), **variables}
    done = subprocess.run([ROOT / "start-service.sh", "--local"], env=environ, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("start-service: ")
    assert named in line


def test_a_python_that_is_too_old_is_told(tmp_path: Path) -> None:
    old = tmp_path / "python3.8"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.8.1 && exit 0\nexit 1\n')
    old.chmod(0o755)
    environ = {"PATH": os.environ["PATH"], "PYTHON": str(old)}
    done = subprocess.run([ROOT / "start-service.sh", "--local"], env=environ, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"start-service: PYTHON is '{old}', which is Python 3.8.1; give 3.11 or newer\n"


@pytest.mark.parametrize("role", ["nonsense", "trigger"])
def test_a_role_that_cannot_be_had_is_one_line(role: str) -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-P", "-m", "launch", role], env=environ, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_the_folders_of_the_state_are_this_users_alone_also_those_of_an_earlier_release(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("logs", "by-hand"):
        (home / name).mkdir(parents=True, mode=0o755)
    assert list(preflight.make_home(home)) == []
    assert {name: (home / name).stat().st_mode & 0o777 for name in ("run", "logs", "by-hand")} == {
        "run": 0o711,
        "logs": 0o700,
        "by-hand": 0o700,
    }
