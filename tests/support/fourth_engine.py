"""A fourth engine, `elephant`, written into a copy of the project by the recipe "Add an engine" of CONTRIBUTING.md. It is PostgreSQL
under another name, so that its checks can run: each of its parts takes over PostgreSQL's."""

import re
import shutil
from pathlib import Path

from stringx_dataops.contract.settings import ROOT

NAME = "elephant"
FOLDERS = ("api", "backend", "database", "launch", "portal", "stringx", "stringx_dataops", "tests", "web")
FILES = ("pyproject.toml", "CONTRIBUTING.md")

DOCUMENT = '''"""Targets of Elephant."""

from collections.abc import Mapping
from typing import Any, Literal

from stringx_dataops.contract.documents.engines.postgres import PostgresTarget


class ElephantTarget(PostgresTarget):
    """A database whose tables are checked."""

    adapter: Literal["elephant"]  # type: ignore[assignment]

    @classmethod
    def identity_of(cls, document: Mapping[str, Any]) -> list[str]:
        return ["elephant", *super().identity_of(document)[1:]]
'''
DIALECT = '''"""Elephant's dialect of custom SQL."""

from stringx_dataops.contract.adapters import Adapter
from stringx_dataops.contract.custom_sql.postgres.dialect import PostgresDialect


class ElephantDialect(PostgresDialect):
    adapter: Adapter = "elephant"
'''
ENGINE = '''"""Elephant behind the interface of all engines."""

from api.targets.postgres.engine import PostgresEngine


class ElephantEngine(PostgresEngine):
    """See `Engine` for what each method returns."""
'''
TEST = '''"""Targets of Elephant, configured at the Backend and checked by a worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.delivery.sender import Credentials
from api.notifications import CHANNEL
from api.worker.worker import Worker
from database.notifications import Listener
from database.pool import Database
from stringx_dataops.contract.documents.targets import described
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import read_settings
from tests.integration.test_duckdb_checks import Lake, by_id, rule
from tests.support.databases import Target
from tests.support.datasets import CATALOGUE


@pytest.fixture
def shop(database: Database, tmp_path: Path, target: Target) -> Iterator[Lake]:
    settings = read_settings({"STRINGX_HOME": str(tmp_path / "home"), "STRINGX_SECRETS": str(target.secrets)})
    worker = Worker(settings, database, CATALOGUE, Listener(database, CHANNEL), "w", Credentials("w", "key", ["secret"]))
    yield Lake(tmp_path, worker)
    for slot in worker.others.slots:
        slot.close()
    for factory in worker.others.factories.values():
        factory.close()


def test_a_check_of_it_runs_and_decides_the_gate(shop: Lake, target: Target) -> None:
    target.execute("create table orders (id integer, status text, price numeric); insert into orders values (1, 'open', 1), (2, null, 3)")
    shop.configure(
        target.document(adapter="elephant"),
        "public.orders",
        rule("ids", "unique", "id"),
        rule("statuses", "accepted_values", "status", arguments={"values": ["open"]}),
        rule("prices", "expression", arguments={"sql": "price >= 0"}, where="status is not null"),
    )
    passed = shop.check("public.orders")
    assert passed.verdict == "pass", passed
    assert shop.is_open("public.orders")
    target.execute("insert into orders values (1, 'lost', -1), (3, null, -5)")
    failed = shop.check("public.orders")
    assert {id: each.failures for id, each in by_id(failed).items()} == {"ids": 1, "statuses": 1, "prices": 1}
    assert not shop.is_open("public.orders")


def test_a_rule_of_a_type_that_it_lacks_is_refused(shop: Lake, target: Target) -> None:
    with pytest.raises(Invalid, match="elephant"):
        shop.configure(target.document(adapter="elephant"), "public.orders", rule("a", "activity", arguments={"max_age": "1h"}))


def test_its_document_is_described() -> None:
    assert "ElephantTarget" in described().model_json_schema()["$defs"]
'''


def copy(folder: Path) -> Path:
    """A copy of what the recipe changes and what its tests need."""
    ignored = shutil.ignore_patterns("__pycache__", "target", "logs", ".user.yml", "node_modules", "*.png")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    return folder


def name_it(folder: Path) -> None:
    """The first step, after which mypy says what is missing."""
    _change(folder / "stringx_dataops/contract/adapters.py", r"(Adapter = Literal\[.*)\]", rf'\1, "{NAME}"]')


