"""Rule types that compare, describe or remember leave no value of a row whose column may not be shown."""

from typing import Any

from tests.support.databases import Target
from tests.support.engine import Engine, gate, rule

CANARY = "s3cret"
SCHEMA = {"type": "object", "properties": {"k": {"enum": ["x"]}}, "additionalProperties": False}


def test_no_rule_type_tells_a_value_that_may_not_be_shown(engine: Engine, target: Target) -> None:
    target.execute(
        f"create table mine as select n as id, '{CANARY}-' || n as secret, n as a, jsonb_build_object('{CANARY}', '{CANARY}') as doc,"
        f" array['{CANARY}' || n] as list from generate_series(1, 9) n;"
        f" create table theirs as select n as id, '{CANARY}+' || n as secret, n as a from generate_series(3, 12) n;"
        f" create view broken as select id, secret, secret::integer as number, secret::regclass as named, secret::jsonb as doc from mine"
    )
    rules: list[dict[str, Any]] = [
        rule("rows", "compare_rows", "secret", "a", other_table="public.theirs", key="id"),
        rule("by_text", "compare_rows", "a", other_table="public.theirs", key="secret"),
        rule("no_key", "compare_rows", "a", other_table="public.theirs", key=["secret", "id"]),
        rule("kl", "distribution", "secret", test="kl", weights={"a": 1}, max=0.1),
        rule("chi", "distribution", "secret", test="chi_square", weights={"a": 1, "b": 2}, min_p=0.5),
        rule("before", "distribution", "secret", test="kl", against="previous", max=0.1),
        rule("quantiles", "quantiles", "secret", bounds=[{"p": 0.5, "max": "a"}, {"p": 0.9, "min": "z", "warn": {"max": "b"}}]),
        rule("schema", "json_schema", "doc", schema=SCHEMA),
        rule("most", "aggregate", "secret", fail_above=None, function="max", max="a"),
        rule("list", "accepted_values", "secret", values=["x"]),
        rule("where", "not_null", "id", where="secret::integer > 0"),
        rule("as_name", "not_null", "id", where="secret::regclass is null"),
    ]
    answer = engine.answer(target, gate("mine", *rules, key=["id"], sample_rows=9))
    assert answer.outcome is not None, answer.message
    assert '"missing": 3' in answer.outcome or '"missing":3' in answer.outcome
    assert CANARY not in answer.outcome
    of_view = [
        rule("number", "quantiles", "number", bounds=[{"p": 0.5, "max": 1}]),
        rule("named", "not_null", "named"),
        rule("doc", "json_schema", "doc", schema=SCHEMA),
        rule("both", "correlation", "id", other_column="number", min=0.5),
        rule("rows", "compare_rows", "number", other_table="public.mine", key="id", columns=None),
        rule("kl", "distribution", "number", test="ks", expected={"normal": {"mean": 0, "stddev": 1}}, max=0.1),
    ]
    answer = engine.answer(target, gate("broken", *of_view, key=["id"], sample_rows=9))
    assert answer.outcome is not None, answer.message
    assert answer.outcome.count("SQLSTATE") >= 4
    assert CANARY not in answer.outcome


def test_of_the_other_table_a_sample_has_the_keys_alone(engine: Engine, target: Target) -> None:
    target.execute(
        "create table mine as select n as id, 'mine-' || n as v from generate_series(1, 3) n;"
        " create table theirs as select n as id, 'theirs-' || n as v from generate_series(2, 5) n"
    )
    compared = rule("r", "compare_rows", "v", other_table="public.theirs", key="id")
    shown = engine.rules(target, gate("mine", compared, key=["id"], sample_columns=["v"], sample_rows=9))["r"]["sample"]
    assert shown == {"columns": ["id", "v"], "rows": [[1, "mine-1"], [2, "mine-2"], [3, "mine-3"], [4, None], [5, None]]}
    hidden = engine.rules(target, gate("mine", compared, key=["v"], sample_rows=9))["r"]["sample"]
    assert hidden == {"columns": ["v"], "rows": [[None], [None], ["mine-1"], ["mine-2"], ["mine-3"]]}
