"""A person's own dbt project: a rule type, a model and a test of theirs, served as ours are."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stringx_dataops.contract.settings import ROOT
from tests.support.databases import Admin, Target, make_target
from tests.support.projects import copy_with
from tests.support.service import READY_WITHIN_S, Service, make_service

ENTRY = """
  even:
    description: Every number is even. NULL passes.
    dimension: validity
    shape: row
    columns: {min: 1, max: 1}
    window: true
    failures: rows
    total: rows
    finding: "have an odd {columns}"
    arguments:
      properties: {}
      additionalProperties: false
    example: {id: id_even, type: even, column: id}
"""
BROKEN = "macros/broken.sql"
MACRO = "{% macro stringx_rule__even(rule, scope) %}{{ return({'violation': stringx_name(rule.columns[0]) ~ ' % 2 <> 0'}) }}{% endmacro %}"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ours, extended, with as many of our rule types as are run here."""
    folder = copy_with(("aggregate", "dbt", "not_null"), tmp_path_factory.mktemp("own") / "project")
    with (folder / "macros" / "rules" / "rules.yml").open("a") as catalogue:
        catalogue.write(ENTRY)
    (folder / "macros" / "rules" / "even.sql").write_text(MACRO)
    (folder / "models").mkdir()
    (folder / "models" / "dear_orders.sql").write_text("select * from public.orders where price > 5")
    (folder / "tests" / "no_dear_orders.sql").write_text("select * from {{ ref('dear_orders') }}")
    return folder


@pytest.fixture(scope="module")
def own(project: Path) -> Iterator[Service]:
    """It runs, and may not be ready: dbt cannot load the project as long as BROKEN is there."""
    started = make_service(STRINGX_DEMO="0", DBT_PROJECT_DIR=str(project), DBT_PROFILES_DIR=str(project))
    log_home = started.home
    started.home = started.home / "state"
    (project / BROKEN).write_text("{% macro broken( %}")
    with started.log.open("wb") as file:
        started.process = subprocess.Popen(
            ["./start-service.sh", "--local"], cwd=ROOT, env=started.environment, stdout=file, stderr=file
        )
    try:
        yield started
    finally:
        code, left = started.stop()
        shutil.rmtree(log_home, ignore_errors=True)
    assert (code, left) == (0, [])


def wait_says(service: Service, words: str) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while words not in f"\n{service.output}":
        assert service.process.poll() is None, service.output
        assert time.monotonic() < until, service.output + service.logs()
        time.sleep(0.2)


@pytest.fixture(scope="module")
def served(own: Service, project: Path) -> Service:
    """It, ready."""
    (project / BROKEN).unlink(missing_ok=True)
    wait_says(own, "\nready")
    return own


def test_a_project_that_dbt_cannot_load_is_told_everywhere_until_it_is_corrected(
    own: Service, project: Path, admin: Admin
) -> None:
    wait_says(own, "not ready: DataOps is not ready: dbt cannot start")
    assert "no warm worker" not in own.output
    answer = own.call("GET", f"{own.dataops}/readyz")
    assert answer.status_code == 503
    assert "close tag for macro" in answer.json()["reasons"][0]
    target = make_target(admin, own.home / "secrets")
    target.execute("create table orders as select 1 as id")
    assert own.call("PUT", f"{own.backend}/api/v1/targets/first", json=target.document("first")).status_code == 201
    document = {"rules": [{"id": "a", "type": "not_null", "column": "id"}]}
    assert own.call("PUT", f"{own.backend}/api/v1/tables/first/public.orders", json=document).status_code == 201
    [check] = own.check("public.orders", "first")["checks"]
    assert (check["status"], check["verdict"]) == ("errored", "error")
    assert "dbt cannot start" in check["reason"]
    (project / BROKEN).unlink()
    wait_says(own, "\nready")
    assert own.check("public.orders", "first")["verdict"] == "pass"


@pytest.fixture(scope="module")
def orders(served: Service, admin: Admin) -> Target:
    made = make_target(admin, served.home / "secrets")
    made.execute(
        "create table orders (id integer, price numeric, secret text);"
        "insert into orders values (1, 5, 'canary'), (2, 6, 'canary'), (3, 7, 'canary');"
        "create view dear_orders as select * from orders where price > 5"
    )
    answer = served.call("PUT", f"{served.backend}/api/v1/targets/shop", json=made.document("shop"))
    assert answer.status_code == 201, answer.text
    return made


