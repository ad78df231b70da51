"""Names that a service answers to."""

import socket
from contextlib import closing
from typing import Any

import psutil
import pytest
from flask import Flask

from stringx_dataops.contract.problems import StringXError
from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.variables import SettingsError
from web import hosts, problems


def status(host: str, allowed: frozenset[str] = frozenset(), **environ: Any) -> int:
    app = Flask("x")
    app.register_error_handler(StringXError, problems.render)
    hosts.install(app, allowed)
    app.add_url_rule("/", view_func=lambda: "x")
    return app.test_client().get("/", headers={"Host": host}, environ_overrides=environ).status_code


def test_names_that_are_given_and_those_of_the_services_are_taken() -> None:
    allowed = read_settings(
        {"ALLOWED_HOSTS": "Checks.example.org, [2001:db8::1]", "BACKEND_URL": "http://backend:5002"}
    ).allowed_hosts
    for host in ("checks.example.org", "CHECKS.example.org.:443", "[2001:DB8::1]:80", "backend:5002", "127.0.0.1"):
        assert status(host, allowed) == 200, host
    for host in ("example.org", "x.checks.example.org", "api", "checks.example.org@evil.example", "checks.example.org/x", ""):
        assert status(host, allowed) == 421, host


def test_the_address_that_the_connection_came_in_on_is_taken() -> None:
    addresses = [each.address for found in psutil.net_if_addrs().values() for each in found if each.family == socket.AF_INET]
    for address in addresses:
        with closing(socket.create_server((address, 0))) as server, closing(socket.create_connection(server.getsockname())):
            client, _ = server.accept()
            with closing(client):
                assert status(f"{address}:5002", **{"gunicorn.socket": client}) == 200
                assert status("203.0.113.9:5002", **{"gunicorn.socket": client}) == 421


@pytest.mark.parametrize("text", ["http://a", "a:80", "*.a", "a b/c", "u@a", "[::1"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="ALLOWED_HOSTS"):
        read_settings({"ALLOWED_HOSTS": f"ok, {text}"})


def test_a_loopback_address_is_given_only_to_who_is_on_that_machine() -> None:
    app = Flask("x")
    for host, address, given in (
        ("127.0.0.1:8001", "http://127.0.0.1:5002", True),
        ("[::1]:8001", "http://localhost:5002", True),
        ("docs.example.org", "http://127.0.0.1:5002", False),
        ("docs.example.org", "https://checks.example.org", True),
        ("localhost", "https://checks.example.org", True),
    ):
        with app.test_request_context(headers={"Host": host}):
            assert hosts.for_viewer(address) == (address if given else None), (host, address)
            assert hosts.for_viewer(None) is None
