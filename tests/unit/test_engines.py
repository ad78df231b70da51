"""The seam of the engines: each adapter has its parts, and a second one can stand beside PostgreSQL."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Literal

import pytest

from api.targets.registry import engine_of
from stringx_dataops.contract import adapters
from stringx_dataops.contract.adapters import ADAPTERS, DEFAULT_ADAPTER, Adapter, adapter_of
from stringx_dataops.contract.custom_sql.dialect import Dialect
from stringx_dataops.contract.custom_sql.dialects import dialect_of
from stringx_dataops.contract.documents import targets
from stringx_dataops.contract.documents.engines.base import Arguments, ConcurrentChecks, Functions, NewName, TargetDocument
from stringx_dataops.contract.documents.targets import MODELS, database_hash, parse_target, stored_target
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import ROOT

HEAD = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop"}
EXAMPLES = {
    "postgres": HEAD | {"host": "db", "dbname": "orders", "user": "reader"},
    "duckdb": HEAD | {"adapter": "duckdb", "path": "/data/orders.duckdb"},
    "trino": HEAD | {"adapter": "trino", "host": "trino.example.com", "catalog": "lake", "user": "reader"},
}
SHARED = {"apiVersion", "kind", "name", "adapter", "max_concurrent_checks", "allow_functions", "allow_arguments"}


class FileTarget(TargetDocument):
    """A second engine, for these tests."""

    apiVersion: Literal["stringx/v1"]
    kind: Literal["Target"]
    name: NewName
    adapter: Literal["file"]
    path: str
    max_concurrent_checks: ConcurrentChecks = 1
    allow_functions: Functions = []
    allow_arguments: Arguments = "checked"

    @classmethod
    def identity_of(cls, document: Mapping[str, Any]) -> list[str]:
        return ["file", str(document.get("path", ""))]


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> None:
    both = (*ADAPTERS, "file")
    monkeypatch.setattr(adapters, "ADAPTERS", both)
    monkeypatch.setattr(targets, "ADAPTERS", both)
    monkeypatch.setattr(targets, "MODELS", MODELS | {"file": FileTarget})


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_each_adapter_has_a_document_a_dialect_and_an_engine(adapter: Adapter) -> None:
    target = parse_target(EXAMPLES[adapter])
    assert type(target) is MODELS[adapter]
    assert target.adapter == adapter
    assert set(MODELS[adapter].model_fields) >= SHARED
    assert target.database_hash == database_hash(EXAMPLES[adapter])
    assert set(target.session_limits) == {"lock_timeout_ms", "replay_timeout_ms", "work_mem", "max_parallel_workers_per_gather"}
    assert target.dbt_database
    assert engine_of(target).may_pass("some other message") is False
    methods = [name for name in vars(Dialect) if not name.startswith("_")]
    assert len(methods) > 10
    assert all(callable(getattr(dialect_of(adapter), name)) for name in methods)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_each_adapter_has_macros_for_the_portal(adapter: Adapter) -> None:
    assert "macro" in (ROOT / "portal" / "macros" / f"{adapter}.sql").read_text(encoding="utf-8")


def test_a_document_without_an_adapter_is_the_defaults() -> None:
    for document in ({}, {"adapter": None}, {"adapter": ["postgres"]}, {"adapter": "newer"}, None, "text"):
        assert adapter_of(document) == DEFAULT_ADAPTER
    assert stored_target(EXAMPLES["postgres"]).adapter == "postgres"


@pytest.mark.parametrize("adapter", ["file", "Postgres", 5, None])
def test_an_unknown_adapter_is_refused_alone_as_nobody_knows_its_fields(adapter: object) -> None:
    with pytest.raises(Invalid) as refused:
        parse_target(EXAMPLES["postgres"] | {"adapter": adapter, "hots": "db"}, "/2")
    assert [(error.pointer, error.message) for error in refused.value.errors] == [
        ("/2/adapter", f"must be {', '.join(map(repr, ADAPTERS[:-1]))} or {ADAPTERS[-1]!r}")
    ]


@pytest.mark.usefixtures("second")
class TestASecondEngine:
    def test_its_documents_are_of_its_own_model(self) -> None:
        document = HEAD | {"adapter": "file", "path": "/data"}
        assert isinstance(parse_target(document), FileTarget)
        assert isinstance(stored_target(document), FileTarget)
        assert parse_target(document).database_hash == database_hash(document) != database_hash(document | {"path": "/other"})
        assert parse_target(EXAMPLES["postgres"]).adapter == "postgres"

    def test_its_fields_and_faults_are_its_own(self) -> None:
        with pytest.raises(Invalid) as refused:
            parse_target(HEAD | {"adapter": "file", "pth": "/data", "host": "db"})
        assert [(error.pointer, error.message) for error in refused.value.errors] == [
            ("/path", "is missing"),
            ("/pth", "unknown field; did you mean path?"),
            ("/host", "is no field of file, but of postgres; leave it out"),
        ]

    def test_an_unknown_adapter_is_told_all_that_are_known(self) -> None:
        with pytest.raises(Invalid, match=rf"/adapter: must be {', '.join(map(repr, ADAPTERS))} or 'file'$"):
            parse_target(EXAMPLES["postgres"] | {"adapter": "files"})

    def test_a_target_without_an_engine_is_named(self) -> None:
        with pytest.raises(TypeError, match="no engine for targets of the type FileTarget"):
            engine_of(parse_target(HEAD | {"adapter": "file", "path": "/data"}))


@pytest.mark.parametrize("module", ["api.worker.process", "api.app", "backend.app", "portal.refresh"])
def test_the_services_import_nothing_of_an_adapters_client(module: str) -> None:
    """A worker asks Trino for a check's queries by HTTP alone; the clients are for the processes that run dbt."""
    program = f"import sys, {module}; print(sorted({{'trino', 'duckdb', 'dbt'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
