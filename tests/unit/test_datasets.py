"""Datasets: their documents, requests about them, and what their results say in place of a table's."""

from typing import Any

import pytest

from stringx_dataops.contract.documents.datasets import DatasetDocument, parse_dataset, rules_hash
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.messages.checks import CheckRequest, CheckResult, require_scope
from stringx_dataops.contract.messages.requests import GateView, RequestView
from stringx_dataops.contract.messages.verdicts import Verdict, worst
from stringx_dataops.contract.problems import Invalid

LEFT = {"id": "left", "type": "not_null", "column": "a"}
RIGHT = {"id": "right", "type": "not_null", "column": "a", "kind": "business"}


def dataset(**changes: Any) -> DatasetDocument:
    document = {
        "apiVersion": "stringx/v1",
        "kind": "Dataset",
        "name": "sales",
        "target": "shop",
        "tables": ["public.a", "public.b"],
    }
    return parse_dataset({field: value for field, value in (document | changes).items() if value is not None})


def table(name: str, *rules: dict[str, Any]) -> TableDocument:
    return TableDocument.model_validate({"apiVersion": "stringx/v1", "target": "shop", "table": name, "rules": list(rules)})


def ask(**asked: Any) -> CheckRequest:
    return parse_model(CheckRequest, {"target": "shop", "dataset": "sales"} | asked)


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"apiVersion": "v2"}, "/apiVersion", "stringx/v1"),
        ({"kind": "dataset"}, "/kind", "Dataset"),
        ({"name": "Sales"}, "/name", "is no name of a dataset"),
        ({"name": "a/b"}, "/name", "is no name of a dataset"),
        ({"name": None}, "/name", "is missing"),
        ({"target": None}, "/target", "is missing"),
        ({"tables": None}, "/tables", "is missing"),
        ({"tables": []}, "/tables", "name at least one table"),
        ({"tables": "public.a"}, "/tables", 'must be a list; write ["public.a"]'),
        ({"tables": ["public.a", "b"]}, "/tables/1", "schema.table"),
        ({"tables": ["public.a", 5]}, "/tables/1", "must be a text"),
        ({"tables": ["public.a", "public.b", '"public"."a"']}, "/tables", "names public.a twice"),
        ({"tables": [f"public.t{n}" for n in range(501)]}, "/tables", "500"),
        ({"mode": "soon"}, "/mode", "sync"),
        ({"timeout": "0s"}, "/timeout", "between 1s and 24h"),
        ({"gate": {"on_warn": "shut"}}, "/gate/on_warn", "open"),
        ({"rules": []}, "/rules", "unknown field"),
        ({"table": ["public.a"]}, "/table", "did you mean tables?"),
    ],
)
def test_fault_of_a_dataset(changes: dict[str, Any], pointer: str, words: str) -> None:
    with pytest.raises(Invalid) as raised:
        dataset(**changes)
    assert [error.pointer for error in raised.value.errors] == [pointer]
    assert words in raised.value.errors[0].message


def test_a_dataset_has_the_defaults_of_a_table() -> None:
    found = dataset()
    assert (found.mode, found.timeout, found.gate.on_error, found.gate.on_warn, found.gate.max_age) == ("async", "5m", "closed", "open", None)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "pointer", "words"),
    [
        ({"dataset": None}, "/table", "is missing; name a table, or a dataset"),
        ({"table": "public.a"}, "/table", "both given; keep one"),
        ({"dataset": "Sales"}, "/dataset", "is no name of a dataset"),
        ({"dataset": 5}, "/dataset", "must be a text"),
        ({"datset": "x"}, "/datset", "did you mean dataset?"),
    ],
)
def test_a_request_is_of_a_table_or_a_dataset(asked: dict[str, Any], pointer: str, words: str) -> None:
    with pytest.raises(Invalid) as raised:
        ask(**asked)
    assert [error.pointer for error in raised.value.errors] == [pointer]
    assert words in raised.value.errors[0].message


