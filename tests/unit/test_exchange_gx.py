"""Expectations become rules that say the same, or losses that say why not. Beside Great Expectations: tests/exchange/test_gx_truth.py."""

import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from stringx_dataops.contract.json_types import JsonObject
from stringx_dataops.exchange.gx.reading import read
from stringx_dataops.exchange.model import Taken, Unreadable
from stringx_dataops.exchange.offline import own_catalogue
from tests.support.mangling import mangled

CATALOGUE = own_catalogue()


def suite(*expectations: Any, old: bool = False, **more: Any) -> JsonObject:
    """A suite of 1.x, or of 0.18 if `old`."""
    return {"expectation_suite_name" if old else "name": "orders.warning", "expectations": list(expectations), **more}


def taken_from(folder: Path, files: dict[str, Any], table: str | None = "public.orders") -> Taken:
    """What is taken from files: texts as they are, other values as JSON or YAML."""
    for name, value in files.items():
        text = (
            value if isinstance(value, str) else json.dumps(value, indent=1) if name.endswith(".json") else yaml.safe_dump(value)
        )
        (folder / name).write_text(text)
    return read([folder], "shop", CATALOGUE, None, table)


def rules_of(folder: Path, kind: str, old: bool = False, **kwargs: Any) -> list[JsonObject]:
    """The rules of one expectation, without id and description."""
    each = {"expectation_type" if old else "type": kind, "kwargs": kwargs}
    taken = taken_from(folder, {"suite.json": suite(each, old=old)})
    assert not taken.losses, taken.losses
    (document,) = taken.documents
    assert document["on_empty"] == "pass"
    return [{name: value for name, value in rule.items() if name not in ("id", "description")} for rule in document["rules"]]


INF = float("inf")
KL = "expect_column_kl_divergence_to_be_less_than"
CHI = "expect_column_chisquare_test_p_value_to_be_greater_than"
KS = "expect_column_parameterized_distribution_ks_test_p_value_to_be_greater_than"
ABC: JsonObject = {"values": ["A", "B", "C"], "weights": [0.54, 0.32, 0.14]}
A_IS_THERE = '"a" is not null'


@pytest.mark.parametrize(
    ("kind", "kwargs", "rule"),
    [
        ("column_values_to_not_be_null", {"mostly": 0.95}, {"type": "not_null", "fail_above": "5%"}),
        ("column_values_to_not_be_null", {}, {"type": "not_null"}),
        ("column_values_to_be_null", {"mostly": 1}, {"type": "is_null"}),
        ("column_values_to_be_in_set", {"value_set": ["x", 1]}, {"type": "accepted_values", "arguments": {"values": ["x", 1]}}),
        ("column_values_to_be_in_set", {"value_set": ["x"], "mostly": 0.9}, {"type": "accepted_values", "arguments": {"values": ["x"]}, "where": A_IS_THERE, "fail_above": "10%"}),
        ("column_values_to_not_be_in_set", {"value_set": [0.5]}, {"type": "expression", "arguments": {"sql": '"a" not in (0.5)'}}),
        ("column_values_to_be_between", {"min_value": 1, "max_value": 5, "strict_min": True}, {"type": "between", "arguments": {"min": 1, "max": 5, "exclusive_min": True}}),
        ("column_values_to_be_between", {"min_value": 1}, {"type": "expression", "arguments": {"sql": '"a" >= 1'}}),
        ("column_values_to_be_between", {"max_value": 0.5, "strict_max": True}, {"type": "expression", "arguments": {"sql": '"a" < 0.5'}}),
        ("column_values_to_be_between", {"min_value": "2020-01-01"}, {"type": "between", "arguments": {"min": "2020-01-01"}}),
        ("column_value_lengths_to_equal", {"value": 3}, {"type": "length", "arguments": {"min": 3, "max": 3}}),
        ("column_value_lengths_to_be_between", {"max_value": 3}, {"type": "length", "arguments": {"max": 3}}),
        ("column_values_to_not_match_regex", {"regex": "^x"}, {"type": "regex", "arguments": {"pattern": "^x", "negate": True}}),
        ("column_values_to_match_regex_list", {"regex_list": ["x", "y'"], "match_on": "all"}, {"type": "expression", "arguments": {"sql": "\"a\" ~ 'x' and \"a\" ~ 'y'''"}}),
        ("column_values_to_match_like_pattern", {"like_pattern": "x%"}, {"type": "like", "arguments": {"pattern": "x%"}}),
        ("column_values_to_be_unique", {"row_condition": 'col("b") > 5', "condition_parser": "great_expectations"}, {"type": "unique", "where": '"b" > 5'}),
        ("column_values_to_be_of_type", {"type_": "INTEGER"}, {"type": "column_type", "arguments": {"types": ["integer"]}}),
    ],
)  # fmt: skip
def test_an_expectation_of_a_column_is_a_rule(tmp_path: Path, kind: str, kwargs: JsonObject, rule: JsonObject) -> None:
    assert rules_of(tmp_path, f"expect_{kind}", column="a", **kwargs) == [{"column": "a", **rule}]
    assert rules_of(tmp_path, f"expect_{kind}", old=True, column="a", **kwargs) == [{"column": "a", **rule}]


