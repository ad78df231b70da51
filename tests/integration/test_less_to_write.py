"""Defaults, rule sets and patterns: what they make of stored tables and datasets, and a check of a real table with them."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from api.checks.lookup import Configured, InScope
from api.checks.specification import build
from api.worker.results import _rule_result
from backend.configuration import datasets, exporting, layers, refreshing, store
from backend.gates.gate import of_dataset as gate_of_dataset
from backend.insights import board
from backend.insights.history import RuleName
from backend.insights.rules import changes
from database import configuration
from database.migrate import migrate
from database.pool import Database
from stringx_dataops.contract.documents.globs import check_glob, matches, postgres_pattern
from stringx_dataops.contract.documents.tables import TableDocument, parse_table
from stringx_dataops.contract.documents.targets import parse_target
from stringx_dataops.contract.messages.checks import RuleResult
from stringx_dataops.contract.messages.trials import CheckOrder
from stringx_dataops.contract.problems import Conflict, NotFound
from tests.support.dashboard import opened, sign_in
from tests.support.databases import Admin, Target, migrate_before
from tests.support.datasets import CATALOGUE, ME, TARGET, apply, check_now, dataset, faults, gate, now, table
from tests.support.documents import plain_judge
from tests.support.engine import Engine
from tests.support.history import refreshed, states

DEFAULTS = {"apiVersion": "stringx/v1", "kind": "Defaults", "target": "shop", "owner": "data", "tags": ["gold"]}
NOT_NULL = {"id": "ids", "type": "not_null", "columns": ["*_id"]}


def rule_set(name: str = "keys", **fields: Any) -> dict[str, Any]:
    said = {"apiVersion": "stringx/v1", "kind": "RuleSet", "name": name, "target": "shop", "tables": ["public.[ab]"]}
    return said | {"rules": [NOT_NULL]} | fields


def put(database: Database, document: dict[str, Any]) -> None:
    kind = document["kind"]
    name = document["target" if kind == "Defaults" else "name"]
    layers.put(database, CATALOGUE, ME, kind, name, document, None)


def effective(database: Database, name: str) -> tuple[TableDocument, str]:
    with database.transaction() as cursor:
        found = configuration.tables(cursor, [("shop", name)])["shop", name]
    return found.read(), found.rules_hash


def rules_of(database: Database, name: str) -> list[str]:
    return [rule.id for rule in effective(database, name)[0].rules]


def test_a_rule_set_holds_for_tables_that_match_and_closes_their_gates_until_they_are_checked(shop: Database) -> None:
    check_now(shop, dataset="sales")
    assert [gate(shop, name).gate for name in ("public.a", "public.b")] == ["open", "open"]
    put(shop, rule_set(**{"except": ["*.b"]}))
    assert (rules_of(shop, "public.a"), rules_of(shop, "public.b")) == (["a", "keys.ids"], ["b"])
    assert (gate(shop, "public.a").gate, gate(shop, "public.b").gate) == ("closed", "open")
    assert gate_of_dataset(shop, "sales").gate == "closed"
    refreshed(shop)
    assert states(shop)["public.a"]["state"] == "stale"
    check_now(shop, {"keys.ids": 1}, table="public.a")
    assert gate(shop, "public.a").reasons == ["verdict fail", "keys.ids: 1 of 10 rows (10.00%) have no *_id; fails above 0"]
    check_now(shop, table="public.a", rule_ids=["keys.ids"])
    assert store.find_table(shop, "shop", "public.a").document["rules"] == [{"id": "a", "type": "not_null", "column": "a"}]
    layers.delete(shop, CATALOGUE, ME, "RuleSet", "keys", None)
    assert rules_of(shop, "public.a") == ["a"]
    assert gate(shop, "public.a").gate == "closed", "the set's rule was part of the check"
    check_now(shop, table="public.a")
    assert gate(shop, "public.a").gate == "open"


def test_words_of_defaults_close_no_gate_and_show_on_the_board(shop: Database) -> None:
    check_now(shop, table="public.a")
    before = effective(shop, "public.a")[1]
    put(shop, DEFAULTS | {"timezone": "UTC"})
    document, rules_hash = effective(shop, "public.a")
    assert (document.owner, document.tags, rules_hash) == ("data", ["gold"], before)
    assert gate(shop, "public.a").gate == "open"
    store.put_table(shop, CATALOGUE, ME, ("shop", "public.b"), table("public.b", "b", tags=["silver"]), None)
    shown = {tag: board.page(shop, "table", {"owner": "data", "tag": tag})["items"] for tag in ("gold", "silver")}
    assert [[item["table"] for item in items] for items in shown.values()] == [["public.c", "public.a"], ["public.b"]]
    put(shop, DEFAULTS | {"timezone": "Europe/Berlin", "gate": {"max_age": "1h"}})
    assert gate(shop, "public.a").gate == "closed", "another time zone may decide otherwise"
    assert effective(shop, "public.a")[0].gate.max_age == "1h"
    layers.delete(shop, CATALOGUE, ME, "Defaults", "shop", None)
    assert (effective(shop, "public.a")[1], gate(shop, "public.a").gate) == (before, "open")
    with pytest.raises(NotFound, match="has no defaults"):
        layers.find(shop, "Defaults", "shop")
    assert [item["version"] for item in layers.versions(shop, "Defaults", "shop")["items"]] == [3, 2, 1]


def test_every_change_makes_a_version_that_says_what_a_check_ran(shop: Database) -> None:
    began = now(shop)
    put(shop, rule_set(rules=[NOT_NULL | {"fail_above": 2}]))
    found = check_now(shop, {"keys.ids": 1}, table="public.a")
    assert found.config_version == store.find_table(shop, "shop", "public.a").version == 2
    assert changes(shop, RuleName("shop", "public.a", "keys.ids"), began, now(shop))[0]["version"] == 2
    with shop.transaction() as cursor:
        row = cursor.one("select document, effective from stringx.table_versions where table_name = 'public.a' and version = 2")
    assert row is not None
    assert [len(row[name]["rules"]) for name in ("document", "effective")] == [1, 2]


def test_overrides_are_held_against_the_sets_and_the_sets_against_them(shop: Database) -> None:
    switched = table("public.a", overrides=[{"id": "keys.ids", "active": False}])
    assert faults(lambda: store.put_table(shop, CATALOGUE, ME, ("shop", "public.a"), switched, None)) == [
        ("/overrides/0/id", "no rule set gives public.a a rule 'keys.ids'; leave it out, or look at the set's tables")
    ]
    assert [change["change"] for change in apply(shop, rule_set(), switched, DEFAULTS)["changes"]] == [
        "created",
        "created",
        "updated",
    ]
    assert gate(shop, "public.a").reasons[0] == "no active rule: nothing says that the table may be used"
    found = faults(lambda: layers.delete(shop, CATALOGUE, ME, "RuleSet", "keys", None))
    said = "rule set keys cannot be deleted: what is left does not fit table public.a: overrides/0/id: no rule set gives"
    assert (found[0][0], found[0][1].startswith(said)) == ("", True)
    assert "table public.a" in faults(lambda: put(shop, rule_set(tables=["public.b"])))[0][1]
    between = rule_set(rules=[{"id": "ids", "type": "between", "column": "x", "arguments": {"min": 1}}])
    apply(shop, between)
    wrong = table("public.a", overrides=[{"id": "keys.ids", "arguments": {"min": "1", "mx": 2}, "fail_above": "1 %%"}])
    assert [pointer for pointer, _ in faults(lambda: apply(shop, wrong))] == ["/0/overrides/0/fail_above"]
    wrong["overrides"][0].pop("fail_above")
    assert [pointer for pointer, _ in faults(lambda: apply(shop, wrong))] == ["/0/overrides/0/arguments"]
    with pytest.raises(Conflict):
        store.delete_target(shop, ME, "shop", None)


def test_a_dry_run_of_a_stream_says_what_does_not_fit_and_changes_nothing(shop: Database) -> None:
    said = [rule_set(), table("public.b", "b", overrides=[{"id": "keys.ids", "severity": "warn"}])]
    assert [change["change"] for change in apply(shop, *said, dry_run=True)["changes"]] == ["created", "updated"]
    assert (rules_of(shop, "public.a"), rules_of(shop, "public.b")) == (["a"], ["b"])
    apply(shop, *said)
    assert [pointer for pointer, _ in faults(lambda: apply(shop, rule_set(tables=["x.*"]), dry_run=True))] == ["/0"]
    again = apply(shop, *said)["changes"]
    assert [change["change"] for change in again] == ["unchanged", "unchanged"]
    exported = exporting.export(shop)["items"]
    assert [each["kind"] for each in exported] == ["Target", "RuleSet", "Table", "Table", "Table", "Dataset"]
    assert apply(shop, *exported)["changes"] == [change | {"change": "unchanged"} for change in apply(shop, *exported)["changes"]]


def test_the_effective_document_has_every_field_and_says_where_each_is_from(shop: Database) -> None:
    apply(shop, DEFAULTS, rule_set(rules=[NOT_NULL, {"id": "all", "type": "row_count", "arguments": {"min": 1}}]))
    found = store.find_effective(shop, "shop", "public.a").document
    assert (found["owner"], found["timezone"], found["rules"][1]["active"]) == ("data", "UTC", True)
    assert (found["origins"]["fields"]["owner"], found["origins"]["fields"]["timezone"]) == ("defaults", "built_in")
    assert list(found["origins"]["rules"]) == ["a", "keys.ids", "keys.all"]
    document, _ = effective(shop, "public.a")
    assert document.model_dump(mode="json", exclude={"overrides"}) == {name: found[name] for name in found if name != "origins"}


def test_what_a_release_before_this_one_writes_is_closed_until_it_is_merged(shop: Database) -> None:
    put(shop, rule_set())
    check_now(shop, table="public.a")
    write = """
    update stringx.tables set document = document || '{"description": "old"}', version = version + 1 where table_name = 'public.a';
    insert into stringx.tables (target, table_name, document, rules_hash, version) values
        ('shop', 'public.d', '{"apiVersion": "stringx/v1", "target": "shop", "table": "public.d", "rules": []}', 'x', 1)"""
    with shop.transaction() as cursor:
        cursor.run(write)
    assert gate(shop, "public.a").gate == "closed"
    assert rules_of(shop, "public.a") == []
    assert refreshing.take_up(shop, CATALOGUE) == 2
    assert gate(shop, "public.a").gate == "open"
    assert (rules_of(shop, "public.a"), rules_of(shop, "public.d")) == (["a", "keys.ids"], [])


@pytest.mark.parametrize("setting", ["closed", "keep"])
def test_a_dataset_is_closed_while_a_table_of_it_waits_to_be_merged(shop: Database, setting: str) -> None:
    apply(shop, DEFAULTS, table("public.b"), dataset(gate={"on_changed_rules": setting}))
    check_now(shop, dataset="sales")
    assert gate_of_dataset(shop, "sales").gate == "open"
    with shop.transaction() as cursor:
        cursor.run("""
        update stringx.tables set version = version + 1, rules_hash = 'x',
               document = document || '{"rules": [{"id": "new", "type": "not_null", "column": "n"}]}' where table_name = 'public.b'""")
    assert gate_of_dataset(shop, "sales").gate == "closed"
    check_now(shop, dataset="sales")
    assert gate_of_dataset(shop, "sales").gate == "closed", "the check knew no rule of the table"
    assert refreshing.take_up(shop, CATALOGUE) == 1
    assert gate_of_dataset(shop, "sales").gate == "closed"
    check_now(shop, dataset="sales")
    assert gate_of_dataset(shop, "sales").gate == "open"


def test_a_dataset_holds_the_tables_that_match_and_a_new_one_closes_its_gate(shop: Database) -> None:
    apply(shop, dataset("all", ["public.c", "public.*"]), dataset("none", ["other.*"]))
    assert tables_of(shop, "all") == ["public.c", "public.a", "public.b"]
    check_now(shop, dataset="all")
    assert gate_of_dataset(shop, "all").gate == "open"
    store.put_table(shop, CATALOGUE, ME, ("shop", "public.aa"), table("public.aa", "aa"), None)
    assert tables_of(shop, "all") == ["public.c", "public.a", "public.aa", "public.b"]
    assert gate_of_dataset(shop, "all").gate == "closed"
    refreshed(shop)
    assert [each["state"] for each in board.page(shop, "dataset", {"q": "all"})["items"]] == ["stale"]
    assert [part.table for part in check_now(shop, dataset="all").tables] == ["public.a", "public.aa", "public.b"]
    assert gate_of_dataset(shop, "all").gate == "open"
    store.delete_table(shop, ME, "shop", "public.aa", None)
    assert tables_of(shop, "all") == ["public.c", "public.a", "public.b"]
    with pytest.raises(Conflict, match="part of dataset"):
        store.delete_table(shop, ME, "shop", "public.c", None)
    assert gate_of_dataset(shop, "none").gate == "closed"
    apply(shop, dataset("none", ["public.a"]))
    assert tables_of(shop, "none") == ["public.a"]
    check_now(shop, dataset="none")
    assert gate_of_dataset(shop, "none").gate == "open"
    apply(shop, dataset("none", ["other.*"]))
    emptied = gate_of_dataset(shop, "none")
    assert (emptied.gate, any("no configured table matches the dataset any more" in each for each in emptied.reasons)) == (
        "closed",
        True,
    )
    assert not any("another database or role" in each for each in emptied.reasons)
    with shop.transaction() as cursor:  # as the release before writes it
        written = {"document": json.dumps(dataset("all", ["public.c", "public.a", "public.b"]))}
        cursor.run("update stringx.datasets set document = %(document)s, version = version + 1 where name = 'all'", written)
    with pytest.raises(Conflict, match=r"part of datasets all, sales"):
        store.delete_table(shop, ME, "shop", "public.b", None)


def tables_of(database: Database, name: str) -> list[str]:
    with database.transaction() as cursor:
        return list(datasets.find_with(cursor, name)["tables"])


def test_both_ways_of_matching_agree(database: Database) -> None:
    random.seed(7)
    names = ["".join(random.choice("ab.*[]-^\\!_$é") for _ in range(random.randint(1, 6))) for _ in range(300)]
    globs = []
    while len(globs) < 300:
        glob = "".join(random.choice("ab.*?[]-^\\!_$é") for _ in range(random.randint(1, 6)))
        try:
            globs.append(check_glob(glob))
        except ValueError:
            continue
    with database.transaction() as cursor:
        given = {"names": names, "globs": [postgres_pattern(glob) for glob in globs]}
        rows = cursor.all("select g.n, array_agg(name) as names from unnest(%(globs)s) with ordinality as g (glob, n)"
                          " join unnest(%(names)s) as name on name ~ glob group by 1", given)  # fmt: skip
    found = {row["n"] - 1: sorted(row["names"]) for row in rows}
    for number, glob in enumerate(globs):
        assert sorted(name for name in names if matches(name, [glob])) == found.get(number, []), glob


def test_patterns_stand_for_the_columns_of_the_table_as_it_is(engine: Engine, target: Target) -> None:
    target.execute('create table t (a_id integer, b_id text, "x*y" integer, n numeric)')
    target.execute("insert into t values (1, null, 1, 1), (null, null, null, 2), (3, '', 3, 30)")
    said = "{failures} of {total} ({ratio}), {measured}"
    rules = [
        {"id": "ids", "type": "not_null", "columns": ["*_id"], "message": said, "owner": "me", "runbook": "https://wiki.example.com"},
        {"id": "one", "type": "not_null", "column": "x[*]y"},
        {"id": "one_more", "type": "between", "column": "x[*]y", "arguments": {"min": 2}},
        {"id": "pair", "type": "compare", "column": "x[*]y", "arguments": {"operator": "<", "other_column": "n"}},
        {"id": "blank", "type": "not_blank", "columns": ["b_*", "a_id"]},
        {"id": "key", "type": "unique", "columns": ["?_id"], "message": "never shown"},
        {"id": "none", "type": "is_null", "columns": ["*_no"], "message": said},
        {"id": "gone", "type": "not_null", "columns": ["n", "no[*]"], "verify": "constraint"},
        {"id": "all", "type": "not_null", "columns": ["*", "n"]},
        {"id": "max", "type": "aggregate", "column": "n", "arguments": {"function": "max", "max": 5}, "message": said},
        {"id": "text", "type": "aggregate", "column": "b_id", "arguments": {"function": "max", "max": "A"}, "message": said, "where": "a_id = 3 or b_id is null"},
    ]  # fmt: skip
    document = {"apiVersion": "stringx/v1", "target": "shop", "table": "public.t", "rules": rules}
    parsed = parse_table(document, CATALOGUE, plain_judge)
    connection = parse_target(target.document())
    request = CheckOrder.model_validate({"target": "shop", "table": "public.t"})
    answer = engine.answer(
        target, build(request, connection, [InScope(Configured(parsed, connection, 1, ""), parsed.rules)], CATALOGUE, 60)
    )
    assert answer.outcome is not None, answer.message
    outcomes = json.loads(answer.outcome)["tables"][0]["rules"]
    found = {rule.id: _rule_result(rule, one, CATALOGUE) for rule, one in zip(parsed.rules, outcomes, strict=True)}
    assert (found["ids"].columns, found["ids"].failures, found["ids"].message) == (
        ["a_id", "b_id"],
        2,
        "2 of 3 (66.67%), unknown",
    )
    assert found["ids"].finding == "2 of 3 rows (66.67%) have no a_id or b_id; fails above 0"
    shown = found["ids"].model_dump(mode="json")
    assert (shown["owner"], shown["runbook"], "finding" in found["one"].model_dump()) == ("me", "https://wiki.example.com", False)
    assert (found["one"].columns, found["one"].failures) == (["x*y"], 1)
    assert (found["one_more"].columns, found["one_more"].failures) == (["x*y"], 1)
    assert (found["pair"].columns[:1], found["pair"].failures) == (["x*y"], 1)
    assert found["blank"].status == "error" or found["blank"].columns == ["b_id", "a_id"]
    assert (found["key"].columns, found["key"].status, found["key"].finding) == (["a_id", "b_id"], "pass", None)
    assert found["none"].message == "could not be decided: no column matches *_no"
    assert (found["gone"].status, found["gone"].columns) == ("error", ["n", "no*"]), "a name that is escaped is still a name"
    assert found["all"].columns == ["a_id", "b_id", "n", "x*y"]
    assert (found["max"].message, found["max"].measured) == ("unknown of 3 (unknown), 30", 30)
    assert_hidden(found["text"])


def assert_hidden(rule: RuleResult) -> None:
    assert rule.measured is None
    assert rule.status != "fail" or rule.message.endswith("hidden")


def test_targets_take_layers_of_their_own(database: Database) -> None:
    apply(database, TARGET, TARGET | {"name": "other"}, table("public.a", "a"), table("public.a", "a") | {"target": "other"})
    put(database, rule_set())
    assert rules_of(database, "public.a") == ["a", "keys.ids"]
    layers.put(database, CATALOGUE, ME, "RuleSet", "keys", rule_set(target="other"), None)
    assert rules_of(database, "public.a") == ["a"]
    with database.transaction() as cursor:
        assert len(configuration.tables(cursor, [("other", "public.a")])["other", "public.a"].read().rules) == 2
    assert faults(lambda: put(database, rule_set(target="none")))[0][0] == "/target"


def test_the_dashboard_says_what_comes_from_elsewhere(shop: Database, internal_url: str, tmp_path: Path) -> None:
    words = {"owner": "<b>me</b>", "runbook": "https://wiki.example.com/ids", "tags": ["gold"], "description": "ids & keys"}
    apply(shop, DEFAULTS | {"runbook": "https://wiki.example.com/shop"}, rule_set(rules=[NOT_NULL | words]))
    apply(shop, table("public.a", "a", overrides=[{"id": "keys.ids", "severity": "warn"}]))
    check_now(shop, table="public.a")
    with opened(shop, internal_url, tmp_path) as client:
        sign_in(client)
        page = client.get("/configuration/shop/public.a").text
        found = page[page.index('id="effective"') :]
        assert "defaults of shop" in found
        assert "rule set keys; this table overrides severity" in found
        assert "not_null of *_id" in found
        assert "ids &amp; keys" in found
        assert 'href="https://wiki.example.com/shop"' in client.get("/tables/shop/public.a").text
        rule = client.get("/tables/shop/public.a/rules/keys.ids").text
        assert 'href="https://wiki.example.com/ids"' in rule
        assert "Owner: &lt;b&gt;me&lt;/b&gt;" in rule
        board = client.get("/?tag=gold").text
        assert 'data-key="shop/public.a"' in board
        assert "#gold" in board
        assert "Nothing matches" in client.get("/?tag=silver").text


def test_the_migration_keeps_the_meaning_of_columns_with_stars(admin: Admin, internal_url: str) -> None:
    admin.run("create database before_patterns")
    database = Database(admin.url("before_patterns"), size=1)
    try:
        migrate_before(database, "0026_less_to_write.sql")
        rules = [{"id": "a", "type": "not_null", "column": "a*b[1]"}, {"id": "b", "type": "unique", "columns": ["x", "what?"]}]
        document = {
            "apiVersion": "stringx/v1",
            "target": "shop",
            "table": "public.a",
            "rules": [*rules, {"id": "c", "type": "row_count"}],
        }
        with database.transaction() as cursor:
            cursor.run("insert into stringx.targets values ('shop', '{}', 1)")
            row = {"document": json.dumps(document)}
            cursor.run("insert into stringx.tables values ('shop', 'public.a', %(document)s, 'hash', 1)", row)
        migrate(database)
        with database.transaction() as cursor:
            found = cursor.one("select document, rules_hash, effective from stringx.tables")
        assert found is not None
        assert [rule.get("column", rule.get("columns")) for rule in found["document"]["rules"]] == [
            "a[*]b[[]1[]]",
            ["x", "what[?]"],
            None,
        ]
        assert matches("a*b[1]", ["a[*]b[[]1[]]"])
        assert (found["rules_hash"], found["effective"]) == ("hash", None)
    finally:
        database.close()
        admin.run("drop database before_patterns with (force)")
