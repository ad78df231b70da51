"""The supervisor's configuration, its order of stopping, and the console it writes to."""

import configparser
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from launch import machine, supervision
from launch.verdict_table import VerdictRow, table
from stringx_dataops.contract.settings import ROOT, Settings, read_settings


def written(tmp_path: Path, **variables: str) -> tuple[Path, configparser.RawConfigParser]:
    settings: Settings = read_settings({"STRINGX_HOME": str(tmp_path / "a b%;#c"), **variables})
    (settings.home / "run").mkdir(parents=True)
    path = supervision.write(settings, sys.executable)
    parser = configparser.RawConfigParser()
    parser.read(path)
    return path, parser


def test_postgres_stops_last_and_all_within_the_patience_of_docker_stop(tmp_path: Path) -> None:
    path, parser = written(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert parser.getint("program:postgres", "priority") < parser.getint("group:services", "priority")
    services = parser["group:services"]["programs"].split(",")
    assert set(services) == {"backend", "api", "worker", "docs", "docs-refresh", "first-start"}
    longest = max(parser.getint(f"program:{name}", "stopwaitsecs") for name in services)
    assert longest + parser.getint("program:postgres", "stopwaitsecs") < 40


def test_a_database_of_ones_own_starts_no_other(tmp_path: Path) -> None:
    _, parser = written(tmp_path, STRINGX_DATABASE_URL="postgresql://user:secret@db/stringx")
    assert not parser.has_section("program:postgres")
    assert "secret" not in "".join(str(dict(parser[name])) for name in parser.sections())


def test_only_the_first_start_writes_to_the_terminal(tmp_path: Path) -> None:
    _, parser = written(tmp_path)
    writing = [name for name in parser.sections() if parser.get(name, "stdout_logfile", fallback="") == "/dev/fd/1"]
    assert writing == ["program:first-start"]


def test_output_that_cannot_be_opened_by_name_is_relayed() -> None:
    code = (
        "import os; from launch.process import make_console_reopenable; make_console_reopenable();"
        "open('/dev/fd/1', 'a').write('by name\\n')"
    )
    ours, theirs = socket.socketpair()
    with ours, theirs:
        done = subprocess.run([sys.executable, "-c", code], stdout=theirs.fileno(), cwd=ROOT, timeout=20, check=False)
        theirs.close()
        ours.settimeout(10)
        assert ours.recv(100) == b"by name\n"
        assert ours.recv(100) == b""  # and the relay has ended
    assert done.returncode == 0


def test_verdicts_stand_in_columns_with_the_failing_rules_in_words() -> None:
    check = {
        "verdict": "fail",
        "duration_ms": 142,
        "counts": {"pass": 1, "warn": 0, "fail": 1, "error": 0},
        "rules": [
            {"id": "a", "status": "pass"},
            {"id": "b", "status": "fail", "message": "2 of 3 rows have no b; fails above 0"},
        ],
    }
    text = table([VerdictRow.of("public.t", {"verdict": "fail"}, check, "closed", 1.0)])
    assert "public.t  closed  fail     1 passed, 1 failed  0.14 s" in text
    assert "  fail  b: 2 of 3 rows have no b; fails above 0" in text


def test_a_check_without_a_result_says_why() -> None:
    text = table(
        [VerdictRow.of("public.t", {"status": "errored", "verdict": "error"}, {"reason": "target unreachable"}, "closed", 1.0)]
    )
    assert "  error target unreachable" in text


def test_the_dashboard_is_told_of_the_portal_only_where_that_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(**variables: str) -> str | None:
        for name in ("DOCS_URL", "LAUNCH_COMPLETE"):
            monkeypatch.setenv(name, "")  # so that it is as before afterwards
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        machine._link_to_portal(read_settings({"DOCS_PORT": "7", **variables}))
        return os.environ.get("DOCS_URL")

    assert told() == "http://127.0.0.1:7"
    assert told(DOCS_URL="https://docs.example.org") == "https://docs.example.org"
    assert told(BIND_HOST="0.0.0.0") is None, "a plain docker run may not publish the port"
    assert told(BIND_HOST="0.0.0.0", LAUNCH_COMPLETE="1") == "http://127.0.0.1:7"
