"""A page of somebody else's whose name leads to this machine gets nothing."""

import http.client
from contextlib import closing

import pytest

from tests.support.service import Service


def ask(url: str, path: str, host: str, key: str = "") -> tuple[int, str]:
    place = url.removeprefix("http://")
    with closing(http.client.HTTPConnection(place, timeout=60)) as connection:
        connection.request("GET", path, headers={"Host": host, "Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8001", "localhost.evil.example", "192.0.2.1", "a b", "[::2]"]
)
def test_a_forged_host_is_refused_on_all_three_ports(service: Service, host: str) -> None:
    for url, path in ((service.dataops, "/api/v1/rule-types"), (service.backend, "/api/v1/targets"), (service.docs, "/")):
        status, text = ask(url, path, host, service.key)
        assert (status, "ALLOWED_HOSTS" in text) == (421, True), (url, text)


def test_health_and_figures_are_told_to_everybody(service: Service) -> None:
    for url in (service.dataops, service.backend):
        assert {ask(url, path, "10.1.2.3")[0] for path in ("/healthz", "/readyz", "/readyz/self", "/metrics")} == {200}
    assert ask(service.docs, "/healthz", "10.1.2.3")[0] == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.:5002", "127.0.0.1", "127.8.8.8:1", "[::1]:5002"])
def test_names_of_this_machine_are_taken(service: Service, host: str) -> None:
    assert ask(service.backend, "/api/v1/requests", host, service.key)[0] == 200
    assert ask(service.docs, "/", host)[0] == 200
