"""Datasets from configuration to gate: both services, dbt, and the command line, on the demo's tables."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.service import Service

SMALL = ["public.airports", "public.airlines"]


def put(service: Service, name: str, **document: Any) -> None:
    body = {"target": "nyc", "tables": SMALL} | document
    answer = service.call("PUT", f"{service.backend}/api/v1/datasets/{name}", json=body)
    assert answer.status_code in (200, 201), answer.text


@pytest.fixture(scope="module")
def configured(service: Service) -> Iterator[Service]:
    """`small` passes; `departures` holds flights, which fail, and a table without rules."""
    bare = f"{service.backend}/api/v1/tables/nyc/pg_catalog.pg_class"
    assert service.call("PUT", bare, json={}).status_code == 201
    put(service, "small")
    put(service, "departures", tables=["public.flights", "pg_catalog.pg_class", "public.airports"])
    yield service
    for name in ("small", "departures"):
        assert service.call("DELETE", f"{service.backend}/api/v1/datasets/{name}").status_code == 204
    assert service.call("DELETE", bare).status_code == 204


def check(service: Service, name: str, **asked: Any) -> dict[str, Any]:
    body = {"target": "nyc", "dataset": name, "mode": "sync"} | asked
    answer = service.call("POST", f"{service.backend}/api/v1/requests", json=body)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["checks"]
    assert "table" not in answer.json()
    return found


def gate(service: Service, name: str, **query: str) -> dict[str, Any]:
    answer = service.call("GET", f"{service.backend}/api/v1/gates/datasets/{name}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_table_is_checked_on_one_snapshot_in_one_dbt_test(configured: Service) -> None:
    alone = {name: configured.check(name)["checks"][0] for name in ("public.flights", "public.airports")}
    found = check(configured, "departures")
    assert (found["dataset"], found["status"], found["verdict"], found["skipped"]) == ("departures", "succeeded", "fail", ["pg_catalog.pg_class"])  # fmt: skip
    assert not {"table", "rules"} & found.keys()
    assert found["dbt"]["invocation_id"]
    assert found["snapshot_at"]
    assert [table["table"] for table in found["tables"]] == ["public.flights", "public.airports"]
    assert found["row_count"] == sum(table["row_count"] for table in found["tables"])
    for table in found["tables"]:
        expected = alone[table["table"]]
        same = ("verdict", "row_count", "counts", "scores", "rules", "rules_hash", "config_version", "reason")
        assert {name: table[name] for name in same} == {name: expected[name] for name in same}
    assert found["counts"]["pass"] == sum(table["counts"]["pass"] for table in found["tables"])


def test_dataops_answers_for_a_dataset_by_itself_and_the_backend_tracks_it(configured: Service) -> None:
    body = {"target": "nyc", "dataset": "small", "mode": "sync", "request_id": "directly, a dataset"}
    answer = configured.call("POST", f"{configured.dataops}/api/v1/quality-checks", json=body)
    assert (answer.status_code, answer.json()["verdict"]) == (200, "pass"), answer.text
    again = configured.call("POST", f"{configured.dataops}/api/v1/quality-checks", json=body | {"dataset": "departures"})
    assert again.status_code == 409
    tracked = configured.call("GET", f"{configured.backend}/api/v1/requests/directly, a dataset", params={"wait": 30})
    for _ in range(100):  # it is tracked once its result has arrived
        if tracked.status_code == 200:
            break
        tracked = configured.call("GET", f"{configured.backend}/api/v1/requests/directly, a dataset", params={"wait": 1})
    assert (tracked.json()["dataset"], tracked.json()["verdict"]) == ("small", "pass")
    listed = configured.call("GET", f"{configured.backend}/api/v1/requests", params={"dataset": "small"}).json()["items"]
    assert "directly, a dataset" in [item["request_id"] for item in listed]
    assert {item["dataset"] for item in listed} == {"small"}


def test_the_gates_of_a_dataset_and_of_its_tables(configured: Service) -> None:
    small, departures = check(configured, "small"), check(configured, "departures")
    opened, closed = gate(configured, "small"), gate(configured, "departures")
    assert (opened["gate"], opened["check_id"], opened["reasons"]) == ("open", small["check_id"], [])
    assert (closed["gate"], closed["check_id"], closed["reasons"][0]) == ("closed", departures["check_id"], "verdict fail")
    assert any(reason.startswith("public.flights: dep_time_not_null: 8,255 of 336,776 rows") for reason in closed["reasons"])
    assert configured.gate("public.airlines")["check_id"] == small["check_id"]
    airports = configured.gate("public.airports")
    assert (airports["gate"], airports["check_id"]) == ("open", departures["check_id"]), "the newest snapshot of the two datasets"
    assert configured.gate("public.flights")["gate"] == "closed"
    assert gate(configured, "small", not_before="2100-01-01T00:00:00Z")["gate"] == "closed"


def test_a_window_whose_column_one_table_lacks(configured: Service) -> None:
    window = {"column": "time_hour", "from": "2013-06-01", "to": "2013-06-02"}
    found = check(configured, "departures", window=window, rule_ids=["flight_key", "faa_unique"])
    flights, airports = found["tables"]
    assert (flights["verdict"], airports["verdict"], found["verdict"]) == ("pass", "error", "error")
    assert 0 < flights["row_count"] < 2000
    assert {rule["message"] for rule in airports["rules"]} == {'could not be decided: column "time_hour" does not exist'}
    assert found["row_count"] is None


@pytest.mark.parametrize("path", ["dataops", "backend"])
@pytest.mark.parametrize(
    ("asked", "status", "pointer", "words"),
    [
        ({"table": "public.airports"}, 422, "/table", "both given; keep one"),
        ({"dataset": None}, 422, "/table", "name a table, or a dataset"),
        ({"dataset": "Small"}, 422, "/dataset", "is no name of a dataset"),
        ({"dataset": "nowhere"}, 404, None, "there is no dataset nowhere; send one: PUT /api/v1/datasets/nowhere"),
        ({"target": "other"}, 422, "/target", "dataset small is of target nyc"),
        ({"rule_ids": ["nope", "faa_unique"]}, 422, "/rule_ids/0", "dataset small has no active rule 'nope'"),
        ({"dimensions": ["timeliness"]}, 422, "/dimensions", "dataset small has no active rule of these dimensions"),
    ],
)
def test_a_refused_request(
    configured: Service, path: str, asked: dict[str, Any], status: int, pointer: str | None, words: str
) -> None:
    url = {"dataops": f"{configured.dataops}/api/v1/quality-checks", "backend": f"{configured.backend}/api/v1/requests"}[path]
    answer = configured.call("POST", url, json={"target": "nyc", "dataset": "small"} | asked)
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert words in problem["detail"]
    assert "\n" not in problem["detail"]
    assert [error["pointer"] for error in problem.get("errors", [])] == ([pointer] if pointer else [])


@pytest.mark.parametrize(
    ("document", "pointer", "words"),
    [
        ({"tables": []}, "/tables", "is empty; name at least one table"),
        ({"tables": ["public.airports", "public.airports"]}, "/tables", "names public.airports twice; name each table once"),
        ({"tables": ["public.airports", "public.nowhere"]}, "/tables/1", "public.nowhere is not configured on target nyc"),
        ({"tables": ["airports"]}, "/tables/0", "write schema.table"),
        ({"target": "nowhere"}, "/target", "there is no target nowhere"),
        ({"timeout": "5"}, "/timeout", "is no duration"),
        ({"table": "public.airports"}, "/table", "did you mean tables?"),
    ],
)
def test_a_refused_document(service: Service, document: dict[str, Any], pointer: str, words: str) -> None:
    url = f"{service.backend}/api/v1/datasets/wrong"
    answer = service.call("PUT", url, json={"target": "nyc", "tables": SMALL} | document)
    assert answer.status_code == 422, answer.text
    assert [(error["pointer"], words in error["message"]) for error in answer.json()["errors"]] == [(pointer, True)]
    assert service.call("GET", url).status_code == 404


def test_a_dataset_is_configured_as_a_table_is(configured: Service) -> None:
    url = f"{configured.backend}/api/v1/datasets/small"
    stored = configured.call("GET", url)
    assert stored.json()["tables"] == SMALL
    etag = stored.headers["ETag"]
    changed = configured.call("PUT", url, json=stored.json() | {"owner": "me"}, headers={"If-Match": etag})
    assert (changed.status_code, changed.headers["ETag"] != etag) == (200, True)
    assert configured.call("PUT", url, json=stored.json(), headers={"If-Match": etag}).status_code == 412
    assert configured.call("GET", f"{url}/versions").json()["items"][0]["document"]["owner"] == "me"
    held = configured.call("DELETE", f"{configured.backend}/api/v1/tables/nyc/public.airlines")
    assert held.status_code == 409
    assert held.json()["detail"] == "table public.airlines is part of dataset small; take it out there first"
    exported = configured.call("GET", f"{configured.backend}/api/v1/configuration").json()["items"]
    assert {item["name"] for item in exported if item["kind"] == "Dataset"} == {"small", "departures"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("check", "nyc", "--dataset", "small", "--wait"), 0),
        (("check", "nyc", "--dataset", "departures", "--wait"), 1),
        (("check", "nyc", "--dataset", "departures", "--wait", "--rule", "faa_unique"), 0),
        (("check", "nyc", "--dataset", "nowhere"), 2),
        (("check", "nyc", "public.airports", "--dataset", "small"), 2),
        (("gate", "nyc", "--dataset", "small", "--wait"), 0),
        (("gate", "nyc", "--dataset", "departures", "--wait"), 1),
        (("gate", "other", "--dataset", "small"), 2),
        (("gate", "nyc", "--dataset", "nowhere"), 2),
    ],
)
def test_the_command_line(configured: Service, arguments: tuple[str, ...], code: int) -> None:
    done = configured.dataops_command(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == (1 if code > 1 else 0)


def test_the_command_line_tells_every_table(configured: Service) -> None:
    lines = configured.dataops_command("check", "nyc", "--dataset", "departures", "--wait").stdout.splitlines()
    assert lines[0].startswith("dataset departures: fail (request ")
    flights, airports = (
        next(n for n, line in enumerate(lines) if f"  public.{name}: " in line) for name in ("flights", "airports")
    )
    assert lines[flights].startswith("  public.flights: fail, ")
    assert (
        "    fail   dep_time_not_null: 8,255 of 336,776 rows (2.45%) have no dep_time; fails above 2%" in lines[flights:airports]
    )
    assert lines[-1] == "  skipped, none of their rules is in scope: pg_catalog.pg_class"
    done = configured.dataops_command("gate", "nyc", "--dataset", "departures", "--json")
    assert json.loads(done.stdout)["dataset"] == "departures"
