"""Alert rules and dashboards: each rule has a case, severity, summary and runbook; each panel a unit, a description and queries that
Prometheus can parse."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stringx_dataops.contract.settings import ROOT
from tests.support.metric_names import DASHBOARDS, RULES, alerts, expressions, panels
from tests.support.prometheus import promtool

CASES = RULES.parent / "tests" / "stringx.test.yml"
PANEL = {"id", "type", "title", "description", "datasource", "gridPos", "fieldConfig", "options", "targets"}


def test_promtool_takes_the_rules_and_their_cases() -> None:
    assert f"{len(alerts())} rules found" in promtool("check", "rules", str(RULES))
    assert "SUCCESS" in promtool("test", "rules", str(CASES))


def test_the_page_makes_an_object_for_the_operator_of_the_rules() -> None:
    [line] = re.findall(
        r"^\{ printf .*kind: PrometheusRule.*$", (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    command = line.replace("| kubectl -n monitoring apply -f -", "")
    made = yaml.safe_load(subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, check=True).stdout)
    assert (made["kind"], made["spec"]) == ("PrometheusRule", yaml.safe_load(RULES.read_text(encoding="utf-8")))


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    fires: dict[str, set[bool]] = {}
    for case in yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"]:
        for test in case["alert_rule_test"]:
            fires.setdefault(test["alertname"], set()).add(bool(test["exp_alerts"]))
    assert fires == {alert["alert"]: {True, False} for alert in alerts()}


def test_each_alert_has_a_severity_a_summary_and_a_place_in_the_docs() -> None:
    headings = re.findall(r"^## (StringX\w+)$", (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(alert["alert"] for alert in alerts())
    for alert in alerts():
        assert alert["labels"]["severity"] in ("critical", "warning")
        assert alert["annotations"]["runbook_url"] == f"docs/alerts.md#{alert['alert'].lower()}"
        assert alert["annotations"]["summary"]
        assert alert["for"]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_has_the_shape_that_grafana_imports(path: Path) -> None:
    found = json.loads(path.read_text(encoding="utf-8"))
    assert (found["uid"], found["id"], found["schemaVersion"] >= 39) == (path.stem, None, True)
    assert [each["name"] for each in found["templating"]["list"]] == ["datasource", "target"]
    ids = [panel["id"] for panel in found["panels"]]
    assert len(ids) == len(set(ids))
    places = [panel["gridPos"] for panel in found["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells)), "panels lie on each other"
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for panel in panels(path):
        assert panel.keys() >= PANEL, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        for query in panel["targets"]:
            assert query["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert query["legendFormat"], panel["title"]
            assert "target=" not in query["expr"] or 'target=~"$target"' in query["expr"], panel["title"]


def test_promtool_takes_every_query_of_the_dashboards(tmp_path: Path) -> None:
    rules: list[dict[str, Any]] = []
    for path in DASHBOARDS:
        for expression in expressions(path):
            filled = expression.replace("$target", ".*").replace("$__rate_interval", "5m")
            rules.append({"record": f"query:{len(rules)}", "expr": filled})
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(file))