NEEDS_A_ROW = {"type": "sql", "arguments": {"query": 'select count(*) as measured from "public"."orders" having count(*) = 0'}}


@pytest.mark.parametrize(
    ("kind", "kwargs", "rules"),
    [
        ("expect_table_row_count_to_be_between", {"min_value": 1, "max_value": 9, "strict_max": True}, [{"type": "row_count", "arguments": {"min": 1, "max": 8}}]),
        ("expect_table_row_count_to_equal", {"value": 3}, [{"type": "row_count", "arguments": {"min": 3, "max": 3}}]),
        ("expect_table_row_count_to_equal_other_table", {"other_table_name": "own.a.b"}, [{"type": "row_count_matches", "arguments": {"other_table": '"own"."a.b"'}}]),
        ("expect_table_row_count_to_equal_other_table", {"other_table_name": "o"}, [{"type": "row_count_matches", "arguments": {"other_table": "public.o"}}]),
        ("expect_table_column_count_to_equal", {"value": 3}, [{"type": "column_count", "arguments": {"min": 3, "max": 3}}]),
        ("expect_column_to_exist", {"column": "a"}, [{"type": "columns", "arguments": {"names": ["a"], "mode": "contains"}}]),
        ("expect_table_columns_to_match_set", {"column_set": ["a", "b"], "exact_match": False}, [{"type": "columns", "arguments": {"names": ["a", "b"], "mode": "contains"}}]),
        ("expect_table_columns_to_match_ordered_list", {"column_list": ["a", "b"]}, [{"type": "columns", "arguments": {"names": ["a", "b"], "mode": "ordered"}}]),
        ("expect_column_mean_to_be_between", {"column": "a", "min_value": 0.5}, [{"type": "aggregate", "column": "a", "arguments": {"function": "avg", "min": 0.5}}, NEEDS_A_ROW]),
        ("expect_column_max_to_be_between", {"column": "a", "max_value": "2020-01-01"}, [{"type": "aggregate", "column": "a", "arguments": {"function": "max", "max": "2020-01-01"}}, NEEDS_A_ROW]),
        ("expect_column_unique_value_count_to_be_between", {"column": "a", "max_value": 3}, [{"type": "aggregate", "column": "a", "arguments": {"function": "distinct_count", "max": 3}}]),
        ("expect_column_distinct_values_to_be_in_set", {"column": "a", "value_set": [1]}, [{"type": "distinct_values", "column": "a", "arguments": {"values": [1], "mode": "in"}}]),
        ("expect_column_distinct_values_to_contain_set", {"column": "a", "value_set": [1]}, [{"type": "distinct_values", "column": "a", "arguments": {"values": [1], "mode": "contain"}}, NEEDS_A_ROW]),
        ("expect_column_most_common_value_to_be_in_set", {"column": "a", "value_set": [1], "ties_okay": True}, [{"type": "most_common_value", "column": "a", "arguments": {"values": [1], "ties": "pass"}}, NEEDS_A_ROW]),
        ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"], "ignore_row_if": "never"}, [{"type": "unique", "columns": ["a", "b"]}]),
        ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "a", "column_B": "b", "or_equal": True, "ignore_row_if": "neither"}, [{"type": "compare", "column": "a", "arguments": {"operator": ">=", "other_column": "b"}}]),
        ("expect_column_pair_values_to_be_equal", {"column_A": "a", "column_B": "b"}, [{"type": "compare", "column": "a", "where": 'not ("a" is null and "b" is null)', "arguments": {"operator": "=", "null_passes": False, "other_column": "b"}}]),
        ("expect_multicolumn_sum_to_equal", {"column_list": ["a", "b"], "sum_total": 5, "ignore_row_if": "never"}, [{"type": "expression", "arguments": {"sql": '"a" + "b" = 5'}}]),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "select * from {batch} where a < 0;"}, [{"type": "sql", "arguments": {"query": 'select * from "public"."orders" where a < 0'}}]),
    ],
)  # fmt: skip
def test_an_expectation_is_a_rule(tmp_path: Path, kind: str, kwargs: JsonObject, rules: list[JsonObject]) -> None:
    found = json.loads(json.dumps(rules_of(tmp_path, kind, **kwargs)).replace('"0.5"', "0.5"))
    assert found == rules


