"""Rules that are decided for each group: what groups are, how many there may be, and what becomes of new and missing ones."""

import json
from typing import Any

import pytest

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

SALES = """
create table sales (id integer, shop text, country text, amount numeric, sold_at timestamptz);
insert into sales
select n, case when n % 4 = 0 then null else 'shop ' || n % 4 end, 'DE', case when n % 10 = 0 then null else n end, '2026-01-01'::timestamptz + n * interval '1 hour'
from generate_series(1, 100) as n
"""


def per(tested: dict[str, Any], *columns: str, new: str | None = None, missing: str | None = None, **more: Any) -> dict[str, Any]:
    return tested | {"per": list(columns), "new_groups": new, "missing_groups": missing} | more


def remembered(found: dict[str, Any]) -> dict[str, Any]:
    """As DataOps gives it to the next check."""
    return {"before": {"at": "2026-01-01T00:00:00Z", "check_id": "c", "state": json.loads(json.dumps(found["remember"]))}}


def test_a_rule_fails_by_its_worst_group_and_counts_all(engine: Engine, target: Target) -> None:
    target.execute(SALES)
    tested = [
        per(rule("nulls", "not_null", "amount", fail_above=0.15), "shop"),
        per(rule("sum", "aggregate", "amount", fail_above=None, function="sum", min=1000, warn={"min": 1060}), "shop", "country"),
    ]
    outcome = engine.outcome(target, gate("sales", *tested, key=["id"], sample_columns=["shop", "country"], sample_rows=2))
    nulls, total = outcome["rules"]
    ((expected,),) = target.query(
        "select json_agg(json_build_array(shop, f, t)) from (select shop, count(*) filter (where amount is null) as f, count(*) as t"
        " from sales group by shop order by 2 desc, 3, shop nulls first) as x"
    )
    groups = nulls["groups"]
    assert [[group["key"]["shop"], group["failures"], group["total"]] for group in groups["worst"]] == expected
    assert (nulls["status"], nulls["failures"], nulls["total"]) == ("fail", 10, 100), "5 of 25 of two shops, nothing elsewhere"
    assert (groups["count"], groups["failing"], groups["warning"]) == (4, 2, 0)
    assert len(nulls["sample"]["rows"]) == 2
    assert [(group["key"]["shop"], group["status"]) for group in total["groups"]["worst"]] == [
        (shop, "fail" if value < 1000 else "warn" if value < 1060 else "pass")
        for shop, value in target.query("select shop, sum(amount) from sales group by shop order by 2")
    ]
    assert total["measured"] == total["groups"]["worst"][0]["measured"]
    assert outcome["verdict"] == "fail"


def test_a_rule_of_more_than_a_thousand_groups_is_not_decided(engine: Engine, target: Target) -> None:
    target.execute("create table t (id integer, a integer); insert into t select n, 1 from generate_series(1, 1001) as n")
    tested = [
        per(rule("many", "not_null", "a"), "id"),
        per(rule("fewer", "not_null", "a", where="id <= 1000"), "id"),
        per(rule("rows", "row_count", fail_above=None, min=1, where="id <= 1000"), "id"),
        per(rule("keys", "unique", "a"), "id"),
    ]
    found = engine.rules(target, gate("t", *tested))
    words = "has 1,001 groups, and `per` takes at most 1,000"
    assert {name: (one["status"], one["reason"]) for name, one in found.items()} == {
        "many": ("error", words),
        "fewer": ("pass", None),
        "rows": ("error", words),  # no row under its where is a count, too
        "keys": ("error", words),
    }
    assert found["fewer"]["groups"]["count"] == 1000
    assert len(found["fewer"]["groups"]["worst"]) == 20


def test_new_and_missing_groups_violate_by_themselves(engine: Engine, target: Target) -> None:
    target.execute("create table t (a text, n integer); insert into t values ('x', 1), ('y', 1), (null, 1)")
    both = per(rule("r", "not_null", "n"), "a", new="warn", missing="fail")

    def check(tested: dict[str, Any], **settings: Any) -> dict[str, Any]:
        return engine.outcome(target, gate("t", tested, **{"sample_columns": ["a"]} | settings))

    first = check(both)["rules"][0]
    assert (first["status"], first["groups"]["compared"], first["groups"]["new"]) == ("pass", False, 0)
    again = check(both | remembered(first))["rules"][0]
    assert (again["status"], again["groups"]["compared"]) == ("pass", True)
    target.execute("delete from t where a is null or a = 'x'; insert into t values ('z', 1)")
    changed = check(both | remembered(first))
    found = changed["rules"][0]
    assert (changed["verdict"], found["status"], found["failures"], found["total"]) == ("fail", "fail", 0, 2)
    assert sorted((str(group["key"]["a"]), group["status"], group.get("change")) for group in found["groups"]["worst"]) == [
        ("None", "fail", "missing"),
        ("x", "fail", "missing"),
        ("y", "pass", None),
        ("z", "warn", "new"),
    ]
    groups = found["groups"]
    assert (groups["count"], groups["failing"], groups["warning"], groups["new"], groups["missing"]) == (2, 2, 1, 1, 2)
    assert (groups["of_rows"], found["uncounted"]) == ("pass", True)
    only_new = check(per(rule("r", "not_null", "n"), "a", new="fail") | remembered(first))["rules"][0]
    assert (only_new["status"], only_new["groups"]["missing"], only_new["groups"]["failing"]) == ("fail", 0, 1)
    target.execute("delete from t")
    emptied = check(both | remembered(first), on_empty="pass")
    assert (emptied["verdict"], emptied["rules"][0]["groups"]["missing"]) == ("fail", 3), "without any row"


