"""Configuration documents: what is refused, at which pointer, and all of it at once."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.tables import parse_table
from stringx_dataops.contract.documents.targets import judge_of
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import ROOT
from tests.support.documents import CATALOGUE, errors, plain_judge, pointers, rule, table, target

TABLE_FAULTS = [
    ({"apiVersion": "v2"}, "/apiVersion"),
    ({"target": "Shop"}, "/target"),
    ({"target": None}, "/target"),
    ({"table": "orders"}, "/table"),
    ({"table": f"public.{'x' * 64}"}, "/table"),
    ({"table": 5}, "/table"),
    ({"timezone": "Mars/Olympus"}, "/timezone"),
    ({"mode": "soon"}, "/mode"),
    ({"timeout": "5"}, "/timeout"),
    ({"timeout": "0s"}, "/timeout"),
    ({"timeout": "25h"}, "/timeout"),
    ({"on_empty": "open"}, "/on_empty"),
    ({"key": "id"}, "/key"),
    ({"key": ["id", ""]}, "/key/1"),
    ({"sample_rows": 101}, "/sample_rows"),
    ({"sample_rows": -1}, "/sample_rows"),
    ({"sample_rows": "5"}, "/sample_rows"),
    ({"sample_rows": True}, "/sample_rows"),
    ({"sample_columns": [1]}, "/sample_columns/0"),
    ({"gate": {"on_error": "shut"}}, "/gate/on_error"),
    ({"gate": {"on_warn": True}}, "/gate/on_warn"),
    ({"gate": {"max_age": "1 day"}}, "/gate/max_age"),
    ({"gate": {"on_eror": "open"}}, "/gate/on_eror"),
    ({"gate": {"decided_by": "windows"}}, "/gate/decided_by"),
    ({"rules": {}}, "/rules"),
    ({"rules": [1]}, "/rules/0"),
    ({"ruels": []}, "/ruels"),
    ({"a/b~": 1}, "/a~1b~0"),
]

RULE_FAULTS = [
    ({"id": "Dep-Time"}, "/id"),
    ({"id": "x" * 64}, "/id"),
    ({"type": "no_null"}, "/type"),
    ({"type": 5}, "/type"),
    ({"column": None}, "/columns"),
    ({"column": ""}, "/column"),
    ({"columns": ["a"]}, "/columns"),
    ({"column": None, "columns": []}, "/columns"),
    ({"column": None, "columns": ["a", "a"]}, "/columns"),
    ({"column": None, "type": "between", "arguments": {"min": 1}}, "/column"),
    ({"column": None, "columns": ["a", "b"], "type": "between", "arguments": {"min": 1}}, "/columns"),
    ({"type": "row_count", "arguments": {"min": 1}}, "/column"),
    ({"arguments": []}, "/arguments"),
    ({"arguments": {"x": 1}}, "/arguments"),
    ({"type": "accepted_values"}, "/arguments"),
    ({"type": "accepted_values", "arguments": {"values": "a"}}, "/arguments/values"),
    ({"type": "accepted_values", "arguments": {"values": ["a", None]}}, "/arguments/values/1"),
    ({"type": "between", "arguments": {}}, "/arguments"),
    ({"type": "between", "arguments": {"min": []}}, "/arguments/min"),
    ({"type": "expression", "arguments": {"sql": "pg_sleep(1) is null"}}, "/arguments/sql"),
    ({"type": "unique", "arguments": {"nulls": "maybe"}}, "/arguments/nulls"),
    ({"type": "relationship", "arguments": {"to_table": "x", "to_column": "y"}}, "/arguments/to_table"),
    ({"type": "relationship", "arguments": {"to_table": "a.x"}}, "/arguments"),
    ({"type": "relationship", "arguments": {"to_table": "a.x", "to_column": "y", "to_columns": ["y"]}}, "/arguments"),
    ({"type": "relationship", "arguments": {"to_table": "a.x", "to_columns": ["y", "z"]}}, "/arguments/to_columns"),
    ({"type": "relationship", "arguments": {"to_table": "a.x", "to_columns": [""]}}, "/arguments/to_columns/0"),
    ({"type": "relationship", "arguments": {"to_table": "a.x", "to_column": "y", "to_where": "1=1;"}}, "/arguments/to_where"),
    ({"kind": "technical"}, "/kind"),
    ({"dimension": "beauty"}, "/dimension"),
    ({"warn_above": 1.5}, "/warn_above"),
    ({"fail_above": 2.0}, "/fail_above"),
    ({"fail_above": -1}, "/fail_above"),
    ({"fail_above": "10"}, "/fail_above"),
    ({"fail_above": "101%"}, "/fail_above"),
    ({"fail_above": "-1%"}, "/fail_above"),
    ({"fail_above": "٥%"}, "/fail_above"),
    ({"fail_above": True}, "/fail_above"),
    ({"fail_above": [1]}, "/fail_above"),
    ({"warn_above": 5, "fail_above": 5}, "/warn_above"),
    ({"warn_above": 6, "fail_above": 5}, "/warn_above"),
    ({"warn_above": "2%", "fail_above": "1.5%"}, "/warn_above"),
    ({"severity": "info"}, "/severity"),
    ({"severity": "warn", "fail_above": 1}, "/severity"),
    ({"column": None, "type": "row_count", "arguments": {"min": 1}, "fail_above": 1}, "/fail_above"),
    ({"column": None, "type": "row_count", "arguments": {"min": 1}, "warn_above": 1}, "/warn_above"),
    ({"column": None, "type": "row_count", "arguments": {"min": 1}, "severity": "warn"}, "/severity"),
    ({"where": ""}, "/where"),
    ({"where": "a in (select 1)"}, "/where"),
    ({"where": True}, "/where"),
    ({"verify": "trust"}, "/verify"),
    ({"verify": "constraint", "type": "is_null"}, "/verify"),
    ({"per": ""}, "/per"),
    ({"per": []}, "/per"),
    ({"per": [""]}, "/per"),
    ({"per": "a*"}, "/per"),
    ({"per": ["b", "a?"]}, "/per/1"),
    ({"per": ["b", "b"]}, "/per"),
    ({"per": [f"c{n}" for n in range(9)]}, "/per"),
    ({"per": "b", "verify": "constraint"}, "/verify"),
    ({"per": "b", "new_groups": "error"}, "/new_groups"),
    ({"new_groups": "warn"}, "/new_groups"),
    ({"missing_groups": "fail"}, "/missing_groups"),
    ({"per": "b", "type": "no_gaps", "arguments": {"every": "day"}}, "/per"),
    ({"per": "b", "column": None, "type": "sql", "arguments": {"query": "select 1"}}, "/per"),
    ({"active": "yes"}, "/active"),
    ({"active": 1}, "/active"),
    ({"descripton": ""}, "/descripton"),
]

TARGET_FAULTS = [
    ({"apiVersion": None}, "/apiVersion"),
    ({"kind": "target"}, "/kind"),
    ({"name": "Shop"}, "/name"),
    ({"name": "datasets"}, "/name"),
    ({"adapter": "mysql"}, "/adapter"),
    ({"host": None}, "/host"),
    ({"host": ""}, "/host"),
    ({"host": "a b"}, "/host"),
    ({"host": "a,b"}, "/host"),
    ({"port": 0}, "/port"),
    ({"port": "5432"}, "/port"),
    ({"dbname": ""}, "/dbname"),
    ({"password": "secret"}, "/password"),
    ({"password_env": "PATH"}, "/password_env"),
    ({"password_env": "STRINGX_API_KEY"}, "/password_env"),
    ({"password_file": "../api-key"}, "/password_file"),
    ({"password_file": "/etc/passwd"}, "/password_file"),
    ({"password_file": ".."}, "/password_file"),
    ({"password_env": "TARGET_A", "password_file": "a"}, "/password_file"),
    ({"sslmode": "yes"}, "/sslmode"),
    ({"lock_timeout": "0s"}, "/lock_timeout"),
    ({"work_mem": "64 MB"}, "/work_mem"),
    ({"max_parallel_workers_per_gather": -1}, "/max_parallel_workers_per_gather"),
    ({"max_concurrent_checks": 0}, "/max_concurrent_checks"),
    ({"replay_timeout": "never"}, "/replay_timeout"),
    ({"yield_after": "soon"}, "/yield_after"),
    ({"yield_after": 5}, "/yield_after"),
    ({"allow_functions": ["fn"]}, "/allow_functions/0"),
]


@pytest.mark.parametrize(("changes", "pointer"), TABLE_FAULTS)
def test_fault_of_a_table(changes: dict[str, Any], pointer: str) -> None:
    assert pointers(table, **changes) == [pointer]


@pytest.mark.parametrize(("changes", "pointer"), RULE_FAULTS)
def test_fault_of_a_rule(changes: dict[str, Any], pointer: str) -> None:
    assert pointers(rule, **changes) == [f"/rules/0{pointer}"]


@pytest.mark.parametrize(("changes", "pointer"), TARGET_FAULTS)
def test_fault_of_a_target(changes: dict[str, Any], pointer: str) -> None:
    [(found, message)] = errors(target, **changes)
    assert found == pointer
    assert "secret" not in message


def test_every_fault_at_once() -> None:
    found = pointers(
        table,
        timezone="Mars",
        timeout="x",
        gate={"on_warn": 1},
        unknown=1,
        rules=[
            {"id": "A"},
            {"id": "twice", "type": "nope"},
            {"id": "twice", "type": "not_null"},
            {"id": "r", "type": "expression", "where": "", "arguments": {"sql": ""}, "warn_above": 1, "fail_above": 0},
        ],
    )
    assert sorted(found) == sorted(
        [
            "/timezone",
            "/timeout",
            "/gate/on_warn",
            "/unknown",
            "/rules/0/id",
            "/rules/0/type",
            "/rules/1/type",
            "/rules/2/columns",
            "/rules/2/id",
            "/rules/3/where",
            "/rules/3/arguments/sql",
            "/rules/3/warn_above",
        ]
    )


def test_the_detail_tells_the_first_and_how_many_more() -> None:
    with pytest.raises(Invalid, match=r"^/timezone: .*\(and 1 more\)$"):
        table(timezone="Mars", mode="soon")


def test_a_pointer_in_a_stream_begins_with_the_document() -> None:
    with pytest.raises(Invalid) as raised:
        parse_table({"rules": [{"id": "r", "type": "nope"}]}, CATALOGUE, plain_judge, "/3")
    assert "/3/rules/0/type" in [error.pointer for error in raised.value.errors]


@pytest.mark.parametrize("value", [None, 5, "text", []])
def test_what_is_no_object(value: object) -> None:
    with pytest.raises(Invalid):
        parse_table(value, CATALOGUE, plain_judge)


def test_a_misspelt_field_and_type_are_recognised() -> None:
    assert errors(table, ownr="x") == [("/ownr", "unknown field; did you mean owner?")]
    assert "did you mean not_null?" in errors(rule, type="no_null")[0][1]


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "expression", "arguments": {"sql": "c > 0"}},  # with a column: no error
        {"type": "accepted_values", "arguments": {"values": []}},
        {"warn_above": 10, "fail_above": "1%"},  # units that cannot be compared here
        {"warn_above": "1%", "fail_above": "1.5 %"},
        {"severity": "error"},
        {"where": "a > 0"},
    ],
)
def test_what_is_no_fault(changes: dict[str, Any]) -> None:
    assert rule(**changes).rules[0].id == "r"


def test_only_the_targets_own_functions_are_allowed() -> None:
    judge = judge_of({"shop": {"allow_functions": ["my.fn"]}})
    document = {
        "apiVersion": "stringx/v1",
        "target": "shop",
        "table": "a.b",
        "rules": [{"id": "r", "type": "not_null", "column": "c", "where": "my.fn(c)"}],
    }
    parse_table(document, CATALOGUE, judge)
    with pytest.raises(Invalid, match=r"my\.fn"):
        parse_table(document | {"target": "other"}, CATALOGUE, judge)


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "relationship", "column": "c", "arguments": {"to_table": "{}.s.t", "to_column": "c"}},
        {"type": "compare_rows", "column": "c", "arguments": {"other_table": '"{}"."s"."t"', "key": "id"}},
        {"type": "sql", "arguments": {"query": "select x.c from a.b as x where x.c in (select c from {}.s.t)"}},
    ],
)
def test_other_tables_are_of_databases_that_the_target_attaches(rule: dict[str, Any]) -> None:
    """Where the target's document is known. `memory` is DuckDB's own."""
    targets = {
        "shop": {"adapter": "duckdb", "path": "/data/shop.duckdb", "attach": {"ref": "/data/ref.duckdb"}},
        "lake": {"adapter": "duckdb", "locations": {"s.t": "/data/*.parquet"}},
        "faulty": {"adapter": "duckdb", "attach": ["ref"]},
        "trino": {"adapter": "trino", "catalog": "lake"},
    }

    def faults(target: str, database: str) -> list[str]:
        (argument,) = {"to_table", "other_table", "query"}.intersection(rule["arguments"])
        arguments = rule["arguments"] | {argument: rule["arguments"][argument].format(database)}
        document = {
            "apiVersion": "stringx/v1",
            "target": target,
            "table": "a.b",
            "rules": [rule | {"id": "r", "arguments": arguments}],
        }
        try:
            parse_table(document, CATALOGUE, judge_of(targets))
        except Invalid as fault:
            return [f"{error.pointer.rpartition('/')[2]} {error.message}" for error in fault.errors]
        return []

    assert faults("shop", "ref") == faults("shop", "REF") == faults("faulty", "reff") == []
    for name, database in (("shop", "reff"), ("shop", "shop"), ("lake", "ref")):
        (fault,) = faults(name, database)
        field, _, words = fault.partition(" ")
        assert field in rule["arguments"]
        assert words.startswith(f"names {database}.s.t, and the target attaches no database {database}: name it under attach of")
    if rule["type"] != "sql":
        assert faults("trino", "reff") == [], "it is a catalog there"


def test_a_share_needs_a_total(tmp_path: Path) -> None:
    catalogue = yaml.safe_load((ROOT / "stringx" / "macros" / "rules" / "rules.yml").read_text())
    catalogue["types"]["not_null"]["total"] = None
    (tmp_path / "macros" / "rules").mkdir(parents=True)
    (tmp_path / "macros" / "rules" / "rules.yml").write_text(yaml.safe_dump(catalogue))
    document = {
        "apiVersion": "stringx/v1",
        "target": "shop",
        "table": "a.b",
        "rules": [{"id": "r", "type": "not_null", "column": "c", "fail_above": "1%"}],
    }
    with pytest.raises(Invalid, match=r"/rules/0/fail_above: .*total"):
        parse_table(document, Catalogue.load(tmp_path), plain_judge)


def test_the_demo_is_valid() -> None:
    documents = [document for document in yaml.safe_load_all((ROOT / "rules" / "nyc.yml").read_text()) if document]
    assert {parse_table(document, CATALOGUE, plain_judge).target for document in documents} == {"nyc"}


@pytest.mark.parametrize(
    ("changes", "mode"),
    [({}, "verify-full"), *(({"host": host}, "prefer") for host in ("/run/postgresql", "localhost", "127.0.0.1", "127.9.9.9", "::1")),
     ({"host": "10.0.0.1"}, "verify-full"), ({"host": "localhost", "sslmode": "require"}, "require")],
)  # fmt: skip
def test_tls_by_default(changes: dict[str, Any], mode: str) -> None:
    assert target(**changes).tls == mode
