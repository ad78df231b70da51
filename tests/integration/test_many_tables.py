"""What is asked of the internal database when it holds many tables: by which index, in which steps."""

from collections.abc import Iterator
from typing import Any

import pytest

from api import insights, retention
from backend import retention as backend_housekeeping
from backend.configuration import exporting, store
from backend.insights import board, requests
from database.keys import Caller
from database.pool import Database
from stringx_dataops.contract.catalogue.rule_types import Catalogue
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.problems import Invalid
from stringx_dataops.contract.settings import ROOT
from tests.support.datasets import TARGET

CATALOGUE = Catalogue.load(ROOT / "stringx")
ME = Caller("me", frozenset({"configure", "admin"}))
FILTERS: dict[str, Any] = dict.fromkeys(requests.FILTERS)
BEHIND = {"created_at": "2026-01-01T00:00:00Z", "request_id": "x"}


def documents(number: int, description: str = "", **more: Any) -> list[dict[str, Any]]:
    rules = [{"id": "a", "type": "not_null", "column": "a"}]
    shared = {"apiVersion": "stringx/v1", "target": "shop", "description": description, "rules": rules}
    return [shared | {"table": f"public.t{n:04}"} | more for n in range(number)]


def apply(database: Database, *values: dict[str, Any], dry_run: bool = False) -> list[str]:
    return [each["change"] for each in store.apply(database, CATALOGUE, ME, values, dry_run)["changes"]]


def plan(database: Database, statement: str, parameters: dict[str, Any]) -> str:
    """As it is where there are many rows, for which the planner has no choice."""
    with database.transaction() as cursor:
        cursor.run("set local enable_seqscan = off; set local enable_sort = off; set local enable_bitmapscan = off")
        return "\n".join(row["QUERY PLAN"] for row in cursor.all("explain (costs off) " + statement, parameters))


def test_the_board_asks_only_the_datasets_with_a_table_whether_it_is_being_checked(database: Database) -> None:
    named = dict.fromkeys([*board.FILTERS, "seen", "names", "rank", "after_target", "after_name"]) | {
        "kind": "table",
        "limit": 51,
        "most_waivers": 10,
    }
    with database.transaction() as cursor:
        cursor.run("set local enable_seqscan = off")
        found = "\n".join(row["QUERY PLAN"] for row in cursor.all("explain (costs off) " + board.SQL["page"], named))
    for index in ("states_board", "requests_open", "requests_open_of_datasets", "datasets_by_table"):
        assert f" {index}" in found
    assert "Seq Scan" not in found


def test_a_stream_of_many_documents_is_one_version_a_table(database: Database) -> None:
    assert apply(database, TARGET, *documents(450)) == ["created"] * 451
    assert apply(database, *documents(450)) == ["unchanged"] * 450
    changed = [*documents(449), *documents(450, "now described")[449:]]
    assert apply(database, *changed, dry_run=True) == apply(database, *changed) == ["unchanged"] * 449 + ["updated"]
    assert [row["version"] for row in store.versions(database, "shop", "public.t0449")["items"]] == [2, 1]
    assert store.find_table(database, "shop", "public.t0449").version == 2
    store.delete_table(database, ME, "shop", "public.t0449", '"2"')
    assert apply(database, *documents(450)) == ["unchanged"] * 449 + ["created"]
    assert store.find_table(database, "shop", "public.t0449").version == 4


def test_one_wrong_document_of_many_and_nothing_is_written(database: Database) -> None:
    apply(database, TARGET)
    with pytest.raises(Invalid) as refused:
        apply(database, *documents(300), *documents(1, table="public.z", mode="never"))
    assert [error.pointer for error in refused.value.errors] == ["/300/mode"]
    assert exporting.export(database)["items"] == [store.find_target(database, "shop").document]


def test_all_documents_are_exported_page_by_page(database: Database) -> None:
    dataset = {"apiVersion": "stringx/v1", "kind": "Dataset", "target": "shop", "tables": ["public.t0000"]}
    apply(database, TARGET, TARGET | {"name": "other"}, *documents(7), dataset | {"name": "a"}, dataset | {"name": "b"})
    whole = exporting.export(database)
    assert (len(whole["items"]), whole["next_cursor"]) == (11, None)
    for size in (1, 2, 3, 5, 11):
        pages = list(pages_of(database, size))
        assert [document for page in pages for document in page] == whole["items"]
        assert all(len(page) == size for page in pages[:-1])
    with pytest.raises(Invalid, match="cursor"):
        exporting.export(database, Page(after=("Nonsense", "a")))


def pages_of(database: Database, size: int) -> Iterator[list[Any]]:
    page = exporting.export(database, Page(size))
    while page["next_cursor"] is not None:
        yield page["items"]
        page = exporting.export(database, Page(size, exporting.PAGES.position(page["next_cursor"])))
    yield page["items"]


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({}, "requests_newest"),
        (BEHIND, "requests_newest"),
        ({"table": "public.a"}, "requests_newest_of_table"),
        ({"table": "public.a"} | BEHIND, "requests_newest_of_table"),
        ({"dataset": "a"}, "requests_newest_of_dataset"),
        ({"verdict": "fail"}, "requests_newest_by_verdict"),
        ({"status": "errored"} | BEHIND, "requests_newest_by_status"),
        ({"target": "few"}, "requests_newest_of_target"),
        ({"target": "few", "seen": ["few"]}, "requests_newest_of_target"),
        ({"requested_by": "loader"} | BEHIND, "requests_newest_by_requester"),
        ({"source": "dashboard"}, "requests_newest_by_origin"),
        ({"from": "2026-01-01Z", "to": "2026-01-02Z"}, "requests_newest"),
    ],
)
def test_each_list_of_requests_is_read_from_its_index(database: Database, asked: dict[str, Any], index: str) -> None:
    for rules in (False, True):
        page = {"created_at": None, "request_id": None, "limit": 51, "rules": rules, "seen": None}
        found = plan(database, requests.SQL["list"], FILTERS | page | asked)
        assert f"Index Scan Backward using {index} on requests r" in found, found
        assert "Sort" not in found


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        ("api", ("with_samples", "delete_checks", "delete_delivered")),
        ("backend", ("with_samples", "delete_results", "delete_requests")),
    ],
)
def test_housekeeping_reads_what_is_old_and_nothing_else(database: Database, folder: str, names: tuple[str, ...]) -> None:
    queries = {"api": retention.SQL, "backend": backend_housekeeping.SQL}[folder]
    for name in names:
        found = plan(database, queries[name], {"days": 30, "batch": 200})
        assert "Index Cond: (finished_at <" in found or "Index Cond: (delivered_at <" in found, f"{name}\n{found}"


@pytest.mark.parametrize("name", ["targets", "deliveries"])
def test_figures_are_counted_by_index(database: Database, name: str) -> None:
    found = plan(database, insights.SQL[name], {})
    assert "Seq Scan on outbox" not in found
    assert "Seq Scan on checks" not in found
