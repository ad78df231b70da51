"""Expectations of every kind that is taken up, with bounds drawn by chance near what the tables hold."""

import random
from typing import Any

MOSTLY = [0.5, 0.75, 0.8, 0.85, 0.857, 0.9, 0.95, 0.99, 1.0, 0.3, 0.0]
NUMBERS = [-5, 0, 0.5, 1.1, 2, 5, 9.75, 20, 22.5, 49, 50]
MEASURES = [-5, 0, 1, 2.5, 9.7, 15, 22.3, 24, 49, 50, 1000, 5000]
SETS: dict[str, list[list[Any]]] = {
    "t": [["a", "b", "c"], ["a", "", " ", "N/A"], ["a", None], ["it's", "ä"], ["a", "b", "c", "A", "", " ", "N/A", "n/a", "ab", "abc", "it's", "a\\b", "ä", "-"]],
    "s": [[0, 1, 2], [0, 1, 2, 3, 4, 5], [9]],
    "n": [[0.5, 1.25], [1, 2, 3]],
    "r": [[0.1, 1.1, 2.2], [0, 1]],
    "v": [["x", "yy"], ["x", "yy", "zzz"]],
    "b": [[True], [True, False]],
}  # fmt: skip
CONDITIONS = ['col("s") > 1', 'col("t") == "a"', 'col("n").notNull()', 'col("s") != 3', 'col("s") > 100', 'col("n") <= 20.5']
MAPPED: list[dict[str, Any]] = [
    {"type": "comparison", "column": {"name": "s"}, "operator": ">=", "parameter": 2},
    {"type": "nullity", "column": {"name": "n"}, "is_null": False},
    {"type": "comparison", "column": {"name": "t"}, "operator": "IN", "parameter": ["a", "b"]},
    {"type": "or", "conditions": [
        {"type": "comparison", "column": {"name": "s"}, "operator": "<", "parameter": 1},
        {"type": "and", "conditions": [
            {"type": "nullity", "column": {"name": "t"}, "is_null": False},
            {"type": "comparison", "column": {"name": "s"}, "operator": "NOT_IN", "parameter": [2, 3]},
        ]},
    ]},
]  # fmt: skip


def _bounds(chance: random.Random, values: list[Any]) -> dict[str, Any]:
    low, high = sorted(chance.sample(values, 2))
    found: dict[str, Any] = chance.choice([{"min_value": low}, {"max_value": high}, {"min_value": low, "max_value": high}])
    for side in ("min", "max"):
        if f"{side}_value" in found and chance.random() < 0.3:
            found[f"strict_{side}"] = True
    return found


def _where(chance: random.Random, old: bool) -> dict[str, Any]:
    if chance.random() < 0.75:
        return {}
    if not old and chance.random() < 0.6:
        return {"row_condition": chance.choice(MAPPED)}
    parser = "great_expectations__experimental__" if old else "great_expectations"
    return {"row_condition": chance.choice(CONDITIONS), "condition_parser": parser}


def _mostly(chance: random.Random) -> dict[str, Any]:
    return {"mostly": chance.choice(MOSTLY)} if chance.random() < 0.6 else {}


