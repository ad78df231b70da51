"""The body of a check: what it may say, which rules it asks for, and when two bodies are the same; and how often tracking is tried."""

from typing import Any

import pytest

from backend.requests.tracking import retry_while_forgotten
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.messages.checks import CheckRequest, require_scope, rules_in_scope
from stringx_dataops.contract.messages.verdicts import Dimension
from stringx_dataops.contract.problems import Invalid, Unavailable

DEFAULTS: dict[str, Dimension] = {"not_null": "completeness", "unique": "uniqueness"}
DOCUMENT = TableDocument.model_validate(
    {
        "apiVersion": "stringx/v1",
        "target": "shop",
        "table": "public.orders",
        "rules": [
            {"id": "a", "type": "not_null", "column": "a"},
            {"id": "b", "type": "unique", "column": "b", "kind": "business"},
            {"id": "c", "type": "not_null", "column": "c", "dimension": "validity"},
            {"id": "off", "type": "not_null", "column": "d", "active": False},
        ],
    }
)


def request(**changes: Any) -> CheckRequest:
    return parse_model(CheckRequest, {"target": "shop", "table": "public.orders"} | changes)


@pytest.mark.parametrize(
    ("scope", "ids"),
    [
        ({}, ["a", "b", "c"]),
        ({"kinds": ["engineering"]}, ["a", "c"]),
        ({"kinds": ["business", "engineering"]}, ["a", "b", "c"]),
        ({"dimensions": ["completeness"]}, ["a"]),
        ({"dimensions": ["validity", "uniqueness"]}, ["b", "c"]),
        ({"rule_ids": ["c", "a"]}, ["a", "c"]),
        ({"kinds": ["engineering"], "dimensions": ["validity"], "rule_ids": ["c"]}, ["c"]),
        ({"window": {"column": "d", "from": "2013-01-01"}}, ["a", "b", "c"]),
    ],
)
def test_rules_in_scope(scope: dict[str, Any], ids: list[str]) -> None:
    assert [rule.id for rule in rules_in_scope(request(**scope), DOCUMENT, DEFAULTS)] == ids
    require_scope(request(**scope), [DOCUMENT], DEFAULTS)
    assert request(**scope).full == (not scope)


@pytest.mark.parametrize(
    ("scope", "pointers"),
    [
        ({"rule_ids": ["a", "x", "off"]}, ["/rule_ids/1", "/rule_ids/2"]),
        ({"dimensions": ["timeliness"]}, ["/dimensions"]),
        ({"kinds": ["business"], "rule_ids": ["a"]}, ["/kinds"]),
    ],
)
def test_an_empty_scope_is_refused(scope: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(Invalid) as raised:
        require_scope(request(**scope), [DOCUMENT], DEFAULTS)
    assert [error.pointer for error in raised.value.errors] == pointers


def test_a_table_without_active_rules_is_refused() -> None:
    with pytest.raises(Invalid, match=r"^/table: public\.orders has no active rule"):
        require_scope(request(), [DOCUMENT.model_copy(update={"rules": DOCUMENT.rules[3:]})], DEFAULTS)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"target": None}, "/target"),
        ({"table": "orders"}, "/table"),
        ({"request_id": ""}, "/request_id"),
        ({"request_id": "a\n"}, "/request_id"),
        ({"request_id": "x" * 201}, "/request_id"),
        ({"request_id": 5}, "/request_id"),
        ({"request_id": ".."}, "/request_id"),
        ({"request_id": "/a"}, "/request_id"),
        ({"mode": "later"}, "/mode"),
        ({"kinds": []}, "/kinds"),
        ({"kinds": ["x"]}, "/kinds/0"),
        ({"dimensions": ["x"]}, "/dimensions/0"),
        ({"rule_ids": ["A"]}, "/rule_ids/0"),
        ({"window": {}}, "/window"),
        ({"window": {"column": "d"}}, "/window"),
        ({"window": {"column": "d", "from": []}}, "/window/from"),
        ({"window": {"column": "d", "from_": 1}}, "/window/from_"),
        ({"timeout_s": 0}, "/timeout_s"),
        ({"timeout_s": 1.5}, "/timeout_s"),
        ({"wait_s": 301}, "/wait_s"),
        ({"wait_s": "5"}, "/wait_s"),
        ({"wait_s": True}, "/wait_s"),
        ({"callback_url": 1}, "/callback_url"),
        ({"tabel": "x"}, "/tabel"),
    ],
)
def test_fault_of_a_request(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as raised:
        request(**changes)
    assert pointer == raised.value.errors[0].pointer
    assert len(raised.value.errors) == 1


def test_every_fault_at_once() -> None:
    with pytest.raises(Invalid) as raised:
        request(mode="later", wait_s=-1, tabel="x")
    assert sorted(error.pointer for error in raised.value.errors) == ["/mode", "/tabel", "/wait_s"]


def test_the_same_body_but_for_id_and_wait() -> None:
    assert request(request_id="a", wait_s=1).identity() == request(request_id="b").identity()
    assert request(mode="sync").identity() != request().identity()
    assert request(window={"column": "d", "from": 1}).identity() != request(window={"column": "d", "to": 1}).identity()


def test_a_table_has_one_spelling() -> None:
    assert request(table='"public"."orders"').identity() == request().identity()


def test_tracking_is_tried_again_while_the_request_is_forgotten_but_not_for_ever() -> None:
    results = iter([None, None, "tracked"])
    assert retry_while_forgotten(lambda: next(results)) == "tracked"
    tried: list[None] = []
    with pytest.raises(Unavailable, match="are being refused right now"):
        retry_while_forgotten(lambda: tried.append(None))
    assert 1 < len(tried) < 10
