"""The chart on a real API server, with Pod Security `restricted` enforced: installed, upgraded, rolled back, uninstalled, installed again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import chart
from tests.support.apiserver import ApiServer, helm_on, running
from tests.support.chart import CHART, EVERYTHING, NAME, NAMESPACE
from tests.support.go_programs import sources
from tests.support.processes import eventually

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("helm"), pytest.mark.timeout(3600)]
KEDA = "v2.21.0"
PODS = {"backend": 2, "api": 2, "worker": 2, "docs": 2}


@pytest.fixture(scope="module")
def server(helm: Path, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with running(pytestconfig, tmp_path_factory.mktemp("cluster"), NAMESPACE) as made:
        yield made


def pods(server: ApiServer) -> dict[str, int]:
    """How many of each role run."""
    found: dict[str, int] = {}
    for pod in server.items(f"/api/v1/namespaces/{NAMESPACE}/pods"):
        if "deletionTimestamp" not in pod["metadata"] and pod["status"]["phase"] != "Succeeded":
            role = pod["metadata"]["labels"]["app.kubernetes.io/component"]
            found[role] = found.get(role, 0) + 1
    return found


def images(server: ApiServer) -> set[str]:
    found = server.items(f"/api/v1/namespaces/{NAMESPACE}/pods")
    return {pod["spec"]["containers"][0]["image"] for pod in found if pod["status"]["phase"] != "Succeeded"}


def keys(server: ApiServer) -> dict[str, str]:
    answer = server.call("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/{NAME}-keys")
    assert answer.status_code == 200, answer.text
    data: dict[str, str] = answer.json()["data"]
    return data


def jobs(server: ApiServer) -> set[str]:
    return {job["metadata"]["name"] for job in server.items(f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs")}


def refused(server: ApiServer) -> list[str]:
    """What controllers were not allowed to make."""
    events = server.items(f"/api/v1/namespaces/{NAMESPACE}/events")
    return [event["message"] for event in events if event["reason"] in ("FailedCreate", "FailedUpdate")]


def test_pod_security_is_enforced_here(server: ApiServer) -> None:
    pod = {"metadata": {"name": "plain"}, "spec": {"containers": [{"name": "a", "image": "b"}]}}
    answer = server.call("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", pod)
    assert answer.status_code == 403
    assert 'violates PodSecurity "restricted:latest"' in answer.json()["message"]


def test_the_life_of_a_release(server: ApiServer) -> None:
    waiting = ("--wait", "--wait-for-jobs", "--timeout", "180s")
    helm_on(server, "install", NAME, str(CHART), *waiting)
    assert pods(server) == PODS
    made, first = keys(server), jobs(server)

    helm_on(server, "upgrade", NAME, str(CHART), *waiting, values={"worker": {"replicas": 3}})
    eventually(lambda: pods(server) == PODS | {"worker": 3}, 60, "another worker")
    assert (keys(server), jobs(server)) == (made, first), "nothing to migrate"

    helm_on(server, "upgrade", NAME, str(CHART), *waiting, values={"image": {"tag": "99.0.0"}})
    eventually(lambda: pods(server) == PODS and images(server) == {"dbt-data-ops:99.0.0"}, 60, "the later release")
    assert len(jobs(server)) == 1
    assert jobs(server) != first
    assert keys(server) == made

    helm_on(server, "rollback", NAME, "1", *waiting)
    eventually(lambda: pods(server) == PODS and len(images(server) - {"dbt-data-ops:99.0.0"}) == 1, 60, "the release before")
    assert (keys(server), jobs(server)) == (made, first)

    helm_on(server, "uninstall", NAME)
    eventually(lambda: pods(server) == {}, 60, "no pods")
    assert keys(server) == made, "the internal database knows their hashes"
    helm_on(server, "install", NAME, str(CHART), *waiting)
    assert keys(server) == made
    assert refused(server) == []


def test_who_renders_and_applies_does_not_change_the_keys(server: ApiServer) -> None:
    [secret] = [each for each in chart.render() if each["kind"] == "Secret"]
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets/{NAME}-keys"
    answer = server.call("PUT", path, secret | {"metadata": {"name": f"{NAME}-keys", "namespace": NAMESPACE}})
    assert answer.status_code == 422
    assert "immutable" in answer.json()["message"]


def test_everything_is_taken_that_needs_no_other_operator(server: ApiServer) -> None:
    values = chart.changed(EVERYTHING, "metrics.serviceMonitor.enabled", False)
    helm_on(server, "install", "other", str(CHART), values=values)
    roles = {"api": 2, "backend": 2, "worker": 2, "docs": 2, "trigger": 2}

    def complete() -> bool:
        names = [pod["metadata"]["name"] for pod in server.items(f"/api/v1/namespaces/{NAMESPACE}/pods")]
        return all(sum(name.startswith(f"other-{role}-") for name in names) >= 1 for role in roles)

    eventually(complete, 60, f"pods of each role: {refused(server)}")
    assert refused(server) == []
    helm_on(server, "uninstall", "other")


def test_without_its_operator_a_service_monitor_is_an_error_that_names_it(server: ApiServer) -> None:
    said = helm_on(server, "install", "third", str(CHART), values={"metrics": {"serviceMonitor": {"enabled": True}}}, check=False)
    assert 'no matches for kind "ServiceMonitor"' in said


def test_keda_knows_every_field_of_the_scaled_object(server: ApiServer, tmp_path: Path) -> None:
    """By the definition of KEDA's release: the server would drop a field that it does not know. KEDA itself does not run."""
    files = sources("github.com/kedacore/keda/v2", KEDA, tmp_path) / "config" / "crd" / "bases"
    definition = yaml.safe_load((files / "keda.sh_scaledobjects.yaml").read_text())
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert server.call("POST", definitions, definition).status_code == 201
    path = f"/apis/keda.sh/v1alpha1/namespaces/{NAMESPACE}/scaledobjects"
    eventually(lambda: server.call("GET", path).ok, 120, "the kind")

    helm_on(server, "install", "scaled", str(CHART), values={"worker": {"autoscaling": {"enabled": True, "by": "keda"}}})
    rendered = yaml.safe_load_all(helm_on(server, "get", "manifest", "scaled"))
    [scaled] = [each for each in rendered if each and each["kind"] == "ScaledObject"]
    [stored] = server.items(path)
    assert stored["spec"] == scaled["spec"]
    helm_on(server, "uninstall", "scaled")
    of_release = f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=app.kubernetes.io/instance=scaled"
    eventually(lambda: server.items(of_release) == [], 120, "no pods")

    unknown = chart.changed(scaled, "spec.fallback.behaviour", "static")
    assert "behaviour" in server.call("POST", f"{path}?fieldValidation=Strict", unknown).json()["message"]
    wrong = chart.changed(scaled, "spec.fallback.behavior", "sometimes")
    assert server.call("POST", path, wrong).status_code == 422


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"backend": {"resources": {"requests": {"memory": "2Gi"}}}}, "must be less than or equal to memory limit"),
        ({"worker": {"resources": {"limits": {"cpu": "a lot"}}}}, "quantities must match the regular expression"),
        ({"extraEnv": [{"name": "A=B"}]}, "A=B"),
    ],
)
def test_what_the_server_does_not_take_changes_nothing(server: ApiServer, values: Any, said: str) -> None:
    before = pods(server)
    assert said in helm_on(server, "upgrade", NAME, str(CHART), values=values, check=False)
    assert pods(server) == before
