"""Imported dbt tests beside `dbt test` on the same data: the same status, and the same number where the type counts as dbt does."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from psycopg2.extensions import parse_dsn

from api.engine.command import DbtProject, dbt_executable
from api.engine.pool import ChildFactory
from api.engine.profile import clean_environment
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.exchange.dbt.reading import read
from stringx_dataops.exchange.dbt.writing import write as write_sources
from stringx_dataops.exchange.model import Taken
from tests.exchange.dbt_uses import COUNTED_OTHERWISE, MACROS, SCHEMAS, TABLES, USES, Use
from tests.support.databases import Admin, Target, make_target
from tests.support.documents import plain_judge
from tests.support.engine import CATALOGUE, Engine
from tests.support.exchange import checked
from tests.support.projects import STRINGX, write

pytestmark = pytest.mark.long


def named(number: int, schema: str) -> str:
    return f"{schema}_{number}_{USES[number].test.replace('.', '_')}"


def declared(schema: str) -> dict[str, Any]:
    """A source whose table carries each use as a test of its own name."""
    tests: list[Any] = []
    columns: dict[tuple[str, bool], list[Any]] = {}
    for number, use in enumerate(USES):
        arguments = json.loads(json.dumps(use.arguments).replace("{schema}", schema))
        said = {use.test: {"name": named(number, schema), "arguments": arguments, "config": use.config}}
        (tests if use.column is None else columns.setdefault((use.column, use.quote), [])).append(said)
    of_columns = [{"name": name, "quote": quote, "data_tests": each} for (name, quote), each in columns.items()]
    return {"name": schema, "tables": [{"name": "orders", "columns": of_columns, "data_tests": tests}, {"name": "customers"}]}


@dataclass(frozen=True)
class Ran:
    """What `dbt test` said of each test, by its name, and where its manifest is."""

    found: dict[str, tuple[str, int | None]]
    manifest: Path
    schema_files: Path


@pytest.fixture(scope="module")
def data(admin: Admin, tmp_path_factory: pytest.TempPathFactory) -> Target:
    made = make_target(admin, tmp_path_factory.mktemp("secrets"))
    admin.run(f"grant create on database {made.dbname} to {made.dbname}_loader")
    for schema, (rows, customers) in SCHEMAS.items():
        made.execute(TABLES.format(schema=schema, rows=rows, customers=customers, reader=made.user))
    return made


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    folder = tmp_path_factory.mktemp("exchange") / "project"
    shutil.copytree(STRINGX, folder, ignore=shutil.ignore_patterns("target", "logs", "dbt_packages"))
    write(folder / "dbt_packages" / "dbt_utils", MACROS)
    settings = yaml.safe_load((folder / "dbt_project.yml").read_text())
    settings["flags"]["require_generic_test_arguments_property"] = True
    write(folder, {"dbt_project.yml": yaml.safe_dump(settings)})
    write(folder, {"models/sources.yml": yaml.safe_dump({"sources": [declared(schema) for schema in SCHEMAS]})})
    return DbtProject(folder, folder)


@pytest.fixture(scope="module")
def ran(project: DbtProject, data: Target, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("native")
    return Ran(dbt_test(project, data, folder), folder / "manifest.json", project.project_dir / "models")


def dbt_test(project: DbtProject, data: Target, folder: Path) -> dict[str, tuple[str, int | None]]:
    """Status and failures of each test by its name; `folder` gets what dbt writes."""
    command = [dbt_executable(), "test", "--exclude", "gate", "--project-dir", str(project.project_dir), "--threads", "1"]
    command += ["--profiles-dir", str(project.profiles_dir), "--target-path", str(folder), "--log-path", str(folder)]
    loader = parse_dsn(data.loader_url)
    who = {"STRINGX_TARGET_USER": loader["user"], "DBT_ENV_SECRET_TARGET_PASSWORD": loader["password"]}
    environment = clean_environment() | data.environment() | who
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (folder / "run_results.json").exists(), done.stdout
    results = json.loads((folder / "run_results.json").read_text())["results"]
    return {one["unique_id"].split(".")[2]: (one["status"], one["failures"]) for one in results}


@pytest.fixture(scope="module")
def engine_of_project(project: DbtProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with ChildFactory(project, tmp_path_factory.mktemp("child")).slot(max_checks=1000) as child:
        yield Engine(child, tmp_path_factory.mktemp("runs"))


EXPORTED: list[dict[str, Any]] = [
    {"type": "not_null", "column": "code"},
    {"type": "not_null", "columns": ["code", "Mixed Case"], "severity": "warn", "where": "id > 0"},
    {"type": "not_null", "column": "code", "warn_above": 1, "fail_above": 3},
    {"type": "not_null", "column": "code", "warn_above": "10%", "fail_above": "60%"},
    {"type": "not_null", "column": "code", "fail_above": "10%"},
    {"type": "not_blank", "column": "email"},
    {"type": "is_null", "column": "code", "warn_above": 5},
    {"type": "accepted_values", "column": "code", "arguments": {"values": ["A", "B", "it's"]}},
    {"type": "accepted_values", "column": "code", "arguments": {"values": ["a", "b"], "case_sensitive": False}, "fail_above": 2},
    {"type": "rejected_values", "column": "id", "arguments": {"values": [2]}},
    {"type": "between", "column": "weight", "arguments": {"min": 1}},
    {"type": "between", "column": "price", "arguments": {"min": 0, "max": "50.5", "exclusive_min": True}},
    {"type": "between", "column": "real_weight", "arguments": {"max": 0.1}},
    {"type": "between", "column": "day", "arguments": {"max": "2026-06-01"}},
    {"type": "length", "column": "email", "arguments": {"min": 5}},
    {"type": "regex", "column": "email", "arguments": {"pattern": "^[a-z]@x.org$"}},
    {"type": "like", "column": "Mixed Case", "arguments": {"pattern": "m%", "negate": True}},
    {"type": "format", "column": "email", "arguments": {"format": "email"}},
    {"type": "castable", "column": "code", "arguments": {"to": "integer"}},
    {"type": "not_in_future", "column": "day"},
    {"type": "compare", "column": "price", "arguments": {"operator": "<=", "other_column": "weight", "null_passes": False}},
    {"type": "expression", "arguments": {"sql": "price > 0 and paid"}},
    {"type": "unique", "column": "id"},
    {"type": "unique", "columns": ["id", "code"], "arguments": {"nulls": "equal"}, "warn_above": 0, "fail_above": 2},
    {"type": "relationship", "column": "customer_id", "arguments": {"to_table": "{schema}.customers", "to_column": "id"}},
    {"type": "outliers", "column": "price", "arguments": {"method": "iqr", "limit": 1.5}},
    {"type": "monotonic", "column": "price", "arguments": {"order_by": "day"}},
    {"type": "distinct_values", "column": "code", "arguments": {"values": ["A", "B"], "mode": "equal"}},
    {"type": "most_common_value", "column": "code", "arguments": {"values": ["A"]}},
    {"type": "no_gaps", "column": "day", "arguments": {"every": "day"}},
    {"type": "row_count", "arguments": {"min": 3, "warn": {"min": 5}}, "where": "id > 1"},
    {"type": "aggregate", "column": "price", "arguments": {"function": "avg", "max": 10}},
    {"type": "aggregate", "column": "real_weight", "arguments": {"function": "sum", "warn": {"max": 3}}},
    {"type": "aggregate", "column": "code", "arguments": {"function": "distinct_count", "max": 2}, "where": "id > 100"},
    {"type": "aggregate", "column": "price", "arguments": {"function": "median", "min": 2}},
    {"type": "quantiles", "column": "price", "arguments": {"bounds": [{"p": 0.5, "max": 10}, {"p": 0, "min": -5}]}},
    {"type": "correlation", "column": "price", "arguments": {"other_column": "weight", "min": 0.1, "warn": {"min": 0.99}}},
    {"type": "distribution", "column": "code", "arguments": {"test": "chi_square", "weights": {"A": 2, "B": 1}, "tail_weight_holdout": 0.5, "min_p": 0.01}},
    {"type": "distribution", "column": "price", "arguments": {"test": "ks", "expected": {"normal": {"mean": 10, "stddev": 20}}, "min_p": 0.2}},
    {"type": "freshness", "column": "day", "arguments": {"max_age": "1h"}},
    {"type": "row_count_matches", "arguments": {"other_table": "{schema}.customers", "tolerance": 2}},
    {"type": "compare_rows", "columns": ["id"], "arguments": {"other_table": "{schema}.customers", "key": "id"}},
    {"type": "compare_rows", "columns": ["id"], "arguments": {"other_table": "{schema}.orders", "key": "code"}, "fail_above": 99},  # not decided
    {"type": "distribution", "column": "day", "arguments": {"test": "kl", "bins": ["1 Feb 2026", "1 Jan 2026"], "weights": [1], "max": 9}},  # nor this
    {"type": "aggregate_matches", "column": "id", "arguments": {"function": "max", "other_table": "{schema}.customers"}},
    {"type": "column_count", "arguments": {"min": 10, "max": 10}},
    {"type": "columns", "arguments": {"names": ["id", "code"], "mode": "contains"}},
    {"type": "column_type", "column": "id", "arguments": {"type": "text"}, "severity": "warn"},
    {"type": "sql", "arguments": {"query": "select id from {schema}.orders where price > 10"}, "fail_above": 1},
    {"type": "dbt", "column": "id", "arguments": {"test": "unique", "config": {"error_if": "> 2"}}},
    {"type": "dbt", "column": "Mixed Case", "arguments": {"test": "not_null"}, "warn_above": 0},
]  # fmt: skip


def exported(schema: str) -> dict[str, Any]:
    rules = [{"id": f"r{number}_{rule['type']}", **rule} for number, rule in enumerate(EXPORTED)]
    document = {"apiVersion": "stringx/v1", "target": "shop", "table": f"{schema}.orders", "rules": rules}
    filled: dict[str, Any] = json.loads(json.dumps(document).replace("{schema}", schema))
    return filled


def test_every_exported_rule_says_in_dbt_what_it_says_here(data: Target, engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(STRINGX, folder / "dbt_packages" / "stringx", ignore=shutil.ignore_patterns("target", "logs", "dbt_packages"))
    write(folder, {"dbt_project.yml": "name: shop\nversion: '1.0'\nconfig-version: 2\nprofile: stringx\n"})
    documents = [exported(schema) for schema in SCHEMAS]
    written = write_sources([parse_table(document, CATALOGUE, plain_judge) for document in documents], CATALOGUE)
    assert written.losses == []
    write(folder / "models", written.files)
    ran = dbt_test(DbtProject(folder, STRINGX), data, tmp_path / "written")
    found = checked(engine, data, documents)
    for schema in SCHEMAS:
        ours, dbts = {}, {}
        for rule in documents[list(SCHEMAS).index(schema)]["rules"]:
            outcome, name = found[f"{schema}.orders"][rule["id"]], f"{schema}_orders_{rule['id']}"
            is_count = outcome["failures"] is not None and "%" not in str((rule.get("warn_above"), rule.get("fail_above")))
            passes_in_dbt = outcome["status"] == "pass"  # dbt says 0 then
            ours[name] = (outcome["status"], (0 if passes_in_dbt else outcome["failures"]) if is_count else None)
            dbts[name] = (ran[name][0], ran[name][1] if is_count else None)
        assert dbts == ours


def said(use: Use, rule: dict[str, Any]) -> tuple[str, int | None]:
    counts_otherwise = use.type != "dbt" and (use.type in COUNTED_OTHERWISE or use.test in COUNTED_OTHERWISE)
    return rule["status"], None if counts_otherwise else rule["failures"]


@pytest.mark.parametrize("source", ["schema_files", "manifest"])
def test_every_imported_rule_says_what_dbt_test_says(engine_of_project: Engine, data: Target, ran: Ran, source: str) -> None:
    taken: Taken = read([getattr(ran, source)], "shop", CATALOGUE, "public")
    found = checked(engine_of_project, data, taken.documents)
    assert set(found) == {f"{schema}.orders" for schema in SCHEMAS}
    for schema in SCHEMAS:
        rules = {rule["id"]: rule for document in taken.documents for rule in document["rules"]}
        types = {named(number, schema): rules.get(named(number, schema), {}).get("type") for number in range(len(USES))}
        assert types == {named(number, schema): use.type for number, use in enumerate(USES)}
        outcomes = found[f"{schema}.orders"]
        kept = {named(number, schema): use for number, use in enumerate(USES) if use.type is not None}
        ours = {name: said(use, outcomes[name]) for name, use in kept.items()}
        dbts = {name: said(use, dict(zip(("status", "failures"), ran.found[name], strict=True))) for name, use in kept.items()}
        assert ours == dbts, {name: outcomes[name]["reason"] for name in ours if ours[name] != dbts[name]}
    assert len(taken.losses) == len(SCHEMAS) * len([use for use in USES if use.type is None])
