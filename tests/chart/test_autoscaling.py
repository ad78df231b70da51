"""Workers scale by the queue of a real DataOps: Prometheus finds it as the chart's ServiceMonitor says, Prometheus' adapter serves the
metric with the rule of docs/kubernetes.md, and Kubernetes' own controller reads it."""

import itertools
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stringx_dataops.contract.settings import ROOT
from tests.support import chart, metrics_adapter
from tests.support.apiserver import ApiServer, helm_on, running
from tests.support.chart import CHART, NAME, NAMESPACE, Json
from tests.support.databases import need
from tests.support.installation import Installation
from tests.support.processes import eventually
from tests.support.prometheus import Prometheus, discovered, scrape_config

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("helm"), pytest.mark.timeout(3600)]
METRIC, WAITING, LEAST, MOST = "stringx_checks_waiting", 10, 2, 6
SCALING = {"enabled": True, "by": "queue", "waiting": WAITING, "minReplicas": LEAST, "maxReplicas": MOST}
VALUES: Json = {"docs": {"enabled": False}, "worker": {"autoscaling": SCALING}}
SELECTOR = f"service%3D{NAME}-api"


def documented_rule() -> Json:
    """The configuration of Prometheus' adapter in docs/kubernetes.md."""
    [found] = re.findall(
        r"^```yaml\n(externalRules:.*?)^```", (ROOT / "docs" / "kubernetes.md").read_text(), re.MULTILINE | re.DOTALL
    )
    rule: Json = yaml.safe_load(found)
    return rule


