"""dbt tests as rules beside `dbt test` itself: the same status and number, on clean and on disturbed data."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from psycopg2.extensions import parse_dsn

from api.engine.command import DbtProject, dbt_executable
from api.engine.pool import ChildFactory
from api.engine.profile import clean_environment
from tests.integration.shapes import CLEAN, DATA, DISTURBED, MACROS, USES, Use
from tests.support.databases import Admin, Target, make_target
from tests.support.engine import Engine, gate, rule
from tests.support.projects import copy_with, write

SCHEMAS = ("clean", "disturbed")
MODELS = {
    "models/known.sql": "{{ config(materialized='ephemeral') }} select id from {{ ref('all_of_them') }} where id < 3",
    "models/all_of_them.sql": "{{ config(materialized='ephemeral') }} select id from {{ source('disturbed', 'orders') }}",
    "tests/no_dear_orders.sql": "{{ config(fail_calc='sum(n)', severity='warn') }} select count(*) as n from {{ ref('known') }}",
    "tests/dear_orders.sql": "{{ config(warn_if='> 0', error_if='> 1') }} select * from {{ source('disturbed', 'orders') }} where price > 50",
    "models/schema.yml": """
models:
  - name: known
    columns:
      - {name: id, data_tests: [not_null: {name: known_has_id}, unique: {name: same_name}, not_null: {name: only_some, config: {where: "id = 1 or id = 2"}}]}
  - name: all_of_them
    columns:
      - {name: id, data_tests: [unique: {name: same_name}, relationships: {name: nested, arguments: {to: ref('known'), field: id}}]}
""",
}


def named(number: int, schema: str) -> str:
    return f"{schema}_{number}_{USES[number].test}"


def filled(value: Any, schema: str) -> Any:
    """The arguments with the schema in them."""
    return json.loads(json.dumps(value).replace("{schema}", schema))


def declared(schema: str) -> dict[str, Any]:
    """A source of dbt's YAML whose table carries each use as a test."""
    tests: list[Any] = []
    columns: dict[str, list[Any]] = {}
    for number, use in enumerate(USES):
        said = {"name": named(number, schema), "arguments": filled(use.in_yaml, schema), "config": use.config}
        (tests if use.column is None else columns.setdefault(use.column, [])).append({use.test: said})
    named_columns = [
        {"name": name, "data_tests": each} | ({"quote": True} if " " in name else {}) for name, each in columns.items()
    ]
    return {"name": schema, "schema": schema, "tables": [{"name": "orders", "columns": named_columns, "data_tests": tests}, {"name": "customers"}]}  # fmt: skip


@dataclass(frozen=True)
class Native:
    """What `dbt test` said: (status, failures) of each test by its unique id."""

    found: dict[str, tuple[str, int | None]]

    def of(self, name: str) -> tuple[str, int | None]:
        (one,) = [said for id, said in self.found.items() if name in id.split(".")]
        return one


