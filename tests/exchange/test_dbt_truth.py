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
from stringx_dataops.exchange.dbt.reading import read
from stringx_dataops.exchange.model import Taken
from tests.exchange.dbt_uses import COUNTED_OTHERWISE, MACROS, SCHEMAS, TABLES, USES, Use
from tests.support.databases import Admin, Target, make_target
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
    command = [dbt_executable(), "test", "--exclude", "gate", "--project-dir", str(project.project_dir), "--threads", "1"]
    command += ["--profiles-dir", str(project.profiles_dir), "--target-path", str(folder), "--log-path", str(folder)]
    loader = parse_dsn(data.loader_url)
    who = {"STRINGX_TARGET_USER": loader["user"], "DBT_ENV_SECRET_TARGET_PASSWORD": loader["password"]}
    environment = clean_environment() | data.environment() | who
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (folder / "run_results.json").exists(), done.stdout
    results = json.loads((folder / "run_results.json").read_text())["results"]
    found = {one["unique_id"].split(".")[2]: (one["status"], one["failures"]) for one in results}
    return Ran(found, folder / "manifest.json", project.project_dir / "models")


@pytest.fixture(scope="module")
def engine_of_project(project: DbtProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with ChildFactory(project, tmp_path_factory.mktemp("child")).slot(max_checks=1000) as child:
        yield Engine(child, tmp_path_factory.mktemp("runs"))


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
