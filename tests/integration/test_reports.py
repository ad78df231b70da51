"""What processes without HTTP report about their loops, and what their service tells of it."""

from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.worker import heartbeats
from database import reports
from database.loops import State
from database.pool import Database
from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.signatures import new_secret

TURNING, STUCK = State("leases", 7, 1, 0.5), State("rescue", 3, 9, 90.0, "has not turned for 90 s: ValueError: odd")
WORKERS = ("worker@a:1:x", "worker@b:2:y")


@pytest.fixture
def client(database: Database, internal_url: str, tmp_path: Path) -> FlaskClient:
    (tmp_path / "service-key").write_text("key")
    (tmp_path / "signing-secret").write_text(new_secret())
    heartbeats.store(database, "w", 1, 1)
    return create_app(read_settings({"STRINGX_HOME": str(tmp_path), "STRINGX_DATABASE_URL": internal_url})).test_client()


def test_a_loop_of_a_worker_that_does_not_turn_is_told_by_its_service(database: Database, client: FlaskClient) -> None:
    reports.write(database, "api", WORKERS[0], [TURNING, STUCK])
    reports.write(database, "api", WORKERS[1], [TURNING])
    reports.write(database, "backend", "trigger@a:3:z", [STUCK])
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {
        "status": "not ready",
        "reasons": ["the loop rescue of worker@a:1:x has not turned for 90 s: ValueError: odd"],
    }
    told = client.get("/metrics").text
    for line in (
        'stringx_loop_turns_total{loop="worker.leases"} 14.0',
        'stringx_loop_failures_total{loop="worker.rescue"} 9.0',
        'stringx_loop_failing{loop="worker.rescue"} 1.0',
        'stringx_loop_failing{loop="worker.leases"} 0.0',
    ):
        assert line in told
    assert "trigger" not in told, "it is the Backend's"
    reports.write(database, "api", WORKERS[0], [TURNING])
    assert client.get("/readyz").status_code == 200


def test_a_stuck_worker_is_a_warning_where_another_does_its_work(database: Database, client: FlaskClient) -> None:
    reports.write(database, "api", WORKERS[0], [TURNING, STUCK])
    reports.write(database, "api", WORKERS[1], [TURNING, replace(STUCK, fault=None)])
    answer = client.get("/readyz")
    said = ["the loop rescue of worker@a:1:x has not turned for 90 s: ValueError: odd"]
    assert (answer.status_code, answer.json) == (200, {"status": "ready", "reasons": [], "warnings": said})
    assert 'stringx_loop_failing{loop="worker.rescue"} 1.0' in client.get("/metrics").text
    reports.write(database, "api", WORKERS[1], [TURNING, STUCK])
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert len(answer.json["reasons"]) == 2  # type: ignore[index]


def test_reports_of_processes_that_are_gone_count_no_more_and_are_forgotten(database: Database, client: FlaskClient) -> None:
    for name in WORKERS:
        reports.write(database, "api", name, [STUCK])
    reports.forget(database, WORKERS[0])
    assert [report.process for report in reports.read(database, "api")] == [WORKERS[1]]
    with database.statements() as cursor:
        cursor.run("update public.stringx_loops set reported_at = now() - interval '1 hour'")
    assert reports.read(database, "api") == []
    assert client.get("/readyz").status_code == 200
    reports.forget(database, "another")
    with database.statements() as cursor:
        assert cursor.all("select * from public.stringx_loops") == []


def test_a_report_of_a_later_release_is_read(database: Database, client: FlaskClient) -> None:
    reports.write(database, "api", WORKERS[0], [TURNING])
    with database.statements() as cursor:
        cursor.run("""update public.stringx_loops set loops = jsonb_set(loops, '{0,new}', '"field"')""")
    [report] = reports.read(database, "api")
    assert report.loop.turns == TURNING.turns
    assert client.get("/readyz").status_code == 200


def test_a_database_without_the_tables_of_a_service_is_not_ready_and_no_500(database: Database, client: FlaskClient) -> None:
    with database.statements() as cursor:
        cursor.run("alter table public.stringx_loops rename to elsewhere")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert "UndefinedTable" in answer.json["reasons"][0]
    assert client.get("/metrics").status_code == 200


def test_a_loop_of_which_another_worker_has_fewer_is_a_warning_too(database: Database, client: FlaskClient) -> None:
    reports.write(database, "api", WORKERS[0], [replace(STUCK, name="checks-3")])
    reports.write(database, "api", WORKERS[1], [replace(TURNING, name="checks-0")])
    assert client.get("/readyz").status_code == 200