def test_ids_are_made_of_columns_and_of_what_is_looked_at(tmp_path: Path) -> None:
    kinds = ["values_to_be_unique", "values_to_not_be_null", "mean_to_be_between"]
    each = [
        {"type": f"expect_column_{kind}", "kwargs": {"column": "a", **({"min_value": 1} if "mean" in kind else {})}}
        for kind in kinds
    ]
    (document,) = taken_from(tmp_path, {"suite.json": suite(*each)}).documents
    assert [rule["id"] for rule in document["rules"]] == ["a_unique", "a_not_null", "a_avg", "a_avg_has_a_value"]


@pytest.mark.parametrize(
    ("kind", "kwargs", "words"),
    [
        ("expect_column_values_to_be_in_set", {"column": "a", "value_set": ["x", None]}, "the null in value_set"),
        ("expect_column_value_lengths_to_be_between", {"column": "a", "min_value": 1, "strict_min": True}, "0.18 ignores"),
    ],
)
def test_what_0_18_does_otherwise_is_a_loss(tmp_path: Path, kind: str, kwargs: JsonObject, words: str) -> None:
    taken = taken_from(tmp_path, {"suite.json": suite({"expectation_type": kind, "kwargs": kwargs}, old=True)})
    (loss,) = taken.losses
    assert words in loss.words
    assert taken.taken == 1


def test_a_share_of_repeated_keys_counts_every_row_of_them(tmp_path: Path) -> None:
    (rule,) = rules_of(tmp_path, "expect_column_values_to_be_unique", column="a", mostly=0.9)
    assert rule["type"] == "sql"
    assert rule["arguments"]["query"].endswith("> 10")
    assert 'where "a" is not null group by "a"' in rule["arguments"]["query"]


@pytest.mark.parametrize(
    ("condition", "sql"),
    [
        ('col("b") == "it"', "\"b\" = 'it'"),
        ('col("b").notNull()', '"b" is not null'),
        ('col("b") != -1.50', '"b" <> -1.5'),
        ({"type": "nullity", "column": {"name": "b"}, "is_null": True}, '"b" is null'),
        ({"type": "comparison", "column": {"name": "b"}, "operator": "NOT_IN", "parameter": [1, 2]}, '"b" not in (1, 2)'),
        (
            {"type": "or", "conditions": [{"type": "nullity", "column": {"name": "b"}, "is_null": False}, {"type": "comparison", "column": {"name": "c"}, "operator": ">=", "parameter": "x"}]},
            "(\"b\" is not null) or (\"c\" >= 'x')",
        ),
    ],
)  # fmt: skip
def test_a_row_condition_is_a_where(tmp_path: Path, condition: Any, sql: str) -> None:
    (rule,) = rules_of(
        tmp_path,
        "expect_column_values_to_not_be_null",
        column="a",
        row_condition=condition,
        condition_parser="great_expectations",
    )
    assert rule["where"] == sql