def test_a_row_count_of_no_group_says_nothing_of_an_empty_table(engine: Engine, target: Target) -> None:
    target.execute("create table t (a text)")
    counted = per(rule("r", "row_count", fail_above=None, min=1), "a")
    assert engine.outcome(target, gate("t", counted))["verdict"] == "fail", "on_empty decides"
    assert engine.outcome(target, gate("t", counted, on_empty="pass"))["verdict"] == "pass"


def test_equal_keys_are_one_group_and_keep_their_hash(engine: Engine, target: Target) -> None:
    """However they are written: numbers with more zeros, minus zero, NaN, blanks that fill up."""
    columns = {"n numeric": ("1.0", "1.00"), "f float8": ("0", "-0"), "d float8": ("NaN", "nan"), "c char(5)": ("a", "a "),
               "i interval": ("1 day", "24 hours"), "m money": ("1", "1.00"), "v tsvector": ("a b", "b a"), "b bit(3)": ("101", "101"), "z timestamptz": ("2026-01-01 00:00+00", "2026-01-01 01:00+01")}  # fmt: skip
    for column, (one, other) in columns.items():
        name = column.split()[0]
        target.execute(
            f"drop table if exists t; create table t ({column}, a integer); insert into t values ('{one}', 1), (null, 1)"
        )
        tested = per(rule("r", "not_null", "a"), name, new="fail", missing="fail")
        first = engine.rules(target, gate("t", tested))["r"]
        target.execute(f"update t set {name} = '{other}' where {name} is not null; insert into t values ('{one}', 1)")
        second = engine.rules(target, gate("t", tested | remembered(first), timezone="Asia/Kolkata"))["r"]
        assert (second["status"], second["groups"]["count"]) == ("pass", 2), column


def test_keys_leave_the_database_only_if_their_columns_may_be_shown(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t (secret text, open text, a integer); insert into t values ('s3cret-one', 'o', 1), ('s3cret-two', 'o', null)"
    )
    both = ("secret", "open")
    tested = [
        per(rule("rows", "not_null", "a"), *both, new="fail", missing="fail"),
        per(rule("keys", "unique", "open"), "secret"),
        per(rule("far", "outliers", "a", method="zscore", limit=1), "secret"),
        per(rule("most", "aggregate", "secret", fail_above=None, function="max", max="a"), "open"),
        per(rule("cast", "expression", sql="secret::integer > 0"), "open"),
    ]
    hidden = gate("t", *tested, key=["open"], sample_rows=5)
    outcome = engine.answer(target, hidden).outcome
    assert outcome is not None
    assert "s3cret" not in outcome
    found = {one["id"]: one for one in json.loads(outcome)["tables"][0]["rules"]}
    assert [group["key"] for group in found["rows"]["groups"]["worst"]] == [None, None]
    assert found["rows"]["remember"]["keys"] is None
    assert found["most"]["groups"]["worst"][0] | {"total": 2} == {
        "key": {"open": "o"}, "status": "fail", "failures": None, "total": 2, "measured": None,
    }  # fmt: skip
    shown = engine.rules(target, gate("t", *tested, key=["open"], sample_columns=["secret"]))["rows"]
    assert shown["groups"]["worst"][0]["key"] == {"secret": "s3cret-two", "open": "o"}
    once_shown = engine.answer(target, gate("t", tested[0] | remembered(shown), key=["open"])).outcome
    target.execute("delete from t where a is null")
    gone = engine.answer(target, gate("t", tested[0] | remembered(shown), key=["open"])).outcome
    assert once_shown is not None
    assert gone is not None
    assert '"missing"' in gone
    assert "s3cret" not in once_shown + gone, "a key that was remembered while it might be shown"


