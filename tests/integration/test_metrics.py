"""Metrics of the queue, of checks and of deliveries, against counts made here; and what a database that cannot be written says."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import insights, metrics
from api.app import create_app as create_api
from api.checks import claims, lifecycle
from api.delivery import outbox
from api.worker import heartbeats
from backend import metrics as backend_metrics
from backend.app import create_app as create_backend
from database.pool import Database
from stringx_dataops.contract.settings import ROOT, Settings, read_settings
from stringx_dataops.contract.signatures import new_secret
from tests.support import metric_names
from tests.support.databases import Admin
from tests.support.datasets import check_now
from tests.support.queue import ask, claimed, end
from tests.support.queue import read as rows


@pytest.fixture
def settings(internal_url: str, tmp_path: Path) -> Settings:
    (tmp_path / "service-key").write_text("key")
    (tmp_path / "signing-secret").write_text(new_secret())
    return read_settings({"STRINGX_HOME": str(tmp_path), "STRINGX_DATABASE_URL": internal_url})


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Each sample's value by its name and the values of its labels in the order of their names."""
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_queue_in_numbers(queue: Database) -> None:
    for table in ("public.a", "public.b", "public.b", "public.c"):
        ask(queue, "north", table)
    ask(queue, "south")
    claimed(queue)
    with queue.transaction() as cursor:
        cursor.run(
            "update dataops.checks set queued_at = queued_at - interval '1 hour' where target = 'north' and status = 'queued'"
        )
    heartbeats.store(queue, "w1", 2, 1)
    found = insights.queue(queue).as_json()
    assert (found["workers"], found["children"], found["warm_children"]) == (1, 2, 1)
    counted = rows(queue, "select target, count(*) filter (where status = 'queued') as waiting, count(*) filter (where status = 'running') as running from dataops.checks group by 1 order by 1")  # fmt: skip
    assert [(row["target"], row["waiting"], row["running"]) for row in found["targets"]] == [
        (row["target"], row["waiting"], row["running"]) for row in counted
    ]
    assert (found["waiting"], found["running"]) == (4, 1)
    assert 3600 <= found["targets"][0]["oldest_age_s"] == found["oldest_age_s"] < 3700
    assert found["targets"][0]["max_concurrent_checks"] == 3


def test_totals_outlive_what_they_count_and_histograms_add_up(queue: Database, settings: Settings) -> None:
    for number, (status, verdict) in enumerate([("succeeded", "pass"), ("succeeded", "fail"), ("timed_out", "error")]):
        ask(queue, "north", "public.a")
        ask(queue, "north", "public.a")
        run = claimed(queue)
        with queue.transaction() as cursor:
            ages = {"id": run.check_id, "wait": 10**number * 0.7, "run": 10**number * 2.0}
            cursor.run(
                "update dataops.checks set queued_at = clock_timestamp() - make_interval(secs => %(wait)s + %(run)s),"
                " started_at = clock_timestamp() - make_interval(secs => %(run)s) where check_id = %(id)s",
                ages,
            )
        assert end(queue, run, status, verdict)
    canceled = ask(queue, "south", mode="sync")
    lifecycle.cancel(queue, canceled.check_id, "http://backend")
    with queue.transaction() as cursor:
        cursor.run("delete from dataops.outbox; delete from dataops.checks")
    client = create_api(settings).test_client()
    found = samples(client.get("/metrics").text)
    assert found["stringx_database_up",] == 1
    assert found["stringx_checks_total", "async", "succeeded", "north", "fail"] == 2
    assert found["stringx_checks_total", "async", "timed_out", "north", "error"] == 2
    assert found["stringx_checks_total", "sync", "canceled", "south", "error"] == 1
    assert found["stringx_check_run_seconds_count", "north"] == 6
    run = {limit: found["stringx_check_run_seconds_bucket", limit, "north"] for limit in ("1.0", "10.0", "60.0", "300.0", "+Inf")}
    assert run == {"1.0": 0, "10.0": 2, "60.0": 4, "300.0": 6, "+Inf": 6}, (
        "2, 20 and 200 s, each of the check and of the one that joined"
    )
    assert found["stringx_check_wait_seconds_bucket", "300.0", "north"] == 6
    assert found["stringx_check_run_seconds_count", "south"] == 0, "it never ran"
    assert found["stringx_check_wait_seconds_count", "south"] == 1


def test_deliveries_in_figures(queue: Database) -> None:
    for _ in range(3):
        ask(queue)
        end(queue, claimed(queue))
    ids = [str(row["message_id"]) for row in rows(queue, "select message_id from dataops.outbox order by message_id")]
    with queue.transaction() as cursor:
        cursor.run("update dataops.outbox set delivered_at = now() where message_id = %(id)s", {"id": ids[0]})
        cursor.run("update dataops.outbox set given_up_at = now() where message_id = %(id)s", {"id": ids[1]})
    found = {metric.name: metric for metric in metrics.metrics(queue)}
    said = {sample.labels["outcome"]: sample.value for sample in found["stringx_deliveries"].samples}
    assert said == {"delivered": 1, "given_up": 1}
    assert found["stringx_deliveries_waiting"].samples[0].value == 1
    assert found["stringx_deliveries_failed"].samples[0].value == 1
    assert [item["message_id"] for item in outbox.page(queue, "failed")["items"]] == [ids[1]]
    assert outbox.redeliver(queue) == 1
    assert [item["message_id"] for item in outbox.page(queue, "waiting")["items"]] == ids[1:]
    assert "body" not in outbox.page(queue, "delivered")["items"][0]


