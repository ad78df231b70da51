"""dbt projects of users: ours extended with their models, tests, packages and rule types; ours as a package of theirs."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from api.engine import faulty_rules
from api.engine.command import DbtProject, Executable, dbt_executable
from api.engine.outcome import outcome_of
from api.engine.pool import ChildFactory
from api.engine.profile import clean_environment
from stringx_dataops.contract.catalogue.dbt_project import fault_of_profile
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule
from tests.support.projects import STRINGX, copy_with, write

README = (STRINGX / "README.md").read_text()

MODELS = {
    "models/open_orders.sql": "select * from {{ source('shop', 'orders') }} where status = 'open'",
    "models/schema.yml": """
version: 2
sources: [{name: shop, schema: public, tables: [{name: orders}, {name: customers}]}]
models:
  - name: open_orders
    description: Orders that are not yet sent.
    columns:
      - name: customer_id
        data_tests:
          - not_null: {name: open_orders_have_a_customer, config: {where: "order_id > 1"}}
          - relationships: {name: open_orders_customer_known, arguments: {to: "source('shop', 'customers')", field: customer_id}}
""",
    "tests/no_dear_orders.sql": "{{ config(fail_calc='coalesce(sum(n), 0)') }} select count(*) as n from {{ ref('open_orders') }} where price > 50",
    "tests/nothing_found.sql": "select 1 as one from {{ source('shop', 'orders') }} where false",
}
PACKAGE = {
    "dbt_project.yml": "name: shop_tests\nversion: '1.0'\nconfig-version: 2\nmacro-paths: [macros]\n",
    "macros/same_count.sql": """
{% test same_count(model, compare_to) %}{{ return(adapter.dispatch('test_same_count', 'shop_tests')(model, compare_to)) }}{% endtest %}
{% macro default__test_same_count(model, compare_to) %}
{{ config(fail_calc='sum(coalesce(difference, 0))') }}
select abs((select count(*) from {{ model }}) - (select count(*) from {{ compare_to }})) as difference
{% endmacro %}
""",
    "macros/picky.sql": """
{% test picky(model, column_name, colour='red') %}
  {% if colour != 'red' %}{{ exceptions.raise_compiler_error('picky wants red, not ' ~ colour) }}{% endif %}
  select {{ column_name }} from {{ model }} where {{ column_name }} is null
{% endtest %}
""",
    "macros/in_a_variable.sql": "{% test in_a_variable(model) %}{% set f = 'sum(x)' %}{{ config(fail_calc=f) }} select 1 as x {% endtest %}",
}
SILENT = {
    "macros/rules/no_row.sql": "{% macro stringx_rule__no_row(rule, scope) %}{{ return({'statement': 'select 1 as failures, 2 as measured where false'}) }}{% endmacro %}",
    "macros/rules/no_count.sql": "{% macro stringx_rule__no_count(rule, scope) %}{{ return({'statement': 'select null::bigint as failures, 2 as measured'}) }}{% endmacro %}",
    "macros/rules/no_measure.sql": "{% macro stringx_rule__no_measure(rule, scope) %}{{ return({'measured': 'select 1 as total, 2 as measured, false as fails, false as warns where false'}) }}{% endmacro %}",
    "macros/rules/raises.sql": "{% macro stringx_rule__raises(rule, scope) %}{{ return(no_such_macro()) }}{% endmacro %}",
}  # fmt: skip
WINDOWED = """
{%- macro stringx_rule__windowed(rule, scope) -%}
{{ return({'statement': 'select count(*) as failures, null as measured from ' ~ scope.relation ~ stringx_where(scope.both)}) }}
{%- endmacro -%}
"""
SHOP = """
create table customers (customer_id integer);
insert into customers values (1), (2);
create table orders (order_id integer, customer_id integer, status text, price numeric);
insert into orders values (1, null, 'open', 5), (2, null, 'open', 60), (3, 9, 'open', 70), (4, 1, 'sent', 80);
create view open_orders as select * from orders where status = 'open';
"""


# Rule types of the project's own: one that a CHECK proves, and one with a kind of proof that nobody can look up.
POSITIVE = """
{% macro stringx_rule__positive(rule, scope) %}{{ return({'violation': stringx_name(rule.columns[0]) ~ ' <= 0'}) }}{% endmacro %}
{% macro stringx_proof__positive(rule, scope) %}{{ return({'kind': 'check', 'relation': scope.relation, 'columns': rule.columns}) }}{% endmacro %}
{% macro stringx_proved_by_check() %}
  select wanted.number, 'the check ' || conname as words from wanted join pg_constraint on conrelid = wanted.relation
  where wanted.kind = 'check' and contype = 'c' and convalidated and pg_get_constraintdef(oid) = 'CHECK ((' || quote_ident(columns[1]) || ' > 0))'
{% endmacro %}
{% macro stringx_rule__odd(rule, scope) %}{{ return(stringx_rule__positive(rule, scope)) }}{% endmacro %}
{% macro stringx_proof__odd(rule, scope) %}{{ return(dict(stringx_proof__positive(rule, scope), kind='of_nobody')) }}{% endmacro %}
"""


def deps(folder: Path) -> None:
    command = [dbt_executable(), "--quiet", "deps", "--project-dir", str(folder), "--profiles-dir", str(folder)]
    subprocess.run(command, env=clean_environment(), check=True, capture_output=True)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    """A copy of our project with models, tests, rule types and a package of the user's."""
    home = tmp_path_factory.mktemp("extended")
    folder = home / "project"
    copy_with(("dbt", "not_null"), folder)
    write(home / "shop_tests", PACKAGE)
    own = {"macros/rules/windowed.sql": WINDOWED, "macros/positive.sql": POSITIVE}
    write(folder, MODELS | SILENT | own | {"packages.yml": "packages: [{local: ../shop_tests}]\n"})
    deps(folder)
    return DbtProject(folder, folder)


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    """A project of the user's own that has ours as a package, set up as the README of stringx/ says."""
    folder = tmp_path_factory.mktemp("adopted") / "project"
    settings = (
        "name: warehouse\nversion: '1.0'\nconfig-version: 2\nprofile: stringx\nmodel-paths: [models]\nvars: {colour: red}\n"
    )
    wrapper = re.search(r"^\{% materialization.*$", README, re.MULTILINE)
    assert wrapper is not None
    write(folder, MODELS | {"dbt_project.yml": settings, "packages.yml": f"packages: [{{local: {STRINGX}}}]\n"})
    write(folder, {"macros/stringx_test.sql": wrapper.group() + "\n"})
    shutil.copy(STRINGX / "profiles.yml", folder)
    deps(folder)
    return DbtProject(folder, folder)


