"""A request's window: its column may stand in the table's document, and its bounds are in order."""

from typing import Any

import pytest

from api.checks.lookup import Configured, InScope
from api.checks.specification import build, table_without_window_column
from stringx_dataops.cli.checks import _window
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.documents.fields import parse_model
from stringx_dataops.contract.documents.tables import TableDocument
from stringx_dataops.contract.documents.targets import stored_target
from stringx_dataops.contract.messages.checks import CheckRequest, require_scope
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import ROOT

CATALOGUE = Catalogue.load(ROOT / "stringx")
TARGET = {"apiVersion": "stringx/v1", "kind": "Target", "name": "shop", "host": "h", "dbname": "d", "user": "u"}


def document(table: str = "public.a", **changes: Any) -> TableDocument:
    rules = [{"id": "r", "type": "not_null", "column": "c"}]
    return TableDocument.model_validate({"apiVersion": "stringx/v1", "target": "shop", "table": table, "rules": rules} | changes)


def request(**window: Any) -> CheckOrder:
    return parse_model(CheckOrder, {"target": "shop", "table": "public.a", "window": window})


def refuse(asked: CheckRequest, *documents: TableDocument) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as raised:
        require_scope(asked, documents, CATALOGUE.default_dimensions)
    return [(error.pointer, error.message) for error in raised.value.errors]


def windows(asked: CheckRequest, *documents: TableDocument) -> list[Any]:
    target = stored_target(TARGET)
    tables = [InScope(Configured(each, target, 1, "hash"), each.rules) for each in documents]
    assert table_without_window_column(asked, tables) is None
    return [table["window"] for table in build(asked, target, tables, CATALOGUE, 1)["tables"]]


def test_each_table_has_its_own_window_column() -> None:
    documents = [document(window_column="at"), document("public.b", window_column="day"), document("public.c", window_column="x")]
    asked = request(**{"from": "2024-01-01"})
    require_scope(asked, documents, CATALOGUE.default_dimensions)
    assert [window["column"] for window in windows(asked, *documents)] == ["at", "day", "x"]
    assert asked.scope()["window"] == {"column": None, "from": "2024-01-01", "to": None}
    assert [window["column"] for window in windows(request(column="c", to=5), *documents)] == ["c", "c", "c"]


def test_a_window_without_any_column_names_both_ways() -> None:
    asked = request(to=5)
    [(pointer, words)] = refuse(asked, document(window_column="at"), document("public.b"))
    assert pointer == "/window/column"
    assert "name a column here, or give public.b a window_column" in words
    tables = [InScope(Configured(document(), stored_target(TARGET), 1, "hash"), document().rules)]
    assert table_without_window_column(asked, tables) == "public.a"


def test_a_table_out_of_scope_needs_no_window_column() -> None:
    require_scope(request(to=5), [document(window_column="at"), document("public.b", rules=[])], CATALOGUE.default_dimensions)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (2, 1),
        (1, 1),
        ("10", 9.5),
        ("12345678901234567.90", "12345678901234567.89"),
        ("2024-02-01", "2024-01-31"),
        ("2024-01-01", "2024-01-01T00:00:00"),
        ("2024-03-01T12:00:00+09:00", "2024-03-01T04:00:00+01:00"),
        ("2024-03-01t12:00:00z", "2024-03-01 12:00+00"),
        ("2024-03-01T12:00:00", "2024-03-01T10:59:59Z"),
        ("2024-03-01T10:59:59Z", "2024-03-01T11:59:59"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_a_reversed_or_empty_window_is_refused(begin: Any, end: Any) -> None:
    [(pointer, words)] = refuse(request(column="d", **{"from": begin, "to": end}), document(timezone="Europe/Berlin"))
    assert pointer == "/window/from"
    assert "not before to" in words


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (1, 2),
        ("9", 10),
        ("b", "a"),
        ("today", "2024-01-01"),
        ("2024-01-01", 5),
        ("2024-03-01T12:00:00+09:00", "2024-03-01T04:00:00Z"),
        ("2024-03-01T12:00:00", "2024-03-01T11:30:00Z"),
        ("2024-10-27T02:30:00", "2024-10-27T01:00:00Z"),
        ("0001-01-01T00:00:00", "9999-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
        ("infinity", "-infinity"),
    ],
)
def test_a_window_that_may_hold_rows_is_taken(begin: Any, end: Any) -> None:
    require_scope(
        request(column="d", **{"from": begin, "to": end}), [document(timezone="Europe/Berlin")], CATALOGUE.default_dimensions
    )


def test_every_fault_of_the_scope_at_once() -> None:
    asked = parse_model(
        CheckRequest, {"target": "shop", "table": "public.a", "rule_ids": ["r", "x"], "window": {"from": 2, "to": 1}}
    )
    assert [pointer for pointer, _ in refuse(asked, document())] == ["/rule_ids/1", "/window/column", "/window/from"]


def test_the_command_line_leaves_the_column_to_the_document() -> None:
    nothing = dict.fromkeys(("column", "from_", "to"))
    assert _window(nothing | {"from_": "2024-01-01"}) == {"from": "2024-01-01"}
    assert _window(nothing) == {}