@pytest.fixture(scope="module")
def server(helm: Path, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    need("prometheus", "apt-get install prometheus")
    with running(pytestconfig, tmp_path_factory.mktemp("cluster"), NAMESPACE) as made:
        yield made


@pytest.fixture(scope="module")
def dataops() -> Iterator[Installation]:
    """Two processes of each service on one internal database, two targets, and no worker: what is asked for waits."""
    made = Installation(each=2, rule_types=["not_null"])
    try:
        for worker in made.of_role("worker"):
            del made.processes[worker.name]
        made.start()
        made.configure_target("second")
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def prometheus(server: ApiServer, dataops: Installation, pytestconfig: pytest.Config) -> Prometheus:
    """It asks for DataOps' metrics where pods of the chart are; behind their addresses are the processes of `dataops`."""
    adapter = metrics_adapter.program(pytestconfig)
    helm_on(server, "install", NAME, str(CHART), "--wait", "--timeout", "180s", values=VALUES)
    monitored = chart.changed(VALUES, "metrics.serviceMonitor", {"enabled": True, "interval": "5s"})
    [monitor] = [each for each in chart.render(monitored) if each["kind"] == "ServiceMonitor"]
    addresses = {}
    for role in ("api", "backend"):
        pods = server.items(f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=app.kubernetes.io/component={role}")
        for pod, process in zip(pods, dataops.of_role(role), strict=True):
            addresses[pod["metadata"]["name"]] = f"127.0.0.1:{process.port}"
    found = eventually(lambda: _all(discovered(server, NAMESPACE, addresses), 4), 120, "pods behind the Services")
    made = Prometheus(server, {"scrape_configs": [scrape_config(monitor, NAMESPACE, found)]})
    metrics_adapter.serve(server, adapter, made.url, documented_rule(), NAMESPACE)
    return made


def _all(found: list[Json], number: int) -> list[Json]:
    return found if len(found) == number else []


def path_of_scaler(release: str = NAME) -> str:
    return f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers/{release}-worker"


def scaler(server: ApiServer, release: str = NAME) -> Json:
    answer = server.call("GET", path_of_scaler(release))
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def condition(server: ApiServer, kind: str) -> tuple[str, str]:
    """Its status and reason."""
    found = {each["type"]: each for each in scaler(server)["status"].get("conditions", ())}
    return (found[kind]["status"], found[kind]["reason"]) if kind in found else ("", "")


def workers(server: ApiServer) -> int:
    """How many pods the Deployment is to have."""
    answer = server.call("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}-worker")
    return int(answer.json()["spec"]["replicas"])


def queued(dataops: Installation) -> int:
    return int(dataops.rows("select count(*) as checks from dataops.checks where status = 'queued'")[0]["checks"])


def ask(dataops: Installation, number: int, target: str) -> None:
    """For checks of as many tables."""
    rules = [{"id": "known", "type": "not_null", "column": "value"}]
    for _ in range(number):
        dataops.ask(dataops.table(rows=1, target=target, rules=rules), via="api", mode="async")


def external(server: ApiServer) -> list[str]:
    return [str(each["value"]) for each in metrics_adapter.values(server, NAMESPACE, METRIC, SELECTOR)]


def wait_for(server: ApiServer, replicas: int) -> None:
    def reached() -> bool:
        return workers(server) == replicas and scaler(server)["status"].get("currentReplicas") == replicas

    eventually(reached, 120, f"{replicas} workers, not {workers(server)}: {scaler(server)['status']}")


def sizes(server: ApiServer, since: str) -> list[int]:
    """Of the Deployment of workers, one after the other, after a version of it."""
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments?watch=true&fieldSelector=metadata.name={NAME}-worker"
    changes = server.call("GET", f"{path}&resourceVersion={since}&timeoutSeconds=3").text.splitlines()
    found = [int(json.loads(line)["object"]["spec"]["replicas"]) for line in changes]
    return [size for size, _ in itertools.groupby(found)]


def test_before_the_first_check_of_a_target_there_are_as_many_workers_as_at_least(
    server: ApiServer, prometheus: Prometheus
) -> None:
    """DataOps has no series until then, so the controller has no metric, and keeps what there is."""
    eventually(lambda: len(prometheus.ask('up{job="stringx-api"} == 1')) == 2, 120, "both DataOps")
    assert prometheus.ask(METRIC) == []
    wait_for(server, LEAST)
    eventually(lambda: condition(server, "ScalingActive") == ("False", "FailedGetExternalMetric"), 120, "a condition")


def test_workers_are_as_many_as_the_queue_needs(server: ApiServer, prometheus: Prometheus, dataops: Installation) -> None:
    ask(dataops, 30, "shop")
    ask(dataops, 17, "second")
    assert queued(dataops) == 47
    eventually(lambda: external(server) == ["47"], 120, "both targets' checks, of which both DataOps tell, once")
    wait_for(server, math.ceil(47 / WAITING))
    eventually(lambda: condition(server, "ScalingActive") == ("True", "ValidMetricFound"), 120, "a metric")
    assert condition(server, "AbleToScale")[0] == "True"
    [metric] = scaler(server)["status"]["currentMetrics"]
    assert metric["external"]["metric"]["name"] == METRIC
    ready = server.items(f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=app.kubernetes.io/component=worker")
    assert len(ready) == 5


def test_each_series_has_the_labels_that_the_rule_and_the_scaler_name(prometheus: Prometheus) -> None:
    eventually(lambda: len(prometheus.ask(METRIC)) == 4, 120, "both targets, from each of the two pods")
    found = {
        (each["metric"]["namespace"], each["metric"]["service"], each["metric"]["job"], each["metric"]["target"])
        for each in prometheus.ask(METRIC)
    }
    assert found == {(NAMESPACE, f"{NAME}-api", "stringx-api", target) for target in ("shop", "second")}


def test_the_query_of_keda_has_the_same_answer(prometheus: Prometheus, dataops: Installation) -> None:
    values = {"worker": {"autoscaling": SCALING | {"by": "keda"}}}
    [scaled] = [each for each in chart.render(values) if each["kind"] == "ScaledObject"]
    [answer] = prometheus.ask(scaled["spec"]["triggers"][0]["metadata"]["query"])
    assert answer["value"][1] == str(queued(dataops))


def test_another_release_does_not_count(server: ApiServer) -> None:
    assert metrics_adapter.values(server, NAMESPACE, METRIC, "service%3Dother-api") == []
    assert metrics_adapter.values(server, "default", METRIC, SELECTOR) == []


def test_there_are_never_more_workers_than_at_most(server: ApiServer, dataops: Installation) -> None:
    ask(dataops, 30, "second")
    wait_for(server, MOST)
    eventually(lambda: condition(server, "ScalingLimited") == ("True", "TooManyReplicas"), 120, "a limit")


def test_while_prometheus_is_away_workers_stay(server: ApiServer, prometheus: Prometheus, dataops: Installation) -> None:
    prometheus.stop()
    eventually(lambda: condition(server, "ScalingActive") == ("False", "FailedGetExternalMetric"), 120, "no metric")
    assert workers(server) == MOST
    prometheus.start()
    eventually(lambda: external(server) == [str(queued(dataops))], 120, "the metric is back")
    eventually(lambda: condition(server, "ScalingActive") == ("True", "ValidMetricFound"), 120, "a metric")


def test_after_the_queue_workers_go_one_by_one(server: ApiServer, dataops: Installation) -> None:
    for row in dataops.rows("select check_id from dataops.checks where status = 'queued'"):
        answer = dataops.call("POST", f"{dataops.to_api.url}/api/v1/quality-checks/{row['check_id']}/cancel")
        assert answer.status_code == 200, answer.text
    eventually(lambda: external(server) == ["0"], 120, "an empty queue")
    eventually(lambda: condition(server, "AbleToScale") == ("True", "ScaleDownStabilized"), 120, "five quiet minutes are awaited")
    assert workers(server) == MOST
    before = server.call("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments").json()["metadata"]["resourceVersion"]
    # The same ten times as fast. A period longer than the quiet time would count workers that were added in it, too.
    slow = scaler(server)["spec"]["behavior"]["scaleDown"]
    assert slow["stabilizationWindowSeconds"] == 300
    assert slow["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 120}]
    fast = {"stabilizationWindowSeconds": 30, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 12}]}
    changed = server.patch(path_of_scaler(), {"spec": {"behavior": {"scaleDown": fast}}})
    assert changed.status_code == 200, changed.text
    wait_for(server, LEAST)
    assert sizes(server, before) == [5, 4, 3, 2]


def test_by_cpu_the_controller_asks_for_the_metrics_of_pods(server: ApiServer) -> None:
    """Nobody serves them here: the controller takes the target, and says which metric it lacks."""
    helm_on(server, "install", "computing", str(CHART), values=chart.changed(VALUES, "worker.autoscaling.by", "cpu"))

    def said() -> Any:
        found = {each["type"]: each for each in scaler(server, "computing")["status"].get("conditions", ())}
        return found.get("ScalingActive", {}).get("reason") == "FailedGetResourceMetric" and found

    conditions = eventually(said, 120, "a condition")
    assert "unable to get metrics for resource cpu" in conditions["ScalingActive"]["message"]
    assert conditions["AbleToScale"]["status"] == "True"
    assert scaler(server, "computing")["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 80
