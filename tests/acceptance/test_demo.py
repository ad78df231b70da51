"""The demo, from a trigger to the gate: real services, real dbt, real data, and plain SQL as the truth."""

import os
import re
import subprocess
import time

import psycopg2
import pytest
import requests

from database.embedded import Cluster
from tests.support.service import Service

# rule -> (failures, total), and the same by plain SQL
FLIGHTS = {
    "dep_time_not_null": (8_255, 336_776, "select count(*) from flights where dep_time is null"),
    "tailnum_not_null": (2_512, 336_776, "select count(*) from flights where tailnum is null"),
    "tailnum_in_planes": (50_094, 336_776, "select count(*) from flights f left join planes p using (tailnum) where p.tailnum is null and f.tailnum is not null"),
    "dest_in_airports": (7_602, 336_776, "select count(*) from flights where dest not in (select faa from airports)"),
    "flight_key": (0, 336_776, "select count(*) - count(distinct (year, month, day, carrier, flight, origin, sched_dep_time)) from flights"),
}  # fmt: skip
OTHERS = {
    ("public.planes", "speed_not_null"): (3_299, 3_322, "select count(*) - count(speed) from planes"),
    ("public.weather", "wind_gust_not_null"): (20_778, 26_115, "select count(*) - count(wind_gust) from weather"),
    ("public.airports", "faa_unique"): (0, 1_458, "select count(faa) - count(distinct faa) from airports"),
}
ALL = {("public.flights", rule): numbers for rule, numbers in FLIGHTS.items()} | OTHERS


def query(service: Service, statement: str) -> int:
    """By the role that checks use."""
    cluster = Cluster(service.home)
    password = (service.home / "secrets" / "nyc").read_text().strip()
    with psycopg2.connect(cluster.address("nyc_reader", password, "nyc")) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        (found,) = cursor.fetchone() or (None,)
        return int(found)


@pytest.fixture(scope="module")
def checked(service: Service) -> dict[str, dict]:
    """The newest result of each demo table."""
    tables = {table for table, _ in ALL}
    return {table: service.check(table)["checks"][0] for table in tables}


@pytest.mark.parametrize(("table", "rule"), list(ALL))
def test_the_numbers_of_the_demo(service: Service, checked: dict[str, dict], table: str, rule: str) -> None:
    failures, total, truth = ALL[table, rule]
    assert query(service, truth) == failures
    found = next(found for found in checked[table]["rules"] if found["id"] == rule)
    assert (found["failures"], found["total"], found["verified_by"]) == (failures, total, "scan")


def test_flights_fail_and_airports_pass(service: Service, checked: dict[str, dict]) -> None:
    assert checked["public.flights"]["verdict"] == "fail"
    assert checked["public.airports"]["verdict"] == "pass"
    closed, opened = service.gate("public.flights"), service.gate("public.airports")
    assert (closed["gate"], opened["gate"], opened["reasons"]) == ("closed", "open", [])
    assert any(
        "dep_time_not_null: 8,255 of 336,776 rows (2.45%) have no dep_time; fails above 2%" in r for r in closed["reasons"]
    )


def test_the_start_printed_the_verdicts_and_where_everything_is(service: Service) -> None:
    assert re.search(r"public\.flights +closed +fail", service.output)
    assert re.search(r"public\.airports +open +pass", service.output)
    ready = service.output[service.output.index("\nready") :]
    for address in (service.dataops, service.backend, service.docs, str(service.home / "api-key")):
        assert address in ready