def write_the_rest(folder: Path) -> None:
    """The other steps, in the order of the recipe."""
    _write_document(folder / "stringx_dataops" / "contract")
    _write_dialect(folder / "stringx_dataops" / "contract" / "custom_sql")
    _write_engine(folder / "api" / "targets")
    _write_dbt_project(folder)
    shutil.copy(folder / "portal/macros/postgres.sql", folder / f"portal/macros/{NAME}.sql")
    example = f'    "{NAME}": HEAD | {{"adapter": "{NAME}", "host": "db", "dbname": "orders", "user": "reader"}},\n}}\nSHARED'
    _change(folder / "tests/unit/test_engines.py", r"\}\nSHARED", example)
    (folder / f"tests/integration/test_{NAME}.py").write_text(TEST)


def _write_document(contract: Path) -> None:
    (contract / f"documents/engines/{NAME}.py").write_text(DOCUMENT)
    targets = contract / "documents/targets.py"
    _change(targets, r"(MODELS: .*)\}", rf'\1, "{NAME}": ElephantTarget}}')
    _import(targets, f"stringx_dataops.contract.documents.engines.{NAME}", "ElephantTarget")


def _write_dialect(custom_sql: Path) -> None:
    (custom_sql / NAME).mkdir()
    (custom_sql / NAME / "__init__.py").write_text('"""Elephant\'s dialect of custom SQL."""\n')
    (custom_sql / NAME / "dialect.py").write_text(DIALECT)
    case = f"""        case "{NAME}":
            from stringx_dataops.contract.custom_sql.{NAME}.dialect import ElephantDialect

            return ElephantDialect()
        case _:"""
    _change(custom_sql / "dialects.py", r"        case _:", case)


def _write_engine(targets: Path) -> None:
    (targets / NAME).mkdir()
    (targets / NAME / "__init__.py").write_text('"""Elephant."""\n')
    (targets / NAME / "engine.py").write_text(ENGINE)
    registry = targets / "registry.py"
    case = "    match target:\n        case ElephantTarget():\n            return ElephantEngine(target)\n"
    _change(registry, r"    match target:\n", case)  # before the class that it takes over
    _import(registry, f"api.targets.{NAME}.engine", "ElephantEngine")
    _import(registry, f"stringx_dataops.contract.documents.engines.{NAME}", "ElephantTarget")


def _write_dbt_project(folder: Path) -> None:
    project = folder / "stringx" / NAME
    (project / "macros").mkdir(parents=True)
    text = (folder / "stringx/dbt_project.yml").read_text()
    paths = '["../macros/gate", "../macros/common", "../macros/engines/postgres", "../macros/rules", "../macros/dbt", "../macros/profile", "macros"]'
    (project / "dbt_project.yml").write_text(text.replace('["macros"]', paths).replace('["tests"]', '["../tests"]'))
    shutil.copy(folder / "stringx/profiles.yml", project)
    tables = folder / "stringx_dataops/contract/catalogue/dbt_project.py"
    _change(
        tables,
        r"(CONNECTION: .*\{\n)",
        rf'\1    "{NAME}": {{"host": "STRINGX_TARGET_HOST", "dbname": "STRINGX_TARGET_DBNAME"}},\n',
    )
    for table in ("SILENT_FLAGS", "SESSION_NAMES"):
        value = {"SILENT_FLAGS": "postgres_skip_autocommit_transaction_statements", "SESSION_NAMES": "PGAPPNAME"}[table]
        _change(tables, rf"({table}: .*)\}}", rf'\1, "{NAME}": "{value}"}}')
    types = folder / "stringx/macros/rules/rules.yml"
    types.write_text(re.sub(r"(engines: \[postgres, .*)\]", rf"\1, {NAME}]", types.read_text()))


def _import(path: Path, module: str, name: str) -> None:
    """Behind the last import."""
    *_, last = re.finditer(r"^from .*$", path.read_text(), re.MULTILINE)
    text = path.read_text()
    path.write_text(f"{text[: last.end()]}\nfrom {module} import {name}{text[last.end() :]}")


def _change(path: Path, pattern: str, replacement: str) -> None:
    text, times = re.subn(pattern, replacement, path.read_text())
    assert times == 1, f"{path}: {pattern} is there {times} times"
    path.write_text(text)
