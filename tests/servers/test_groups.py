"""Rules that are decided for each group, on every server; and keys that only some servers can hold."""

import json
from typing import Any

from tests.servers.conftest import only
from tests.support.databases import Target
from tests.support.engine import SHOP, Engine, gate, rule


def per(tested: dict[str, Any], *columns: str, **more: Any) -> dict[str, Any]:
    return tested | {"per": list(columns), "new_groups": None, "missing_groups": None} | more


def test_each_way_of_reading_groups_works_on_each_server(engine: Engine, target: Target) -> None:
    target.execute(SHOP)
    tested = [
        per(rule("nulls", "not_null", "customer_id"), "region", new_groups="fail", missing_groups="fail"),
        per(rule("rows", "row_count", fail_above=None, min=2), "region"),
        per(rule("mean", "aggregate", "price", fail_above=None, function="avg", max=20), "region"),
        per(rule("middle", "aggregate", "price", fail_above=None, function="median", max=20), "region"),
        per(rule("late", "freshness", "ordered_at", fail_above=None, max_age="1d"), "region"),
        per(rule("keys", "unique", "customer_id"), "region"),
        per(rule("known", "relationship", "customer_id", to_table="public.customers", to_column="customer_id"), "region"),
        per(rule("far", "outliers", "price", method="zscore", limit=1), "region"),
        per(rule("rises", "monotonic", "price", order_by="ordered_at"), "region"),
    ]
    first = engine.rules(target, gate("orders", *tested, sample_columns=["region"]))
    assert {name: (one["status"], one["failures"], one["groups"]["failing"]) for name, one in first.items()} == {
        "nulls": ("fail", 1, 1), "rows": ("fail", None, 1), "mean": ("fail", None, 2), "middle": ("fail", None, 1), "late": ("fail", None, 3),
        "keys": ("fail", 2, 1), "known": ("fail", 1, 1), "far": ("fail", 1, 1), "rises": ("fail", 1, 1),
    }  # fmt: skip
    target.execute("delete from orders where region is null")
    state = json.loads(json.dumps(first["nulls"]["remember"]))
    before = {"before": {"at": "2026-01-01T00:00:00Z", "check_id": "c", "state": state}}
    second = engine.rules(target, gate("orders", tested[0] | before, sample_columns=["region"]))["nulls"]
    assert [(group["key"], group["status"]) for group in second["groups"]["worst"] if group.get("change")] == [
        ({"region": None}, "fail")
    ]


@only("debian")
def test_texts_that_a_type_or_collation_takes_for_equal_are_one_group(engine: Engine, target: Target) -> None:
    target.execute(
        "create extension citext; create collation same (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        'create table t (c citext, k text collate "same", n integer);'
        "insert into t select case when n % 2 = 0 then 'Ab' else 'aB' end, case when n % 2 = 0 then 'Ab' else 'aB' end, n from generate_series(1, 9) as n;"
        "insert into t values (null, null, 1000), ('ab', 'AB', 1000)"
    )
    for column in ("c", "k"):
        compared = per(rule("r", "not_null", "n"), column, new_groups="fail", missing_groups="fail")
        tested = [
            compared,
            per(rule("keys", "unique", "n"), column),
            per(rule("far", "outliers", "n", method="iqr", limit=3), column),
            per(rule("rises", "monotonic", "n", order_by="n"), column),
        ]
        found = engine.rules(target, gate("t", *tested))
        assert {name: (one["status"], one["groups"]["count"], one["failures"]) for name, one in found.items()} == {
            "r": ("pass", 2, 0),
            "keys": ("pass", 2, 0),
            "far": ("fail", 2, 1),
            "rises": ("pass", 2, 0),
        }, column
        target.execute(f"update t set {column} = upper({column}::text)")
        state = {"at": "2026-01-01T00:00:00Z", "check_id": "c", "state": json.loads(json.dumps(found["r"]["remember"]))}
        assert engine.rules(target, gate("t", compared | {"before": state}))["r"]["status"] == "pass", column
