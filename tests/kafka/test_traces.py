"""Traces, OpenLineage events and logs of real processes: a check's way from its trigger to where its result goes."""

import json
import re
from typing import Any

import requests

from stringx_dataops.contract.ids import new_id
from tests.kafka.conftest import Trigger
from tests.support.broker import Topics
from tests.support.collector import Collector, Seen
from tests.support.installation import Installation
from tests.support.processes import eventually
from tests.support.receivers import Receiver


def trace() -> tuple[str, str]:
    """A trace of the caller's: its id, and the header."""
    trace_id = new_id().replace("-", "")
    return trace_id, f"00-{trace_id}-00f067aa0ba902b7-01"


def whole(collector: Collector, trace_id: str, *names: str) -> dict[str, Seen]:
    def look() -> dict[str, Seen] | None:
        found = collector.spans(trace_id)
        return found if set(names) <= set(found) else None

    found: dict[str, Seen] = eventually(look, 60, f"spans of {trace_id}: {sorted(names)}")
    return found


def parents(found: dict[str, Seen]) -> dict[str, str | None]:
    """Of each span the name of its parent, or the id that is none of these spans'."""
    names = {span.span_id: span.name for span in found.values()}
    return {name: names.get(span.parent, span.parent) for name, span in found.items()}


def test_a_message_is_traced_to_its_published_result(
    installation: Installation, trigger: Trigger, topics: Topics, collector: Collector
) -> None:
    trigger()
    table, event_id = installation.table("dirty"), new_id()
    trace_id, header = trace()
    headers = [("traceparent", header.encode()), ("tracestate", b"acme=1")]
    topics.send({"event_id": event_id, "target": "shop", "table": table.relation}, headers=headers)
    result = topics.verdicts(event_id)[event_id]
    names = ("take in message", "send to DataOps", "POST /api/v1/quality-checks", "wait in queue", "attempt", "dbt test", "finish",
             "post result", "store result", "publish result")  # fmt: skip
    found = whole(collector, trace_id, *names)
    of = parents(found)
    assert of["take in message"] == "00f067aa0ba902b7"
    assert of["send to DataOps"] == "take in message"
    assert of["POST /api/v1/quality-checks"] == "send to DataOps"
    assert (of["wait in queue"], of["attempt"]) == ("POST /api/v1/quality-checks",) * 2
    assert [of[name] for name in ("dbt test", "finish", "post result", "publish result")] == ["attempt"] * 4
    assert of["store result"] in ("attempt", "POST /api/v1/requests/<path:request_id>/results"), "with others, or alone"
    services = {name: span.service for name, span in found.items()}
    assert [services[name] for name in ("take in message", "publish result")] == ["stringx-trigger"] * 2
    assert [services[name] for name in ("send to DataOps", "store result")] == ["stringx-backend"] * 2
    assert [services[name] for name in ("attempt", "dbt test", "post result")] == ["stringx-worker"] * 3
    assert services["POST /api/v1/quality-checks"] == "stringx-api"
    assert found["attempt"].attributes == {
        "stringx.attempt": 1,
        "stringx.check_id": result["check_id"],
        "stringx.request_id": event_id,
        "stringx.target": "shop",
        "stringx.table": table.relation,
    }
    assert found["store result"].attributes["stringx.verdict"] == "fail"
    assert not any(span.is_error for span in found.values())
    assert all(span.began <= span.ended for span in found.values())
    assert (result["traceparent"][3:35], result["tracestate"]) == (trace_id, "acme=1")
    [record] = [each for each in topics.read(topics.results) if json.loads(each.value)["request_id"] == event_id]
    assert dict(record.headers) == {"traceparent": result["traceparent"].encode(), "tracestate": b"acme=1"}


def test_a_request_over_http_is_traced_and_one_without_context_begins_a_trace(
    installation: Installation, collector: Collector
) -> None:
    table = installation.table("clean")
    trace_id, header = trace()
    body = {"target": "shop", "table": table.relation, "mode": "sync"}
    url = f"{installation['backend-1'].url}/api/v1/requests"
    answer = installation.call("POST", url, json=body, headers={"traceparent": header}).json()
    found = whole(collector, trace_id, "POST /api/v1/requests", "send to DataOps", "attempt", "store result")
    of = parents(found)
    assert of["POST /api/v1/requests"] == "00f067aa0ba902b7"
    assert of["send to DataOps"] == "POST /api/v1/requests"
    asked = found["POST /api/v1/requests"]
    assert asked.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/v1/requests",
        "http.response.status_code": 200,
    }
    assert answer["checks"][0]["traceparent"][3:35] == trace_id
    own = installation.call("POST", url, json=body, headers={"traceparent": header.upper()}).json()["checks"][0]["traceparent"]
    begun = whole(collector, own[3:35], "POST /api/v1/requests", "attempt")
    assert begun["POST /api/v1/requests"].parent == ""
    not_sampled = f"{header[:-2]}00"
    kept = installation.call("POST", url, json=body, headers={"traceparent": not_sampled}).json()["checks"][0]["traceparent"]
    assert kept[3:35] == trace_id
    assert kept.endswith("-00"), "and no span is sent"


def test_a_checked_table_is_told_by_openlineage(installation: Installation, lineage: Receiver) -> None:
    table = installation.table("dirty")
    body = {"target": "shop", "table": table.relation, "mode": "sync"}
    check = installation.call("POST", f"{installation['backend-1'].url}/api/v1/requests", json=body).json()["checks"][0]

    def look() -> list[dict[str, Any]]:
        events = [post.json for post in lineage.posts]
        return [event for event in events if event["run"]["runId"] == check["check_id"]]

    eventually(lambda: len(look()) == 2, 60, "its two events")
    began, ended = look()
    assert (began["eventType"], ended["eventType"]) == ("START", "COMPLETE")
    assert ended["inputs"][0]["name"] == f"shop.{table.relation}"
    failed = {each["name"]: each["success"] for each in ended["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]}
    assert failed == {rule["id"]: rule["status"] == "pass" for rule in check["rules"]}
    waiting = requests.get(f"{installation['backend-1'].url}/metrics", timeout=30).text
    assert "stringx_lineage_waiting 0.0" in waiting


CHILD = re.compile(r"/.*: UserWarning: |  warnings\.warn\(")  # Python's own, of a child that was ended on a slow machine
LEVELS = {"info", "warning", "error"}
FIELDS = {"time", "level", "logger", "message", "exception", "trace_id", "check_id", "request_id", "notification_id", "worker"}
FIELDS |= {"method", "route", "status", "duration_ms", "caller"}


def test_services_write_lines_of_json_with_documented_fields(installation: Installation, collector: Collector) -> None:
    table = installation.table("clean")
    trace_id, header = trace()
    url = f"{installation['backend-1'].url}/api/v1/requests"
    body = {"target": "shop", "table": table.relation, "mode": "sync"}
    assert installation.call("POST", url, json=body, headers={"traceparent": header}).status_code == 200
    for name in ("api-1", "backend-1", "worker-1"):
        lines = [json.loads(line) for line in installation[name].output().splitlines() if not CHILD.match(line)]
        assert {field for line in lines for field in line} <= FIELDS, name
        assert {line["level"] for line in lines} <= LEVELS, name
        assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines), name
        assert any(line.get("trace_id") == trace_id for line in lines), name
