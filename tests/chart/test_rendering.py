"""What the chart renders: what Kubernetes takes, what Pod Security `restricted` demands, and what the processes know."""

import base64
import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from launch.preflight import KNOWN
from launch.roles import ROLES
from stringx_dataops.contract.keys import prefix_of
from stringx_dataops.contract.settings import VARIABLES, read_settings
from stringx_dataops.contract.signatures import read_secrets
from tests.support import chart
from tests.support.chart import EVERYTHING, Json, containers, pod_specs
from tests.support.containers import image_variables
from tests.support.prometheus import promtool, relabelings

pytestmark = pytest.mark.usefixtures("helm")


@pytest.fixture(scope="module", params=["without values", "with everything"])
def manifests(request: pytest.FixtureRequest, helm: Path) -> list[Json]:
    return chart.render(None if request.param == "without values" else EVERYTHING)


def test_lint_finds_nothing(helm: Path) -> None:
    for values in ({}, EVERYTHING):
        assert "0 chart(s) failed" in chart.helm("lint", "--strict", str(chart.CHART), values=values).stdout


def test_kubernetes_knows_every_field(manifests: list[Json]) -> None:
    own = [each for each in manifests if each["kind"] in chart.definitions()["kinds"]]
    assert {each["kind"] for each in manifests if each not in own} <= {"ServiceMonitor", "ScaledObject"}
    assert {each["kind"] for each in own} >= {"Deployment", "Job", "Service", "PodDisruptionBudget", "NetworkPolicy"}
    assert [fault for each in own for fault in chart.faults(each)] == []
    names = [(each["kind"], each["metadata"]["name"]) for each in manifests]
    assert len(names) == len(set(names))


def test_the_definitions_refuse_what_kubernetes_does_not_know(helm: Path) -> None:
    [deployment, *_] = [each for each in chart.render() if each["kind"] == "Deployment"]
    assert chart.faults(deployment) == []
    deployment["spec"]["template"]["spec"]["containers"][0]["recources"] = {}
    deployment["spec"]["replicas"] = "2"
    assert len(chart.faults(deployment)) == 2


def test_every_pod_is_restricted(manifests: list[Json]) -> None:
    for name, spec in pod_specs(manifests):
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["enableServiceLinks"] is False, "a Service named backend would set BACKEND_PORT"
        assert spec["terminationGracePeriodSeconds"] == 40
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(spec):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            for kind in ("requests", "limits"):
                assert set(container["resources"][kind]) == {"cpu", "memory"}, (name, container["name"])
            mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
            assert "/tmp" in mounted
            assert {mount["name"] for mount in container["volumeMounts"]} <= {volume["name"] for volume in spec["volumes"]}
        for volume in spec["volumes"]:
            assert {*volume} & {"emptyDir", "secret", "projected", "configMap"}
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": 1}), "no folder grows without end"


def test_every_container_runs_a_role_with_settings_that_exist(manifests: list[Json]) -> None:
    others = {"TARGET_CRM", "OTEL_EXPORTER_OTLP_ENDPOINT"}
    for name, spec in pod_specs(manifests):
        for container in containers(spec):
            assert " ".join(container["args"]) in ROLES, name
            assert "command" not in container, "the image's entry point"
            variables = {each["name"]: each.get("value") for each in container["env"]}
            assert set(variables) <= {*KNOWN, *others}, name
            assert len(variables) == len(container["env"]), f"{name} has a variable twice"
            mounts = tuple(mount["mountPath"] for mount in container["volumeMounts"])
            for variable, value in variables.items():
                if variable.endswith(("_FILE", "CAFILE")) or variable in ("STRINGX_SECRETS", "PROBE_FOLDER"):
                    assert value is not None
                    assert value.startswith(mounts), f"{variable} of {name} is not mounted"
            plain = {key: value for key, value in variables.items() if value is not None and not key.endswith("_FILE")}
            if "OIDC_ISSUER" not in plain:
                read_settings(plain | {"STRINGX_HOME": "/var/lib/stringx"})