def test_a_request_with_neither_says_so_beside_its_other_faults() -> None:
    with pytest.raises(Invalid) as raised:
        parse_model(CheckRequest, {"mode": "soon"})
    assert {error.pointer for error in raised.value.errors} == {"/target", "/table", "/mode"}


def test_a_dataset_and_a_table_of_one_name_are_two_requests() -> None:
    assert ask().identity() == {"target": "shop", "dataset": "sales"}
    assert ask().identity() != ask(dataset="other").identity()


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"kinds": ["business"]},
        {"rule_ids": ["left"]},
        {"rule_ids": ["left", "right"]},
        {"window": {"column": "d", "from": 1}},
    ],
)
def test_one_table_with_a_rule_in_scope_is_enough(asked: dict[str, Any]) -> None:
    require_scope(ask(**asked), [table("public.a", LEFT), table("public.b", RIGHT), table("public.c")], {})


@pytest.mark.parametrize(
    ("asked", "pointers"),
    [
        ({"rule_ids": ["left", "nope"]}, ["/rule_ids/1"]),
        ({"kinds": ["engineering"], "rule_ids": ["right"]}, ["/kinds"]),
        ({"dimensions": ["validity"]}, ["/dimensions"]),
    ],
)
def test_a_scope_without_any_rule_is_refused(asked: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(Invalid, match="dataset sales has no active rule") as raised:
        require_scope(ask(**asked), [table("public.a", LEFT), table("public.b", RIGHT)], {})
    assert [error.pointer for error in raised.value.errors] == pointers


def test_a_dataset_without_any_rule_is_refused() -> None:
    with pytest.raises(Invalid, match=r"^/dataset: dataset sales has no active rule; add one to one of its tables"):
        require_scope(ask(), [table("public.a"), table("public.b")], {})


def test_the_hash_follows_the_tables_and_their_rules_not_their_order() -> None:
    assert rules_hash({"a": "1", "b": "2"}) == rules_hash({"b": "2", "a": "1"})
    assert len({rules_hash(tables) for tables in ({"a": "1", "b": "2"}, {"a": "2", "b": "1"}, {"a": "1"}, {})}) == 4


@pytest.mark.parametrize(
    ("verdicts", "one"),
    [
        (["pass", "warn", "error", "fail"], "fail"),
        (["pass", "warn", "error"], "error"),
        (["pass", "warn"], "warn"),
        (["pass", "pass"], "pass"),
        ([], "error"),
    ],
)
def test_the_worst_of_its_tables(verdicts: list[Verdict], one: Verdict) -> None:
    assert worst(verdicts) == one


RESULT = {"check_id": "c", "request_id": "r", "target": "shop", "status": "queued", "queued_at": "2026-01-01T00:00:00Z"}


def test_a_result_is_of_one_of_the_two_also_inside_of_a_request() -> None:
    of_table = CheckResult.model_validate(RESULT | {"table": "public.a"})
    of_dataset = CheckResult.model_validate(RESULT | {"dataset": "sales"})
    assert {"table", "rules"} <= of_table.as_json().keys()
    assert not {"dataset", "tables", "skipped"} & of_table.as_json().keys()
    assert {"dataset", "tables", "skipped"} <= of_dataset.as_json().keys()
    assert not {"table", "rules"} & of_dataset.as_json().keys()
    assert CheckResult.model_validate(of_dataset.as_json()) == of_dataset, "it reads what it wrote"
    view = RequestView(
        request_id="r", source="http", target="shop", dataset="sales", mode="sync", status="queued", verdict=None,
        created_at=of_table.queued_at, checks=[of_dataset],
    ).as_json(with_samples=True)  # fmt: skip
    assert "table" not in view
    assert "rules" not in view["checks"][0]
    gate = GateView(gate="open", target="shop", table="public.a", verdict="pass", snapshot_at=None, age_s=1, check_id=None, rules_hash=None, reasons=[], pending=False)  # fmt: skip
    assert "dataset" not in gate.as_json()


@pytest.mark.parametrize("named", [{}, {"table": "public.a", "dataset": "sales"}])
def test_a_result_of_neither_or_both_is_refused(named: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="name one of the two"):
        parse_model(CheckResult, RESULT | named)