def expectation(chance: random.Random, old: bool) -> tuple[str, dict[str, Any]]:
    """A type and its kwargs, for 0.18 if `old`."""
    rows = _where(chance, old) | _mostly(chance)
    whole = _where(chance, old)
    makers = [
        lambda: ("expect_column_values_to_not_be_null", {"column": chance.choice("tefvn")} | rows),
        lambda: ("expect_column_values_to_be_null", {"column": chance.choice("tv")} | rows),
        lambda: _set(chance, rows),
        lambda: ("expect_column_values_to_be_between", {"column": chance.choice("nxrs")} | _bounds(chance, NUMBERS) | rows),
        lambda: ("expect_column_values_to_be_between", {"column": "d"} | _dates(chance) | rows),
        lambda: ("expect_column_value_lengths_to_be_between", {"column": chance.choice("tv")} | _bounds(chance, [0, 1, 2, 3]) | rows),
        lambda: ("expect_column_value_lengths_to_equal", {"column": "t", "value": chance.choice([1, 2])} | rows),
        lambda: _pattern(chance, rows),
        lambda: ("expect_column_values_to_be_unique", {"column": chance.choice(["id", "t", "s", "n"])} | rows),
        lambda: (
            "expect_compound_columns_to_be_unique",
            {"column_list": chance.choice([["id", "t"], ["s", "v"], ["id", "n", "t"]])}
            | _ignoring(chance, ["all_values_are_missing", "any_value_is_missing", "never"]) | rows,
        ),
        lambda: (
            "expect_select_column_values_to_be_unique_within_record",
            {"column_list": chance.choice([["s", "big"], ["t", "v", "e"]])} | _ignoring(chance, ["all_values_are_missing", "any_value_is_missing", "never"]) | rows,
        ),
        lambda: ("expect_multicolumn_sum_to_equal", {"column_list": ["s", "big"], "sum_total": chance.choice([3, 5])} | rows),
        lambda: _pair(chance, rows),
        lambda: ("expect_table_row_count_to_be_between", _bounds(chance, [0, 1, 5, 7, 100, 240, 241]) | whole),
        lambda: ("expect_table_row_count_to_equal", {"value": chance.choice([0, 1, 5, 7, 240])} | whole),
        lambda: ("expect_table_row_count_to_equal_other_table", {"other_table_name": chance.choice(["other", "small", "full"])}),
        lambda: ("expect_table_column_count_to_equal", {"value": chance.choice([14, 13])}),
        lambda: ("expect_table_column_count_to_be_between", {"min_value": chance.choice([1, 15]), "max_value": 20}),
        lambda: ("expect_column_to_exist", {"column": chance.choice(["id", "zz"])}),
        lambda: ("expect_table_columns_to_match_ordered_list", {"column_list": chance.choice([["id", "t"], list(ALL), sorted(ALL)])}),
        lambda: ("expect_table_columns_to_match_set", {"column_set": chance.choice([["id", "t"], list(ALL), [*ALL, "zz"]])} | chance.choice([{}, {"exact_match": False}])),
        lambda: ("expect_column_values_to_be_of_type", {"column": chance.choice(ALL), "type_": chance.choice(TYPES if old else TYPES_NOW)}),
        lambda: ("expect_column_values_to_be_in_type_list", {"column": chance.choice(ALL), "type_list": chance.sample(TYPES if old else TYPES_NOW, 4)}),
        lambda: (f"expect_column_{chance.choice(['mean', 'median', 'sum', 'stdev'])}_to_be_between", {"column": chance.choice("ns")} | _bounds(chance, MEASURES) | whole),
        lambda: (f"expect_column_{chance.choice(['min', 'max'])}_to_be_between", {"column": chance.choice("nsr")} | _bounds(chance, NUMBERS) | whole),
        lambda: ("expect_column_unique_value_count_to_be_between", {"column": chance.choice("tsn")} | _bounds(chance, [0, 1, 3, 6, 7, 14]) | whole),
        lambda: ("expect_column_proportion_of_unique_values_to_be_between", {"column": chance.choice("tsn")} | _bounds(chance, [0, 0.1, 0.5, 0.9, 1]) | whole),
        lambda: _quantiles(chance, whole),
        lambda: _distinct(chance, whole),
        lambda: ("expect_column_most_common_value_to_be_in_set", {"column": "t", "value_set": chance.choice(SETS["t"][:2])} | chance.choice([{}, {"ties_okay": True}]) | whole),
    ]  # fmt: skip
    if not old:
        makers += [
            lambda: ("expect_column_proportion_of_non_null_values_to_be_between", {"column": chance.choice("tv")} | _bounds(chance, [0, 0.5, 0.85, 0.9, 1]) | whole),
            lambda: ("unexpected_rows_expectation", {"unexpected_rows_query": chance.choice(["select * from {batch} where n < 0", "select id from {batch} where s > 100;"])}),
        ]  # fmt: skip
    return chance.choice(makers)()