def test_the_image_writes_where_the_chart_mounts_folders() -> None:
    variables = image_variables()
    assert variables["STRINGX_HOME"] == variables["HOME"] == "/var/lib/stringx"


def test_only_who_needs_a_secret_has_it(manifests: list[Json]) -> None:
    has = {
        (name.split("-")[1], container["name"]): {
            mount["name"]
            for mount in container["volumeMounts"]
            if mount["name"] in ("database", "keys", "secrets", "kafka", "oidc")
        }
        for name, spec in pod_specs(manifests)
        for container in containers(spec)
    }
    assert has["docs", "docs"] == set()
    assert has["docs", "docs-refresh"] == {"database", "secrets"}
    assert has["api", "api"] == {"database"}
    assert has["worker", "worker"] == {"database", "keys", "secrets"}
    assert has["backend", "backend"] <= {"database", "keys", "secrets", "oidc"}
    assert has["migrate", "migrate"] == {"database", "keys"}
    assert all(names == {"database"} for (_, container), names in has.items() if container == "wait")
    api_keys = [name for name, spec in pod_specs(manifests) if "STRINGX_API_KEY_FILE" in str(spec)]
    assert [name.split("-")[1] for name in api_keys] == ["migrate"]


def test_every_container_but_the_portals_server_has_the_users_volumes(helm: Path) -> None:
    """The address of the internal database may name the file of an authority, which the migration reads too."""
    for name, spec in pod_specs(chart.render(EVERYTHING)):
        for container in containers(spec):
            mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
            assert ("/usr/app/own" in mounted) == (container["name"] != "docs"), (name, container["name"])


def test_every_role_has_probes_waits_for_its_turn_and_is_replaced_without_a_gap(manifests: list[Json]) -> None:
    for each in manifests:
        if each["kind"] != "Deployment":
            continue
        role = each["metadata"]["labels"]["app.kubernetes.io/component"]
        spec = each["spec"]["template"]["spec"]
        assert each["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert [" ".join(init["args"]) for init in spec["initContainers"]] == [f"wait {role}"]
        assert {constraint["topologyKey"] for constraint in spec["topologySpreadConstraints"]} == {
            "kubernetes.io/hostname",
            "topology.kubernetes.io/zone",
        }
        for container in spec["containers"]:
            wanted = {"startupProbe", "livenessProbe"} | ({"readinessProbe"} if container["name"] == role else set())
            assert {name for name in container if name.endswith("Probe")} == wanted, container["name"]
            assert ("preStop" in container.get("lifecycle", {})) == ("ports" in container)


def test_the_probes_of_files_see_their_age(tmp_path: Path, helm: Path) -> None:
    [spec] = [spec for name, spec in pod_specs(chart.render()) if name.endswith("-worker")]
    command = [part.replace("/tmp/", f"{tmp_path}/") for part in spec["containers"][0]["livenessProbe"]["exec"]["command"]]

    def probe() -> int:
        return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode

    assert probe() == 1, "before the first look"
    file = tmp_path / "worker.alive"
    file.touch()
    assert probe() == 0
    os.utime(file, (time.time() - 31, time.time() - 31))
    assert probe() == 1


def test_selectors_lead_to_pods(manifests: list[Json]) -> None:
    pods = [each["spec"]["template"]["metadata"]["labels"] for each in manifests if each["kind"] in ("Deployment", "Job")]

    def found(selector: dict[str, str]) -> int:
        return sum(selector.items() <= labels.items() for labels in pods)

    for each in manifests:
        spec = each.get("spec", {})
        if each["kind"] == "Service":
            assert found(spec["selector"]) == 1, each["metadata"]["name"]
        elif each["kind"] == "PodDisruptionBudget":
            assert found(spec["selector"]["matchLabels"]) == 1, each["metadata"]["name"]
        elif each["kind"] == "NetworkPolicy":
            assert found(spec["podSelector"]["matchLabels"]) == 1, each["metadata"]["name"]
    policed = [each for each in manifests if each["kind"] == "NetworkPolicy"]
    assert len(policed) == len(pods), "each pod has a policy, which denies what it does not name"


def test_a_role_may_call_whatever_address_it_is_given(manifests: list[Json]) -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in manifests if each["kind"] == "NetworkPolicy"}
    for name, spec in pod_specs(manifests):
        policy = policies[re.sub(r"-migrate-\w+$", "-migrate", name)]
        open_ports = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
        assert {53, 5353} <= open_ports, "names, also on OpenShift"
        variables = {each["name"]: each.get("value") for container in spec["containers"] for each in container["env"]}
        wanted = {
            "BACKEND_URL": {5002} if name == "sx-worker" else set(),
            "DATAOPS_URL": {5001} if name == "sx-backend" else set(),
            "STRINGX_DATABASE_URL_FILE": {6432, 5432},  # one of them
            "KAFKA_BOOTSTRAP_SERVERS": {9092},
            "OIDC_ISSUER": {443} if name == "sx-backend" else set(),
            "OPENLINEAGE_URL": {5000} if name == "sx-backend" else set(),
            "OTEL_EXPORTER_OTLP_ENDPOINT": {4318},
        }
        for variable, ports in wanted.items():
            if variable in variables and ports:
                assert ports & open_ports, (name, variable)
        assert (4318 in open_ports) == ("OTEL_EXPORTER_OTLP_ENDPOINT" in variables), name
        assert (5000 in open_ports) == (name == "sx-backend" and "OPENLINEAGE_URL" in variables), name