@pytest.mark.parametrize(
    ("kind", "kwargs", "words"),
    [
        ("expect_my_own", {}, "no rule says it"),
        ("expect_column_values_to_be_increasing", {"column": "a"}, "no rule says it"),
        ("expect_column_values_to_not_be_null", {"column": 5}, "column must be a text"),
        ("expect_column_values_to_not_be_null", {"column": "a", "mostly": 2}, "mostly must be a share"),
        ("expect_column_values_to_not_be_null", {"column": "a", "mostly": 0.123456789012345}, "more than twelve decimals"),
        ("expect_column_values_to_not_be_null", {"column": "a", "row_condition": "b > 5", "condition_parser": "pandas"}, "for the parser 'pandas'"),
        ("expect_column_values_to_not_be_null", {"column": "a", "row_condition": "b > 5"}, "is not understood"),
        ("expect_column_values_to_be_between", {"column": "a", "min_value": 5, "max_value": 1}, "which Great Expectations refuses"),
        ("expect_column_values_to_be_between", {"column": "a"}, "one of them must be there"),
        ("expect_column_values_to_be_between", {"column": "a", "min_value": 1, "parse_strings_as_datetimes": True}, "'parse_strings_as_datetimes' is not taken up"),
        ("expect_column_values_to_match_regex", {"column": "a", "regex": r"\bx"}, "a word boundary"),
        ("expect_column_mean_to_be_between", {"column": "a"}, "always passes"),
        ("expect_column_values_to_be_of_type", {"column": "a", "type_": "Int64Type"}, "by which Great Expectations finds"),
        ("expect_column_values_to_be_of_type", {"column": "a", "type_": "VARCHAR"}, "with a length or precision counts too"),
        ("expect_column_to_exist", {"column": "a", "column_index": 2}, "the place of a column"),
        ("expect_column_distinct_values_to_be_in_set", {"column": "a", "value_set": [0.5]}, "a fraction"),
        ("expect_column_quantile_values_to_be_between", {"column": "a", "quantile_ranges": {"quantiles": [0.5], "value_ranges": []}}, "as many quantiles"),
        ("expect_column_quantile_values_to_be_between", {"column": "a", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[2, 1]]}}, "not in order"),
        ("expect_column_quantile_values_to_be_between", {"column": "a", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[None, None]]}}, "always passes"),
        (KL, {"column": "a", "partition_object": ABC}, "always passes"),
        (KL, {"column": "a", "partition_object": {}, "threshold": 1}, "must hold weights, and values or bins"),
        (KL, {"column": "a", "partition_object": {"values": ["A"], "weights": [0.5]}, "threshold": 1}, "do not add up to 1"),
        (KL, {"column": "a", "partition_object": ABC, "threshold": 1, "internal_weight_holdout": 0.1}, "is for bins"),
        (KL, {"column": "a", "partition_object": ABC, "threshold": 1, "tail_weight_holdout": 2}, "between 0 and 1"),
        (KL, {"column": "a", "partition_object": {"bins": [INF, 0, -INF], "weights": [0.5, 0.5]}, "threshold": 1}, "edges that rise"),
        (KL, {"column": "a", "partition_object": {"bins": [-INF, 0, INF], "weights": [0.5, 0.5]}, "threshold": 1, "tail_weight_holdout": 0.1}, "an infinity"),
        (KL, {"column": "a", "partition_object": {"bins": [0, 1], "weights": [0.5], "tail_weights": [0.25, 0.25]}, "threshold": 1, "tail_weight_holdout": 0.1}, "beside tail_weights"),
        (CHI, {"column": "a", "partition_object": {"bins": [0, 1], "weights": [1]}}, "must hold values"),
        (CHI, {"column": "a", "partition_object": {"values": ["A", "B"], "weights": [1, 0]}}, "a weight is 0"),
        (KS, {"column": "a", "distribution": "beta", "params": [1, 2]}, "none of norm, uniform and expon"),
        (KS, {"column": "a", "distribution": "norm", "params": {"mean": 1}}, "must hold mean and std_dev"),
        ("expect_column_bootstrapped_ks_test_p_value_to_be_greater_than", {"column": "a", "partition_object": ABC}, "by chance"),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "select * from {other}"}, "a placeholder"),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "delete from a"}, "DELETE"),
    ],
)  # fmt: skip
def test_what_no_rule_says_is_a_loss_with_its_line(tmp_path: Path, kind: str, kwargs: JsonObject, words: str) -> None:
    first = {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 1}}
    taken = taken_from(
        tmp_path, {"suite.json": json.dumps(suite(first, {"type": kind, "kwargs": kwargs})).replace('{"type"', '\n{"type"')}
    )
    (loss,) = taken.losses
    assert words in loss.words
    assert "\n" not in str(loss)
    assert loss.place == f"{tmp_path}/suite.json:3"