def test_the_reader_of_the_demo_can_select_and_nothing_else(service: Service) -> None:
    for statement in ("delete from airlines returning 1", "create table public.x (a int)", "truncate airlines"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            query(service, statement)


def test_an_async_request_is_answered_at_once_and_followed(service: Service) -> None:
    body = {"target": "nyc", "table": "public.airlines", "mode": "async"}
    answer = service.call("POST", f"{service.backend}/api/v1/requests", json=body)
    assert answer.status_code == 202
    location = service.backend + answer.headers["Location"]
    found = service.call("GET", location, params={"wait": 60}).json()
    assert (found["status"], found["verdict"], len(found["checks"])) == ("succeeded", "pass", 1)
    assert found["request_id"] == answer.json()["request_id"]


def test_dataops_works_alone(service: Service) -> None:
    body = {"target": "nyc", "table": "public.airports", "mode": "sync", "request_id": "alone 1"}
    answer = service.call("POST", f"{service.dataops}/api/v1/quality-checks", json=body)
    assert answer.status_code == 200
    result = answer.json()
    assert (result["verdict"], result["request_id"], result["row_count"]) == ("pass", "alone 1", 1_458)
    again = service.call("POST", f"{service.dataops}/api/v1/quality-checks", json=body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == result
    until = time.monotonic() + 60
    while (tracked := service.call("GET", f"{service.backend}/api/v1/requests/alone 1")).status_code == 404:
        assert time.monotonic() < until, "the request is tracked when its result arrives, and it never did"
        time.sleep(0.1)
    assert tracked.json()["checks"] == [result], "its result arrives at the Backend too"


def test_a_window_and_kinds_narrow_a_check_and_leave_the_gate_alone(service: Service) -> None:
    before = service.gate("public.flights")
    window = {"column": "time_hour", "from": "2013-06-01T04:00:00Z", "to": "2013-07-01T04:00:00Z"}
    found = service.check("public.flights", window=window, kinds=["business"])["checks"][0]
    truth = "select count(*) from flights where time_hour >= '2013-06-01T04:00:00Z' and time_hour < '2013-07-01T04:00:00Z'"
    assert found["row_count"] == query(service, truth)
    assert {rule["kind"] for rule in found["rules"]} == {"business"}
    assert found["scope"]["window"] == window
    after = service.gate("public.flights")
    assert after["check_id"] == before["check_id"]
    assert service.gate("public.flights", request_id=found["request_id"])["check_id"] == found["check_id"]


def test_not_before_closes_a_gate_that_is_too_old(service: Service) -> None:
    assert service.gate("public.airports", not_before="2020-01-01T00:00:00Z")["gate"] == "open"
    late = service.gate("public.airports", not_before="2100-01-01T00:00:00+01:00")
    assert late["gate"] == "closed"
    assert "not_before" in late["reasons"][0]


@pytest.mark.long  # by default the command line runs one: test_cli.py
def test_the_command_of_a_result_runs_the_same_check_in_an_empty_shell(service: Service, checked: dict[str, dict]) -> None:
    result = checked["public.planes"]
    password = (service.home / "secrets" / "nyc").read_text().strip()
    assert password not in result["dbt"]["command"]
    done = subprocess.run(
        ["/usr/bin/env", "-i", f"DBT_ENV_SECRET_TARGET_PASSWORD={password}", "/bin/bash", "-c", result["dbt"]["command"]],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr  # planes only warn
    assert "WARN 1 gate" in done.stdout or "WARN" in done.stdout


@pytest.mark.timeout(900)
def test_the_docs_portal_shows_tables_rules_and_verdicts(service: Service) -> None:
    manifest = service.portal("nyc")
    flights = manifest["sources"]["source.stringx_nyc.public.flights"]
    assert flights["description"].startswith(("**Last verdict: fail**", "**Not checked yet"))
    assert "dep_time" in flights["columns"]
    tests = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    assert "nyc_public_flights_dep_time_not_null" in tests
    catalog = requests.get(f"{service.docs}/nyc/catalog.json", timeout=60).json()
    assert catalog["sources"]["source.stringx_nyc.public.flights"]["columns"]["dep_time"]["type"] == "integer"
    assert "<html" in requests.get(f"{service.docs}/nyc/", timeout=60).text
    assert "nyc" in requests.get(service.docs, timeout=60).text
    for outside in ("nyc/profiles.yml", "..%2fapi-key", "nyc/..%2f..%2f..%2fapi-key", "nowhere/"):
        assert requests.get(f"{service.docs}/{outside}", timeout=60).status_code == 404
    assert os.path.exists(service.home / "docs" / "nyc" / "dbt_project.yml")
