"""Renders the chart with helm, and holds what comes of it to Kubernetes' own definitions."""

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from stringx_dataops.contract.settings import ROOT

CHART = ROOT / "deploy" / "chart"
KUBERNETES = "1.31.4"
NAMESPACE = "checks"
NAME = "sx"
Json = dict[str, Any]

# Every optional part at once.
EVERYTHING: Json = {
    "image": {"digest": f"sha256:{'0' * 64}"},
    "imagePullSecrets": [{"name": "registry"}],
    "database": {"url": "postgresql://stringx:secret@db/stringx"},
    "secrets": [{"name": "passwords"}, {"name": "crm", "items": [{"key": "password", "path": "crm/password"}]}],
    "allowedHosts": ["checks.internal"],
    "config": {
        "QUEUE_LIMIT": 50_000,
        "RETENTION_RESULTS_DAYS": "90",
        "OIDC_ISSUER": "https://login.example.org",
        "OPENLINEAGE_URL": "http://marquez:5000",
    },
    "extraEnv": [{"name": "TARGET_CRM", "valueFrom": {"secretKeyRef": {"name": "crm", "key": "password"}}}],
    "extraVolumes": [{"name": "project", "configMap": {"name": "dbt-project"}}],
    "extraVolumeMounts": [{"name": "project", "mountPath": "/usr/app/own"}],
    "oidc": {"existingSecret": "oidc"},
    "tracing": {"endpoint": "http://collector:4318"},
    "kafka": {"bootstrapServers": "kafka:9092", "existingSecret": "kafka", "passwordKey": "password", "caKey": "ca.crt"},
    "migration": {"again": "2026-11-30"},
    "backend": {"autoscaling": {"enabled": True}, "podAnnotations": {"team": "data"}, "nodeSelector": {"disk": "ssd"}},
    "api": {"autoscaling": {"enabled": True}, "tolerations": [{"key": "data", "operator": "Exists"}]},
    "worker": {"autoscaling": {"enabled": True, "by": "queue"}, "affinity": {"nodeAffinity": {}}},
    "trigger": {"enabled": True},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "annotations": {"a": "b"},
        "host": "checks.example.org",
        "docsHost": "docs.example.org",
        "tlsSecret": "certificate",
    },
    "networkPolicy": {"egress": {"database": {"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}], "ports": [6432]}}},
    "metrics": {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
}


def find_helm() -> str:
    return shutil.which("helm") or "helm"


def helm(*arguments: str, values: Json | None = None, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
    """Values go over standard input."""
    given = ["--values", "-"] if values is not None else []
    done = subprocess.run(
        [find_helm(), *arguments, *given],
        input=json.dumps(values) if values is not None else None,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | variables,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def render(values: Json | None = None, chart: Path = CHART) -> list[Json]:
    """As `helm template` does."""
    done = helm("template", NAME, str(chart), "--namespace", NAMESPACE, "--kube-version", KUBERNETES, values=values)
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def refusal(values: Json) -> str:
    """What helm says of values that it refuses."""
    done = helm("template", NAME, str(CHART), "--kube-version", KUBERNETES, values=values, check=False)
    assert done.returncode != 0, "they are taken"
    return done.stderr


@cache
def definitions() -> Json:
    """Of the kinds that the chart renders, from Kubernetes' OpenAPI document; no field beside those is allowed."""
    found: Json = json.loads((ROOT / "tests" / "chart" / f"kubernetes-{KUBERNETES.rpartition('.')[0]}.json").read_text())
    return found


def faults(manifest: Json) -> list[str]:
    """Of a manifest of one of Kubernetes' own kinds."""
    kinds = definitions()["kinds"]
    schema = {"$ref": f"#/definitions/{kinds[manifest['kind']]}", "definitions": definitions()["definitions"]}
    return [f"{error.json_path}: {error.message}" for error in Draft7Validator(schema).iter_errors(manifest)]


def pod_specs(manifests: list[Json]) -> Iterator[tuple[str, Json]]:
    """Of each Deployment and Job, by its name."""
    for each in manifests:
        if each["kind"] in ("Deployment", "Job"):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def containers(spec: Json) -> list[Json]:
    return [*spec.get("initContainers", ()), *spec["containers"]]


def changed(values: Json, path: str, value: Any) -> Json:
    """A copy with one value changed, by its path with dots."""
    made = copy.deepcopy(values)
    *folders, last = path.split(".")
    place = made
    for folder in folders:
        place = place.setdefault(folder, {})
    place[last] = value
    return made


def default_values() -> Json:
    found: Json = yaml.safe_load((CHART / "values.yaml").read_text())
    return found


def skip_without(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is missing")