def test_a_rule_type_and_a_test_of_ones_own(served: Service, orders: Target) -> None:
    types = served.call("GET", f"{served.dataops}/api/v1/rule-types").json()["items"]
    assert "even" in {one["type"] for one in types}
    rules = [
        {"id": "id_even", "type": "even", "column": "id"},
        {"id": "not_dear", "type": "dbt", "arguments": {"test": "no_dear_orders"}, "severity": "warn"},
        {"id": "cheap", "type": "aggregate", "column": "price", "arguments": {"function": "max", "max": 10}},
    ]
    document = {"key": ["id"], "sample_columns": ["price"], "rules": rules}
    answer = served.call("PUT", f"{served.backend}/api/v1/tables/shop/public.orders", json=document)
    assert answer.status_code == 201, answer.text
    result = served.check("public.orders", "shop")["checks"][0]
    found = {rule["id"]: rule for rule in result["rules"]}
    assert [(rule["id"], rule["status"], rule["failures"], rule["measured"]) for rule in result["rules"]] == [
        ("id_even", "fail", 2, None),
        ("not_dear", "warn", 2, None),
        ("cheap", "pass", None, 7),
    ]
    assert found["id_even"]["message"] == "2 of 3 rows (66.67%) have an odd id; fails above 0"
    assert found["not_dear"]["message"] == "2 failures are found by the dbt test no_dear_orders; warns above 0"
    assert found["cheap"]["message"] == "the max of price is 7; must be at most 10"
    assert found["id_even"]["sample"] == {"columns": ["id", "price"], "rows": [[1, 5], [3, 7]], "cut": False}
    assert found["not_dear"]["sample"] == {"columns": ["id", "price"], "rows": [[2, 6], [3, 7]], "cut": False}
    assert "canary" not in str(result)
    assert result["scores"] == {"overall": pytest.approx((1 / 3 + 1 + 1) / 3, abs=1e-6), "validity": pytest.approx((1 / 3 + 1) / 2, abs=1e-6), "accuracy": 1.0}  # fmt: skip


def test_a_fault_of_an_argument_names_its_field(served: Service, orders: Target) -> None:
    rules = [
        {"id": "a", "type": "even", "column": "id", "arguments": {"odd": True}},
        {"id": "b", "type": "sql", "arguments": {"query": "delete from public.orders returning id"}},
        {"id": "c", "type": "sql", "arguments": {"query": "select pg_read_file('/etc/passwd')"}},
        {"id": "d", "type": "dbt", "arguments": {"test": "accepted_values", "arguments": {"values": ["{{ env_var('HOME') }}"]}}},
        {"id": "e", "type": "aggregate", "column": "price", "arguments": {"function": "percentile", "min": 5}},
        {"id": "f", "type": "no_gaps", "column": "price", "arguments": {"every": "fortnight"}},
        {"id": "g", "type": "column_type", "column": "id", "arguments": {"type": "int4"}, "fail_above": "1%"},
        {"id": "h", "type": "columns", "arguments": {"names": ["id"]}, "where": "id > 1"},
        {"id": "i", "type": "between", "column": "id", "arguments": {"min": 5, "max": 1}},
    ]
    answer = served.call("PUT", f"{served.backend}/api/v1/tables/shop/public.other", json={"rules": rules})
    assert answer.status_code == 422
    assert {error["pointer"]: error["message"] for error in answer.json()["errors"]} == {
        "/rules/0/arguments": "'odd' was unexpected; known arguments: none",
        "/rules/1/arguments/query": "holds DELETE; a query only reads",
        "/rules/2/arguments/query": "calls pg_read_file, which is not allowed; an admin may add it to the target's allow_functions as schema.name",
        "/rules/3/arguments/arguments/values/0": "holds a Jinja expression, which is not evaluated here; write the value itself, or {ref: model}",
        "/rules/4/arguments": "the argument 'p' is missing",
        "/rules/5/arguments/every": "is no duration; write a number and a unit, such as 30s, 5m, 24h or 7d",
        "/rules/6/fail_above": "column_type holds or does not, nothing is counted; use severity: warn",
        "/rules/7/where": "columns takes none; leave it out",
        "/rules/8/arguments/min": "is above max; nothing could pass",
    }


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_portal_shows_the_model(served: Service, orders: Target) -> None:
    document = {"rules": [{"id": "price_known", "type": "not_null", "column": "price"}]}
    answer = served.call("PUT", f"{served.backend}/api/v1/tables/shop/public.dear_orders", json=document)
    assert answer.status_code == 201, answer.text
    nodes = served.portal("shop", "model.stringx.dear_orders")["nodes"]
    assert nodes["model.stringx.dear_orders"]["raw_code"] == "select * from public.orders where price > 5"


def test_a_project_that_ignores_the_target_is_refused_at_the_start(project: Path, tmp_path: Path) -> None:
    profile = (project / "profiles.yml").read_text()
    (tmp_path / "profiles.yml").write_text(profile.replace("env_var('STRINGX_TARGET_DBNAME', 'postgres')", "'warehouse'"))
    made = make_service(DBT_PROJECT_DIR=str(project), DBT_PROFILES_DIR=str(tmp_path))
    try:
        done = subprocess.run(
            ["./start-service.sh", "--local"], cwd=ROOT, env=made.environment, capture_output=True, text=True, timeout=170
        )
    finally:
        shutil.rmtree(made.home, ignore_errors=True)
    assert done.returncode == 2
    assert "dbname of stringx.gate is not read from STRINGX_TARGET_DBNAME" in done.stderr.splitlines()[-1]