def test_a_severity_is_a_loss_and_the_rule_fails_as_its_expectation_does(tmp_path: Path) -> None:
    each = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}, "severity": "warning"}
    taken = taken_from(tmp_path, {"suite.json": suite(each)})
    assert "severity 'warning'" in taken.losses[0].words
    assert "severity" not in taken.documents[0]["rules"][0]


NOT_NULL = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}}
DEFINITION = {
    "name": "d",
    "data": {"datasource": {"name": "pg"}, "asset": {"name": "orders_asset"}},
    "suite": {"name": "orders.warning"},
}
CHECKPOINT = {
    "name": "c",
    "validations": [{"batch_request": {"data_asset_name": "sales.orders"}, "expectation_suite_name": "orders.warning"}],
}
SOURCES = {
    "fluent_datasources": {"pg": {"assets": {"orders_asset": {"type": "table", "table_name": "orders", "schema_name": "sales"}}}}
}


@pytest.mark.parametrize(
    ("files", "table", "wanted"),
    [
        ({}, "public.orders", ["public.orders"]),
        ({}, "orders", ["public.orders"]),
        ({"d.json": DEFINITION}, None, ["public.orders_asset"]),
        ({"d.json": DEFINITION, "great_expectations.yml": SOURCES}, None, ["sales.orders"]),
        ({"c.yml": CHECKPOINT}, None, ["sales.orders"]),
        ({"c.yml": CHECKPOINT, "d.json": DEFINITION}, None, ["public.orders_asset", "sales.orders"]),
        ({"c.yml": CHECKPOINT}, "a.b", ["a.b"]),
    ],
)
def test_the_table_of_a_suite_is_given_or_that_of_its_asset(
    tmp_path: Path, files: JsonObject, table: str | None, wanted: list[str]
) -> None:
    taken = taken_from(tmp_path, {"suite.json": suite(NOT_NULL), **files}, table)
    assert [document["table"] for document in taken.documents] == wanted


def test_the_table_of_a_suite_may_be_the_one_that_it_cites(tmp_path: Path) -> None:
    meta = {"citations": [{"batch_request": {"data_asset_name": "sales.orders"}}]}
    taken = taken_from(tmp_path, {"suite.json": suite(NOT_NULL, old=True, meta=meta)}, None)
    assert taken.documents[0]["table"] == "sales.orders"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"suite.json": suite(NOT_NULL)}, "nothing says which table the suite 'orders.warning' is of; give --table"),
        ({"suite.json": "{"}, ":1: not JSON"),
        ({"suite.json": "[]"}, ":1: is no mapping"),
        ({"suite.json": "[" * 100_000}, "nested too deeply"),
        ({"a.yml": "a: ["}, ":2: not YAML"),
        ({"a.yml": "a: 1"}, "holds no suite"),
        ({}, "holds no suite"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, files: JsonObject, words: str) -> None:
    with pytest.raises(Unreadable) as raised:
        taken_from(tmp_path, files, None)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_value_in_the_wrong_place_is_a_traceback(tmp_path: Path) -> None:
    chance = random.Random(7)
    whole = suite(
        NOT_NULL,
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "a", "min_value": 1, "max_value": 5, "mostly": 0.9, "row_condition": {"type": "nullity", "column": {"name": "b"}, "is_null": True}}},
        {"type": "expect_column_quantile_values_to_be_between", "kwargs": {"column": "a", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[1, None]]}}},
        {"type": "expect_column_pair_values_to_be_in_set", "kwargs": {"column_A": "a", "column_B": "b", "value_pairs_set": [[1, 2]]}, "meta": {"notes": "x"}},
        {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "a", "value_set": [1, 2]}, "description": "x", "severity": "info"},
        meta={"citations": [{"batch_request": {"data_asset_name": "a"}}]},
    )  # fmt: skip
    odd: list[JsonObject] = [
        {"type": NOT_NULL["type"], "kwargs": {"column": "a"}, "meta": "words"},
        {"expectation_type": "expect_column_values_to_be_in_set", "kwargs": {"column": "a", "value_set": 5}},
        {"type": "expect_column_distinct_values_to_be_in_set", "kwargs": {"column": "a", "value_set": [float("nan")]}},
        {"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": ["a", "b"], "ignore_row_if": ["never"]}},
    ]
    assert len(taken_from(tmp_path, {"suite.json": suite(*odd)}).losses) == 3
    for _ in range(40):
        files = {"suite.json": mangled(whole, chance), "d.json": mangled(DEFINITION, chance), "s.yml": mangled(SOURCES, chance)}
        with suppress(Unreadable):
            taken_from(tmp_path, files, None)


