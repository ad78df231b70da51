"""A target that is away, slow, locked, or behind a network that swallows what is sent."""

import threading
import time

import psycopg2

from tests.faults.accounting import accounting, busy
from tests.support.installation import Installation
from tests.support.processes import eventually
from tests.support.tables import RULES

CONNECT_S = 10.0  # a login's limit in dbt's profile
STOP_S = 15.0  # from the end of a budget: canceled on the target, then the dbt process killed


def test_a_target_that_is_away_makes_an_error_that_says_so(installation: Installation) -> None:
    table = installation.table("dirty")
    installation.checked.stop()
    assert not installation.checked.process.runs
    request = installation.ask(table)
    result = installation.result(request, 60)
    installation.checked.start()
    assert (result["status"], result["verdict"]) == ("errored", "error")
    assert "unreachable" in result["reason"]
    again = installation.ask(table)
    assert installation.result(again)["verdict"] == "fail"
    checks = accounting(installation, otherwise={request: {"errored"}})
    assert checks[request]["attempt"] <= 4, "the attempts are bounded"


def test_a_target_that_crashes_during_a_check_and_comes_back_is_never_a_pass_on_nothing(installation: Installation) -> None:
    table = installation.table("dirty", held=True)
    with table.held():
        request = installation.ask(table, timeout_s=60)
        installation.executing(request)
        installation.checked.crash()
        assert not installation.checked.process.runs
    installation.checked.start()
    result = installation.result(request, 90)
    assert result["verdict"] in ("fail", "error")
    accounting(installation, otherwise={request: {"succeeded", "errored"}})


def test_a_slow_network_to_the_target_ends_the_check_in_time(installation: Installation) -> None:
    """A second and a half for every piece that is sent: too slow for those that a check takes."""
    installation.configure_target("far", installation.to_checked.port)
    slow, other = installation.table("dirty", target="far"), installation.table("dirty")
    installation.to_checked.delay_s = 1.5
    connections = installation.to_checked.connections
    request = installation.ask(slow, timeout_s=3)
    check_id = installation.running(request)
    quick = installation.ask(other)
    assert installation.result(quick)["verdict"] == "fail", "others go on"
    result = installation.result(request, 3 + STOP_S)
    eventually(lambda: not installation.on_target(check_id), 30, "the end of its query")
    assert installation.to_checked.connections > connections
    assert (result["status"], result["verdict"]) == ("timed_out", "error")
    installation.to_checked.forward()
    accounting(installation, otherwise={request: {"timed_out"}})


def test_rows_that_come_slowly_make_rules_errors_in_time_and_leave_no_query(installation: Installation) -> None:
    slow = installation.table("dirty", held=True)
    with slow.held():
        request = installation.ask(slow, timeout_s=4)
        check_id = installation.executing(request)
        result = installation.result(request, 4 + STOP_S)
        eventually(lambda: not installation.on_target(check_id), 30, "the end of its query")
    assert result["verdict"] == "error"
    assert result["status"] == "timed_out" or {rule["status"] for rule in result["rules"]} == {"error"}
    accounting(installation, otherwise={request: {"succeeded", "timed_out"}}, changing=[slow])


def test_a_locked_table_is_an_error_and_other_tables_proceed(installation: Installation) -> None:
    installation.configure_target("impatient", lock_timeout="1s")
    locked, free = installation.table("dirty", target="impatient"), installation.table("dirty", target="impatient")
    loader = psycopg2.connect(installation.target.loader_url)
    try:
        loader.cursor().execute(f"lock table {locked.base} in access exclusive mode")
        waits, goes = installation.ask(locked), installation.ask(free)
        assert installation.result(goes)["verdict"] == "fail"
        result = installation.result(waits)
    finally:
        loader.close()
    assert result["verdict"] == "error"
    assert {rule["status"] for rule in result["rules"]} == {"error"}
    assert any("lock" in rule["message"] for rule in result["rules"]), result["rules"]
    after = installation.ask(locked)
    assert installation.result(after)["verdict"] == "fail"
    accounting(installation, changing=[locked])


def test_a_rule_that_never_ends_is_an_error_and_its_siblings_are_valid(installation: Installation) -> None:
    installation.load(
        "create or replace function for_ever() returns boolean language plpgsql as 'begin loop perform pg_sleep(0.1); end loop; end'"
    )
    installation.configure_target("shop", allow_functions=["public.for_ever"])
    endless = {"id": "endless", "type": "expression", "arguments": {"sql": "public.for_ever()"}}
    table = installation.table("dirty", rules=[*RULES, endless])
    request = installation.ask(table, timeout_s=6)
    check_id = installation.running(request)
    eventually(lambda: installation.on_target(check_id), 10, "the endless rule")
    result = installation.result(request, 6 + STOP_S)
    rules = {rule["id"]: rule for rule in result["rules"]}
    assert rules["endless"]["status"] == "error"
    truth = table.truth()
    assert {name: rules[name]["failures"] for name in truth.failures} == truth.failures
    assert result["verdict"] == "fail"
    accounting(installation)