def test_nodes_are_drained_also_while_no_pod_is_ready(manifests: list[Json]) -> None:
    budgets = [each["spec"] for each in manifests if each["kind"] == "PodDisruptionBudget"]
    assert {budget["unhealthyPodEvictionPolicy"] for budget in budgets} == {"AlwaysAllow"}


def test_prometheus_finds_running_pods_under_the_names_that_alerts_know(helm: Path, tmp_path: Path) -> None:
    [monitor] = [each for each in chart.render(EVERYTHING) if each["kind"] == "ServiceMonitor"]
    rules = relabelings(monitor["spec"]["endpoints"][0])
    pods = [
        {
            "targets": [f"10.0.0.{number}:5002"],
            "labels": {
                "__meta_kubernetes_pod_phase": phase,
                "__meta_kubernetes_service_label_app_kubernetes_io_component": role,
            },
        }
        for number, (role, phase) in enumerate([("backend", "Running"), ("api", "Running"), ("api", "Pending")])
    ]
    file = tmp_path / "prometheus.yml"
    job = {"job_name": "serviceMonitor/checks/dq", "static_configs": pods, "relabel_configs": rules}
    file.write_text(json.dumps({"scrape_configs": [job]}))
    found = json.loads(promtool("check", "service-discovery", "--timeout=5s", str(file), job["job_name"]))  # type: ignore[arg-type]
    jobs = [each["labels"].get("job") for each in sorted(found, key=lambda each: str(each["discoveredLabels"]["__address__"]))]
    assert jobs == ["stringx-backend", "stringx-api", None], "one that waits in its init container does not answer"


def test_services_are_called_by_names_that_they_answer_to(manifests: list[Json]) -> None:
    services = {each["metadata"]["name"]: each["spec"]["ports"][0]["port"] for each in manifests if each["kind"] == "Service"}
    for _, spec in pod_specs(manifests):
        for container in spec["containers"]:
            variables = {each["name"]: str(each.get("value")) for each in container["env"]}
            for variable in ("BACKEND_URL", "DATAOPS_URL"):
                name, port = re.fullmatch(r"http://([a-z-]+):(\d+)", variables.get(variable, "http://sx-api:5001")).groups()  # type: ignore[union-attr]
                assert services[name] == int(port)
            allowed = variables.get("ALLOWED_HOSTS", "")
            if "ports" in container:
                for name in services:
                    assert {name, f"{name}.checks", f"{name}.checks.svc", f"{name}.checks.svc.cluster.local"} <= set(
                        allowed.split(",")
                    )