@pytest.mark.parametrize(
    ("kind", "kwargs", "arguments"),
    [
        (KL, {"partition_object": ABC, "threshold": 0.1}, {"test": "kl", "weights": {"A": 0.54, "B": 0.32, "C": 0.14}, "max": "0.1"}),
        (KL, {"partition_object": {"values": [1, True], "weights": [0.5, 0.5]}, "threshold": 0, "tail_weight_holdout": 0.1, "bucketize_data": True}, {"test": "kl", "weights": {"1": 0.5, "true": 0.5}, "tail_weight_holdout": 0.1, "max": "0"}),
        (KL, {"partition_object": {"bins": [0, 1.5, 2], "weights": [0.5, 0.5]}, "threshold": 1, "tail_weight_holdout": 0.1, "internal_weight_holdout": 0.2}, {"test": "kl", "bins": [0, 1.5, 2], "weights": [0.5, 0.5], "tail_weight_holdout": 0.1, "internal_weight_holdout": 0.2, "max": "1"}),
        (KL, {"partition_object": {"bins": [0, 1], "weights": [0.5], "tail_weights": [0.25, 0.25]}, "threshold": 1}, {"test": "kl", "bins": [0, 1], "weights": [0.5], "tail_weights": [0.25, 0.25], "max": "1"}),
        (KL, {"partition_object": {"bins": [-INF, 0, 1, INF], "weights": [0.25, 0.5, 0.25]}, "threshold": 1}, {"test": "kl", "bins": [0, 1], "weights": [0.5], "tail_weights": [0.25, 0.25], "max": "1"}),
        (KL, {"partition_object": {"bins": [0, 1, 2, INF], "weights": [0.5, 0, 0.5]}, "threshold": 1, "tail_weight_holdout": 0.25, "internal_weight_holdout": 0.25}, {"test": "kl", "bins": [0, 1, 2], "weights": [0.25, 0.25], "tail_weights": [0.25, 0.25], "max": "1"}),
        (CHI, {"partition_object": ABC}, {"test": "chi_square", "weights": {"A": 0.54, "B": 0.32, "C": 0.14}, "min_p": "0.05"}),
        (KS, {"distribution": "norm", "params": {"mean": 0, "std_dev": 1}, "p_value": 0.1}, {"test": "ks", "expected": {"normal": {"mean": 0, "stddev": 1}}, "min_p": "0.1"}),
        (KS, {"distribution": "uniform", "params": [-5, 11], "p_value": 0.1}, {"test": "ks", "expected": {"uniform": {"min": -5, "max": 6}}, "min_p": "0.1"}),
        (KS, {"distribution": "expon", "params": {"loc": 4.2, "scale": 10}}, {"test": "ks", "expected": {"exponential": {"from": 4.2, "mean": 10}}, "min_p": "0.05"}),
    ],
)  # fmt: skip
def test_a_distribution_is_taken_up_with_the_same_numbers(
    tmp_path: Path, kind: str, kwargs: JsonObject, arguments: JsonObject
) -> None:
    first, second = rules_of(
        tmp_path, kind, column="a", row_condition="col('b') > 5", condition_parser="great_expectations", **kwargs
    )
    assert first == {"type": "distribution", "column": "a", "where": '"b" > 5', "arguments": arguments}
    assert second["type"] == "sql"


def test_quantiles_are_one_rule(tmp_path: Path) -> None:
    ranges = {"quantiles": [0, 0.5, 1], "value_ranges": [[None, 3], [1, 2.5], [None, None]]}
    first, second = rules_of(tmp_path, "expect_column_quantile_values_to_be_between", column="a", quantile_ranges=ranges)
    bounds = [{"p": 0, "max": "3.00030001"}, {"p": 0.5, "min": "0.99989999", "max": "2.50025001"}]
    assert first == {"type": "quantiles", "column": "a", "arguments": {"bounds": bounds, "method": "discrete"}}
    assert second["type"] == "sql"