def test_a_network_that_swallows_what_goes_to_the_target_holds_nobody_beyond_the_budget(installation: Installation) -> None:
    installation.configure_target("far", installation.to_checked.port)
    during, before = installation.table(held=True, target="far"), installation.table(target="far")
    with during.held():
        request = installation.ask(during, timeout_s=4)
        check_id = installation.executing(request)
        installation.to_checked.swallow()
        started = time.monotonic()
        result = installation.result(request, 4 + STOP_S)
        assert result["status"] == "timed_out"
        eventually(lambda: not installation.on_target(check_id), STOP_S, "the end of its query")
    connections = installation.to_checked.connections
    unreached = installation.ask(before, timeout_s=60)
    result = installation.result(unreached, 4 * CONNECT_S + STOP_S)
    assert installation.to_checked.connections > connections, "it has not even tried"
    assert (result["status"], result["verdict"]) == ("errored", "error")
    assert "unreachable" in result["reason"]
    assert time.monotonic() - started < 90
    installation.to_checked.forward()
    later = installation.ask(before)
    assert installation.result(later)["verdict"] == "pass"
    accounting(installation, otherwise={request: {"timed_out"}, unreached: {"errored"}})


def test_a_canceled_check_ends_on_the_target_first(installation: Installation) -> None:
    table = installation.table(held=True)
    with table.held():
        for service in ("api", "backend"):
            request = installation.ask(table, timeout_s=120)
            check_id = installation.executing(request)
            path = f"quality-checks/{check_id}" if service == "api" else f"requests/{request}"
            answer = installation.call("POST", f"{installation[service + '-1'].url}/api/v1/{path}/cancel")
            assert answer.status_code in (200, 202), answer.text
            eventually(lambda check_id=check_id: not installation.on_target(check_id), 30, "the end of its query")
            assert installation.result(request, STOP_S)["status"] == "canceled"
        assert not busy(installation)
    accounting(installation, otherwise={request: {"canceled"} for request in installation.accepted})


def test_a_table_that_is_reloaded_or_swapped_meanwhile_is_seen_in_one_state(installation: Installation) -> None:
    """Two states, one that passes and one that fails: a check sees either, never nothing and never some of both."""
    reloaded, swapped = installation.table("clean", 400), installation.table("clean", 400)
    good = "select n as id, n % 100 as value from generate_series(1, 400) n"
    bad = "select n as id, 1000 as value from generate_series(1, 300) n"
    stop, loads = threading.Event(), [0]

    def load() -> None:
        connection = psycopg2.connect(installation.target.loader_url)
        connection.autocommit = True
        cursor = connection.cursor()
        while not stop.is_set():
            content = (good, bad)[loads[0] % 2]
            cursor.execute(f"begin; truncate {reloaded.base}; insert into {reloaded.base} {content}; commit")
            cursor.execute(f"create table fresh as {content}; grant select on fresh to reader")
            cursor.execute(f"begin; drop table {swapped.base}; alter table fresh rename to {swapped.base}; commit")
            loads[0] += 1
        connection.close()

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    try:
        asked = []
        for number in range(16):
            asked.append(installation.ask((reloaded, swapped)[number % 2], mode="sync", wait_s=20))
        results = installation.results(asked)
    finally:
        stop.set()
        thread.join(60)
    assert loads[0] > 3, "the tables did not change"
    for result in results:
        seen = (result["verdict"], result["row_count"], {r["id"]: r["failures"] for r in result["rules"]}.get("value_small"))
        assert seen in {("pass", 400, 0), ("fail", 300, 300)} or result["verdict"] == "error", result
    assert any(result["verdict"] != "error" for result in results)
    accounting(installation, changing=[reloaded, swapped])


def test_a_result_names_the_configuration_that_it_ran(installation: Installation) -> None:
    table, holder = installation.table("dirty"), installation.table(held=True)
    with holder.held():
        for worker in installation.of_role("worker"):
            worker.pause()
        request = installation.ask(table)
        path = f"{installation['backend-1'].url}/api/v1/tables/shop/{table.relation}"
        accepted_with = installation.call("GET", f"{path}/versions").json()["items"][0]
        installation.configure(table, [rule for rule in RULES if rule["id"] == "rows"])
        ran_with = installation.call("GET", f"{path}/versions").json()["items"][0]
        assert accepted_with["version"] != ran_with["version"]
        for worker in installation.of_role("worker"):
            worker.resume()
        result = installation.result(request)
    assert result["config_version"] == ran_with["version"]
    assert [rule["id"] for rule in result["rules"]] == ["rows"]
    accounting(installation, changing=[table])


def test_a_column_that_is_lost_meanwhile_is_an_error_and_not_a_fail(installation: Installation) -> None:
    table = installation.table("clean")
    for worker in installation.of_role("worker"):
        worker.pause()
    request = installation.ask(table)
    installation.load(f"alter table {table.base} drop column value")
    for worker in installation.of_role("worker"):
        worker.resume()
    result = installation.result(request)
    rules = {rule["id"]: rule["status"] for rule in result["rules"]}
    assert rules == {"id_unique": "pass", "value_known": "error", "value_small": "error", "rows": "pass"}
    assert result["verdict"] == "error"
    accounting(installation, changing=[table])
