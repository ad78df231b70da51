"""Where documents were last applied from, and the deletion of what their source does not hold any more."""

from typing import Any

import pytest

from backend.configuration import exporting, store
from backend.configuration.sources import Origin
from database.keys import Caller, asking
from database.pool import Database
from stringx_dataops.contract.problems import Conflict, Forbidden, Invalid, NotFound
from tests.support.datasets import ME, TARGET, dataset, table
from tests.support.documents import CATALOGUE

A, B, C = table("public.a"), table("public.b"), table("public.c")


def apply(
    database: Database,
    *documents: Any,
    source: str | None = "repo",
    prune: bool = False,
    dry_run: bool = False,
    caller: Caller = ME,
) -> dict[str, str]:
    done = store.apply(database, CATALOGUE, caller, list(documents), dry_run, Origin(source, prune))
    return {
        item["name"]: item["change"] + (f" from {item['taken_from']}" if "taken_from" in item else "") for item in done["changes"]
    }


def names(database: Database) -> dict[str, str | None]:
    page = exporting.export(database)
    found = [item.get("name") or item["table"] for item in page["items"]]
    return dict(zip(found, page["sources"], strict=True))


def test_a_document_remembers_where_it_was_last_applied_from(database: Database) -> None:
    apply(database, TARGET, A, B, dataset(tables=["public.a"]))
    assert names(database) == {"shop": "repo", "public.a": "repo", "public.b": "repo", "sales": "repo"}
    assert apply(database, C, source=None) == {"shop/public.c": "created"}
    assert apply(database, A, C, source="other", dry_run=True) == {
        "shop/public.a": "unchanged from repo",
        "shop/public.c": "unchanged",
    }
    assert names(database)["public.a"] == "repo", "a dry run takes nothing over"
    assert apply(database, A, source="other") == {"shop/public.a": "unchanged from repo"}
    apply(database, B, source=None)
    assert names(database) == {"shop": "repo", "public.a": "other", "public.b": "repo", "public.c": None, "sales": "repo"}
    store.delete_table(database, ME, "shop", "public.b", None)
    apply(database, B, source=None)
    assert names(database)["public.b"] is None, "a deleted document is forgotten, whoever deletes it"


def test_prune_deletes_what_the_source_holds_no_more_and_nothing_else(database: Database) -> None:
    apply(database, TARGET, A, B, dataset(tables=["public.b"]))
    apply(database, C, source="other")
    expected = {"shop": "unchanged", "shop/public.a": "unchanged", "sales": "deleted", "shop/public.b": "deleted"}
    assert apply(database, TARGET, A, prune=True, dry_run=True) == expected
    assert set(names(database)) == {"shop", "public.a", "public.b", "public.c", "sales"}
    assert apply(database, TARGET, A, prune=True) == expected
    assert names(database) == {"shop": "repo", "public.a": "repo", "public.c": "other"}
    assert [item["document"] is None for item in store.versions(database, "shop", "public.b")["items"]] == [True, False]
    assert apply(database, TARGET, A, B, prune=True)["shop/public.b"] == "created"
    assert store.find_table(database, "shop", "public.b").version == 3


def test_a_target_is_pruned_only_if_it_is_of_the_source_and_empty(database: Database) -> None:
    other = TARGET | {"name": "other"}
    foreign = TARGET | {"name": "foreign"}
    apply(database, TARGET, other, A, {**A, "target": "other"})
    apply(database, foreign, source="elsewhere")
    assert apply(database, A, prune=True, dry_run=True) == {
        "shop/public.a": "unchanged",
        "other/public.a": "deleted",
        "other": "deleted",
    }
    weak = Caller("weak", ME.scopes - {"admin"})
    with pytest.raises(Forbidden):
        apply(database, A, prune=True, caller=weak)
    apply(database, {**C, "target": "other"}, source=None)
    assert apply(database, A, prune=True, caller=weak) == {"shop/public.a": "unchanged", "other/public.a": "deleted"}
    assert set(names(database)) == {"shop", "other", "foreign", "public.a", "public.c"}


def test_a_dataset_that_stays_keeps_its_tables(database: Database) -> None:
    apply(database, TARGET, A, B)
    apply(database, dataset(tables=["public.b"]), source=None)
    for dry_run in (True, False):
        with pytest.raises(
            Conflict, match=r"table shop/public\.b would be pruned, and dataset sales names it; take it out there first"
        ):
            apply(database, TARGET, A, prune=True, dry_run=dry_run)
        with pytest.raises(Conflict):
            apply(database, TARGET, A, dataset(tables=["public.a", "public.b"]), prune=True, dry_run=dry_run)
    changed = dataset(tables=["public.a"])
    assert apply(database, TARGET, A, changed, prune=True, dry_run=True)["shop/public.b"] == "deleted"
    assert apply(database, TARGET, A, changed, prune=True)["shop/public.b"] == "deleted"


def test_pruning_is_refused_without_a_source_and_with_faults(database: Database) -> None:
    apply(database, TARGET, A, B)
    with pytest.raises(Invalid, match="/query/prune: deletes what was applied from a source; give source, too"):
        apply(database, A, source=None, prune=True)
    with pytest.raises(Invalid):
        apply(database, {**A, "owner": 7}, prune=True)
    with pytest.raises(Invalid, match="the stream holds no document"):
        apply(database, prune=True)
    assert store.find_table(database, "shop", "public.b").version == 1
    apply(database, A, prune=True)
    with pytest.raises(NotFound):
        store.find_table(database, "shop", "public.b")


def test_a_limited_key_prunes_its_own_targets_alone(database: Database) -> None:
    other = TARGET | {"name": "other"}
    apply(database, TARGET, other, A, B, {**A, "target": "other"}, dataset("theirs", ["public.a"], target="other"))
    limited = Caller("limited", frozenset({"read", "configure"}), frozenset({"shop"}))
    with asking(limited):
        assert apply(database, A, prune=True, caller=limited) == {"shop/public.a": "unchanged", "shop/public.b": "deleted"}
        assert set(names(database)) == {"shop", "public.a"}
    assert len(exporting.export(database)["items"]) == 5


def test_defaults_and_rule_sets_are_pruned_before_their_target(database: Database) -> None:
    defaults = {"apiVersion": "stringx/v1", "kind": "Defaults", "target": "shop", "owner": "data"}
    rules = [{"id": "a", "type": "not_null", "column": "a"}]
    keys = {"apiVersion": "stringx/v1", "kind": "RuleSet", "name": "keys", "target": "shop", "tables": ["*"], "rules": rules}
    other = TARGET | {"name": "other"}
    apply(database, other, TARGET, defaults, keys, A | {"overrides": [{"id": "keys.a", "active": False}]})
    with pytest.raises(Invalid, match=r"public\.a"):
        apply(database, other, TARGET, A | {"overrides": [{"id": "keys.a", "active": False}]}, prune=True)
    assert apply(database, other, TARGET, A, keys, prune=True, dry_run=True)["shop"] == "deleted"
    apply(database, keys | {"name": "kept"}, source="other")
    done = apply(database, other, prune=True)
    assert list(done) == ["other", "shop/public.a", "keys", "shop"], "the target stays: a set of another source is on it"
    assert set(names(database)) == {"other", "shop", "kept"}
