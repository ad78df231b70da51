"""Expectations by their types."""

from collections.abc import Callable

from stringx_dataops.exchange.gx import columns, distributions, keys, measures, tables
from stringx_dataops.exchange.gx.conditions import NoRule
from stringx_dataops.exchange.gx.expectation import Expectation


def add_rule(expectation: Expectation) -> None:
    """Add the rule of an expectation. Raises NoRule."""
    handler = _HANDLERS.get(expectation.kind)
    if handler is None:
        raise NoRule("no rule says it; it is a custom expectation, or one that Great Expectations does not run on a database")
    handler(expectation)


_HANDLERS: dict[str, Callable[[Expectation], None]] = {
    "expect_column_values_to_not_be_null": columns.not_null,
    "expect_column_values_to_be_null": columns.null,
    "expect_column_values_to_be_in_set": columns.in_set,
    "expect_column_values_to_not_be_in_set": columns.not_in_set,
    "expect_column_values_to_be_between": columns.between,
    "expect_column_value_lengths_to_be_between": columns.lengths,
    "expect_column_value_lengths_to_equal": columns.length_equals,
    "expect_column_values_to_match_regex": columns.matched("regex", "regex", negate=False),
    "expect_column_values_to_not_match_regex": columns.matched("regex", "regex", negate=True),
    "expect_column_values_to_match_like_pattern": columns.matched("like", "like_pattern", negate=False),
    "expect_column_values_to_not_match_like_pattern": columns.matched("like", "like_pattern", negate=True),
    "expect_column_values_to_match_regex_list": columns.matched_list("~", "regex_list", negate=False),
    "expect_column_values_to_not_match_regex_list": columns.matched_list("~", "regex_list", negate=True),
    "expect_column_values_to_match_like_pattern_list": columns.matched_list("like", "like_pattern_list", negate=False),
    "expect_column_values_to_not_match_like_pattern_list": columns.matched_list("like", "like_pattern_list", negate=True),
    "expect_column_values_to_be_unique": keys.unique,
    "expect_compound_columns_to_be_unique": keys.compound_unique,
    "expect_select_column_values_to_be_unique_within_record": keys.unique_within,
    "expect_multicolumn_sum_to_equal": keys.sum_equals,
    "expect_column_pair_values_a_to_be_greater_than_b": keys.pair_greater,
    "expect_column_pair_values_to_be_equal": keys.pair_equal,
    "expect_column_pair_values_to_be_in_set": keys.pair_in_set,
    "expect_table_row_count_to_be_between": tables.row_count,
    "expect_table_row_count_to_equal": tables.row_count_equals,
    "expect_table_row_count_to_equal_other_table": tables.row_count_as_other,
    "expect_table_column_count_to_be_between": tables.column_count,
    "expect_table_column_count_to_equal": tables.column_count,
    "expect_column_to_exist": tables.column_exists,
    "expect_table_columns_to_match_ordered_list": tables.columns_ordered,
    "expect_table_columns_to_match_set": tables.columns_set,
    "expect_column_values_to_be_of_type": tables.column_type,
    "expect_column_values_to_be_in_type_list": tables.column_type_list,
    "expect_column_mean_to_be_between": measures.aggregate("avg", "avg({})"),
    "expect_column_median_to_be_between": measures.aggregate("median", "percentile_cont(0.5) within group (order by {})"),
    "expect_column_sum_to_be_between": measures.aggregate("sum", "sum({})"),
    "expect_column_stdev_to_be_between": measures.aggregate("stddev", "stddev_samp({})"),
    "expect_column_min_to_be_between": measures.extreme("min"),
    "expect_column_max_to_be_between": measures.extreme("max"),
    "expect_column_unique_value_count_to_be_between": measures.distinct_count,
    "expect_column_proportion_of_unique_values_to_be_between": measures.distinct_ratio,
    "expect_column_proportion_of_non_null_values_to_be_between": measures.nonnull_ratio,
    "expect_column_quantile_values_to_be_between": distributions.quantiles,
    "expect_column_kl_divergence_to_be_less_than": distributions.divergence,
    "expect_column_chisquare_test_p_value_to_be_greater_than": distributions.chi_square,
    "expect_column_parameterized_distribution_ks_test_p_value_to_be_greater_than": distributions.formula,
    "expect_column_bootstrapped_ks_test_p_value_to_be_greater_than": distributions.bootstrapped,
    "expect_column_distinct_values_to_be_in_set": measures.distinct_values("in"),
    "expect_column_distinct_values_to_contain_set": measures.distinct_values("contain"),
    "expect_column_distinct_values_to_equal_set": measures.distinct_values("equal"),
    "expect_column_most_common_value_to_be_in_set": measures.most_common,
    "unexpected_rows_expectation": tables.unexpected_rows,
}