@pytest.fixture(scope="module")
def data(admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Target:
    made = make_target(admin, tmp_path_factory.mktemp("secrets"))
    for schema, rows, customers in (("clean", CLEAN, 3), ("disturbed", DISTURBED, 1)):
        made.execute(DATA.format(schema=schema, rows=rows, customers=customers))
        made.execute(
            f"grant usage on schema {schema} to {made.user}; grant select on all tables in schema {schema} to {made.user}"
        )
    return made


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    folder = tmp_path_factory.mktemp("shapes") / "project"
    copy_with(["dbt"], folder)
    write(folder, MODELS | {"macros/shapes.sql": MACROS, "macros/unsafe.sql": UNSAFE})
    settings = yaml.safe_load((folder / "dbt_project.yml").read_text())
    settings["flags"]["require_generic_test_arguments_property"] = True
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    (folder / "models" / "sources.yml").write_text(yaml.safe_dump({"sources": [declared(schema) for schema in SCHEMAS]}))
    return DbtProject(folder, folder)


@pytest.fixture(scope="module")
def native(project: DbtProject, data: Target, tmp_path_factory: pytest.TempPathFactory) -> Native:
    folder = tmp_path_factory.mktemp("native")
    command = [dbt_executable(), "test", "--exclude", "gate", "--project-dir", str(project.project_dir)]
    command += [
        "--profiles-dir",
        str(project.profiles_dir),
        "--target-path",
        str(folder),
        "--log-path",
        str(folder),
        "--threads",
        "1",
    ]
    loader = parse_dsn(data.loader_url)  # dbt itself makes a schema
    environment = data.environment() | {
        "STRINGX_TARGET_USER": loader["user"],
        "DBT_ENV_SECRET_TARGET_PASSWORD": loader["password"],
    }
    done = subprocess.run(command, env=clean_environment() | environment, capture_output=True, text=True, check=False)
    assert (folder / "run_results.json").exists(), done.stdout
    results = json.loads((folder / "run_results.json").read_text())["results"]
    return Native({one["unique_id"]: (one["status"], None if one["status"] == "error" else one["failures"]) for one in results})


@pytest.fixture(scope="module")
def shapes(project: DbtProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with ChildFactory(project, tmp_path_factory.mktemp("child")).slot(max_checks=1000) as child:
        yield Engine(child, tmp_path_factory.mktemp("runs"))


def as_rule(number: int, use: Use, schema: str) -> dict[str, Any]:
    columns = [] if use.column is None else [use.column]
    config = {name: value for name, value in use.config.items() if name not in ("severity", "where")}
    made = rule(f"r{number}", "dbt", *columns, test=use.test, arguments=filled(use.arguments, schema), config=config, where=use.config.get("where"))  # fmt: skip
    sql = [use.arguments.get(name, "") for name in ("calc", "expression")] + [
        value for value in config.values() if isinstance(value, str)
    ]
    return made | {"severity": use.config.get("severity"), "expressions": sql}


def said(found: dict[str, Any]) -> tuple[str, int | None]:
    return found["status"], found["failures"]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_generic_tests_say_what_dbt_test_says(shapes: Engine, data: Target, native: Native, schema: str) -> None:
    spec = gate("orders", *(as_rule(number, use, schema) for number, use in enumerate(USES)), schema=schema)
    found = shapes.rules(data, spec)
    ours = {named(number, schema): said(found[f"r{number}"]) for number in range(len(USES))}
    wanted = {named(n, schema): ("error", None) if use.refused else native.of(named(n, schema)) for n, use in enumerate(USES)}
    assert ours == wanted, {name: found[f"r{name.split('_')[1]}"]["reason"] for name in ours if ours[name] != wanted[name]}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_declared_tests_say_what_dbt_test_says(shapes: Engine, data: Target, native: Native, schema: str) -> None:
    names = [named(number, schema) for number, use in enumerate(USES) if not use.refused]
    found = shapes.rules(data, gate("orders", *(rule(name, "dbt", test=name) for name in names), schema=schema))
    assert {name: said(found[name]) for name in names} == {name: native.of(name) for name in names}


def test_tests_of_models_that_are_ephemeral_or_share_a_name(shapes: Engine, data: Target, native: Native) -> None:
    ids = [id for id in native.found if not id.split(".")[2].startswith(SCHEMAS)]
    found = shapes.rules(data, gate("orders", *(rule(f"r{n}", "dbt", test=id) for n, id in enumerate(ids)), schema="clean"))
    assert {id: said(found[f"r{n}"]) for n, id in enumerate(ids)} == {id: native.found[id] for id in ids}
    assert len([id for id in ids if "same_name" in id]) == 2
    (twice,) = shapes.rules(data, gate("orders", rule("r", "dbt", test="same_name"), schema="clean")).values()
    assert "2 tests of this name" in twice["reason"]


@pytest.mark.parametrize(
    ("changes", "status", "failures"),
    [
        ({}, "fail", 1),
        ({"severity": "warn"}, "warn", 1),
        ({"severity": "error"}, "fail", 1),
        ({"own_thresholds": True, "fail_above": {"count": 1}}, "pass", 1),
        ({"own_thresholds": True, "fail_above": None, "warn_above": {"count": 0}}, "warn", 1),
    ],
)
def test_the_rule_has_the_last_word(shapes: Engine, data: Target, changes: dict[str, Any], status: str, failures: int) -> None:
    asked = rule("r", "dbt", "price", test="not_null") | changes
    assert said(shapes.rules(data, gate("orders", asked, schema="disturbed"))["r"]) == (status, failures)


def test_a_declared_test_keeps_its_severity_unless_the_rule_says_otherwise(shapes: Engine, data: Target) -> None:
    kept, raised = (
        rule("kept", "dbt", test="no_dear_orders"),
        rule("raised", "dbt", test="no_dear_orders") | {"severity": "error"},
    )
    found = shapes.rules(data, gate("orders", kept, raised, schema="clean"))
    assert (found["kept"]["status"], found["raised"]["status"]) == ("warn", "fail")
    assert found["kept"]["finding"] == "are found by the dbt test no_dear_orders"


# What a text does outside of a string literal, or by leaving one.
ESCAPES = [
    "x') or true or code::text ~ ('",
    "' || (select note from clean.orders limit 1) || '",
    "\\' or true --",
    "a' union all select 'b",
    "$$",
    "x'\n'y",
    "(select max(id) from clean.customers)",
    "pg_sleep(0)",
    "1 -- ",
    "/* ",
    "\"x\" or 'a'",
    "E'\\'",
    "; select 1",
]
UNSAFE = """
{% test raw(model, text) %}select 1 as one from {{ model }} where {{ text }}{% endtest %}
{% test in_identifier(model, text) %}select 1 as one from {{ model }} where "{{ text }}" is null{% endtest %}
{% test in_dollars(model, text) %}select 1 as one from {{ model }} where note = $q$ {{ text }} $q$ or note = $${{ text }}$${% endtest %}
{% test in_comment(model, text) %}select 1 as one from {{ model }} /* {{ text }} */ where true -- {{ text }}
{% endtest %}
{% test goes_on(model, text) %}select 1 as one from {{ model }} where note = E'a'
  '{{ text }}'{% endtest %}
{% test at_once(model, text) %}{% do run_query("select '" ~ text ~ "'") %}select 1 as one from {{ model }} where false{% endtest %}
{% test counted_by(model, text) %}{{ config(fail_calc=text) }}select 1 as one{% endtest %}
{% test quoted(model, text) %}select 1 as one from {{ model }} where note = '{{ text }}'{% endtest %}
{% test escaped(model, text) %}select 1 as one from {{ model }} where note = {{ dbt.string_literal(dbt.escape_single_quotes(text)) }}{% endtest %}
"""


@pytest.mark.parametrize("test", ["raw", "in_identifier", "in_comment", "goes_on", "at_once", "counted_by"])
def test_text_outside_of_a_string_literal_never_runs(shapes: Engine, data: Target, test: str) -> None:
    rules = [rule(f"r{n}", "dbt", test=test, arguments={"text": text}) for n, text in enumerate(ESCAPES)]
    found = shapes.rules(data, gate("orders", *rules, schema="clean"))
    assert {text: found[f"r{n}"]["status"] for n, text in enumerate(ESCAPES)} == dict.fromkeys(ESCAPES, "error")
    assert all("allow_arguments: unchecked" in one["reason"] and "the text under text" in one["reason"] for one in found.values())


def test_text_in_a_string_literal_is_that_text(shapes: Engine, data: Target) -> None:
    data.execute(
        "create table if not exists clean.texts (note text); truncate clean.texts; grant select on clean.texts to public"
    )
    for text in ESCAPES:
        data.execute("insert into clean.texts values (%s)", [text])
    rules = [rule(f"{test}_{n}", "dbt", test=test, arguments={"text": text}) for test in ("quoted", "escaped") for n, text in enumerate(ESCAPES)]  # fmt: skip
    found = shapes.rules(data, gate("texts", *rules, schema="clean"))
    assert {(one["reason"], one["failures"]) for one in found.values()} == {(None, 1)}


def test_dollar_quotes_hold_what_does_not_end_them(shapes: Engine, data: Target) -> None:
    rules = [rule(f"r{n}", "dbt", test="in_dollars", arguments={"text": text}) for n, text in enumerate(ESCAPES)]
    found = shapes.rules(data, gate("orders", *rules, schema="clean"))
    assert {text: found[f"r{n}"]["status"] for n, text in enumerate(ESCAPES)} == {
        text: "error" if "$$" in text else "pass" for text in ESCAPES
    }


def test_an_admin_may_allow_any_text(shapes: Engine, data: Target) -> None:
    asked = rule("r", "dbt", test="raw", arguments={"text": "id in (select id from clean.customers where id > 1)"})
    spec = gate("orders", asked, schema="clean")
    assert shapes.rules(data, spec)["r"]["status"] == "error"
    assert said(shapes.rules(data, spec | {"allow_arguments": "unchecked"})["r"]) == ("fail", 2)