def test_a_release_has_its_own_migration_and_only_then(helm: Path) -> None:
    def name(values: Json) -> str:
        [job] = [each for each in chart.render(values) if each["kind"] == "Job"]
        return str(job["metadata"]["name"])

    first = name({})
    assert name({"worker": {"replicas": 5}}) == first, "nothing to migrate"
    others = [
        name({"image": {"tag": "2.0.0"}}),
        name({"migration": {"again": "new key"}}),
        name({"database": {"url": "postgresql://b/c"}}),
    ]
    assert len({first, *others}) == 4, "a Job that has run cannot be changed"


def test_a_changed_address_of_the_database_replaces_the_pods(helm: Path) -> None:
    def annotations(url: str) -> list[Any]:
        rendered = chart.render({"database": {"url": url}})
        return [each["spec"]["template"]["metadata"]["annotations"] for each in rendered if each["kind"] == "Deployment"]

    before, after = annotations("postgresql://a/b"), annotations("postgresql://a/c")
    assert len(before) == 4
    assert all(one != other for one, other in zip(before, after, strict=True))


def test_made_keys_are_of_the_form_that_the_services_make_and_are_never_replaced(helm: Path) -> None:
    [secret] = [each for each in chart.render() if each["kind"] == "Secret"]
    data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert prefix_of(data["service-key"])
    assert prefix_of(data["api-key"])
    assert read_secrets(data["signing-secret"])
    assert secret["immutable"] is True
    assert secret["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert [each for each in chart.render({"keys": {"existingSecret": "mine"}}) if each["kind"] == "Secret"] == []


def test_a_pooler_may_stand_before_the_database(helm: Path) -> None:
    for name, spec in pod_specs(chart.render({"database": {"directKey": "direct"}})):
        [volume] = [volume for volume in spec["volumes"] if volume["name"] == "database"]
        assert {item["key"]: item["path"] for item in volume["secret"]["items"]} == {"url": "url", "direct": "direct-url"}
        for container in containers(spec):
            has = {each["name"] for each in container["env"]}
            assert ("STRINGX_DATABASE_DIRECT_URL_FILE" in has) == ("STRINGX_DATABASE_URL_FILE" in has), name


def test_workers_scale_by_the_queue(helm: Path) -> None:
    def scaler(**scaling: Any) -> Json:
        values = {"worker": {"autoscaling": {"enabled": True} | scaling}}
        rendered = chart.render(values)
        [deployment] = [each for each in rendered if each["kind"] == "Deployment" and each["metadata"]["name"] == "sx-worker"]
        assert "replicas" not in deployment["spec"], "an upgrade would undo what the scaler did"
        [found] = [each for each in rendered if each["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")]
        return found

    assert scaler()["spec"]["metrics"][0]["resource"]["name"] == "cpu"
    assert scaler(by="queue")["spec"]["metrics"][0]["external"]["metric"]["name"] == "stringx_checks_waiting"
    keda = scaler(by="keda", waiting=7)["spec"]
    assert keda["triggers"][0]["metadata"]["threshold"] == "7"
    assert "max by (target) (stringx_checks_waiting{" in keda["triggers"][0]["metadata"]["query"], (
        "each DataOps pod tells the same"
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"backend": {"replcas": 3}}, "additional properties 'replcas' not allowed"),
        ({"bakend": {}}, "additional properties 'bakend' not allowed"),
        ({"config": {"QUEUE_LIMT": 1}}, "additional properties 'QUEUE_LIMT' not allowed"),
        ({"config": {"STRINGX_DATABASE_URL": "x"}}, "additional properties 'STRINGX_DATABASE_URL' not allowed"),
        ({"worker": {"replicas": "2"}}, "at '/worker/replicas': got string, want integer"),
        ({"worker": {"autoscaling": {"by": "chance"}}}, "at '/worker/autoscaling/by'"),
        ({"worker": {"autoscaling": {"minReplicas": 0}}}, "at '/worker/autoscaling/minReplicas'"),
        (
            {"worker": {"autoscaling": {"enabled": True, "maxReplicas": 1}}},
            "worker.autoscaling.minReplicas is 2 and maxReplicas 1",
        ),
        ({"database": {"url": "mysql://a"}}, "at '/database/url'"),
        ({"database": {"url": "postgresql://a", "existingSecret": "b"}}, "database.existingSecret and database.url are both set"),
        ({"trigger": {"enabled": True}}, "trigger.enabled needs kafka.bootstrapServers"),
        ({"ingress": {"enabled": True}}, "ingress.enabled needs ingress.host"),
        ({"ingress": {"enabled": True, "host": "a.b", "docsHost": "a.b"}}, "ingress.docsHost is ingress.host"),
        ({"image": {"digest": "sha256:abc"}}, "at '/image/digest'"),
        ({"image": {"repository": f"registry.example.org/dbt-data-ops@sha256:{'0' * 64}"}}, "at '/image/repository'"),
        ({"image": {"repository": "registry.example.org:5000/dbt-data-ops:1.0.0"}}, "at '/image/repository'"),
        ({"image": {"tag": "1.0.0@sha256"}}, "at '/image/tag'"),
        (
            {"trigger": {"enabled": True}, "kafka": {"bootstrapServers": "k:9092", "caKey": "ca"}},
            "kafka.caKey is a key of a Secret",
        ),
        (
            {"worker": {"autoscaling": {"enabled": True, "by": "keda", "prometheus": ""}}},
            "worker.autoscaling.prometheus is empty",
        ),
        ({"tracing": {"endpoint": "collector:4318"}}, "at '/tracing/endpoint'"),
        ({"networkPolicy": {"egress": {"kafka": {"ports": []}}}}, "at '/networkPolicy/egress/kafka/ports'"),
    ],
)
def test_wrong_values_are_refused_by_name(helm: Path, values: Json, said: str) -> None:
    assert said in chart.refusal(values)


