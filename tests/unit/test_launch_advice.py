"""Settings with which everything runs, but something will not: one line each at the start."""

import socket
from pathlib import Path

from launch import advice
from stringx_dataops.contract.settings import read_settings

NOBODY = "127.0.0.1:1"


def lines(home: Path, **environ: str) -> list[str]:
    variables = {"STRINGX_HOME": str(home)} | environ
    return advice.about_settings(read_settings(variables), variables)


def test_settings_that_work_are_not_mentioned(tmp_path: Path) -> None:
    assert lines(tmp_path) == []
    (tmp_path / "secrets").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = f"127.0.0.1:{server.getsockname()[1]}"
        assert lines(tmp_path, STRINGX_SECRETS=str(tmp_path / "secrets"), KAFKA_BOOTSTRAP_SERVERS=f"{NOBODY},{here}") == []
    assert lines(tmp_path, KAFKA_BOOTSTRAP_SERVERS=NOBODY, LAUNCH_KAFKA="1") == []


def test_each_that_does_not_is_a_line_that_names_it_and_the_fix(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    sign_in = {"OIDC_ISSUER": f"http://{NOBODY}/", "OIDC_CLIENT_ID": "a", "OIDC_CLIENT_SECRET": "b", "OIDC_ROLES": "c=viewer"}
    for variables, wanted in (
        ({"STRINGX_SECRETS": str(tmp_path / "no")}, f"STRINGX_SECRETS is {tmp_path}/no, which does not exist; make it"),
        ({"STRINGX_SECRETS": str(tmp_path / ("x" * 300))}, "which does not exist; make it"),
        ({"STRINGX_SECRETS": str(tmp_path / "file")}, f"STRINGX_SECRETS is {tmp_path}/file, which is no folder"),
        ({"KAFKA_BOOTSTRAP_SERVERS": NOBODY}, f"KAFKA_BOOTSTRAP_SERVERS: no broker answers at {NOBODY} (Connection refused)"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "no-such-host.invalid"}, "no broker answers at no-such-host.invalid:9092 ("),
        ({"KAFKA_SSL_CAFILE": "/no"}, "KAFKA_SSL_CAFILE is set, but KAFKA_BOOTSTRAP_SERVERS is not"),
        (sign_in | {"PUBLIC_URL": "http://127.0.0.1:5002"}, f"OIDC_ISSUER: {NOBODY} does not answer (Connection refused)"),
    ):
        (line,) = lines(tmp_path, **variables)
        assert wanted in line
        assert "\n" not in line


def test_secrets_that_documents_name_are_looked_for(tmp_path: Path) -> None:
    settings = read_settings({"STRINGX_HOME": str(tmp_path)})
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "there").write_text("x")
    (tmp_path / "there").write_text("x")
    targets = [
        {"kind": "Target", "name": "a", "password_env": "TARGET_A"},
        {"kind": "Target", "name": "b", "password_env": "TARGET_B"},
        {"kind": "Target", "name": "c", "password_file": "there"},
        {"kind": "Target", "name": "d", "password_file": "missing"},
        {"kind": "Target", "name": "e"},
        {"kind": "Channel", "name": "f", "url_env": "NOTIFY_F", "secret_file": "there"},
        {"kind": "Target", "name": "g", "password_env": "TARGET_G"},
    ]
    environ = {"TARGET_A": "x", "TARGET_G_FILE": str(tmp_path / "no")}
    found = advice.about_documents(settings, targets, environ)
    assert found == [
        "target b: the variable TARGET_B is not set; set it or TARGET_B_FILE, and start again",
        f"target d: password_file 'missing' is not in {tmp_path}/secrets, or cannot be read; put it there",
        "channel f: the variable NOTIFY_F is not set; set it or NOTIFY_F_FILE, and start again",
        f"target g: TARGET_G_FILE: cannot read {tmp_path}/no (No such file or directory); point it at a readable file",
    ]
    many = [{"kind": "Target", "name": str(n), "password_env": f"TARGET_{n}"} for n in range(25)]
    assert len(found := advice.about_documents(settings, many, {})) == 11
    assert found[-1] == "15 more secrets of targets and channels are missing"
