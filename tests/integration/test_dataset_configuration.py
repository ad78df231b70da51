"""Datasets in the internal database: how they are configured, versioned, and bound to their tables."""

from typing import Any

import pytest

from backend.configuration import datasets, exporting, store
from database.pool import Database
from stringx_dataops.contract.problems import Conflict, NotFound, PreconditionFailed
from tests.support.datasets import ME, TABLES, TARGET, apply, dataset, faults, table


def test_a_stream_may_bring_a_dataset_before_its_tables_and_is_applied_as_a_whole(database: Database) -> None:
    stream = [dataset(), TARGET, *(table(name) for name in TABLES)]
    changes = apply(database, *stream, dry_run=True)["changes"]
    assert changes[-1] == {"kind": "Dataset", "name": "sales", "change": "created"}
    with pytest.raises(NotFound):
        datasets.find(database, "sales")
    apply(database, *stream)
    assert datasets.find(database, "sales").document["tables"] == TABLES
    assert {change["change"] for change in apply(database, *stream)["changes"]} == {"unchanged"}
    assert apply(database, dataset(owner="me"))["changes"] == [{"kind": "Dataset", "name": "sales", "change": "updated"}]
    assert [document.get("kind", "Table") for document in exporting.export(database)["items"]] == [
        "Target",
        "Table",
        "Table",
        "Table",
        "Dataset",
    ]
    assert faults(lambda: apply(database, table("public.new"), dataset("other", ["public.nowhere"]))) == [
        ("/1/tables/0", "public.nowhere is not configured on target shop; send its document first")
    ]
    with pytest.raises(NotFound):
        store.find_table(database, "shop", "public.new")
    assert faults(lambda: apply(database, dataset(), dataset())) == [("/1/name", "dataset sales stands twice in the stream")]
    assert [pointer for pointer, _ in faults(lambda: apply(database, {"kind": "Group"}, dataset("x", [])))] == [
        "/0/kind",
        "/1/tables",
    ]


def test_a_dataset_is_put_read_and_deleted_with_its_versions(shop: Database) -> None:
    def put(if_match: str | None = None, **changes: Any) -> Any:
        return datasets.put(shop, ME, "sales", {"target": "shop", "tables": TABLES} | changes, if_match)

    assert (put().version, put().created) == (1, False), "as it was"
    assert put('"1"', mode="sync").etag == '"2"'
    with pytest.raises(PreconditionFailed):
        put('"1"', mode="async")
    assert faults(lambda: put(name="other")) == [("/name", "is 'other', and the path says 'sales'")]
    assert faults(lambda: put(tables=["public.a", "public.x"])) == [
        ("/tables/1", "public.x is not configured on target shop; send its document first")
    ]
    assert faults(lambda: put(target="nowhere")) == [("/target", "there is no target nowhere; send it and its tables first")]
    datasets.delete(shop, ME, "sales", '"2"')
    with pytest.raises(NotFound, match="there is no dataset sales; send one: PUT /api/v1/datasets/sales"):
        datasets.find(shop, "sales")
    with pytest.raises(NotFound):
        datasets.delete(shop, ME, "sales", None)
    assert put().version == 4, "versions go on counting"
    found = datasets.versions(shop, "sales")
    assert [(item["version"], item["document"] is None) for item in found["items"]] == [
        (4, False),
        (3, True),
        (2, False),
        (1, False),
    ]
    with pytest.raises(NotFound):
        datasets.versions(shop, "never")


def test_what_a_dataset_names_cannot_be_deleted(shop: Database) -> None:
    with pytest.raises(Conflict, match=r"^table public\.a is part of dataset sales; take it out there first$"):
        store.delete_table(shop, ME, "shop", "public.a", None)
    with pytest.raises(Conflict):
        store.delete_target(shop, ME, "shop", None)
    datasets.put(shop, ME, "sales", {"target": "shop", "tables": ["public.b"]}, None)
    store.delete_table(shop, ME, "shop", "public.a", None)
    datasets.delete(shop, ME, "sales", None)
    for name in ("public.b", "public.c"):
        store.delete_table(shop, ME, "shop", name, None)
    store.delete_target(shop, ME, "shop", None)