def engine_of(project: DbtProject, folder: Path) -> Iterator[Engine]:
    with ChildFactory(project, folder / "child").slot(max_checks=1000) as child:
        yield Engine(child, folder / "runs")


@pytest.fixture(scope="module")
def extended_engine(extended: DbtProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    yield from engine_of(extended, tmp_path_factory.mktemp("extended_engine"))


@pytest.fixture(scope="module")
def adopted_engine(adopted: DbtProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    yield from engine_of(adopted, tmp_path_factory.mktemp("adopted_engine"))


PROJECT_TESTS = [
    (rule("r", "dbt", test="open_orders_have_a_customer"), 1),
    (rule("r", "dbt", test="open_orders_customer_known"), 1),
    (rule("r", "dbt", test="no_dear_orders"), 2),
    (rule("r", "dbt", test="nothing_found"), 0),
    (rule("r", "dbt", "customer_id", test="relationships", arguments={"to": {"ref": "open_orders"}, "field": "customer_id"}), 1),
]  # fmt: skip


@pytest.mark.parametrize(("tested", "failures"), PROJECT_TESTS, ids=[str(i) for i in range(len(PROJECT_TESTS))])
def test_tests_of_the_users_project(extended_engine: Engine, target: Target, tested: dict, failures: int) -> None:
    target.execute(SHOP)
    found = extended_engine.rules(target, gate("orders", tested))["r"]
    assert (found["reason"], found["failures"], found["status"]) == (None, failures, "fail" if failures else "pass")


@pytest.mark.parametrize(("tested", "failures"), PROJECT_TESTS, ids=[str(i) for i in range(len(PROJECT_TESTS))])
def test_the_same_where_ours_is_a_package(adopted_engine: Engine, target: Target, tested: dict, failures: int) -> None:
    target.execute(SHOP)
    found = adopted_engine.rules(target, gate("orders", tested, rule("n", "not_null", "customer_id")))
    assert (found["r"]["reason"], found["r"]["failures"], found["n"]["failures"]) == (None, failures, 2)


def test_a_test_of_a_package_is_counted_by_its_own_fail_calc(extended_engine: Engine, target: Target) -> None:
    target.execute(SHOP)
    other = {"compare_to": {"relation": "public.customers"}}
    found = extended_engine.rules(
        target,
        gate(
            "orders",
            rule("global", "dbt", test="shop_tests.same_count", arguments=other),
            rule("itself", "dbt", test="shop_tests.same_count", arguments={"compare_to": {"relation": "public.orders"}}),
            rule("variable", "dbt", test="shop_tests.in_a_variable"),
        ),
    )
    assert (found["global"]["status"], found["global"]["failures"]) == ("fail", 2)
    assert (found["itself"]["status"], found["itself"]["failures"]) == ("pass", 0)
    assert (found["variable"]["status"], found["variable"]["failures"]) == ("fail", 1)


def test_a_macro_that_refuses_its_arguments_never_hides_the_others(extended_engine: Engine, target: Target) -> None:
    target.execute(SHOP)
    spec = gate(
        "orders",
        rule("good", "dbt", "customer_id", test="shop_tests.picky"),
        rule("bad", "dbt", "customer_id", test="shop_tests.picky", arguments={"colour": "green"}),
        rule("fine", "not_null", "order_id"),
        rule("worse", "dbt", "customer_id", test="shop_tests.picky", arguments={"colour": "blue"}),
    )
    answer = faulty_rules.run_compilable(partial(extended_engine.answer, target), spec)
    outcome = outcome_of(answer)
    assert outcome is not None, answer.message
    found = {one["id"]: (one["status"], one["failures"], one["reason"]) for one in outcome["tables"][0]["rules"]}
    assert found == {
        "good": ("fail", 2, None),
        "bad": ("error", None, "picky wants red, not green"),
        "fine": ("pass", 0, None),
        "worse": ("error", None, "picky wants red, not blue"),
    }


def test_a_kind_of_proof_of_the_projects_own_is_taken_for_no_other(extended_engine: Engine, target: Target) -> None:
    target.execute("create table t (a integer not null, b integer not null check (b > 0)); insert into t values (-1, 1)")
    rules = [rule(f"{type} {column}", type, column) for type in ("positive", "odd", "not_null") for column in "ab"]
    for asked in (rules[:2], rules, rules[4:], rules[2:3]):
        found = extended_engine.rules(target, gate("t", *(one | {"verify": "constraint"} for one in asked)))
        expected = {
            "positive a": ("scan", "fail"), "positive b": ("constraint", "pass"), "odd a": ("scan", "fail"), "odd b": ("scan", "pass"),
            "not_null a": ("constraint", "pass"), "not_null b": ("constraint", "pass"),
        }  # fmt: skip
        assert {name: (one["verified_by"], one["status"]) for name, one in found.items()} == {
            one["id"]: expected[one["id"]] for one in asked
        }


@pytest.mark.long  # by default ours without the materialization: test_by_hand.py
def test_a_package_without_its_wrapper_never_passes(adopted: DbtProject, target: Target, tmp_path: Path) -> None:
    target.execute("create table t (a integer); insert into t values (1)")
    shutil.copytree(adopted.project_dir, tmp_path / "project", symlinks=True)
    (tmp_path / "project" / "macros" / "stringx_test.sql").unlink()
    project = DbtProject(tmp_path / "project", tmp_path / "project")
    answer = Executable(project).run(gate("t", rule("a", "not_null", "a")), tmp_path / "run", target.environment(), 90)
    assert outcome_of(answer) is None


def test_vars_that_are_too_long_for_a_shell_are_carried_by_a_project_beside_the_users_own(
    adopted: DbtProject, adopted_engine: Engine, target: Target, tmp_path: Path
) -> None:
    target.execute(SHOP)
    values = [f"value {number:06}" for number in range(10_000)]
    spec = gate("orders", rule("a", "accepted_values", "status", values=values))
    answer = Executable(adopted).run(spec, tmp_path, target.environment(), 90)
    assert answer.outcome is not None, answer.message
    assert json.loads(answer.outcome)["tables"] == [adopted_engine.outcome(target, spec)]
    carried = json.loads((tmp_path / "project" / "dbt_project.yml").read_text())
    assert carried["vars"]["colour"] == "red"


def test_rule_types_of_the_package_and_of_the_project(adopted: DbtProject, tmp_path: Path) -> None:
    shutil.copytree(adopted.project_dir, tmp_path / "project", symlinks=True)
    entry = (
        "types:\n  even:\n    description: Every value is even.\n    dimension: validity\n    shape: row\n    columns: {min: 1, max: 1}\n"
        "    window: true\n    failures: rows\n    total: rows\n    finding: are odd\n    arguments: {properties: {}, additionalProperties: false}\n"
    )
    write(tmp_path / "project", {"macros/rules/rules.yml": entry})
    names = {rule_type.name for rule_type in Catalogue.load(tmp_path / "project")}
    assert names == {rule_type.name for rule_type in Catalogue.load(STRINGX)} | {"even"}


def test_a_profile_that_ignores_the_target_is_told(adopted: DbtProject, tmp_path: Path) -> None:
    assert fault_of_profile(STRINGX, STRINGX) is None
    assert fault_of_profile(adopted.project_dir, adopted.profiles_dir) is None
    own = (STRINGX / "profiles.yml").read_text().replace("{{ env_var('STRINGX_TARGET_HOST', '127.0.0.1') }}", "db.example.org")
    (tmp_path / "profiles.yml").write_text(own)
    fault = fault_of_profile(STRINGX, tmp_path)
    assert fault is not None
    assert "host of stringx.gate is not read from STRINGX_TARGET_HOST" in fault
    (tmp_path / "profiles.yml").write_text("other: {outputs: {}}\n")
    assert "no profile 'stringx'" in str(fault_of_profile(STRINGX, tmp_path))


def test_a_rule_type_that_says_nothing_never_passes(extended_engine: Engine, target: Target) -> None:
    target.execute(SHOP)
    names = [Path(name).stem for name in SILENT]
    spec = gate("orders", *(rule(name, name) for name in [*names, "unheard_of"]), rule("fine", "not_null", "order_id"))
    outcome = outcome_of(faulty_rules.run_compilable(partial(extended_engine.answer, target), spec))
    assert outcome is not None
    found = {one["id"]: one["status"] for one in outcome["tables"][0]["rules"]}
    assert found == dict.fromkeys([*names, "unheard_of"], "error") | {"fine": "pass"}
    assert outcome["verdict"] == "error"


def test_a_type_of_ones_own_sees_the_rows_of_the_window(extended_engine: Engine, target: Target) -> None:
    """Its bound has an offset, and the column none."""
    target.execute("create table t as select timestamp '2026-01-01' + n * interval '1 hour' as at from generate_series(0, 23) n")
    spec = gate("t", rule("r", "windowed"), window={"column": "at", "from": "2026-01-01T12:00:00+09:00", "to": None})
    table = extended_engine.outcome(target, spec)
    assert (table["row_count"], table["rules"][0]["failures"], table["rules"][0]["total"]) == (21, 21, 21)