ALL = ("id", "n", "x", "r", "t", "e", "f", "v", "d", "ts", "tz", "b", "s", "big")
TYPES = [
    "INTEGER",
    "BIGINT",
    "SMALLINT",
    "TEXT",
    "VARCHAR",
    "BOOLEAN",
    "DATE",
    "NUMERIC",
    "REAL",
    "DOUBLE_PRECISION",
    "TIMESTAMP",
]
TYPES_NOW = [
    "INTEGER",
    "bigint",
    "SMALLINT",
    "TEXT",
    "VARCHAR",
    "VARCHAR(20)",
    "VARCHAR(21)",
    "BOOLEAN",
    "date",
    "REAL",
    "DOUBLE PRECISION",
    "TIMESTAMP WITH TIME ZONE",
    "TIMESTAMP WITHOUT TIME ZONE",
]


def _set(chance: random.Random, rows: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    column = chance.choice(list(SETS))
    negated = chance.choice(["", "not_"])
    values = chance.choice(SETS[column])
    return f"expect_column_values_to_{negated}be_in_set", {"column": column, "value_set": values} | rows


def _dates(chance: random.Random) -> dict[str, Any]:
    return chance.choice(
        [{"min_value": "2021-01-01"}, {"max_value": "2023-06-30"}, {"min_value": "2019-01-01", "max_value": "2025-01-01"}]
    )


def _pattern(chance: random.Random, rows: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    regexes, likes = ["^[a-c]+$", "[A-Z]", "^.{1,2}$", "@", "^$", r"\d"], ["a%", "%b%", "_", "%", "a_"]
    negated = chance.choice(["", "not_"])
    if chance.random() < 0.5:
        if chance.random() < 0.5:
            return f"expect_column_values_to_{negated}match_regex", {
                "column": chance.choice("tef"),
                "regex": chance.choice(regexes),
            } | rows
        any_or_all = {} if negated else chance.choice([{}, {"match_on": "all"}, {"match_on": "any"}])
        return f"expect_column_values_to_{negated}match_regex_list", {
            "column": "t",
            "regex_list": chance.sample(regexes, 2),
        } | any_or_all | rows
    if chance.random() < 0.5:
        return f"expect_column_values_to_{negated}match_like_pattern", {
            "column": "t",
            "like_pattern": chance.choice(likes),
        } | rows
    any_or_all = {} if negated else {"match_on": chance.choice(["all", "any"])}
    return f"expect_column_values_to_{negated}match_like_pattern_list", {
        "column": "t",
        "like_pattern_list": chance.sample(likes, 2),
    } | any_or_all | rows


def _ignoring(chance: random.Random, kinds: list[str]) -> dict[str, Any]:
    return {"ignore_row_if": chance.choice(kinds)} if chance.random() < 0.6 else {}


def _pair(chance: random.Random, rows: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    ignoring = _ignoring(chance, ["both_values_are_missing", "either_value_is_missing", "neither"])
    columns = {"column_A": "s", "column_B": "big"}
    match chance.randrange(3):
        case 0:
            more = chance.choice([{}, {"or_equal": True}])
            return "expect_column_pair_values_a_to_be_greater_than_b", columns | more | ignoring | rows
        case 1:
            return "expect_column_pair_values_to_be_equal", columns | ignoring | rows
        case _:
            return "expect_column_pair_values_to_be_in_set", columns | {
                "value_pairs_set": [[0, 1], [2, 3], [1, 1]]
            } | ignoring | rows


def _quantiles(chance: random.Random, whole: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    ranges = [[chance.choice([None, 0, 5, 22]), chance.choice([None, 30, 45, 50])] for _ in range(2)]
    kwargs = {"column": chance.choice("ns"), "quantile_ranges": {"quantiles": [0.25, 0.9], "value_ranges": ranges}}
    return "expect_column_quantile_values_to_be_between", kwargs | whole


def _distinct(chance: random.Random, whole: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    kind = chance.choice(["be_in_set", "contain_set", "equal_set"])
    column = chance.choice("tsv")
    return f"expect_column_distinct_values_to_{kind}", {
        "column": column,
        "value_set": [value for value in chance.choice(SETS[column]) if value is not None],
    } | whole
