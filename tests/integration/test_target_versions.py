"""Targets have versions, as tables and datasets have: each with who made it, deletions included."""

import pytest

from backend.configuration import store
from database.keys import Caller
from database.pool import Database
from stringx_dataops.contract.keys import SCOPES
from stringx_dataops.contract.messages.pages import Page
from stringx_dataops.contract.problems import NotFound, PreconditionFailed
from tests.support.datasets import ME, TARGET, apply, table

ANOTHER = Caller("ci-bot", frozenset(SCOPES))


def versions(database: Database) -> list[tuple[int, str, bool]]:
    return [
        (item["version"], item["changed_by"], item["document"] is None)
        for item in store.target_versions(database, "shop")["items"]
    ]


def test_each_change_of_a_target_is_a_version_with_who_made_it(database: Database) -> None:
    apply(database, TARGET)
    assert store.put_target(database, ANOTHER, "shop", TARGET, None).version == 1, "unchanged"
    assert store.put_target(database, ANOTHER, "shop", TARGET | {"host": "other"}, '"1"').version == 2
    with pytest.raises(PreconditionFailed):
        store.put_target(database, ANOTHER, "shop", TARGET, '"1"')
    store.delete_target(database, ME, "shop", '"2"')
    assert store.put_target(database, ANOTHER, "shop", TARGET, '"0"').version == 4, "versions go on counting"
    assert versions(database) == [(4, "ci-bot", False), (3, "me", True), (2, "ci-bot", False), (1, "me", False)]
    with pytest.raises(NotFound):
        store.target_versions(database, "never")


def test_targets_are_listed_by_name_page_by_page(database: Database) -> None:
    apply(database, *(TARGET | {"name": name} for name in ("c", "a", "b")))
    first = store.targets(database, Page(2))
    assert [item["name"] for item in first["items"]] == ["a", "b"]
    after = Page(2, store.TARGETS.position(str(first["next_cursor"])))
    last = store.targets(database, after)
    assert ([item["name"] for item in last["items"]], last["next_cursor"]) == (["c"], None)


def test_a_release_that_kept_no_versions_may_have_written_in_between(database: Database) -> None:
    apply(database, TARGET)
    with database.transaction() as cursor:
        cursor.run("update stringx.targets set version = 7, document = jsonb_set(document, '{host}', '\"old\"')")
    assert store.put_target(database, ANOTHER, "shop", TARGET, '"7"').version == 8
    store.delete_target(database, ANOTHER, "shop", None)
    assert [number for number, _, _ in versions(database)] == [9, 8, 1]


def test_version_zero_stores_only_what_is_not_there(database: Database) -> None:
    apply(database, TARGET, table("public.a", "a"))
    with pytest.raises(PreconditionFailed, match="version 1 is stored"):
        store.put_target(database, ME, "shop", TARGET, '"0"')
    with pytest.raises(PreconditionFailed, match="nothing is stored"):
        store.put_target(database, ME, "new", TARGET | {"name": "new"}, '"1"')
