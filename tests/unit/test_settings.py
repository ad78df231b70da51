"""Environment variables: each that cannot be used is one line that names it."""

import os
import stat
from pathlib import Path

import pytest
from psycopg2 import extensions

from launch.preflight import KNOWN, unknown_variables
from stringx_dataops.contract.settings import ROOT, SECRETS, VARIABLES, read_settings
from stringx_dataops.contract.variables import SettingsError, secret, write_secret


def test_the_defaults() -> None:
    settings = read_settings({})
    assert (settings.dataops_port, settings.backend_port, settings.docs_port) == (5001, 5002, 8001)
    assert settings.bind_host == "127.0.0.1"
    assert settings.dataops_url == "http://127.0.0.1:5001"
    assert settings.backend_url == "http://127.0.0.1:5002"
    assert settings.home == ROOT / ".stringx"
    assert settings.secrets == settings.home / "secrets"
    assert settings.dbt_profiles_dir == settings.dbt_project_dir == ROOT / "stringx"
    assert settings.database_url is None
    assert settings.demo
    assert settings.worker_concurrency >= 1


def test_an_empty_variable_is_none() -> None:
    assert read_settings(dict.fromkeys(VARIABLES, "")) == read_settings({})


def test_what_follows_from_what() -> None:
    settings = read_settings(
        {
            "STRINGX_HOME": "/x",
            "DBT_PROJECT_DIR": "/p",
            "DATAOPS_PORT": "6001",
            "BACKEND_URL": "https://b:1/",
            "STRINGX_DEMO": "0",
        }
    )
    assert settings.secrets == Path("/x/secrets")
    assert settings.dbt_profiles_dir == Path("/p")
    assert settings.dataops_url == "http://127.0.0.1:6001"
    assert settings.backend_url == "https://b:1"
    assert not settings.demo


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (name, value)
            for name in ("DATAOPS_PORT", "BACKEND_PORT", "DOCS_PORT")
            for value in ("x", "0", "65536", "-1", "²", "9" * 5000)
        ),
        *(
            (name, value)
            for name in ("WORKER_CONCURRENCY", "WORKER_MAX_CHECKS", "QUEUE_LIMIT")
            for value in ("0", "1.5", " 1", "many")
        ),
        *(
            (name, value)
            for name in ("DATAOPS_URL", "BACKEND_URL")
            for value in ("host", "ftp://h", "http://", "http://[", "http://h:x")
        ),
        *(("STRINGX_DATABASE_URL", value) for value in ("mysql://h/d", "host=h", "postgresql://[", "postgresql://h:port/d")),
        ("STRINGX_DATABASE_DIRECT_URL", "mysql://h/d"),
        ("STRINGX_DATABASE_DIRECT_URL", "postgresql://h/d"),  # without the other one
        ("STRINGX_DATABASE_URL_FILE", "/nonexistent/file"),
        ("STRINGX_DATABASE_URL_FILE", "/"),
        ("STRINGX_DEMO", "maybe"),
        ("RETENTION_AUDIT_DAYS", "29"),
        ("RETENTION_AUDIT_DAYS", "-1"),
        ("STRINGX_HOME", "~no-such-user/x"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({name: value})
    line = str(raised.value)
    assert line.startswith(name)
    assert "\n" not in line
    assert len(line) < 300
    assert "; " in line or ": give" in line  # what to do


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h:5432/d",
        "postgres://h/d",
        "postgresql://",
        "postgresql://u@h:/d",
        "postgresql:///d?host=/run",
        "postgresql://a:1,b:2/d",
        "postgresql://u:a%25%2F b:c@%2Frun%2Fpg,[::1]:4,[fe80::1%25eth0]/d?sslmode=require&options=-c%20a%3Db&user=a@b",
    ],
)
def test_addresses_that_libpq_takes(url: str) -> None:
    assert read_settings({"STRINGX_DATABASE_URL": url}).database_url == url
    assert extensions.parse_dsn(url) is not None


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:hunter2@h/d",
        "postgresql://u:hunter2%zz@h/d",  # from here on, libpq quotes the password, or takes a part of it for a host or a port
        "postgresql://u:hunter2%00@h/d",
        "postgresql://u:hunter2/x@h/d",
        "postgresql://u:hunter2/x@h,i/d",
        "postgresql://u:12/hunter2@h/d",
        "postgresql://u:hunter2@x@h/d",
        "postgresql://u:hunter2@[::1/d",
        "postgresql://u:hunter2@[::1]x/d",
        "postgresql://u:hunter2#x@h/d",  # … or urlsplit does
        "postgresql://u:12?hunter2@h/d",
        "postgresql://u:hunter2@h:0/d",
        "postgresql://u:hunter2@h:65536/d",
        "postgresql://u:hunter2@h/d?sslmode",
    ],
)
def test_a_database_url_that_is_wrong_is_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="in a password write % as %25") as raised:
        read_settings({"STRINGX_DATABASE_URL": url})
    assert "hunter2" not in str(raised.value)


def test_a_role_that_needs_the_database_says_so() -> None:
    with pytest.raises(SettingsError, match=r"^STRINGX_DATABASE_URL is not set"):
        read_settings({}).require_database_url()


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_reads_from_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("postgresql://h/d\n")
    assert secret(name, environ={f"{name}_FILE": str(file)}) == "postgresql://h/d"
    assert secret(name, environ={name: "x"}) == "x"
    assert secret(name, file, environ={}) == "postgresql://h/d"
    assert secret(name, tmp_path / "none", environ={}) is None
    assert secret(name, file / "none", environ={}) is None
    with pytest.raises(SettingsError, match=f"^{name}_FILE: cannot read "):  # as in a folder of another user
        secret(name, tmp_path / ("x" * 300), environ={})
    with pytest.raises(SettingsError, match=f"^{name} and {name}_FILE are both set"):
        secret(name, environ={name: "x", f"{name}_FILE": str(file)})
    file.write_text(" \n")
    with pytest.raises(SettingsError, match=f"^{name}: the file .* is empty"):
        secret(name, environ={f"{name}_FILE": str(file)})
    file.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=f"^{name}_FILE: cannot read .*not UTF-8"):
        secret(name, environ={f"{name}_FILE": str(file)})


def test_a_secret_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key"
    write_secret(path, "first")
    write_secret(path, "second")
    assert path.read_text() == "first\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["key"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("STRINGX_HOEM", "did you mean STRINGX_HOME"),
        ("DATAOPS_PROT", "did you mean DATAOPS_PORT"),
        ("BACKEND_PROT", "did you mean BACKEND_PORT"),
        ("WORKER_CONCURENCY", "did you mean WORKER_CONCURRENCY"),
        ("STRINGX_WHATEVER_ELSE", "is not a variable that is read"),
    ],
)
def test_an_unknown_variable_is_named(name: str, said: str) -> None:
    [line] = unknown_variables({name: "x"})
    assert line.startswith(name)
    assert said in line


@pytest.mark.parametrize(
    "name", [*sorted(KNOWN), "PATH", "HOME", "BACKEND_SERVICE_HOST", "BACKEND_PORT_5002_TCP", "DOCS", "STRINGX_TARGET_HOST"]
)
def test_known_and_foreign_variables_pass(name: str) -> None:
    assert list(unknown_variables({name: "x"})) == []
