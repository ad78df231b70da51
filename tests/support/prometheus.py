"""Prometheus: its own tool, and a server that finds DataOps in a cluster as the Prometheus operator has it do."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
import requests

from tests.support.apiserver import ApiServer
from tests.support.chart import Json
from tests.support.processes import eventually, free_port


def promtool(*arguments: str) -> str:
    """Its output. Without it the test is skipped with one line; with CI=true that is a failure."""
    if shutil.which("promtool") is None:
        line = "promtool is not installed: Debian's package prometheus has it"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(line)
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def relabelings(endpoint: Json) -> list[Json]:
    """Of an endpoint of a ServiceMonitor, as Prometheus spells them."""
    snake = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    return [{snake.get(key, key): value for key, value in rule.items()} for rule in endpoint["relabelings"]]


def _label(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9]", "_", name)


def discovered(server: ApiServer, namespace: str, addresses: Mapping[str, str]) -> list[Json]:
    """What Prometheus' discovery of Kubernetes finds behind the Services of a namespace, in its words: Debian's Prometheus is built
    without. `addresses` is where a pod of the cluster really listens, by its name; others are left out."""
    path = f"/api/v1/namespaces/{namespace}"
    services = {each["metadata"]["name"]: each for each in server.items(f"{path}/services")}
    pods = {each["metadata"]["name"]: each for each in server.items(f"{path}/pods")}
    found = []
    for part in server.items(f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"):
        service = services[part["metadata"]["labels"]["kubernetes.io/service-name"]]
        ends = [(end["targetRef"]["name"], port["name"]) for end in part["endpoints"] or () for port in part["ports"]]
        for pod, port in (end for end in ends if end[0] in addresses):
            labels = {
                "namespace": namespace,
                "service_name": service["metadata"]["name"],
                "endpointslice_port_name": port,
                "pod_name": pod,
                "pod_phase": pods[pod]["status"]["phase"],
                "pod_container_name": pods[pod]["spec"]["containers"][0]["name"],
            }
            labels |= {f"service_label_{_label(name)}": value for name, value in service["metadata"]["labels"].items()}
            meta = {f"__meta_kubernetes_{name}": value for name, value in labels.items()}
            found.append({"targets": [addresses[pod]], "labels": meta})
    return found


def _copy(label: str, target: str) -> Json:
    return {"source_labels": [f"__meta_kubernetes_{label}"], "target_label": target}


def scrape_config(monitor: Json, namespace: str, found: list[Json]) -> Json:
    """What the Prometheus operator makes of a ServiceMonitor: of what was discovered, the pods behind the Services that it
    selects, with the labels that the operator gives each of them."""
    [endpoint] = monitor["spec"]["endpoints"]
    selected = [
        {"source_labels": [f"__meta_kubernetes_service_label_{_label(name)}"], "regex": value, "action": "keep"}
        for name, value in monitor["spec"]["selector"]["matchLabels"].items()
    ]
    port = {"source_labels": ["__meta_kubernetes_endpointslice_port_name"], "regex": endpoint["port"], "action": "keep"}
    return {
        "job_name": f"serviceMonitor/{namespace}/{monitor['metadata']['name']}/0",
        "scrape_interval": endpoint["interval"],
        "scrape_timeout": endpoint["interval"],
        "metrics_path": endpoint["path"],
        "static_configs": found,
        "relabel_configs": [
            *selected, port, _copy("namespace", "namespace"), _copy("service_name", "service"), _copy("pod_name", "pod"),
            _copy("pod_container_name", "container"), _copy("service_name", "job"),
            {"target_label": "endpoint", "replacement": endpoint["port"]}, *relabelings(endpoint),
        ],
    }  # fmt: skip


class Prometheus:
    """A server with this configuration, which runs until its cluster ends, or it is stopped."""

    def __init__(self, server: ApiServer, configuration: Json) -> None:
        self.server, self.folder, self.port = server, server.folder / "prometheus", free_port()
        self.folder.mkdir()
        self.file = self.folder / "prometheus.yml"
        self.file.write_text(json.dumps(configuration))
        promtool("check", "config", str(self.file))
        self.start()

    def start(self) -> None:
        self._process = self.server.run(
            "prometheus", f"--config.file={self.file}", f"--storage.tsdb.path={self.folder / 'data'}", "--log.level=warn",
            f"--web.listen-address=127.0.0.1:{self.port}",
        )  # fmt: skip
        eventually(lambda: requests.get(f"{self.url}/-/ready", timeout=5).ok, 120, "Prometheus")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The vector that a query has now."""
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": query}, timeout=30).json()
        assert answer["status"] == "success", answer
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found
