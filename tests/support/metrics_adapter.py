"""Prometheus' adapter behind a cluster's API server: it serves external metrics with a rule."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.apiserver import ApiServer
from tests.support.chart import Json
from tests.support.go_programs import built
from tests.support.processes import eventually, free_port

_MODULE, _RELEASE = "sigs.k8s.io/prometheus-adapter", "v0.12.0"
_GROUP, _VERSION = "external.metrics.k8s.io", "v1beta1"
EXTERNAL = f"/apis/{_GROUP}/{_VERSION}"


def program(config: pytest.Config) -> Path:
    return built(config, _MODULE, _RELEASE, "cmd/adapter")


def serve(server: ApiServer, adapter: Path, prometheus_url: str, rules: Json, namespace: str) -> None:
    """Returns when the API server serves the group. The adapter runs until the cluster ends."""
    port = free_port()
    configuration = server.folder / "adapter.yml"
    configuration.write_text(json.dumps(rules))
    account = [f"--{what}-kubeconfig={server.kubeconfig}" for what in ("lister", "authentication", "authorization")]
    server.run(
        str(adapter), f"--config={configuration}", f"--prometheus-url={prometheus_url}", *account, f"--secure-port={port}",
        "--bind-address=127.0.0.1", f"--cert-dir={server.folder / 'adapter'}", "--metrics-relist-interval=2s", "--metrics-max-age=1m",
    )  # fmt: skip
    # By a name: no Service may lead to an address of loopback.
    spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]}
    _make(server, f"/api/v1/namespaces/{namespace}/services", {"metadata": {"name": "adapter"}, "spec": spec})
    service = {
        "metadata": {"name": f"{_VERSION}.{_GROUP}"},
        "spec": {
            "group": _GROUP,
            "version": _VERSION,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": "adapter", "namespace": namespace, "port": port},
        },
    }
    _make(server, "/apis/apiregistration.k8s.io/v1/apiservices", service)
    eventually(lambda: server.call("GET", EXTERNAL).status_code == 200, 120, "the adapter")


def values(server: ApiServer, namespace: str, metric: str, selector: str) -> list[dict[str, Any]]:
    """Of an external metric, as an autoscaler asks for it; none while there is no such metric."""
    answer = server.call("GET", f"{EXTERNAL}/namespaces/{namespace}/{metric}?labelSelector={selector}")
    if answer.status_code == 404:
        return []
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def _make(server: ApiServer, path: str, body: Any) -> None:
    answer = server.call("POST", path, body)
    assert answer.status_code == 201, answer.text