def test_large_keys_are_cut(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t (k text, l text, a integer); insert into t select repeat('ü', 1000000), n::text, null from generate_series(1, 3) as n"
    )
    found = engine.rules(target, gate("t", per(rule("r", "not_null", "a"), "k", "l", new="fail"), sample_columns=["k", "l"]))["r"]
    assert [group["key"] for group in found["groups"]["worst"]] == [{"k": "ü" * 100 + "...", "l": str(n)} for n in (1, 2, 3)]
    assert len(json.dumps(found, ensure_ascii=False).encode()) < 10_000


def test_what_is_remembered_has_room(engine: Engine, target: Target) -> None:
    target.execute(
        "create table t (k text, a integer); insert into t select repeat('ü', 300) || n, 1 from generate_series(1, 1000) as n"
    )
    tested = per(rule("r", "not_null", "a"), "k", missing="fail")
    found = engine.rules(target, gate("t", tested, sample_columns=["k"]))["r"]
    assert found["remember"]["groups"].count(",") == 999
    assert 0 < len(found["remember"]["keys"]) < 1000
    assert len(json.dumps(found["remember"], ensure_ascii=False).encode()) < 64 * 1024
    target.execute("delete from t")
    gone = engine.rules(target, gate("t", tested | remembered(found), sample_columns=["k"]))["r"]
    assert (gone["groups"]["missing"], gone["groups"]["failing"], len(gone["groups"]["worst"])) == (1000, 1000, 20)


def test_a_broken_rule_hides_no_other(engine: Engine, target: Target) -> None:
    target.execute(SALES + "; create type pair as (m money); alter table sales add v pair default '(1)', add j json default '1'")
    tested = [
        per(rule("fine", "not_null", "id"), "shop"),
        per(rule("divides", "expression", sql="1 / (id - 1) > 0"), "shop"),
        per(rule("absent", "not_null", "gone"), "shop"),
        per(rule("later", "between", "amount", min=0), "shop"),
        per(rule("of_gone", "not_null", "id"), "gone"),
        per(rule("of_json", "not_null", "id"), "j"),
        per(rule("unhashed", "not_null", "id"), "v", new="fail"),
        per(rule("sorted", "not_null", "id"), "v"),
        per(rule("gaps", "no_gaps", "sold_at", every="day"), "shop"),
        per(rule("shadow", "expression", sql="1 / (id - 1) > 0") | {"shadow": True}, "shop"),
    ]
    outcome = engine.outcome(target, gate("sales", *tested))
    found = {one["id"]: (one["status"], one["reason"]) for one in outcome["rules"]}
    divided = "argument sql: division by zero (SQLSTATE 22012)"
    assert found == {
        "fine": ("pass", None),
        "divides": ("error", divided),
        "absent": ("error", 'column "gone" does not exist'),
        "later": ("pass", None),
        "of_gone": ("error", 'column "gone" does not exist'),
        "of_json": ("error", "could not identify an equality operator for type json"),
        "unhashed": ("error", "undefined function (SQLSTATE 42883)"),
        "sorted": ("pass", None),
        "gaps": ("error", "rules of the type no_gaps cannot be decided for each group"),
        "shadow": ("error", divided),
    }
    assert outcome["verdict"] == "error"


def test_many_rules_are_read_by_several_scans(engine: Engine, target: Target) -> None:
    """More values than one scan reads, of rules by other columns and shadows in between."""
    target.execute(
        "create table t (k integer, l integer, n integer); insert into t select n % 3, n % 5, n from generate_series(1, 60) as n"
    )
    columns = ("k", "l")
    tested = [
        per(rule(f"r{n}", "between", "n", max=n) | ({"shadow": True} if n % 7 == 0 else {}), columns[n % 11 == 0])
        for n in range(360)
    ]
    found = engine.rules(target, gate("t", *tested))
    for n in range(360):
        one = found[f"r{n}"]
        assert (one["failures"], one["groups"]["count"], one["status"]) == (
            max(0, 60 - n),
            5 if n % 11 == 0 else 3,
            "fail" if n < 60 else "pass",
        )


@pytest.mark.parametrize("seen", ["all", "window"])
def test_groups_are_those_of_the_window(seen: str, engine: Engine, target: Target) -> None:
    target.execute(SALES)
    window = {"column": "sold_at", "from": "2026-01-01 00:00+00", "to": "2026-01-01 03:00+00"} if seen == "window" else None
    tested = [
        per(rule("rows", "row_count", fail_above=None, min=1), "shop"),
        per(rule("late", "freshness", "sold_at", fail_above=None, max_age="1d"), "shop"),
        per(rule("keys", "unique", "country"), "shop"),
    ]
    outcome = engine.outcome(target, gate("sales", *tested, window=window))
    counts = {one["id"]: (one["groups"]["count"], one["failures"]) for one in outcome["rules"]}
    assert counts == {"rows": (2 if window else 4, None), "late": (4, None), "keys": (2 if window else 4, 2 if window else 96)}