@pytest.mark.parametrize("repository", ["dbt-data-ops", "registry.example.org:5000/data/dbt-data-ops", "localhost/a_b/c.d"])
def test_a_repository_of_any_registry_is_taken(helm: Path, repository: str) -> None:
    [(_, spec), *_] = pod_specs(chart.render({"image": {"repository": repository, "tag": "1.0.0"}}))
    assert spec["containers"][0]["image"] == f"{repository}:1.0.0"


def test_the_schema_knows_every_setting() -> None:
    """What it lacks are settings that other values make."""
    known = set(json.loads((chart.CHART / "values.schema.json").read_text())["properties"]["config"]["properties"])
    made = {
        name for _, spec in pod_specs(chart.render(EVERYTHING)) for container in containers(spec) for each in container["env"]
        for name in (each["name"], each["name"].removesuffix("_FILE"))
    }  # fmt: skip
    never = {"STRINGX_HOME", "STRINGX_DEMO", "BACKEND_PORT", "DATAOPS_PORT", "DOCS_PORT"}
    kafka = {"KAFKA_SSL_CERTFILE", "KAFKA_SSL_KEYFILE", "KAFKA_SSL_KEY_PASSWORD"}
    other_secrets = {"OPENLINEAGE_API_KEY", "STRINGX_DATABASE_DIRECT_URL"}  # extraEnv, database.directKey
    assert known <= set(VARIABLES)
    assert sorted(set(VARIABLES) - known - made - never - kafka - other_secrets) == [], (
        "add it to config in deploy/chart/values.schema.json"
    )