def test_requests_in_figures(queue: Database) -> None:
    with queue.transaction() as cursor:
        for name, end_of in (("done", "now()"), ("open", "null"), ("unsent", "null")):
            sent = "null" if name == "unsent" else "now()"
            cursor.run(
                "insert into stringx.requests (request_id, source, target, table_name, mode, body, body_hash, is_full, status, sent_at)"
                f" values ('{name}', 'cli', 'north', 'public.a', 'async', '{{}}', '', true, 'queued', {sent});"
                f" update stringx.requests set status = 'succeeded', verdict = 'warn', finished_at = {end_of}"
                f" where request_id = '{name}' and {end_of} is not null"
            )
    found = {
        metric.name: [(sample.labels, sample.value) for sample in metric.samples] for metric in backend_metrics.metrics(queue)
    }
    labels = {"source": "cli", "target": "north", "status": "succeeded", "verdict": "warn"}
    assert found["stringx_requests"] == [(labels, 1)]
    assert found["stringx_requests_unfinished"] == [({}, 2)]
    assert found["stringx_requests_unsent"] == [({}, 1)]
    assert found["stringx_requests_unpublished"] == [({}, 0)]


@pytest.mark.parametrize("create", [create_api, create_backend])
def test_metrics_name_routes_and_never_what_was_asked(database: Database, settings: Settings, create: object) -> None:
    client = create(settings).test_client()  # type: ignore[operator]
    for path in (
        "/nowhere/secret-of-mine",
        "/api/v1/quality-checks/secret-of-mine",
        "/api/v1/requests/secret-of-mine",
        "/healthz",
    ):
        client.get(path)
    client.open("/healthz", method="BREW")
    text = client.get("/metrics").text
    assert "secret-of-mine" not in text
    found = samples(text)
    assert found["stringx_http_requests_total", "GET", "/healthz", "200"] == 1
    assert found["stringx_http_requests_total", "GET", "none", "404"] >= 1
    assert not any("BREW" in key for key in found)


@pytest.mark.parametrize("create", [create_api, create_backend])
def test_a_database_that_cannot_be_written_is_not_ready_and_one_that_is_away_still_has_metrics(
    admin: Admin, database: Database, internal_url: str, settings: Settings, create: object
) -> None:
    heartbeats.store(database, "w", 1, 1)
    name = internal_url.rsplit("/", 1)[1]
    assert create(settings).test_client().get("/readyz").status_code == 200  # type: ignore[operator]
    admin.run(f"alter database {name} set default_transaction_read_only = on")
    answer = create(settings).test_client().get("/readyz")  # type: ignore[operator]
    assert answer.status_code == 503
    assert "cannot be written" in answer.json["reasons"][-1]
    admin.run(f"alter database {name} with allow_connections false")
    admin.run(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")
    client = create(settings).test_client()  # type: ignore[operator]
    assert client.get("/readyz").status_code == 503
    found = samples(client.get("/metrics").text)
    assert found["stringx_database_up",] == 0
    assert ("stringx_http_requests_total", "GET", "/readyz", "503") in found
    admin.run(f"alter database {name} with allow_connections true")


def exported(text: str) -> set[str]:
    """The names of the samples that there are, or may be."""
    kinds = {"histogram": ("_bucket", "_sum", "_count")}
    found = [line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE ")]
    return {name + suffix for name, kind in found for suffix in kinds.get(kind, ("",))}


def test_alert_rules_and_dashboards_read_metrics_that_there_are(settings: Settings, database: Database) -> None:
    """Every metric of the docs, too."""
    found = [exported(make(settings).test_client().get("/metrics").text) for make in (create_api, create_backend)]
    there = set.union(*found)
    assert metric_names.named() - there == set()
    described = set(re.findall(r"`(stringx_\w+)`", (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")))
    assert {name for name in there if name.startswith("stringx_")} - described - HISTOGRAMS == set()


HISTOGRAMS = {
    f"{name}_{part}"
    for name in ("stringx_check_wait_seconds", "stringx_check_run_seconds", "stringx_http_request_seconds")
    for part in ("bucket", "sum", "count")
}


def test_gates_and_lost_attempts_in_figures(shop: Database, settings: Settings) -> None:
    for name, failures in (("a", 0), ("b", 1)):
        check_now(shop, {name: failures}, table=f"public.{name}")
    check = ask(shop, "shop", "public.a")
    assert claims.hand_back(shop, claimed(shop), why="its dbt process died", crashed=True)
    assert claims.hand_back(shop, claimed(shop), why="it gave way", yielded=True)
    assert lifecycle.find(shop, check.check_id).crashes == 1
    backend = samples(create_backend(settings).test_client().get("/metrics").text)
    states = {state: backend["stringx_gates", state, "shop"] for state in ("open", "closed", "never_checked")}
    assert states == {"open": 1, "closed": 1, "never_checked": 2}, "c has no rule, and the dataset was not checked"
    api = samples(create_api(settings).test_client().get("/metrics").text)
    assert api["stringx_attempts_lost_total", "shop"] == 1
    assert (api["stringx_ready",], backend["stringx_ready",]) == (0, 1), "no worker is warm"
    assert backend["stringx_database_connections", "free"] + backend["stringx_database_connections", "lent"] == 12
